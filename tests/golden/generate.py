"""Makes the golden files that tests/integration/golden.rs compares with: plain float64 NumPy, one shifted copy of the
one-hot map per kernel weight, written from equations 1, 2 and 4 of Islam & Glocker 2021. Anew, from the crate's root:

    python3 tests/golden/generate.py

NAME.labels.npy holds the raters' label maps (rater, ..., H, W). NAME.soft.npy holds their averaged soft labels: every
class's plane, or where the name says `_of_130` or `_of_300` those of the classes that occur, ascending; the others are
zero. NAME.weights.npy holds a kernel. The parameters of each case are here and, once more, in golden.rs.
"""
import itertools
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
NODULE = HERE.parent.parent / "examples/data/lidc_0179_4raters_native.npy"


def kernel(sigma, radius):
    """A Gaussian, its centre replaced by the sum of all other weights, everything divided by the centre."""
    grids = np.meshgrid(*(np.arange(-r, r + 1.0) for r in radius), indexing="ij")
    exponent = 0.5 * sum((x / s) ** 2 for x, s in zip(grids, sigma))
    centre = tuple(radius)
    exponent[centre] = np.inf
    w = np.exp(exponent.min() - exponent)  # relative to the heaviest: no sigma is too small
    w[centre] = w.sum()
    return w / w[centre]


def class_index(labels, values):
    """The position of each label among the values, -1 where it is ignored."""
    index = np.full(labels.shape, -1)
    for i, value in enumerate(values):
        index[labels == value] = i
    return index


def one_hot(index, classes):
    return np.stack([index == c for c in range(classes)]).astype(np.float64)


def uniform(index, classes, alpha):
    """Equation 1; an ignored voxel stays all zero."""
    return (one_hot(index, classes) * (1 - alpha) + alpha / classes) * (index >= 0)


def over_others(index, classes, alpha):
    """The other convention: alpha is shared among the classes that were not annotated."""
    own = one_hot(index, classes)
    return (own * (1 - alpha) + (1 - own) * alpha / (classes - 1)) * (index >= 0)


def svls(index, classes, sigma, radius):
    """Equation 2, replicate padding; ignored voxels lend no weight, what remains is divided by its sum."""
    w = kernel(sigma, radius)
    pad = [(r, r) for r in radius]
    padded = np.pad(one_hot(index, classes), [(0, 0)] + pad, mode="edge")
    valid = np.pad((index >= 0).astype(np.float64), pad, mode="edge")
    found = np.zeros((classes, *index.shape))
    weight = np.zeros(index.shape)
    for tap in itertools.product(*map(range, w.shape)):
        here = tuple(slice(t, t + n) for t, n in zip(tap, index.shape))
        found += w[tap] * padded[(slice(None), *here)]
        weight += w[tap] * valid[here]
    return np.where(index >= 0, found / np.where(weight > 0, weight, 1), 0)


def average(softs, weights):
    """Equation 4 as its text words it, over the raters who did not ignore the voxel."""
    total = sum(w * soft for w, soft in zip(weights, softs))
    mass = sum(w * (soft.sum(0) > 0) for w, soft in zip(weights, softs))
    return total / np.where(mass > 0, mass, 1)


def patches(rng, shape, values, size=3):
    """A map of boxes of one label, with some single voxels of another."""
    coarse = rng.choice(values, [-(-n // size) for n in shape])
    for axis in range(len(shape)):
        coarse = coarse.repeat(size, axis)
    labels = coarse[tuple(slice(n) for n in shape)]
    return np.where(rng.random(shape) < 0.1, rng.choice(values, shape), labels)


def save(name, maps, values, encode, weights=None, occurring=False):
    maps = np.stack(maps).astype(np.int16)
    softs = [encode(class_index(labels, values), len(values)) for labels in maps]
    soft = average(softs, weights or [1] * len(maps))
    if occurring:
        soft = soft[np.unique(maps)]
    np.save(HERE / f"{name}.labels.npy", maps)
    np.save(HERE / f"{name}.soft.npy", soft)


def by_svls(sigma, radius):
    return lambda index, classes: svls(index, classes, sigma, radius)


def main():
    rng = np.random.default_rng(2021)
    contiguous = lambda n: list(range(n))

    def one(name, shape, values, encode, ignore=None, size=3, labels=None, occurring=False):
        """One rater. Among the labels drawn are the ignore value and, where given, only `labels`."""
        drawn = (labels or values) + ([] if ignore is None else [ignore])
        save(name, [patches(rng, shape, drawn, size)], values, encode, occurring=occurring)

    # SVLS, 2D: the paper's kernel, then others; 100 and 70 voxels are several blocks and a part of one.
    one("paper_2d", (6, 8), contiguous(3), by_svls([1, 1], [1, 1]), size=2)
    one("row_of_100", (5, 100), contiguous(4), by_svls([1, 1], [1, 1]), size=7)
    one("wide_2d", (9, 35), contiguous(3), by_svls([3, 3], [2, 2]))
    one("along_one_axis", (4, 12), contiguous(3), by_svls([1, 2], [0, 3]))
    one("listed_negative", (5, 9), [-2, 7, 0], by_svls([1.5, 0.5], [1, 2]))

    # SVLS, 3D.
    one("paper_3d", (5, 6, 7), contiguous(4), by_svls([1, 1, 1], [1, 1, 1]), size=2)
    one("row_of_70", (2, 3, 70), contiguous(3), by_svls([0.8, 1, 1.3], [1, 1, 2]), size=6)
    one("sharp", (4, 5, 6), contiguous(3), by_svls([0.15] * 3, [1, 1, 1]))
    one("sharpest", (4, 5, 6), contiguous(3), by_svls([1e-3] * 3, [1, 1, 1]))
    one("wide_3d", (6, 6, 6), contiguous(3), by_svls([3, 3, 3], [2, 2, 2]))
    one("anisotropic", (4, 5, 8), contiguous(2), by_svls([0.4, 1, 1.7], [1, 2, 3]))
    one("within_slices", (3, 5, 6), contiguous(3), by_svls([1.5, 1.5, 1.5], [0, 1, 1]))
    one("smaller_than_kernel", (1, 2, 3), contiguous(2), by_svls([2, 2, 2], [3, 3, 3]), size=1)
    one("brats", (4, 6, 7), [0, 1, 2, 4], by_svls([1, 1, 1], [1, 1, 1]))

    # Many classes: each is its own bit of a class set, some share one, and more than a byte holds.
    one("regions_54", (3, 4, 6), contiguous(54), by_svls([1, 1, 1], [1, 1, 1]), size=1)
    shared = [0, 1, 2, 127, 128, 129]
    one("blocks_of_130", (4, 40), contiguous(130), by_svls([1, 1], [1, 1]), labels=shared, occurring=True)
    far_apart = [0, 44, 127, 254, 255, 256, 299]
    one("blocks_of_300", (4, 40), contiguous(300), by_svls([1, 1], [1, 1]), labels=far_apart, occurring=True)

    # Ignored voxels, single ones and whole neighbourhoods of them.
    one("ignored_2d", (6, 40), contiguous(3), by_svls([1, 1], [1, 1]), ignore=255, size=5)
    one("ignored_3d", (4, 5, 6), contiguous(3), by_svls([1, 0.7, 2], [1, 1, 2]), ignore=-1)
    one("one_hot", (4, 6), contiguous(4), one_hot, ignore=255)
    one("uniform", (4, 6), contiguous(5), lambda i, n: uniform(i, n, 0.1), ignore=255)
    one("over_others", (4, 6), contiguous(5), lambda i, n: over_others(i, n, 0.1), ignore=255)

    # Several raters: a piece of a real nodule about which four radiologists disagree, then some who ignore voxels.
    nodule = list(np.load(NODULE)[:, 3:7, 16:26, 10:24])
    default = by_svls([1, 1, 1], [1, 1, 1])
    save("nodule_first_rater", nodule[:1], [0, 1], default)
    save("nodule_msvls", nodule, [0, 1], default)
    save("nodule_weighted", nodule, [0, 1], default, weights=[3, 1, 0, 0.5])
    spacing = np.array([2.5, 0.703125, 0.703125])
    save("nodule_millimetres", nodule, [0, 1], by_svls(1.0 / spacing, [1, 2, 2]))
    save("nodule_moh", nodule, [0, 1], one_hot)
    save("nodule_mls", nodule, [0, 1], lambda i, n: uniform(i, n, 0.2))
    ignoring = [patches(rng, (3, 5, 7), [0, 1, 2, 255], 2) for _ in range(3)]
    save("ignoring_raters", ignoring, [0, 1, 2], default)
    save("ignoring_raters_weighted", ignoring, [0, 1, 2], default, weights=[1, 0, 2.5])
    save("ignoring_raters_mls", ignoring, [0, 1, 2], lambda i, n: uniform(i, n, 0.2), weights=[1, 4, 2.5])

    # Kernels.
    np.save(HERE / "kernel_paper_2d.weights.npy", kernel([1] * 2, [1] * 2))
    np.save(HERE / "kernel_paper_3d.weights.npy", kernel([1] * 3, [1] * 3))
    np.save(HERE / "kernel_sharp.weights.npy", kernel([0.15] * 3, [1] * 3))
    np.save(HERE / "kernel_sharpest.weights.npy", kernel([1e-3] * 3, [1] * 3))
    np.save(HERE / "kernel_anisotropic.weights.npy", kernel([0.4, 1, 1.7], [1, 2, 3]))
    np.save(HERE / "kernel_along_one_axis.weights.npy", kernel([1, 2], [0, 3]))


if __name__ == "__main__":
    main()
