"""Raters among themselves, and the volumes that they measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike

from .. import _native
from .._arguments import label_map, label_maps
from .._interchange import Array, ArrayOrTensor
from .._interrupt import interruptible
from ._inputs import numbers_of

Counts: TypeAlias = ArrayOrTensor | Sequence[Sequence[int]]


def fleiss_kappa(counts: Counts) -> float:
    """Fleiss' kappa: whether raters agree more than by chance.

    It depends on the region: four disputed voxels give -0.125 alone, 0.437 with four voxels of background on which all agree,
    and 0.615 with a hundred. So state the region; a usual one is the voxels that any rater gave to a class other than the
    background.

    Parameters
    ----------
    counts : array of integers, (voxels, classes)
        How many raters chose each class. Every voxel has the same number of raters.

    Returns
    -------
    float
        1 for full agreement, 0 for agreement by chance. NaN where all raters chose one class everywhere, for one rater, and
        for a table without voxels or classes.

    Raises
    ------
    ValueError
        If a count is negative or not whole, voxels have different numbers of raters, or the axes are not two.
    TypeError
        If the array is of another type.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> raters = np.array([[0, 0, 1, 0, 0], [0, 1, 0, 1, 0], [1, 1, 1, 1, 0]])
    >>> region = (raters != 0).any(axis=0)
    >>> counts = np.stack([(raters == label).sum(axis=0) for label in (0, 1)], axis=-1)
    >>> round(metrics.fleiss_kappa(counts[region]), 4)
    -0.3714
    """
    return interruptible(_native.fleiss_kappa, _table_of(counts))


def krippendorff_alpha(counts: Counts) -> float:
    """Krippendorff's alpha for nominal data: whether raters agree more than by chance.

    Like `fleiss_kappa` it depends on the region.

    Parameters
    ----------
    counts : array of integers, (voxels, classes)
        How many raters chose each class. Voxels may have different numbers of raters; those with fewer than two do not count.

    Returns
    -------
    float
        1 for full agreement, 0 for agreement by chance. NaN where no voxel has two raters, and where all raters chose one
        class everywhere.

    Raises
    ------
    ValueError
        If a count is negative or not whole, or the axes are not two.
    TypeError
        If the array is of another type.

    Examples
    --------
    >>> from soft_labels import metrics
    >>> metrics.krippendorff_alpha([[3, 0], [0, 2], [1, 0]])
    1.0
    """
    return interruptible(_native.krippendorff_alpha, _table_of(counts))


def crps_of_volumes(volume: float, raters: ArrayLike) -> float:
    """The continuous ranked probability score of a predicted volume against the volumes of raters.

    ``E|V - v| - 1/2 E|V - V'|`` over raters, a rater with itself included (Gneiting & Raftery 2007). The challenge CURVAS
    fits a Gaussian to the raters instead, which gives other numbers.

    Parameters
    ----------
    volume : float
    raters : list of float
        The volume that each rater measured, in the same unit.

    Returns
    -------
    float
        In the unit of the volumes. 0 only if all raters agree with the prediction, and the absolute error for one rater. NaN
        if a volume is NaN or a rater's is infinite.

    Raises
    ------
    ValueError
        If there are no raters.
    TypeError
        If the volumes are not real numbers.

    Examples
    --------
    >>> from soft_labels import metrics
    >>> round(metrics.crps_of_volumes(125, [90, 100, 110]), 4)
    20.5556
    """
    return interruptible(_native.crps_of_volumes, volume, numbers_of(raters, "volumes of raters", "raters"))


def crps_of_volumes_gaussian(volume: float, raters: ArrayLike) -> float:
    """The continuous ranked probability score of a volume against a Gaussian fitted to raters' volumes.

    The Gaussian has their mean and their standard deviation, with divisor R. This is what the challenge CURVAS means; its
    released code integrates three standard deviations about the mean alone, and is NaN where raters agree.

    Parameters
    ----------
    volume : float
        The predicted volume.
    raters : list of float
        The volume that each rater measured, in the same unit.

    Returns
    -------
    float
        In the unit of the volumes, the absolute error where all raters agree. NaN if a volume is NaN or a rater's is infinite.

    Raises
    ------
    ValueError
        If there are no raters.
    TypeError
        If the volumes are not real numbers.

    Examples
    --------
    >>> from soft_labels import metrics
    >>> [round(metrics.crps_of_volumes_gaussian(volume, [90, 100, 110]), 1) for volume in (125, 500, 5000)]
    [20.4, 395.4, 4895.4]
    """
    return interruptible(_native.crps_of_volumes_gaussian, volume, numbers_of(raters, "volumes of raters", "raters"))


def icc_of_volumes(volumes: ArrayLike) -> float:
    """The intraclass correlation ICC(2,1) of volumes: two-way random effects, absolute agreement, a single rater.

    It is that of Shrout & Fleiss 1979. A rater who measures more than another everywhere lowers it.

    Parameters
    ----------
    volumes : array of real numbers, (cases, raters)

    Returns
    -------
    float
        At most 1. NaN for fewer than two cases or raters, where all volumes are the same, and where one is not finite.

    Raises
    ------
    ValueError
        If the axes are not two.
    TypeError
        If the volumes are not real numbers.

    Examples
    --------
    >>> from soft_labels import metrics
    >>> metrics.icc_of_volumes([[1, 1], [3, 3], [8, 8]])
    1.0
    >>> metrics.icc_of_volumes([[1, 3], [3, 5], [8, 10]])
    0.8666666666666667
    """
    return interruptible(_native.icc_of_volumes, numbers_of(volumes, "volumes", "cases, raters"))


def icc_interval(volumes: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """The interval of `icc_of_volumes`, by the F distribution.

    It is that of Shrout & Fleiss 1979, and takes the effects of cases and raters and the errors for normally distributed. Volumes
    are often skewed, and then it is a rough guide.

    Parameters
    ----------
    volumes : array of real numbers, (cases, raters)
    level : float
        The level of confidence.

    Returns
    -------
    low, high : float
        NaN where the correlation is.

    Raises
    ------
    ValueError
        If the axes are not two, or the level is not between 0 and 1.
    TypeError
        If the volumes are not real numbers.

    Examples
    --------
    >>> from soft_labels import metrics
    >>> table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> [round(bound, 3) for bound in metrics.icc_interval(table)]
    [0.019, 0.761]
    """
    table = numbers_of(volumes, "volumes", "cases, raters")
    low, high = interruptible(_native.icc_interval, table, level)
    return low, high


def _table_of(counts: Counts) -> Array:
    """A table of integers."""
    given = np.asarray(counts) if isinstance(counts, (list, tuple)) else cast(ArrayOrTensor, counts)
    [array] = label_maps(label_map(given, "a table of counts"))
    if array.ndim != 2:
        raise ValueError(f"a table of counts has the axes (voxels, classes), but {array.ndim} are given")
    return array
