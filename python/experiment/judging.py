"""What is measured of a network's predictions."""

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


def judge(volume: Volume, logits: NDArray[np.float64], temperature: float = 1.0) -> dict[str, float]:
    """All metrics of one volume. Surfaces agree within 1 mm."""
    probabilities = softmax(logits / temperature)
    labels = volume.labels
    top = probabilities.argmax(0).astype(np.uint8)
    near = band(labels, BAND_MM)
    dsc = metrics.dice(top, labels, CLASSES)
    surface = metrics.surface_dice(top, labels, CLASSES, tolerance=1.0)
    of_classes = [
        metrics.class_calibration(probabilities[c].ravel(), (labels == c).ravel(), 10)[0] for c in range(CLASSES)
    ]
    values = (
        *dsc,
        *surface,
        metrics.ece(probabilities, labels, CLASSES),
        metrics.ece(probabilities, labels, CLASSES, scope="foreground"),
        metrics.ece(probabilities, labels, CLASSES, scope=near),
        np.mean(of_classes),
        metrics.nll(probabilities, labels, CLASSES),
        metrics.nll(probabilities, labels, CLASSES, scope=near),
        metrics.brier(probabilities, labels, CLASSES),
        metrics.tace(probabilities, labels, CLASSES),
    )
    return dict(zip(METRICS, map(float, values), strict=True))


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
