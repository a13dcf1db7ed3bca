"""Predictions against references: overlap, surfaces and calibration.

The exact definitions are those of the crate's module `metrics`. Numbers that do not exist are NaN: so is
a distance between two surfaces that are both empty. Where one of them is, it is infinite.

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

from ._calibration import Reliability, brier, brier_soft, ece, nll, nll_soft, reliability, tace, top_labels
from ._judge import judge
from ._overlap import confusion_matrix, dice, jaccard, overlap
from ._surfaces import hausdorff, surface_dice, surface_distances

__all__ = [
    "Reliability",
    "brier",
    "brier_soft",
    "confusion_matrix",
    "dice",
    "ece",
    "hausdorff",
    "jaccard",
    "judge",
    "nll",
    "nll_soft",
    "overlap",
    "reliability",
    "surface_dice",
    "surface_distances",
    "tace",
    "top_labels",
]
