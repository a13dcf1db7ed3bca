"""Golden numbers of calibrations, by SciPy. Prints the constants of tests/integration/scaling.rs:

    pip install numpy scipy && python tests/golden/generate_calibration.py
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

CLASSES, VOXELS = 3, 60
i, c = np.arange(VOXELS), np.arange(CLASSES)[:, None]
logits = ((i * i * (c + 3) + 7 * i + 5 * c) % 23) / 4.0 - 2.0
labels = np.where(i % 3 > 0, logits.argmax(0), (i * i + i // 3) % CLASSES)


def scaled(x, z):
    """1/T of all classes or of each, and the biases of all but the first."""
    inverse = x[:CLASSES, None] if len(x) > 1 else x
    bias = np.concatenate([[0.0], x[CLASSES:]]) if len(x) > CLASSES else np.zeros(CLASSES)
    return z * inverse + bias[:, None]


def loss(x, z):
    return -log_softmax(scaled(x, z), axis=0)[labels, i].mean()


def fit(count, z):
    start = np.concatenate([np.ones(min(count, CLASSES)), np.zeros(max(0, count - CLASSES))])
    bounds = [(1e-3, 1e3)] * min(count, CLASSES) + [(-1e3, 1e3)] * max(0, count - CLASSES)
    found = start
    for _ in range(3):
        found = minimize(loss, found, (z,), "L-BFGS-B", bounds=bounds, options={"ftol": 1e-16, "gtol": 1e-12}).x
    return found


if __name__ == "__main__":
    for name, z in (("logits", logits), ("log_softmax", log_softmax(logits, axis=0))):
        for method, count in (("temperature", 1), ("class temperatures", CLASSES), ("vector", 2 * CLASSES - 1)):
            x = fit(count, z)
            print(name, method, "T", (1 / x[:CLASSES]).tolist(), "b", x[CLASSES:].tolist(), "nll", loss(x, z))
