"""One probability map, or several sampled masks, against the masks of several raters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from .. import _native
from .._arguments import soft_of
from .._interchange import ArrayOrTensor
from .._interrupt import interruptible
from ._inputs import masks_of, numbers_of
from ._overlap import Empty

QUBIQ = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def threshold_dice(
    p: ArrayOrTensor,
    raters: Sequence[ArrayOrTensor],
    thresholds: ArrayLike = QUBIQ,
    *,
    empty: Empty = "one",
) -> float:
    """The mean over thresholds t of the Dice of ``p >= t`` and ``share >= t``, as the QUBIQ challenge has it.

    ``share`` is the share of the raters whose mask holds a voxel. Published numbers are over nine thresholds or the five 0.1,
    0.3, .. 0.9, and with ``>=`` or ``>``, so say which.

    Parameters
    ----------
    p : array of any axes
        The probabilities of one class, of float32, float64 or float16, or of uint8, which are 255ths.
    raters : list of arrays of bools
        The mask of each rater, all of the shape of `p`.
    thresholds : list of float
        Both sides may be 1e-9 below a threshold: 3 of 10 raters are not below 0.3.
    empty : {"one", "nan", "zero"}
        What it is where neither side reaches any threshold. A single threshold that neither side reaches counts as 1.

    Returns
    -------
    float
        From 0 to 1, or NaN if no threshold is reached and `empty` is "nan".

    Raises
    ------
    ValueError
        If there are no raters or thresholds, shapes differ, or `p` does not lie within 0 and 1.
    TypeError
        If arrays are of another type.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> raters = [np.array([[True, True, False]]), np.array([[True, False, False]])]
    >>> metrics.threshold_dice(np.array([[1.0, 0.5, 0.0]]), raters)
    1.0
    >>> metrics.threshold_dice(np.array([[1.0, 0.4, 0.0]]), raters, [0.25, 0.5]) == (1 + 2 / 3) / 2
    True
    """
    found = soft_of(p, "probabilities")
    if found.dtype == np.uint8:
        found = np.divide(found, 255, dtype=np.float32)
    each = numbers_of(thresholds, "thresholds", "thresholds").tolist()
    return interruptible(_native.threshold_dice, found, masks_of(raters, "raters"), each, empty)


def energy_distance(
    samples: Sequence[ArrayOrTensor],
    raters: Sequence[ArrayOrTensor],
    similarity: Literal["iou", "dice"] = "iou",
    *,
    pairs: Literal["all", "different"] = "all",
    empty: Empty = "one",
) -> float:
    """The generalised energy distance between sampled masks and raters' masks, squared (Kohl et al. 2018).

    ``2 E d(S, Y) - E d(S, S') - E d(Y, Y')`` with ``d = 1 - similarity``. It is 0 if both lists hold the same masks equally
    often. Two empty masks have d = 0, an empty one and another d = 1.

    Parameters
    ----------
    samples, raters : list of arrays of bools
        Masks of one shape, of any axes.
    similarity : {"iou", "dice"}
        Intersection over union, or Dice.
    pairs : {"all", "different"}
        Which pairs of one list count: all, a mask with itself included, so that the distance is not below 0 (V-statistic); or
        those of different masks, without bias (U-statistic).
    empty : {"one", "nan", "zero"}
        With "nan" the distance is NaN where all masks are empty, and otherwise 0.

    Returns
    -------
    float
        NaN also if there is one mask alone in a list and pairs are of different masks.

    Raises
    ------
    ValueError
        If there are no samples or raters, shapes differ, or a name is another.
    TypeError
        If arrays are not of bools.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> both, none = np.array([[True, True]]), np.array([[False, False]])
    >>> metrics.energy_distance([both], [both, none])
    0.5
    >>> metrics.energy_distance([both, none], [both, none], pairs="different")
    -1.0
    """
    masks = masks_of(samples, "samples"), masks_of(raters, "raters")
    return interruptible(_native.energy_distance, *masks, similarity, pairs, empty)


def matched_iou(samples: Sequence[ArrayOrTensor], raters: Sequence[ArrayOrTensor], *, empty: Empty = "one") -> float:
    """The mean intersection over union of samples and raters that are matched one to one for the largest mean.

    This is the Hungarian-matched IoU of Kohl et al. 2019. Both lists are repeated to their least common multiple before they
    are matched.

    Parameters
    ----------
    samples, raters : list of arrays of bools
        Masks of one shape, of any axes.
    empty : {"one", "nan", "zero"}
        The score where all masks are empty. Where one is not, two empty masks have IoU 1.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        If there are no samples or raters, shapes differ, or the least common multiple is above 4096.
    TypeError
        If arrays are not of bools.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> both, one = np.array([[True, True]]), np.array([[True, False]])
    >>> metrics.matched_iou([both, one], [one, both])
    1.0
    >>> metrics.matched_iou([both], [one, both])
    0.75
    """
    return interruptible(_native.matched_iou, masks_of(samples, "samples"), masks_of(raters, "raters"), empty)


def best_dice(samples: Sequence[ArrayOrTensor], raters: Sequence[ArrayOrTensor], *, empty: Empty = "one") -> float:
    """For each rater the Dice of the sample that is most like it, averaged over raters: "Dice max".

    Parameters
    ----------
    samples, raters : list of arrays of bools
        Masks of one shape, of any axes.
    empty : {"one", "nan", "zero"}
        The score where all masks are empty. Where one is not, two empty masks have Dice 1.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        If there are no samples or raters, or shapes differ.
    TypeError
        If arrays are not of bools.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> both, one, none = np.array([[True, True]]), np.array([[True, False]]), np.array([[False, False]])
    >>> metrics.best_dice([both, one], [both, none])
    0.5
    """
    return interruptible(_native.best_dice, masks_of(samples, "samples"), masks_of(raters, "raters"), empty)
