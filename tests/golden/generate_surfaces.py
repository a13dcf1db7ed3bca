"""Writes surfaces.rs: pairs of masks, and MONAI's surface Dice and distances between their edge voxels.

MONAI 1.6.1 and torch 2.15 on the CPU, which compute in 32 bits.

    pip install monai scipy
    python tests/golden/generate_surfaces.py
"""

import pathlib

import numpy as np
import torch
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice

SHAPES = [
    ((9, 12), (1.0, 1.0)),
    ((9, 12), (0.85, 1.2)),
    ((1, 14), (2.0, 0.7)),
    ((5, 6, 7), (1.0, 1.0, 1.0)),
    ((5, 6, 7), (2.5, 0.7, 0.8)),
    ((6, 1, 8), (3.0, 1.0, 1.0)),
]
rng = np.random.default_rng(5)


def mask(shape, share):
    """A ball that sticks out of the array, and some voxels that are flipped."""
    middle = [rng.uniform(0, length) for length in shape]
    squares = sum((axis - at) ** 2 for axis, at in zip(np.ogrid[tuple(map(slice, shape))], middle))
    return (squares < 3.0**2) ^ (rng.random(shape) < share)


def row(prediction, reference, spacing, tolerance):
    pair = [torch.from_numpy(np.ascontiguousarray(found))[None, None] for found in (prediction, reference)]
    settings = {"include_background": True, "spacing": spacing}
    hausdorff = [
        compute_hausdorff_distance(*pair, percentile=percent, directed=directed, **settings).item()
        for percent, directed in [(None, False), (95, False), (95, True), (50, False)]
    ]
    average = [compute_average_surface_distance(*pair, symmetric=both, **settings).item() for both in (False, True)]
    return [compute_surface_dice(*pair, [tolerance], **settings).item(), *average, *hausdorff]


def rust(value):
    if isinstance(value, np.ndarray):
        return '"' + "".join(".#"[inside] for inside in value.ravel().astype(int)) + '"'
    if isinstance(value, (list, tuple)):
        return "&[" + ", ".join(map(rust, value)) + "]"
    return repr(value)


lines = []
for shape, spacing in SHAPES:
    for share in (0.0, 0.1):
        pair, tolerance = [mask(shape, share), mask(shape, share)], rng.choice([0.0, 1.0, 2.0])
        fields = [shape, spacing, *pair, float(tolerance), row(*pair, spacing, tolerance)]
        lines.append("    (" + ", ".join(map(rust, fields)) + "),\n")
(pathlib.Path(__file__).parent / "surfaces.rs").write_text("[\n" + "".join(lines) + "]\n")
