"""The voxels about the boundaries of a label map."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _native
from .._arguments import AnyClasses, classes_of, label_map, per_axis_floats
from .._interchange import ArrayOrTensor
from .._interrupt import interruptible
from .._native import Classes
from ._inputs import Scope, judged_map, scope_of


def boundary_band(
    labels: ArrayOrTensor,
    classes: AnyClasses,
    distance: float,
    *,
    ignore: int | None = None,
    spacing: ArrayLike = 1.0,
) -> NDArray[np.bool_]:
    """The voxels within a distance of the boundaries of a label map.

    A voxel is in the band if the nearest voxel of another class is at most so far away: from centre to centre, by the spacing,
    inclusive. Ignored voxels are neither in the band nor another class, and the border of the map is no boundary. It can be the
    `scope` of all functions that take one.

    Parameters
    ----------
    labels : array of integers or bools, (H, W) or (D, H, W)
    classes : int, list of int, or Classes
    distance : float
        In the unit of the spacing, such as mm. Less than the spacing gives no voxel.
    ignore : int, optional
        The label that is ignored, if `classes` does not hold it.
    spacing : float or list of float
        The size of a voxel along each axis.

    Returns
    -------
    array of bools, (H, W) or (D, H, W)

    Raises
    ------
    ValueError
        If a label is not a class or not whole, or a setting is out of range.
    TypeError
        If labels are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> labels = np.array([[0, 0, 0, 1, 1, 255]])
    >>> metrics.boundary_band(labels, 2, 1.0, ignore=255, spacing=0.5).astype(int)
    array([[0, 1, 1, 1, 1, 0]])
    """
    drawn = judged_map(label_map(labels))
    sizes = per_axis_floats(spacing, drawn.ndim)
    return interruptible(_native.boundary_band, drawn, classes_of(classes, ignore), sizes, float(distance))


def banded(
    reference: ArrayOrTensor, classes: Classes, scope: Scope, band_mm: float | None, spacing: ArrayLike
) -> Scope:
    """A scope, of which only the band is left if there is one."""
    if band_mm is None:
        return scope
    inside = boundary_band(reference, classes, band_mm, spacing=spacing)
    return cast(Scope, inside & scope_of(judged_map(label_map(reference, "a reference")), classes, scope))
