"""Predictions against references: overlap, surfaces and calibration; and against several raters.

The exact definitions are those of the crate's module `metrics`. Numbers that do not exist are NaN: so is
a distance between two surfaces that are both empty. Where one of them is, it is infinite.

Other packages have other conventions, and these settings give their numbers (MONAI 1.6, torchmetrics 1.9, surface-distance 0.1):

===================  ==============================  ==============================  ==================  ====================
Function             DeepMind's surface-distance     MONAI                           MetricsReloaded     torchmetrics
===================  ==============================  ==============================  ==================  ====================
dice, neither holds  ``empty="nan"``                 ``empty="nan"``; with           ``empty="one"``     ``empty="nan"``
the region                                           ``ignore_empty=False`` "one"
dice, the            0, as here                      NaN; with                       0, as here          0, as here
prediction alone                                     ``ignore_empty=False`` 0, as
holds it                                             here
jaccard, neither                                     as its Dice                     ``empty="nan"``     -1
surface              "surfels"                       "edge_voxels"; surface Dice     "edge_voxels"       "edge_voxels", in 2D
                                                     with ``use_subvoxels=True``
                                                     "surfels"
surface_dice,        ``empty="nan"``                 ``empty="nan"``                 ``empty="one"``
neither
hausdorff            of area                         interpolated, as here for       as MONAI            the largest distance
percentile                                           "edge_voxels"
hausdorff, directed                                  ``directed=True``: from the                         as MONAI
                                                     prediction
average distance     of each surface                 ``average_from_prediction``;    ASSD:               none
                                                     with ``symmetric=True``         ``average_surface_
                                                     ``average_surface_distance``    distance``
distances, neither   Hausdorff infinite              NaN, as here                    0                   an error
distances, one       infinite; average from the      infinite, as here               NaN                 infinite, as here
                     empty one NaN
===================  ==============================  ==============================  ==================  ====================

nnU-Net has NaN for the Dice of a region that neither holds, and leaves it out of means. MetricsReloaded's MASD is the mean of
``average_from_prediction`` and ``average_from_reference``.

Several raters are a list of masks, arrays of bools of one shape and any axes: `threshold_dice` of a map of probabilities,
`energy_distance`, `matched_iou` and `best_dice` of several sampled masks. `fleiss_kappa`, `krippendorff_alpha` and
`icc_of_volumes` are of the raters among themselves.

`reliability` counts the bins of the most probable class, and `class_reliability` those of every class; the bins of cases are
added, `bootstrap` has intervals, and `boundary_band` is a scope of voxels near boundaries.

A prediction and its reference are of one map, (C, H, W) or (C, D, H, W) beside (H, W) or (D, H, W), never of a batch. A voxel
that the reference ignores counts nowhere, whatever the prediction holds there. A voxel without any probability whose reference
counts is an error. Tensors on the CPU are read as arrays.

Whether an array of uint8 holds labels or 255ths is never guessed. It holds 255ths where a function takes probabilities or soft
labels, and labels where it takes a label map. `judge` takes either: probabilities have an axis more than the reference.

>>> import numpy as np
>>> from soft_labels import metrics
>>> metrics.dice(np.array([[0, 1, 1]]), np.array([[0, 0, 1]]), 2).round(4)
array([0.6667])
"""

from .._native import ClassReliability, EqualMassBins, RiskCoverage
from ._agreement import crps_of_volumes, fleiss_kappa, icc_of_volumes, krippendorff_alpha
from ._band import boundary_band
from ._bootstrap import bootstrap
from ._calibration import Reliability, brier, brier_soft, ece, nll, nll_soft, reliability, tace, top_labels
from ._class_calibration import class_calibration, temperature
from ._class_reliability import class_reliability, risk_coverage
from ._judge import judge
from ._overlap import confusion_matrix, dice, jaccard, overlap
from ._samples import best_dice, energy_distance, matched_iou, threshold_dice
from ._surfaces import hausdorff, surface_dice, surface_distances

__all__ = [
    "ClassReliability",
    "EqualMassBins",
    "Reliability",
    "RiskCoverage",
    "best_dice",
    "bootstrap",
    "boundary_band",
    "brier",
    "brier_soft",
    "class_calibration",
    "class_reliability",
    "confusion_matrix",
    "crps_of_volumes",
    "dice",
    "ece",
    "energy_distance",
    "fleiss_kappa",
    "hausdorff",
    "icc_of_volumes",
    "jaccard",
    "judge",
    "krippendorff_alpha",
    "matched_iou",
    "nll",
    "nll_soft",
    "overlap",
    "reliability",
    "risk_coverage",
    "surface_dice",
    "surface_distances",
    "tace",
    "temperature",
    "threshold_dice",
    "top_labels",
]
