"""Voxels that two label maps share."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import _native
from .._arguments import AnyClasses, classes_of
from .._interchange import ArrayOrTensor
from .._interrupt import interruptible
from ._inputs import Numbers, Regions, pair_of, regions_of

Empty: TypeAlias = Literal["one", "nan", "zero"]

_COLUMNS = (
    "voxels_prediction",
    "voxels_reference",
    "voxels_both",
    "dice",
    "jaccard",
    "precision",
    "recall",
    "relative_volume_difference",
)


def confusion_matrix(
    prediction: ArrayOrTensor, reference: ArrayOrTensor, classes: AnyClasses, *, ignore: int | None = None
) -> NDArray[np.uint64]:
    """Numbers of voxels: row k, column j has those that are of class k in the prediction and of class j in the reference.

    The matrices of several cases can be added.

    Parameters
    ----------
    prediction, reference : array of integers or bools, (H, W) or (D, H, W)
    classes : int, list of int, or Classes
    ignore : int, optional
        The label that is ignored, if `classes` does not hold it. Voxels that the reference ignores do not count.

    Returns
    -------
    array of uint64, (classes, classes)

    Raises
    ------
    ValueError
        If a label is not a class or not whole, or shapes differ.
    TypeError
        If labels are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> metrics.confusion_matrix(np.array([[0, 1, 1]]), np.array([[0, 0, 1]]), 2)
    array([[1, 0],
           [1, 1]], dtype=uint64)
    """
    return interruptible(_native.confusion, *pair_of(prediction, reference), classes_of(classes, ignore))


def overlap(
    prediction: ArrayOrTensor,
    reference: ArrayOrTensor,
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    regions: Regions | None = None,
    empty: Empty = "one",
) -> Numbers:
    """Dice, Jaccard, precision, recall and volumes.

    Parameters
    ----------
    prediction, reference : array of integers or bools, (H, W) or (D, H, W)
    classes : int, list of int, or Classes
    ignore : int, optional
        The label that is ignored, if `classes` does not hold it. Voxels that the reference ignores do not count.
    regions : list of int or of lists of int, optional
        Labels that are judged alone, and lists of labels that are judged as one. By default each class but the first.
    empty : {"one", "nan", "zero"}
        Dice, Jaccard index, precision and recall of a region that neither holds.

    Returns
    -------
    dict of arrays of float64, one number for each region
        ``voxels_prediction``, ``voxels_reference``, ``voxels_both``, ``dice``, ``jaccard``, ``precision``, ``recall`` and
        ``relative_volume_difference``.

    Raises
    ------
    ValueError
        If a label is not a class or not whole, shapes differ, or a region has a label that is no class.
    TypeError
        If labels are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> found = metrics.overlap(np.array([[0, 1, 2, 2]]), np.array([[0, 1, 1, 2]]), 3, regions=[1, 2, [1, 2]])
    >>> found["dice"].round(4)
    array([0.6667, 0.6667, 1.    ])
    """
    made = classes_of(classes, ignore)
    rows = interruptible(_native.overlaps, *pair_of(prediction, reference), made, regions_of(regions, made), empty)
    return {name: rows[:, column] for column, name in enumerate(_COLUMNS)}


def dice(
    prediction: ArrayOrTensor,
    reference: ArrayOrTensor,
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    regions: Regions | None = None,
    empty: Empty = "one",
) -> NDArray[np.float64]:
    """Dice similarity coefficients, one for each region.

    The table of `soft_labels.metrics` says what other packages do with empty regions.

    Parameters
    ----------
    prediction, reference, classes, ignore, regions, empty
        As for `overlap`.

    Returns
    -------
    array of float64, (regions,)

    Raises
    ------
    ValueError, TypeError
        As `overlap`.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> metrics.dice(np.array([[0, 1, 1, 9]]), np.array([[0, 0, 1, 9]]), 2, ignore=9).round(4)
    array([0.6667])
    """
    return overlap(prediction, reference, classes, ignore=ignore, regions=regions, empty=empty)["dice"]


def jaccard(
    prediction: ArrayOrTensor,
    reference: ArrayOrTensor,
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    regions: Regions | None = None,
    empty: Empty = "one",
) -> NDArray[np.float64]:
    """Jaccard indices (intersection over union), one for each region.

    The table of `soft_labels.metrics` says what other packages do with empty regions.

    Parameters
    ----------
    prediction, reference, classes, ignore, regions, empty
        As for `overlap`.

    Returns
    -------
    array of float64, (regions,)

    Raises
    ------
    ValueError, TypeError
        As `overlap`.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> metrics.jaccard(np.array([[0, 1, 1]]), np.array([[0, 0, 1]]), 2)
    array([0.5])
    """
    return overlap(prediction, reference, classes, ignore=ignore, regions=regions, empty=empty)["jaccard"]
