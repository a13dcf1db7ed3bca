"""What is measured of a network's predictions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from soft_labels import metrics

from .data import CLASSES, Volume

BAND_MM = 2.0
METRICS = (
    "dsc_1",
    "dsc_2",
    "surface_dice_1",
    "surface_dice_2",
    "ece",
    "ece_structures",
    "ece_band",
    "class_ece",
    "nll",
    "nll_band",
    "brier",
    "tace",
)


def judge(
    volume: Volume, logits: NDArray[np.float64], temperatures: Sequence[float] = (1.0,)
) -> list[dict[str, float]]:
    """All metrics of one volume, with logits divided by each temperature. Surfaces agree within 1 mm."""
    labels = volume.labels
    near = band(labels, BAND_MM)
    top = logits.argmax(0).astype(np.uint8)  # No temperature changes it.
    overlaps = (
        *metrics.dice(top, labels, CLASSES),
        *metrics.surface_dice(top, labels, CLASSES, tolerance=1.0),
    )
    found = []
    for temperature in temperatures:
        probabilities = softmax(logits / temperature)
        of_classes = [
            metrics.class_calibration(probabilities[c].ravel(), (labels == c).ravel(), 10)[0] for c in range(CLASSES)
        ]
        values = (
            *overlaps,
            metrics.ece(probabilities, labels, CLASSES),
            metrics.ece(probabilities, labels, CLASSES, scope="foreground"),
            metrics.ece(probabilities, labels, CLASSES, scope=near),
            np.mean(of_classes),
            metrics.nll(probabilities, labels, CLASSES),
            metrics.nll(probabilities, labels, CLASSES, scope=near),
            metrics.brier(probabilities, labels, CLASSES),
            metrics.tace(probabilities, labels, CLASSES),
        )
        found.append(dict(zip(METRICS, map(float, values), strict=True)))
    return found


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities, over the first axis."""
    powers = np.exp(logits - logits.max(0))
    return powers / powers.sum(0)


def band(labels: NDArray[np.uint8], width: float) -> NDArray[np.bool_]:
    """The voxels that have a voxel of another class within a distance of `width` voxels, centre to centre."""
    reach = int(width)
    padded = np.pad(labels, reach, mode="edge")
    near = np.zeros(labels.shape, bool)
    for step in np.ndindex(*(2 * reach + 1,) * 3):
        if sum((s - reach) ** 2 for s in step) <= width**2:
            near |= padded[tuple(slice(s, s + extent) for s, extent in zip(step, labels.shape, strict=True))] != labels
    return near
