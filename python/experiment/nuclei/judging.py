"""What is measured of a network's predictions, against all experts."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from soft_labels import metrics

from .data import EXPERTS, Image

REACH = 2
"""Pixels around what an expert marked that count as near."""
BINS = 10
SAMPLES = 10
"""Masks that are drawn from a prediction."""
METRICS = (
    *(f"dsc_{expert + 1}" for expert in range(EXPERTS)),
    "dsc_majority",
    "threshold_dice",
    "energy_distance",
    "crps_area",
    "ece",
    "ece_near",
    "nll",
    "brier",
)


def judge(image: Image, logits: NDArray[np.float64]) -> dict[str, float]:
    """All metrics of one image. Areas are in pixels."""
    difference = logits[1] - logits[0]
    p = 1 / (1 + np.exp(-difference))
    share = np.mean(image.experts, axis=0)
    top = (difference > 0).astype(np.uint8)
    near = ndimage.binary_dilation(share > 0, np.ones((3, 3), bool), REACH)
    masks = [expert.astype(bool) for expert in image.experts]
    values = (
        *(metrics.dice(top, expert, 2)[0] for expert in image.experts),
        metrics.dice(top, image.majority, 2)[0],
        metrics.threshold_dice(p, masks),
        metrics.energy_distance(samples(p), masks),
        metrics.crps_of_volumes(float(top.sum()), [float(expert.sum()) for expert in image.experts]),
        ece(p, share),
        ece(p[near], share[near]),
        np.mean(np.logaddexp(0, difference) - share * difference),
        np.mean(2 * (p - share) ** 2 + 2 * share * (1 - share)),
    )
    return dict(zip(METRICS, map(float, values), strict=True))


def samples(p: NDArray[np.float64]) -> list[NDArray[np.bool_]]:
    """Masks that hold each pixel as often as its probability says: a mask is all pixels above one threshold.

    Thresholds are spread evenly over 0 to 1, so nothing is random. Pixels drawn one by one would make no masks an expert draws.
    """
    return [p > (at + 0.5) / SAMPLES for at in range(SAMPLES)]


def ece(p: NDArray[np.float64], share: NDArray[np.float64]) -> float:
    """The expected calibration error, where each pixel counts once for each expert."""
    confidence = np.maximum(p, 1 - p).ravel()
    agree = np.where(p > 0.5, share, 1 - share).ravel()
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, confidence - agree, BINS)
    return float(np.abs(gaps).sum() / max(1, confidence.size))
