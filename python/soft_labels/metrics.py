"""Predictions against references: overlap, surfaces and calibration.

The exact definitions are those of the crate's module `metrics`. Numbers that do not exist are NaN: so is
a distance between two surfaces that are both empty. Where one of them is, it is infinite.

A prediction and its reference are of one map, (C, H, W) or (C, D, H, W) beside (H, W) or (D, H, W), never of a batch. A voxel
that the reference ignores counts nowhere, whatever the prediction holds there. A voxel without any probability whose reference
counts is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _native
from ._arguments import AnyClasses, Array, classes_of, floats, index, label_map, per_axis, per_axis_floats
from ._interrupt import interruptible

__all__ = [
    "brier",
    "confusion_matrix",
    "dice",
    "ece",
    "hausdorff",
    "jaccard",
    "judge",
    "nll",
    "overlap",
    "reliability",
    "surface_dice",
    "surface_distances",
    "tace",
    "top_labels",
]

Regions: TypeAlias = Sequence[int | Sequence[int]]
Numbers: TypeAlias = dict[str, NDArray[np.float64]]

_OVERLAP = (
    "voxels_prediction",
    "voxels_reference",
    "voxels_both",
    "dice",
    "jaccard",
    "precision",
    "recall",
    "relative_volume_difference",
)
_SURFACES = (
    "surface_dice",
    "overlap_reference",
    "overlap_prediction",
    "average_surface_distance",
    "average_from_prediction",
    "average_from_reference",
    "hausdorff_percentile",
    "hausdorff",
)


def confusion_matrix(prediction: Array, reference: Array, classes: AnyClasses) -> NDArray[np.uint64]:
    """Numbers of voxels: row k, column j has those that are of class k in the prediction and of class j in the reference.

    Voxels that the reference ignores do not count.
    """
    return interruptible(_native.confusion, *_pair(prediction, reference), classes_of(classes))


def overlap(
    prediction: Array,
    reference: Array,
    classes: AnyClasses,
    *,
    regions: Regions | None = None,
    empty: str = "one",
) -> Numbers:
    """Dice, Jaccard, precision, recall and volumes.

    Parameters
    ----------
    prediction, reference : array of integers or bools
    classes : int, list of int, or Classes
    regions : list of int or of lists of int, optional
        Labels that are judged alone, and lists of labels that are judged as one. By default each class but the first.
    empty : {"one", "nan", "zero"}
        Dice and Jaccard index of a region that neither holds.

    Returns
    -------
    dict of arrays of float64, one number for each region
    """
    classes = classes_of(classes)
    labels = _regions(regions, classes)
    rows = interruptible(_native.overlaps, *_pair(prediction, reference), classes, labels, empty)
    return {name: rows[:, column] for column, name in enumerate(_OVERLAP)}


def dice(
    prediction: Array,
    reference: Array,
    classes: AnyClasses,
    *,
    regions: Regions | None = None,
    empty: str = "one",
) -> NDArray[np.float64]:
    """Dice similarity coefficients, one for each region. The parameters are those of `overlap`."""
    return overlap(prediction, reference, classes, regions=regions, empty=empty)["dice"]


def jaccard(
    prediction: Array,
    reference: Array,
    classes: AnyClasses,
    *,
    regions: Regions | None = None,
    empty: str = "one",
) -> NDArray[np.float64]:
    """Jaccard indices (intersection over union), one for each region. The parameters are those of `overlap`."""
    return overlap(prediction, reference, classes, regions=regions, empty=empty)["jaccard"]


def surface_distances(
    prediction: Array,
    reference: Array,
    classes: AnyClasses,
    *,
    spacing: ArrayLike = 1.0,
    tolerance: float = 1.0,
    percent: float = 95.0,
    regions: Regions | None = None,
) -> Numbers:
    """Surface Dice and distances between surfaces.

    Parameters
    ----------
    prediction, reference : array of integers or bools
    classes, regions
        As for `overlap`.
    spacing : float or list of float
        The size of a voxel along each axis, in mm for example. Distances have its unit.
    tolerance : float
        Surfaces that are nearer than this agree, for surface Dice.
    percent : float
        For `hausdorff_percentile`.

    Returns
    -------
    dict of arrays of float64, one number for each region
    """
    classes = classes_of(classes)
    prediction, reference = _pair(prediction, reference)
    spacing = per_axis_floats(spacing, reference.ndim)
    limits = float(tolerance), float(percent)
    rows = [
        interruptible(_native.surfaces, prediction, reference, classes, region, spacing, *limits)
        for region in _regions(regions, classes)
    ]
    columns = np.array(rows, dtype=np.float64).reshape(-1, len(_SURFACES)).T
    return dict(zip(_SURFACES, columns))


def surface_dice(
    prediction: Array,
    reference: Array,
    classes: AnyClasses,
    *,
    spacing: ArrayLike = 1.0,
    tolerance: float = 1.0,
    regions: Regions | None = None,
) -> NDArray[np.float64]:
    """Surface Dice (Nikolov et al. 2018), one number for each region. The parameters are those of `surface_distances`."""
    found = surface_distances(prediction, reference, classes, spacing=spacing, tolerance=tolerance, regions=regions)
    return found["surface_dice"]


def hausdorff(
    prediction: Array,
    reference: Array,
    classes: AnyClasses,
    *,
    spacing: ArrayLike = 1.0,
    percent: float = 95.0,
    regions: Regions | None = None,
) -> NDArray[np.float64]:
    """Hausdorff distances at a percentile, one for each region. The parameters are those of `surface_distances`."""
    found = surface_distances(prediction, reference, classes, spacing=spacing, percent=percent, regions=regions)
    return found["hausdorff_percentile"]


def reliability(
    probabilities: Array,
    reference: Array,
    classes: AnyClasses,
    *,
    bins: int = 10,
    scope: str = "all",
) -> Numbers:
    """The bins of a reliability diagram: confidence of the most probable class against accuracy.

    Parameters
    ----------
    probabilities : array of float32 or float64, (C, ..)
    reference : array of integers or bools, (..)
    bins : int
    scope : {"all", "foreground"}
        All voxels, or those where the reference is not the first class.

    Returns
    -------
    dict of arrays: lower, upper, count, accuracy, confidence
    """
    _ece, rows = _reliability(probabilities, reference, classes, bins, scope)
    return dict(zip(("lower", "upper", "count", "accuracy", "confidence"), rows.T))


def ece(
    probabilities: Array,
    reference: Array,
    classes: AnyClasses,
    *,
    bins: int = 10,
    scope: str = "all",
) -> float:
    """The expected calibration error of the most probable class. The parameters are those of `reliability`."""
    return _reliability(probabilities, reference, classes, bins, scope)[0]


def tace(
    probabilities: Array,
    reference: Array,
    classes: AnyClasses,
    *,
    bins: int = 10,
    threshold: float = 1e-3,
    svls_paper: bool = False,
) -> float:
    """The thresholded adaptive calibration error (Nixon et al. 2019), or what the SVLS paper's released code computes."""
    pair, classes = _judged(probabilities, reference), classes_of(classes)
    return interruptible(_native.tace, *pair, classes, index(bins, "bins"), float(threshold), svls_paper)


def nll(probabilities: Array, reference: Array, classes: AnyClasses) -> float:
    """The mean negative log-likelihood of the reference's classes, in nats."""
    return interruptible(_native.nll, *_judged(probabilities, reference), classes_of(classes))


def brier(probabilities: Array, reference: Array, classes: AnyClasses) -> float:
    """The Brier score: the mean over voxels of the sum over classes of (probability - one-hot label)²."""
    return interruptible(_native.brier, *_judged(probabilities, reference), classes_of(classes))


def top_labels(probabilities: Array, classes: AnyClasses, reference: Array | None = None) -> NDArray[np.int64]:
    """The label of the most probable class at each voxel, of several the first, as an array of int64.

    A voxel without any probability gets the ignored label. With a reference, a label map, voxels that it ignores get that label
    whatever their probabilities are, and all others have to have probabilities.
    """
    if reference is None:
        return interruptible(_native.top_labels, _probabilities(probabilities), classes_of(classes), None)
    found, drawn = _judged(probabilities, reference)
    return interruptible(_native.top_labels, found, classes_of(classes), drawn)


def judge(
    prediction: Array,
    reference: Array,
    classes: AnyClasses,
    *,
    spacing: ArrayLike = 1.0,
    tolerance: float = 1.0,
    bins: int = 10,
    scope: str = "all",
    regions: Regions | None = None,
    empty: str = "nan",
) -> dict[str, Any]:
    """All metrics of one case.

    `prediction` is a label map, or probabilities (C, ..) of floating-point numbers, with an axis more than the reference. The other parameters are those of
    `surface_distances` and `reliability`, and `empty` is that of `overlap`: by default a region that neither map holds has no
    Dice, so that it does not count in a mean.

    Returns
    -------
    dict
        ``regions``: a list of dicts, one for each region, with its labels and all its metrics; rows for
        `pandas.DataFrame`. ``calibration``: a dict with ece, tace, tace_paper, nll and brier, or None for a label map.
    """
    classes = classes_of(classes)
    calibration: dict[str, float] | None = None
    # Of as many axes as the reference, floats are labels.
    if np.asarray(prediction).dtype.kind == "f" and np.ndim(prediction) != np.ndim(reference):
        probabilities, prediction = prediction, top_labels(prediction, classes, reference)
        calibration = {
            "ece": ece(probabilities, reference, classes, bins=bins, scope=scope),
            "tace": tace(probabilities, reference, classes, bins=bins),
            "tace_paper": tace(probabilities, reference, classes, bins=bins, svls_paper=True),
            "nll": nll(probabilities, reference, classes),
            "brier": brier(probabilities, reference, classes),
        }
    labels = _regions(regions, classes)
    columns = overlap(prediction, reference, classes, regions=labels, empty=empty)
    columns |= surface_distances(prediction, reference, classes, spacing=spacing, tolerance=tolerance, regions=labels)
    rows = [
        {"labels": region} | {name: float(column[row]) for name, column in columns.items()}
        for row, region in enumerate(labels)
    ]
    return {"regions": rows, "calibration": calibration}


def _pair(prediction: Array, reference: Array) -> tuple[Array, Array]:
    """Two label maps of one element type."""
    found, drawn = label_map(prediction), label_map(reference)
    if found.shape != drawn.shape:
        raise ValueError(f"the prediction has shape {found.shape}, the reference {drawn.shape}; give the same voxels")
    found, drawn = _judged_map(found), _judged_map(drawn)
    if found.dtype != drawn.dtype:
        return found.astype(np.int64), drawn.astype(np.int64)
    return found, drawn


def _judged_map(labels: Array) -> Array:
    """A label map of uint8, int16 or int64."""
    array = label_map(labels)
    if array.dtype == np.bool_:
        return array.view(np.uint8)
    native = array.dtype in (np.uint8, np.int16, np.int64) and array.dtype.isnative and array.flags.aligned
    if native:
        return array
    if array.dtype.kind == "u" and array.dtype.itemsize == 8 and array.size and array.max() > np.iinfo(np.int64).max:
        raise ValueError("metrics take labels up to 2^63 - 1; renumber the labels")
    return array.astype(np.int64)


def _judged(probabilities: Array, reference: Array) -> tuple[Array, Array]:
    found, drawn = _probabilities(probabilities), label_map(reference)
    if found.shape[1:] != drawn.shape:
        raise ValueError(
            f"probabilities have shape {found.shape}, classes first, the reference {drawn.shape}; give the same voxels"
        )
    return found, _judged_map(drawn)


def _probabilities(values: Array) -> Array:
    return floats(values, "probabilities", ("float32", "float64"))


def _reliability(
    probabilities: Array,
    reference: Array,
    classes: AnyClasses,
    bins: int,
    scope: str,
) -> tuple[float, NDArray[np.float64]]:
    pair, classes = _judged(probabilities, reference), classes_of(classes)
    return interruptible(_native.reliability, *pair, classes, index(bins, "bins"), scope)


def _regions(regions: Regions | None, classes: _native.Classes) -> list[list[int]]:
    """Lists of labels."""
    if regions is None:
        return [[label] for label in classes.values[1:]]
    return [per_axis(region, 1, "a region's label") for region in regions]
