"""Calibration of every class, and what is wrong among the voxels of high confidence."""

from __future__ import annotations

from numpy.typing import ArrayLike

from .. import _native
from .._arguments import AnyClasses, classes_of, index
from .._interchange import ArrayOrTensor
from .._interrupt import interruptible
from .._native import ClassReliability, RiskCoverage
from ._band import banded
from ._inputs import Scope, judged


def class_reliability(
    probabilities: ArrayOrTensor,
    reference: ArrayOrTensor,
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    bins: int = 20,
    scope: Scope = "all",
    band_mm: float | None = None,
    spacing: ArrayLike = 1.0,
) -> ClassReliability:
    """The probability of every class against where the reference has it, counted in bins.

    Parameters
    ----------
    probabilities, reference, classes, ignore, scope
        As for `reliability`.
    bins : int
        Bin b of B holds the probabilities above b / B and at most (b + 1) / B, and the first also 0. MONAI takes 20. For
        ``equal_mass`` count in many, such as 5100.
    band_mm : float, optional
        Only voxels count that are in the `boundary_band` of the reference of this width, too.
    spacing : float or list of float
        The size of a voxel along each axis, for `band_mm`.

    Returns
    -------
    ClassReliability
        Of several cases they are added.

    Raises
    ------
    ValueError
        If a label is not a class or not whole, shapes differ, probabilities are none or do not sum to 1, there are no bins, or a
        setting is out of range.
    TypeError
        If arrays are of another type.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> probabilities = np.array([[[1.0, 0.75, 0.0, 0.0]], [[0.0, 0.25, 1.0, 1.0]]])
    >>> reference = np.array([[0, 0, 1, 1]])
    >>> metrics.class_reliability(probabilities, reference, 2).ece
    array([0.0625, 0.0625])
    >>> metrics.class_reliability(probabilities, reference, 2, band_mm=1.0).ece  # of the two voxels in the middle
    array([0.125, 0.125])
    """
    made = classes_of(classes, ignore)
    inside = banded(reference, made, scope, band_mm, spacing)
    return interruptible(
        _native.class_reliability, *judged(probabilities, reference, made, inside), index(bins, "bins")
    )


def risk_coverage(
    probabilities: ArrayOrTensor,
    reference: ArrayOrTensor,
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    scope: Scope = "all",
    band_mm: float | None = None,
    spacing: ArrayLike = 1.0,
) -> RiskCoverage:
    """The risk-coverage curve of selective prediction, with its area.

    Voxels are covered from the highest confidence to the lowest, and the risk is the share of wrong ones among those covered. Voxels
    of the same confidence are one step. The curve of several cases is that of their fine bins:
    ``sum(cases).risk_coverage()`` of `reliability` with 5100 bins, for example.

    Parameters
    ----------
    probabilities, reference, classes, ignore, scope
        As for `reliability`.
    band_mm, spacing
        As for `class_reliability`.

    Returns
    -------
    RiskCoverage
        With ``confidence``, ``covered``, ``wrong``, ``coverage`` and ``risk`` of each step, and ``aurc``: the mean over voxels of
        the risk when the voxel is covered (Geifman et al. 2019). Trapezoids, which some packages take, give another number.

    Raises
    ------
    ValueError, TypeError
        As `class_reliability`.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> probabilities = np.array([[[0.9, 0.75, 0.75, 0.4]], [[0.1, 0.25, 0.25, 0.6]]])
    >>> curve = metrics.risk_coverage(probabilities, np.array([[0, 0, 1, 1]]), 2)
    >>> curve.covered, curve.wrong
    (array([1, 3, 4], dtype=uint64), array([0, 1, 1], dtype=uint64))
    >>> round(curve.aurc, 4)  # (0 + 2/3 + 1/4) / 4
    0.2292
    """
    made = classes_of(classes, ignore)
    inside = banded(reference, made, scope, band_mm, spacing)
    return interruptible(_native.risk_coverage, *judged(probabilities, reference, made, inside))
