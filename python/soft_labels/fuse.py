"""Several raters to one, and how much they disagree.

`majority_vote` gives a label map, `mean` and `staple` give probabilities, and `disagreement` two maps of how far the raters are
apart. The mean that keeps the boundaries uncertain, too, is `soft_labels.encode` of a list of label maps.

The raters are a list of label maps. An array (R, H, W) is an error: it may be the volume of one rater. ``list(array)`` is the
list. A rater who ignores a voxel has no part in it. Tensors on the CPU give tensors.

>>> import numpy as np
>>> from soft_labels import fuse
>>> raters = [np.array([[0, 1, 1, 0]]), np.array([[0, 1, 1, 0]]), np.array([[0, 0, 1, 1]])]
>>> fuse.majority_vote(raters, 2)
array([[0, 1, 1, 0]])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _native
from ._arguments import AnyClasses, classes_of, index, plain, raters_of, weights_of
from ._encode import encode
from ._interchange import ArrayOrTensor, Same, as_given
from ._interrupt import interruptible
from ._ties import Ties, rule_of

__all__ = ["Disagreement", "Staple", "disagreement", "majority_vote", "mean", "staple"]


def majority_vote(
    labels: Sequence[Same], classes: AnyClasses, *, ignore: int | None = None, ties: Ties = "lowest"
) -> Same:
    """The label that most raters gave each voxel.

    Parameters
    ----------
    labels : list of arrays or tensors, one for each rater
        Label maps (H, W) or (D, H, W). A rater who ignores a voxel has no vote there.
    classes : int, list of int, or Classes
    ignore : int, optional
        The label that is ignored, if `classes` does not hold it.
    ties : {"lowest", "highest"} or dict
        Which of several labels with the most votes wins: that of the first class, or of the last, which for two classes is
        "at least half of the raters". ``{"prefer": 2}``: label 2 if it is one of them, else the first. ``{"undecided": 255}``:
        none of them; the voxel gets that label, whether or not it is a class.

    Returns
    -------
    array or tensor of the raters' element type, int64 if they are whole floats
        The ignored label where all raters ignore the voxel.

    Raises
    ------
    ValueError
        If a label is not a class or not whole, shapes differ, there are no raters, or `ties` is none of these.
    TypeError
        If the raters are no list, or labels are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import fuse
    >>> raters = [np.array([[0, 1, 2]]), np.array([[0, 2, 2]])]
    >>> fuse.majority_vote(raters, 3)
    array([[0, 1, 2]])
    >>> fuse.majority_vote(raters, 3, ties={"undecided": 255})
    array([[  0, 255,   2]])
    """
    maps = raters_of(labels)
    bools = all(plain(one, "a label map").dtype == np.bool_ for one in labels)
    vote = interruptible(_native.majority, maps, classes_of(classes, ignore), *rule_of(ties, bools))
    return cast(Same, as_given(vote.view(np.bool_) if bools else vote, labels))


def mean(
    labels: Sequence[Same],
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    weights: ArrayLike | None = None,
    dtype: DTypeLike = np.float32,
) -> Same:
    """The share of the raters who gave each voxel each class, as probabilities.

    It is `soft_labels.encode` with the method "one_hot", for which "svls" and others smooth, too.

    Parameters
    ----------
    labels : list of arrays or tensors, one for each rater
        Label maps (H, W) or (D, H, W).
    classes : int, list of int, or Classes
    ignore : int, optional
        The label that is ignored, if `classes` does not hold it.
    weights : list of float, optional
        One for each rater.
    dtype : {float32, float64, float16, uint8}
        In uint8 they are 255ths, whose sum is exactly 255.

    Returns
    -------
    array or tensor, (C, H, W) or (C, D, H, W)
        0 in all classes where all raters ignore the voxel.

    Raises
    ------
    ValueError
        If a label is not a class or not whole, shapes differ, there are no raters, or weights are not one for each.
    TypeError
        If the raters are no list, or labels are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import fuse
    >>> fuse.mean([np.array([[0, 1]]), np.array([[0, 0]])], 2)[1]
    array([[0. , 0.5]], dtype=float32)
    """
    soft = encode(raters_of(labels), classes, "one_hot", ignore=ignore, weights=weights, dtype=dtype)
    return cast(Same, as_given(soft, labels))


@dataclass(frozen=True, eq=False)
class Disagreement:
    """How much raters disagree at each voxel, which `disagreement` returns.

    Attributes
    ----------
    entropy : array or tensor of float64, (H, W) or (D, H, W)
        The entropy of the raters' labels in nats: 0 where all agree, ln k where k classes share the votes evenly.
    minority : array or tensor of float64, (H, W) or (D, H, W)
        The share of raters whose label is not the most frequent one.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import fuse
    >>> maps = fuse.disagreement([np.array([[0, 0]]), np.array([[0, 1]])], 2)
    >>> maps.minority
    array([[0. , 0.5]])
    """

    entropy: NDArray[np.float64]
    minority: NDArray[np.float64]


def disagreement(labels: Sequence[ArrayOrTensor], classes: AnyClasses, *, ignore: int | None = None) -> Disagreement:
    """How much the raters disagree at each voxel, each counting alike.

    Parameters
    ----------
    labels : list of arrays or tensors, one for each rater
        Label maps (H, W) or (D, H, W). A rater who ignores a voxel is left out there.
    classes : int, list of int, or Classes
    ignore : int, optional
        The label that is ignored, if `classes` does not hold it.

    Returns
    -------
    Disagreement
        The maps `entropy` and `minority`, both 0 where all raters ignore the voxel.

    Raises
    ------
    ValueError
        If a label is not a class or not whole, shapes differ, or there are no raters.
    TypeError
        If the raters are no list, or labels are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import fuse
    >>> maps = fuse.disagreement([np.array([[0, 0]]), np.array([[0, 1]])], 2)
    >>> maps.entropy.round(4)
    array([[0.    , 0.6931]])
    """
    found = interruptible(_native.disagreement, raters_of(labels), classes_of(classes, ignore))
    return Disagreement(*(as_given(one, labels) for one in found))


@dataclass(frozen=True, eq=False)
class Staple:
    """What STAPLE found, which `staple` returns.

    Attributes
    ----------
    posterior : array or tensor of float64, (C, H, W) or (C, D, H, W)
        The probability of each class at each voxel.
    sensitivity, specificity : array or tensor of float64, (raters, classes)
    confusion : list of arrays or tensors of float64, (classes, classes)
        For each rater: the probability of a vote for class j (row) where the truth is class s (column).
    prior : list of float
        The prior probability of each class.
    weights : list of float
        A weight for each rater, for `soft_labels.encode`; they sum to 1. Each is the mean over classes of
        ``max(0, sensitivity + specificity - 1)``, Youden's index, divided by the sum of those of all raters. Classes that are the
        truth nowhere where the rater voted are left out. A rater without votes has 0, and if all indices are 0, all raters
        have the same weight.
    window : list of pairs of int
        The first voxel and the end of the part that this was estimated on, for each axis.
    iterations : int
    converged : bool

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import fuse
    >>> found = fuse.staple([np.array([[0, 1, 1]]), np.array([[0, 1, 1]])], 2)
    >>> found.converged, found.posterior.shape
    (True, (2, 1, 3))
    """

    posterior: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    specificity: NDArray[np.float64]
    confusion: list[NDArray[np.float64]]
    prior: list[float]
    weights: list[float]
    window: list[tuple[int, int]]
    iterations: int
    converged: bool


def staple(
    labels: Sequence[ArrayOrTensor],
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    tolerance: float = 1e-7,
    max_iterations: int = 10_000,
    prior: ArrayLike | None = None,
    crop_to_disagreement: int | None = None,
) -> Staple:
    """Simultaneous truth and performance level estimation (Warfield et al. 2004; several classes: Rohlfing et al. 2004).

    The prior depends on the field of view: set `crop_to_disagreement`, or crop before you compare. `soft_labels.metrics.top_labels`
    makes labels of the posterior.

    Parameters
    ----------
    labels : list of arrays or tensors, one for each rater
        Label maps (H, W) or (D, H, W). A rater who ignores a voxel has no vote there.
    classes : int, list of int, or Classes
    ignore : int, optional
        The label that is ignored, if `classes` does not hold it.
    tolerance : float
        Rounds end when no entry of a confusion matrix moved by more.
    max_iterations : int
    prior : list of float, optional
        The prior probability of each class. By default its share of the raters' labels.
    crop_to_disagreement : int, optional
        Estimates on the box around the voxels at which raters differ, with so many voxels more on each side. Outside of it the
        posterior is 1 for the class that the raters agree on. Where they agree everywhere, the box is the whole map.

    Returns
    -------
    Staple
        The posterior, 0 in all classes where all raters ignore the voxel, and how reliable each rater is.

    Raises
    ------
    ValueError
        If a label is not a class or not whole, shapes differ, there are no raters, or a setting is out of range.
    TypeError
        If the raters are no list, or labels are not numbers.

    Examples
    --------
    Two careful raters, and one who misses half of the structure:

    >>> import numpy as np
    >>> from soft_labels import fuse
    >>> careful = np.array([[0, 1, 1, 0], [0, 1, 1, 0]])
    >>> hasty = np.array([[0, 0, 1, 0], [0, 0, 1, 0]])
    >>> found = fuse.staple([careful, careful, hasty], 2)
    >>> found.sensitivity[:, 1].round(2)
    array([1. , 1. , 0.5])

    Soft labels (mSVLS) to which each rater contributes by that:

    >>> from soft_labels import encode
    >>> [round(weight, 2) for weight in found.weights]
    [0.4, 0.4, 0.2]
    >>> encode([careful, careful, hasty], 2, "svls", weights=found.weights).shape
    (2, 2, 4)
    """
    margin = None if crop_to_disagreement is None else index(crop_to_disagreement, "crop_to_disagreement")
    iterations = index(max_iterations, "max_iterations")
    maps, made = raters_of(labels), classes_of(classes, ignore)
    found = interruptible(_native.staple, maps, made, tolerance, iterations, weights_of(prior), margin)
    found["confusion"] = [as_given(one, labels) for one in found["confusion"]]
    return Staple(
        **{name: as_given(one, labels) if isinstance(one, np.ndarray) else one for name, one in found.items()}
    )
