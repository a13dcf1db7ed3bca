"""Soft labels, obviously right and slow: float64, one voxel after the other in NumPy's terms."""

import itertools
import os

import numpy as np


def generator(number):
    """Random numbers, the same in every run unless SOFT_LABELS_SEED is set. pytest shows the seed of a test that fails."""
    seed = os.environ.get("SOFT_LABELS_SEED")
    if seed is None:
        return np.random.default_rng(number)
    print(f"SOFT_LABELS_SEED={seed}")
    return np.random.default_rng([number, int(seed)])


def kernel(axes, sigma=1.0, radius=1):
    """Offsets and weights: the neighbours together weigh as much as the centre."""
    sigma, radius = np.broadcast_to(sigma, axes), np.broadcast_to(radius, axes)
    offsets = [o for o in itertools.product(*(range(-r, r + 1) for r in radius)) if any(o)]
    weights = np.array([np.exp(-0.5 * sum((x / s) ** 2 for x, s in zip(o, sigma))) for o in offsets])
    return [(0,) * axes, *offsets], np.concatenate([[1], weights / weights.sum()])


def svls(labels, values, ignore=None, strength=1.0, **settings):
    """(C, ..) of one rater. Ignored neighbours lend no weight."""
    own = np.stack([labels == value for value in values])
    sums, total = np.zeros(own.shape), np.zeros(labels.shape)
    for offset, weight in zip(*kernel(labels.ndim, **settings)):
        at = np.ix_(*(np.clip(np.arange(n) + o, 0, n - 1) for n, o in zip(labels.shape, offset)))
        sums += weight * np.stack([labels[at] == value for value in values])
        total += weight * (labels[at] != ignore)
    soft = (1 - strength) * own + strength * sums / np.where(total > 0, total, 1)
    soft[:, labels == ignore] = 0
    return soft


def one_hot(labels, values):
    return np.stack([labels == value for value in values]).astype(np.float64)


def mean(softs, weights=None):
    """The mean over the raters who did not ignore the voxel."""
    weights = np.ones(len(softs)) if weights is None else np.asarray(weights, float)
    weights = weights.reshape(-1, *[1] * softs[0].ndim)
    counted = np.stack([soft.any(0, keepdims=True) for soft in softs])
    total = (weights * counted).sum(0)
    sums = (weights * np.stack(softs)).sum(0)
    return np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)


def random_map(rng, classes=3, axes=None):
    """A label map of a few boxes: homogeneous parts, boundaries, and single voxels."""
    axes = axes or int(rng.integers(2, 4))
    shape = tuple(int(n) for n in rng.integers(1, 14, axes))
    labels = np.zeros(shape, np.int64)
    for _ in range(int(rng.integers(0, 5))):
        start = [int(rng.integers(0, n)) for n in shape]
        box = tuple(slice(s, s + int(rng.integers(1, 8))) for s in start)
        labels[box] = rng.integers(0, classes)
    return labels
