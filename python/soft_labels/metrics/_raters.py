"""The raters of one case among themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from numpy.typing import ArrayLike

from .. import _native
from .._arguments import AnyClasses, classes_of, per_axis_floats, raters_of
from .._interchange import ArrayOrTensor
from .._interrupt import interruptible
from .._ties import Ties, rule_of
from ._inputs import Regions, check_labelled, regions_of
from ._overlap import Empty


def agreement(
    raters: Sequence[ArrayOrTensor],
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    region: Literal["union", "all", "band"] = "union",
    spacing: ArrayLike = 1.0,
    band_mm: float = 5.0,
    tolerance: float = 2.0,
    regions: Regions | None = None,
    ties: Ties = "lowest",
    empty: Empty = "nan",
) -> dict[str, Any]:
    """How well the raters of one case agree: the numbers of the command ``soft-labels agree``.

    Parameters
    ----------
    raters : list of arrays or tensors, one for each rater
        Label maps (H, W) or (D, H, W). A voxel that a rater ignores has no part in what is said of that rater.
    classes, ignore, regions
        As for `overlap`. Structures are the regions, by default each class but the first.
    region : {"union", "all", "band"}
        The voxels of Fleiss' kappa and Krippendorff's alpha, which depend on them: those in which at least one rater saw the
        structure, all, or those within `band_mm` of the boundary of that union, on either side.
    spacing : float or list of float
        The distance between voxels, for all axes or for each.
    band_mm : float
        In the unit of the spacing, from centre to centre of voxels.
    tolerance : float
        Surfaces so near to one another agree, in the unit of the spacing.
    ties : {"lowest", "highest"} or dict
        Which class the others have where they tie, as for `soft_labels.fuse.majority_vote`. A label that is no class leaves the
        voxel out.
    empty : {"nan", "one", "zero"}
        Dice and surface Dice of a structure that neither of two maps holds.

    Returns
    -------
    dict
        ``structures``: a dict for each, with its ``labels``; the arrays (raters, raters) ``dice`` and ``surface_dice``, NaN on the
        diagonal; the arrays (raters,) ``volumes``, ``dice_with_majority_of_others`` and ``dice_with_staple_of_others``; and
        ``fleiss_kappa`` of the ``voxels_of_all_raters``, and ``krippendorff_alpha`` of all ``voxels`` of the region that two
        raters labelled. ``all_classes``: the last four for all classes together. ``region``: which it was.

    Raises
    ------
    ValueError
        If a label is not a class or not whole, shapes differ, there are no raters, or a setting is out of range.
    TypeError
        If the raters are no list, or labels are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> raters = [np.array([[0, 1, 1, 0]]), np.array([[0, 1, 1, 1]]), np.array([[0, 0, 1, 0]])]
    >>> found = metrics.agreement(raters, 2)
    >>> structure = found["structures"][0]
    >>> structure["dice"][0].round(4)
    array([   nan, 0.8   , 0.6667])
    >>> structure["volumes"], structure["voxels"]
    (array([2., 3., 1.]), 3)
    >>> round(structure["fleiss_kappa"], 4)
    -0.0
    """
    made, maps = classes_of(classes, ignore), raters_of(raters)
    for at, one in enumerate(maps, 1):
        check_labelled(one, made, f"rater {at}", "leave this rater out")
    labels = regions_of(regions, made)
    sizes = per_axis_floats(spacing, maps[0].ndim if maps else 1)
    rule = rule_of(ties)
    structures, together = interruptible(
        _native.agreement, maps, made, labels, region, band_mm, sizes, tolerance, *rule, empty
    )
    rows = [{"labels": of} | found for of, found in zip(labels, structures, strict=True)]
    return {"structures": rows, "all_classes": together, "region": region}
