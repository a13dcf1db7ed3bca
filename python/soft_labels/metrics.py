"""Predictions against references: overlap, surfaces and calibration.

The exact definitions are those of the crate's module `metrics`. Numbers that do not exist are NaN.
"""

import numpy as np

from . import _native
from ._arguments import classes_of, floats, label_map, per_axis_floats

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


def confusion_matrix(prediction, reference, classes):
    """Numbers of voxels: row k, column j has those that are of class k in the prediction and of class j in the reference.

    Voxels that the reference ignores do not count.
    """
    return _native.confusion(*_pair(prediction, reference), classes_of(classes))


def overlap(prediction, reference, classes, *, regions=None, empty="one"):
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
    rows = _native.overlaps(*_pair(prediction, reference), classes, labels, empty)
    return {name: rows[:, column] for column, name in enumerate(_OVERLAP)}


def dice(prediction, reference, classes, *, regions=None, empty="one"):
    """Dice similarity coefficients, one for each region. The parameters are those of `overlap`."""
    return overlap(prediction, reference, classes, regions=regions, empty=empty)["dice"]


def jaccard(prediction, reference, classes, *, regions=None, empty="one"):
    """Jaccard indices (intersection over union), one for each region. The parameters are those of `overlap`."""
    return overlap(prediction, reference, classes, regions=regions, empty=empty)["jaccard"]


def surface_distances(prediction, reference, classes, *, spacing=1.0, tolerance=1.0, percent=95.0, regions=None):
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
    rows = [
        _native.surfaces(prediction, reference, classes, region, spacing, float(tolerance), float(percent))
        for region in _regions(regions, classes)
    ]
    columns = np.array(rows, dtype=np.float64).reshape(-1, len(_SURFACES)).T
    return dict(zip(_SURFACES, columns))


def surface_dice(prediction, reference, classes, *, spacing=1.0, tolerance=1.0, regions=None):
    """Surface Dice (Nikolov et al. 2018), one number for each region. The parameters are those of `surface_distances`."""
    found = surface_distances(prediction, reference, classes, spacing=spacing, tolerance=tolerance, regions=regions)
    return found["surface_dice"]


def hausdorff(prediction, reference, classes, *, spacing=1.0, percent=95.0, regions=None):
    """Hausdorff distances at a percentile, one for each region. The parameters are those of `surface_distances`."""
    found = surface_distances(prediction, reference, classes, spacing=spacing, percent=percent, regions=regions)
    return found["hausdorff_percentile"]


def reliability(probabilities, reference, classes, *, bins=10, scope="all"):
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


def ece(probabilities, reference, classes, *, bins=10, scope="all"):
    """The expected calibration error of the most probable class. The parameters are those of `reliability`."""
    return _reliability(probabilities, reference, classes, bins, scope)[0]


def tace(probabilities, reference, classes, *, bins=10, threshold=1e-3, svls_paper=False):
    """The thresholded adaptive calibration error (Nixon et al. 2019), or what the SVLS paper's released code computes."""
    return _native.tace(*_judged(probabilities, reference), classes_of(classes), bins, float(threshold), svls_paper)


def nll(probabilities, reference, classes):
    """The mean negative log-likelihood of the reference's classes, in nats."""
    return _native.nll(*_judged(probabilities, reference), classes_of(classes))


def brier(probabilities, reference, classes):
    """The Brier score: the mean over voxels of the sum over classes of (probability - one-hot label)²."""
    return _native.brier(*_judged(probabilities, reference), classes_of(classes))


def top_labels(probabilities, classes):
    """The label of the most probable class at each voxel, of several the first, as an array of int64."""
    return _native.top_labels(_probabilities(probabilities), classes_of(classes))


def judge(prediction, reference, classes, *, spacing=1.0, tolerance=1.0, bins=10, scope="all", regions=None):
    """All metrics of one case.

    `prediction` is a label map, or probabilities (C, ..) of floating-point numbers. The other parameters are those of
    `surface_distances` and `reliability`.

    Returns
    -------
    dict
        ``regions``: a list of dicts, one for each region, with its labels and all its metrics; rows for
        `pandas.DataFrame`. ``calibration``: a dict with ece, tace, tace_paper, nll and brier, or None for a label map.
    """
    classes = classes_of(classes)
    calibration = None
    if np.asarray(prediction).dtype.kind == "f":
        probabilities, prediction = prediction, top_labels(prediction, classes)
        calibration = {
            "ece": ece(probabilities, reference, classes, bins=bins, scope=scope),
            "tace": tace(probabilities, reference, classes, bins=bins),
            "tace_paper": tace(probabilities, reference, classes, bins=bins, svls_paper=True),
            "nll": nll(probabilities, reference, classes),
            "brier": brier(probabilities, reference, classes),
        }
    labels = _regions(regions, classes)
    columns = overlap(prediction, reference, classes, regions=labels)
    columns |= surface_distances(
        prediction, reference, classes, spacing=spacing, tolerance=tolerance, regions=labels
    )
    rows = [
        {"labels": region} | {name: float(column[row]) for name, column in columns.items()}
        for row, region in enumerate(labels)
    ]
    return {"regions": rows, "calibration": calibration}


def _pair(prediction, reference):
    """Two label maps of one element type."""
    pair = [_judged_map(prediction), _judged_map(reference)]
    if pair[0].dtype != pair[1].dtype:
        pair = [one.astype(np.int64) for one in pair]
    return pair


def _judged_map(labels):
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


def _judged(probabilities, reference):
    return _probabilities(probabilities), _judged_map(reference)


def _probabilities(values):
    return floats(values, "probabilities", ("float32", "float64"))


def _reliability(probabilities, reference, classes, bins, scope):
    return _native.reliability(*_judged(probabilities, reference), classes_of(classes), bins, scope)


def _regions(regions, classes):
    """Lists of labels."""
    if regions is None:
        return [[label] for label in classes.values[1:]]
    return [[int(one) for one in region] if np.ndim(region) else [int(region)] for region in regions]
