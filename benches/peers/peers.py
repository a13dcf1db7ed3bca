"""SVLS by this crate and by its peers on the same label maps, in one run, one thread: ratios side by side.

    pip install numpy scipy torch
    python3 benches/peers/peers.py [--repeats 9]

Each peer is a few lines of its own for the same job: one-hot, replicate padding and a grouped convolution (PyTorch, what
the paper's code does), and a correlation per class (SciPy, ndarray-ndimage, ndarray-conv). The crate encodes into a buffer that is there already and is
timed in turn with filling that buffer once. Peers that are not installed are left out; all results have to agree.
"""
import argparse
import os
import statistics
import subprocess
import tempfile
import time

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

CASES = {"80x160x160, 3 classes": ((80, 160, 160), 3), "29x512x512, 3 classes": ((29, 512, 512), 3),
         "155x240x240, 5 classes": ((155, 240, 240), 5), "144x160x176, 54 classes": ((144, 160, 176), 54)}


def blobs(shape, classes):
    """Ellipsoids in a background of 0, the same ones in every run."""
    random = np.random.default_rng(2021)
    grid = np.ogrid[tuple(slice(n) for n in shape)]
    labels = np.zeros(shape, np.uint8)
    for i in range(max(6, 2 * classes)):
        centre, radius = random.uniform(0, shape), random.uniform(0.05, 0.2, 3) * shape + 1
        labels[sum(((g - c) / r) ** 2 for g, c, r in zip(grid, centre, radius)) < 1] = 1 + i % (classes - 1)
    return labels


def kernel():
    """The paper's 3x3x3 weights, summing to 1."""
    square = sum(g.astype(float) ** 2 for g in np.ogrid[-1:2, -1:2, -1:2])
    weights = np.exp(-0.5 * square)
    weights[1, 1, 1] = 0
    weights[1, 1, 1] = weights.sum()
    return (weights / weights.sum()).astype(np.float32)


def median_seconds(repeats, work):
    """The median time of some runs after a first one."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def rust(labels, classes, repeats):
    with tempfile.TemporaryDirectory() as folder:
        path, out = os.path.join(folder, "labels.npy"), os.path.join(folder, "soft.npy")
        np.save(path, labels)
        manifest = os.path.join(os.path.dirname(__file__), "Cargo.toml")
        command = ["cargo", "run", "--quiet", "--release", "--manifest-path", manifest, "--bin", "peers", "--", path, str(classes), str(repeats), out]
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        fill, encode, conv, ndimage = map(float, text.split())
        return fill, encode, {"ndarray-conv": conv, "ndarray-ndimage": ndimage}, np.load(out)


def pytorch(labels, classes, repeats):
    import torch

    torch.set_num_threads(1)
    index = torch.from_numpy(labels.astype(np.int64))
    weights = torch.from_numpy(kernel())[None, None].repeat(classes, 1, 1, 1, 1)

    def work():
        one_hot = torch.nn.functional.one_hot(index, classes).movedim(-1, 0)[None].float()
        padded = torch.nn.functional.pad(one_hot, (1,) * 6, mode="replicate")
        return torch.nn.functional.conv3d(padded, weights, groups=classes)[0]

    with torch.no_grad():
        return median_seconds(repeats, work), work().numpy()


def scipy(labels, classes, repeats):
    from scipy import ndimage

    def work():
        return np.stack([ndimage.correlate((labels == c).astype(np.float32), kernel(), mode="nearest") for c in range(classes)])

    return median_seconds(repeats, work), work()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    print(f"{'':26} {'fill':>9} {'crate':>9} {'of fill':>8}   peers, as a multiple of the crate's time")
    for name, (shape, classes) in CASES.items():
        labels = blobs(shape, classes)
        fill, ours, others, values = rust(labels, classes, repeats)
        line = f"{name:26} {1e3 * fill:6.1f} ms {1e3 * ours:6.1f} ms {ours / fill:8.2f}"
        line += "".join(f"   {name}: {theirs / ours:.0f} ({theirs:.2f} s)" for name, theirs in others.items())
        for peer in (pytorch, scipy):
            try:
                theirs, expected = peer(labels, classes, max(1, repeats // 3))
            except ImportError:
                line += f"   {peer.__name__}: not installed"
                continue
            assert np.abs(values - expected).max() < 1e-5, f"{peer.__name__} disagrees"
            line += f"   {peer.__name__}: {theirs / ours:.0f} ({theirs:.2f} s)"
        print(line, flush=True)


if __name__ == "__main__":
    main()
