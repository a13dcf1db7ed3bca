"""Predictions against references: overlap, surfaces and calibration; and against several raters.

`Calibration` finds temperatures that make predictions mean what they say, and applies them.

The exact definitions are those of the crate's module `metrics`. Numbers that do not exist are NaN. A region that neither map
holds has the scores that `empty` says. Where one map alone holds it, Dice is 0 and distances are infinite.

Other packages have other conventions. What gives the numbers of surface-distance 0.1, MONAI 1.6 and torchmetrics 1.9:

=====================  ====================  ===============================  ====================  ================
                       DeepMind's            MONAI                            MetricsReloaded       torchmetrics
                       surface-distance
=====================  ====================  ===============================  ====================  ================
Dice, in neither map   ``empty="nan"``       "nan"; if not ``ignore_empty``,  "one"                 "nan"
                                             "one"
Jaccard, the same                            as its Dice                      "nan"                 (-1)
Dice, only predicted   0, as here            (NaN); if not ``ignore_empty``,  0, as here            0, as here
                                             0, as here
``surface=``           "surfels"             "edge_voxels"; surface Dice of   "edge_voxels"         "edge_voxels",
                                             subvoxels: "surfels"                                   in 2D
Surface Dice, in       ``empty="nan"``       "nan"                            "one"
neither map
Distances, the same    (average NaN,         "nan"                            "one"                 (an error)
                       Hausdorff infinite)
Distances, in one map  infinite, as here     infinite, as here; percentiles   (NaN)                 infinite, as here
                                             (NaN)
Percentiles            of area, as           interpolated, as                 as MONAI              ``percent=100``
                       "surfels"             "edge_voxels"
Hausdorff, directed                          from the prediction                                    as MONAI
Average distance       from either           from the prediction; if          "ASSD": of both
                                             ``symmetric``, of both
=====================  ====================  ===============================  ====================  ================

What is in brackets, no setting gives. The SVLS paper has the Dice of ``empty="one"``, nnU-Net that of "nan", which it leaves out of
means. MetricsReloaded's "MASD" is the mean of ``average_from_prediction`` and ``average_from_reference``.

Several raters are a list of masks, arrays of bools of one shape and any axes: `threshold_dice` of a map of probabilities,
`energy_distance`, `matched_iou` and `best_dice` of several sampled masks. `fleiss_kappa`, `krippendorff_alpha` and
`icc_of_volumes` with `icc_interval` are of the raters among themselves, and `agreement` is all of them for one case.

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
from ._agreement import (
    crps_of_volumes,
    crps_of_volumes_gaussian,
    fleiss_kappa,
    icc_interval,
    icc_of_volumes,
    krippendorff_alpha,
)
from ._band import boundary_band
from ._bootstrap import bootstrap
from ._calibration import Reliability, brier, brier_soft, ece, nll, nll_soft, reliability, tace, top_labels
from ._class_calibration import class_calibration, temperature
from ._class_reliability import class_reliability, risk_coverage
from ._judge import judge
from ._judge_raters import judge_raters
from ._overlap import confusion_matrix, dice, jaccard, overlap
from ._raters import agreement
from ._samples import best_dice, energy_distance, matched_iou, threshold_dice
from ._scaling import Calibration
from ._surfaces import hausdorff, surface_dice, surface_distances

__all__ = [
    "Calibration",
    "ClassReliability",
    "EqualMassBins",
    "Reliability",
    "RiskCoverage",
    "agreement",
    "best_dice",
    "bootstrap",
    "boundary_band",
    "brier",
    "brier_soft",
    "class_calibration",
    "class_reliability",
    "confusion_matrix",
    "crps_of_volumes",
    "crps_of_volumes_gaussian",
    "dice",
    "ece",
    "energy_distance",
    "fleiss_kappa",
    "hausdorff",
    "icc_interval",
    "icc_of_volumes",
    "jaccard",
    "judge",
    "judge_raters",
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
