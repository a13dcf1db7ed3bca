"""Distances between the surfaces of two label maps."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _native
from .._arguments import AnyClasses, classes_of, per_axis_floats
from .._interchange import ArrayOrTensor
from .._interrupt import interruptible
from ._inputs import Numbers, Regions, pair_of, regions_of
from ._overlap import Empty

Surface: TypeAlias = Literal["surfels", "edge_voxels"]

_COLUMNS = (
    "area_prediction",
    "area_reference",
    "surface_dice",
    "overlap_reference",
    "overlap_prediction",
    "surface_dice_paper",
    "average_surface_distance",
    "average_from_prediction",
    "average_from_reference",
    "hausdorff_percentile",
    "hausdorff_percentile_from_prediction",
    "hausdorff_percentile_from_reference",
    "hausdorff",
)


def surface_distances(
    prediction: ArrayOrTensor,
    reference: ArrayOrTensor,
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    spacing: ArrayLike = 1.0,
    tolerance: float = 2.0,
    percent: float = 95.0,
    surface: Surface = "surfels",
    regions: Regions | None = None,
    empty: Empty = "nan",
) -> Numbers:
    """Surface Dice and distances between surfaces.

    The table of `soft_labels.metrics` says which settings give the numbers of DeepMind's package, MONAI and others.

    Parameters
    ----------
    prediction, reference : array of integers or bools, (H, W) or (D, H, W)
    classes, ignore, regions
        As for `overlap`.
    spacing : float or list of float
        The size of a voxel along each axis, in mm for example. Distances have its unit.
    tolerance : float
        Surfaces that are not farther apart than this agree, for surface Dice, and so do those that are a millionth farther: three
        voxels of 0.1 are within 0.3.
    percent : float
        For `hausdorff_percentile`.
    surface : {"surfels", "edge_voxels"}
        What a surface consists of: elements between voxels, each with its area, as DeepMind's package has it; or the voxels
        that share a face with one outside, all alike, as MONAI has it.
    empty : {"one", "nan", "zero"}
        What a region scores that neither holds: surface Dice and overlaps of 1 and distances of 0; NaN; or 0 and infinite
        distances. Where one holds it, surface Dice is 0 and distances are infinite.

    Returns
    -------
    dict of arrays of float64, one number for each region
        ``area_prediction`` and ``area_reference``; ``surface_dice``, and the shares of each surface near the other,
        ``overlap_reference`` and ``overlap_prediction``; ``surface_dice_paper``, which the SVLS paper's released code takes for
        surface Dice; ``average_surface_distance``, ``average_from_prediction`` and ``average_from_reference``;
        ``hausdorff_percentile``, the larger of ``hausdorff_percentile_from_prediction`` and
        ``hausdorff_percentile_from_reference``; and ``hausdorff``, the largest distance. Areas of edge voxels are their numbers.

    Raises
    ------
    ValueError
        If a label is not a class or not whole, shapes differ, a region has a label that is no class, or a setting is out of
        range.
    TypeError
        If labels are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> reference = np.zeros((9, 9), int)
    >>> reference[2:7, 2:7] = 1
    >>> found = metrics.surface_distances(np.roll(reference, 1, 0), reference, 2, spacing=0.5)
    >>> found["hausdorff"]
    array([0.5])
    """
    made = classes_of(classes, ignore)
    found, drawn = pair_of(prediction, reference)
    sizes = per_axis_floats(spacing, drawn.ndim)
    limits = float(tolerance), float(percent)
    rows = [
        interruptible(_native.surfaces, found, drawn, made, region, sizes, *limits, surface, empty)
        for region in regions_of(regions, made)
    ]
    columns = np.array(rows, dtype=np.float64).reshape(-1, len(_COLUMNS)).T
    return dict(zip(_COLUMNS, columns))


def surface_dice(
    prediction: ArrayOrTensor,
    reference: ArrayOrTensor,
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    spacing: ArrayLike = 1.0,
    tolerance: float = 2.0,
    surface: Surface = "surfels",
    regions: Regions | None = None,
    empty: Empty = "nan",
) -> NDArray[np.float64]:
    """Surface Dice (Nikolov et al. 2018), one number for each region.

    Parameters
    ----------
    prediction, reference, classes, ignore, spacing, tolerance, surface, regions, empty
        As for `surface_distances`.

    Returns
    -------
    array of float64, (regions,)

    Raises
    ------
    ValueError, TypeError
        As `surface_distances`.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> reference = np.zeros((9, 9), int)
    >>> reference[2:7, 2:7] = 1
    >>> metrics.surface_dice(np.roll(reference, 1, 0), reference, 2, tolerance=1.0)
    array([1.])
    """
    found = surface_distances(
        prediction,
        reference,
        classes,
        ignore=ignore,
        spacing=spacing,
        tolerance=tolerance,
        surface=surface,
        regions=regions,
        empty=empty,
    )
    return found["surface_dice"]


def hausdorff(
    prediction: ArrayOrTensor,
    reference: ArrayOrTensor,
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    spacing: ArrayLike = 1.0,
    percent: float = 95.0,
    surface: Surface = "surfels",
    regions: Regions | None = None,
    empty: Empty = "nan",
) -> NDArray[np.float64]:
    """Hausdorff distances at a percentile, one for each region.

    Parameters
    ----------
    prediction, reference, classes, ignore, spacing, percent, surface, regions, empty
        As for `surface_distances`.

    Returns
    -------
    array of float64, (regions,)

    Raises
    ------
    ValueError, TypeError
        As `surface_distances`.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> reference = np.zeros((9, 9), int)
    >>> reference[2:7, 2:7] = 1
    >>> metrics.hausdorff(np.roll(reference, 1, 0), reference, 2, spacing=0.5, percent=100)
    array([0.5])
    """
    found = surface_distances(
        prediction,
        reference,
        classes,
        ignore=ignore,
        spacing=spacing,
        percent=percent,
        surface=surface,
        regions=regions,
        empty=empty,
    )
    return found["hausdorff_percentile"]
