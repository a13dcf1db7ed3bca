"""Calibration beyond the most probable class."""

from __future__ import annotations

import numpy as np

from .. import _native
from .._arguments import bools_of, classes_of, index, label_map, probabilities_of
from .._interchange import ArrayOrTensor
from .._interrupt import interruptible
from ._inputs import judged_map


def class_calibration(p: ArrayOrTensor, hit: ArrayOrTensor, bins: int = 20) -> tuple[float, float, float]:
    """The expected, the average and the maximum calibration error of one class against all others.

    The calibration of the most probable class hides rare classes; the mean of these errors over classes does not.

    Parameters
    ----------
    p : array of any axes
        The probabilities of the class, of float32, float64 or float16, or of uint8, which are 255ths.
    hit : array of bools
        Which voxels the class has, of the shape of `p`.
    bins : int
        Bin b of B holds the probabilities above b / B and at most (b + 1) / B, and the first also 0.

    Returns
    -------
    tuple of float
        Over bins of how far the mean of `p` and the share of hits are apart: the mean weighted by voxels (ECE), the mean of
        the bins that hold voxels (ACE), and the largest (MCE). NaN if there are no voxels.

    Raises
    ------
    ValueError
        If shapes differ, `p` does not lie within 0 and 1, or there are no bins.
    TypeError
        If arrays are of another type.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> p, labels = np.array([1.0, 1.0, 1.0, 1.0, 0.0]), np.array([0, 0, 2, 2, 2])
    >>> metrics.class_calibration(p, labels == 2, bins=2)
    (0.6, 0.75, 1.0)
    """
    found, hits = probabilities_of(p), bools_of(hit, "hit")
    counted = interruptible(_native.class_calibration, found, hits, index(bins, "bins"))
    return counted.ece, counted.ace, counted.mce


def temperature(logits: ArrayOrTensor, labels: ArrayOrTensor, *, ignore: int | None = None) -> float:
    """The temperature T for which ``softmax(logits / T)`` has the least mean negative log-likelihood (Guo et al. 2017).

    It is above 1 if the network was too confident. Estimate it on cases that the network was not trained on. From probabilities
    take their logarithms, with the smallest positive number in the place of 0.

    Parameters
    ----------
    logits : array, (C, ..)
        Of float32, float64 or float16.
    labels : array of integers or bools, (..)
        From 0 to C - 1.
    ignore : int, optional
        The label of voxels that do not count.

    Returns
    -------
    float
        From 0.001, where each label has the largest logit, to 1000, where logits say nothing or the wrong.

    Raises
    ------
    ValueError
        If a label is not a class or not whole, shapes differ, a logit of a voxel that counts is not finite, or no voxel counts.
    TypeError
        If arrays are of another type.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> logits = np.array([[0.0, 0.0, 0.0, 0.0], [4.0, 4.0, 4.0, 4.0]])
    >>> round(metrics.temperature(logits, np.array([1, 1, 1, 0])), 4)  # 4 / ln 3
    3.641
    """
    found = probabilities_of(logits, "logits")
    if getattr(logits, "dtype", None) == np.uint8:
        raise TypeError("logits are of float32, float64 or float16, not of uint8; convert them with astype")
    if found.ndim == 0:
        raise ValueError("logits have the class axis first; a single number has no axes")
    classes = classes_of(found.shape[0], ignore)
    return interruptible(_native.temperature, found, judged_map(label_map(labels, "a reference")), classes)
