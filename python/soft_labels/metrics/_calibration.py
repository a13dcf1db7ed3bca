"""Whether probabilities mean what they say."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .. import _native
from .._arguments import AnyClasses, classes_of, index, probabilities_of
from .._interchange import Array, ArrayOrTensor
from .._interrupt import interruptible
from .._native import Reliability
from .._ties import Ties, rule_of
from ._inputs import Scope, judged, mask_of


def reliability(
    probabilities: ArrayOrTensor,
    reference: ArrayOrTensor,
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    bins: int = 10,
    scope: Scope = "all",
) -> Reliability:
    """The bins of a reliability diagram: confidence of the most probable class against accuracy.

    Parameters
    ----------
    probabilities : array, (C, H, W) or (C, D, H, W)
        Of float32, float64 or float16, or of uint8, which are 255ths. They sum to 1.
    reference : array of integers or bools, (H, W) or (D, H, W)
    classes : int, list of int, or Classes
    ignore : int, optional
        The label that is ignored, if `classes` does not hold it. Voxels that the reference ignores do not count.
    bins : int
        Bin b of B holds the confidences above b / B and at most (b + 1) / B.
    scope : {"all", "foreground"} or array of bools, (H, W) or (D, H, W)
        Which voxels count: all, those where the reference is not the first class, or those where the array is true. What lies
        outside may hold anything.

    Returns
    -------
    Reliability
        Of several cases they are added.

    Raises
    ------
    ValueError
        If a label is not a class or not whole, shapes differ, probabilities are none or do not sum to 1, or there are no bins.
    TypeError
        If arrays are of another type.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> probabilities = np.array([[[0.9, 0.4, 0.3, 0.4]], [[0.1, 0.6, 0.7, 0.6]]])
    >>> diagram = metrics.reliability(probabilities, np.array([[0, 1, 1, 0]]), 2)
    >>> diagram.count
    array([0, 0, 0, 0, 0, 2, 1, 0, 1, 0], dtype=uint64)
    >>> diagram.accuracy[[5, 6, 8]]
    array([0.5, 1. , 1. ])
    """
    case = judged(probabilities, reference, classes_of(classes, ignore), scope)
    return interruptible(_native.reliability, *case, index(bins, "bins"))


def ece(
    probabilities: ArrayOrTensor,
    reference: ArrayOrTensor,
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    bins: int = 10,
    scope: Scope = "all",
) -> float:
    """The expected calibration error of the most probable class.

    The error of several cases is that of their bins, which `reliability` counts: ``sum(cases).ece``.

    Parameters
    ----------
    probabilities, reference, classes, ignore, bins, scope
        As for `reliability`.

    Returns
    -------
    float
        NaN if no voxel counts.

    Raises
    ------
    ValueError, TypeError
        As `reliability`.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> probabilities = np.array([[[0.75, 0.25]], [[0.25, 0.75]]])
    >>> metrics.ece(probabilities, np.array([[0, 0]]), 2)
    0.25
    """
    return reliability(probabilities, reference, classes, ignore=ignore, bins=bins, scope=scope).ece


def tace(
    probabilities: ArrayOrTensor,
    reference: ArrayOrTensor,
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    bins: int = 10,
    threshold: float = 1e-3,
    svls_paper: bool = False,
    background: bool = False,
    weight: Literal["equal", "mass"] | None = None,
    scope: Scope = "all",
) -> float:
    """The thresholded adaptive calibration error (Nixon et al. 2019), or what the SVLS paper's released code computes.

    Parameters
    ----------
    probabilities, reference, classes, ignore, scope
        As for `reliability`.
    bins : int
        Into how many ranges of the same number of voxels the probabilities of a class are cut.
    threshold : float
        Probabilities that are not above it are left out.
    svls_paper : bool
        The released code's variant: ranges weighted by their mass, and the sum divided by their number once more.
    background : bool
        Whether the first class counts, too.
    weight : {"equal", "mass"}, optional
        How the ranges of a class are averaged: alike, or by their numbers of voxels. By default that of the variant.

    Returns
    -------
    float
        NaN if nothing is above the threshold.

    Raises
    ------
    ValueError, TypeError
        As `reliability`, and a ValueError if a setting is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> probabilities = np.array([[[0.9, 0.6, 0.4, 0.1]], [[0.1, 0.4, 0.6, 0.9]]])
    >>> metrics.tace(probabilities, np.array([[0, 1, 0, 1]]), 2, bins=2)
    0.25
    """
    return interruptible(
        _native.tace,
        *judged(probabilities, reference, classes_of(classes, ignore), scope),
        index(bins, "bins"),
        float(threshold),
        svls_paper,
        background,
        weight,
    )


def nll(
    probabilities: ArrayOrTensor,
    reference: ArrayOrTensor,
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    scope: Scope = "all",
) -> float:
    """The mean negative log-likelihood of the reference's classes, in nats.

    Parameters
    ----------
    probabilities, reference, classes, ignore, scope
        As for `reliability`.

    Returns
    -------
    float
        NaN if no voxel counts, infinite if the class of one has probability 0.

    Raises
    ------
    ValueError, TypeError
        As `reliability`.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> round(metrics.nll(np.full((2, 1, 3), 0.5), np.array([[0, 1, 1]]), 2), 4)
    0.6931
    """
    return interruptible(_native.nll, *judged(probabilities, reference, classes_of(classes, ignore), scope))


def brier(
    probabilities: ArrayOrTensor,
    reference: ArrayOrTensor,
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    scope: Scope = "all",
) -> float:
    """The Brier score: the mean over voxels of the sum over classes of (probability - one-hot label)², from 0 to 2.

    Parameters
    ----------
    probabilities, reference, classes, ignore, scope
        As for `reliability`.

    Returns
    -------
    float
        NaN if no voxel counts.

    Raises
    ------
    ValueError, TypeError
        As `reliability`.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> metrics.brier(np.full((2, 1, 3), 0.5), np.array([[0, 1, 1]]), 2)
    0.5
    """
    return interruptible(_native.brier, *judged(probabilities, reference, classes_of(classes, ignore), scope))


def nll_soft(
    probabilities: ArrayOrTensor, reference: ArrayOrTensor, *, scope: Literal["all"] | ArrayOrTensor = "all"
) -> float:
    """The mean negative log-likelihood of soft labels, such as the mean of raters, in nats.

    Parameters
    ----------
    probabilities, reference : array, (C, H, W) or (C, D, H, W)
        Of float32, float64 or float16, or of uint8, which are 255ths. Both sum to 1; a voxel does not count whose reference
        is 0 in all classes.
    scope : "all" or array of bools, (H, W) or (D, H, W)
        Which voxels count.

    Returns
    -------
    float
        NaN if no voxel counts, infinite if a class of the reference has probability 0.

    Raises
    ------
    ValueError
        If shapes differ, or probabilities are none or do not sum to 1.
    TypeError
        If arrays are of another type.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import fuse, metrics
    >>> raters = fuse.mean([np.array([[0, 1]]), np.array([[0, 0]])], 2)
    >>> round(metrics.nll_soft(np.full((2, 1, 2), 0.5), raters), 4)
    0.6931
    """
    return interruptible(_native.nll_soft, *_soft_pair(probabilities, reference, scope))


def brier_soft(
    probabilities: ArrayOrTensor, reference: ArrayOrTensor, *, scope: Literal["all"] | ArrayOrTensor = "all"
) -> float:
    """The Brier score of soft labels: the mean over voxels of the sum over classes of (probability - soft label)².

    Parameters
    ----------
    probabilities, reference, scope
        As for `nll_soft`.

    Returns
    -------
    float
        NaN if no voxel counts.

    Raises
    ------
    ValueError, TypeError
        As `nll_soft`.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import fuse, metrics
    >>> raters = fuse.mean([np.array([[0, 1]]), np.array([[0, 0]])], 2)
    >>> metrics.brier_soft(raters, raters)
    0.0
    """
    return interruptible(_native.brier_soft, *_soft_pair(probabilities, reference, scope))


def _soft_pair(
    probabilities: ArrayOrTensor, reference: ArrayOrTensor, scope: Literal["all"] | ArrayOrTensor
) -> tuple[Array, Array]:
    """Probabilities and soft labels, which are 0 outside the scope."""
    found, soft = probabilities_of(probabilities), probabilities_of(reference, "a soft reference")
    if isinstance(scope, str):
        if scope != "all":
            raise ValueError(f'beside soft labels scope is "all" or an array of bools, not {scope!r}')
        return found, soft
    return found, np.where(mask_of(scope, soft.shape[1:]), soft, soft.dtype.type(0))


def top_labels(
    probabilities: ArrayOrTensor,
    classes: AnyClasses,
    reference: ArrayOrTensor | None = None,
    *,
    ignore: int | None = None,
    ties: Ties | None = None,
) -> NDArray[np.int64]:
    """The label of the most probable class at each voxel, of several the first.

    Parameters
    ----------
    probabilities : array, (C, H, W) or (C, D, H, W)
        Of float32, float64 or float16, or of uint8, which are 255ths.
    classes : int, list of int, or Classes
    reference : array of integers or bools, (H, W) or (D, H, W), optional
        Voxels that it ignores get the ignored label whatever their probabilities are, and all others have to have
        probabilities. Without it a voxel that has no probability at all gets the ignored label.
    ignore : int, optional
        The label that is ignored, if `classes` does not hold it.
    ties : {"lowest", "highest"} or dict, optional
        As for `soft_labels.fuse.majority_vote`. With it probabilities that differ from the largest by at most 1e-6 tie, as is
        right for STAPLE's posterior and for means of raters. It is for predictions without a reference.

    Returns
    -------
    array of int64, (H, W) or (D, H, W)

    Raises
    ------
    ValueError
        If probabilities are none or do not sum to 1, shapes differ, `ties` is none of these, or there is a reference beside it.
    TypeError
        If arrays are of another type.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> metrics.top_labels(np.array([[[0.9, 0.5, 0.2]], [[0.1, 0.5, 0.8]]]), [0, 4])
    array([[0, 0, 4]])
    >>> metrics.top_labels(np.array([[[0.9, 0.5, 0.2]], [[0.1, 0.5, 0.8]]]), [0, 4], ties={"undecided": 9})
    array([[0, 9, 4]])
    """
    made = classes_of(classes, ignore)
    if ties is not None:
        if reference is not None:
            raise ValueError("ties are for predictions without a reference; leave one of them out")
        return interruptible(_native.top_labels_with_ties, probabilities_of(probabilities), made, *rule_of(ties))
    if reference is None:
        return interruptible(_native.top_labels, probabilities_of(probabilities), made, None)
    found, drawn, made = judged(probabilities, reference, made)
    return interruptible(_native.top_labels, found, made, drawn)
