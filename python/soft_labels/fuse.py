"""Several raters to one: majority vote and STAPLE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _native
from ._arguments import AnyClasses, Array, classes_of, index, raters_of, weights_of
from ._interrupt import interruptible

__all__ = ["Staple", "majority_vote", "staple"]


def majority_vote(labels: Sequence[Array], classes: AnyClasses, *, ties: str = "lowest") -> Array:
    """The label that most raters gave each voxel, as an array of the raters' element type.

    Where several labels have the most votes, the class that comes first wins, or the last with ``ties="highest"``. A rater
    who ignores a voxel has no vote there; where all ignore it, the result is the ignored label. The raters are a list, of a
    stack (R, ..) ``list(stack)``.
    """
    maps = raters_of(labels)
    vote = interruptible(_native.majority, maps, classes_of(classes), ties)
    return vote.view(np.bool_) if _are_bools(labels) else vote


def _are_bools(labels: Sequence[Array]) -> bool:
    return all(np.asarray(one).dtype == np.bool_ for one in labels)


@dataclass(frozen=True, eq=False)
class Staple:
    """What STAPLE found.

    Attributes
    ----------
    posterior : array of float64, (C, ..)
        The probability of each class at each voxel.
    sensitivity, specificity : array of float64, (raters, classes)
    confusion : list of array of float64, (classes, classes)
        For each rater: the probability of a vote for class j (row) where the truth is class s (column).
    prior : list of float
        The prior probability of each class.
    iterations : int
    converged : bool
    """

    posterior: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    specificity: NDArray[np.float64]
    confusion: list[NDArray[np.float64]]
    prior: list[float]
    iterations: int
    converged: bool


def staple(
    labels: Sequence[Array],
    classes: AnyClasses,
    *,
    tolerance: float = 1e-7,
    max_iterations: int = 10_000,
    prior: ArrayLike | None = None,
) -> Staple:
    """Simultaneous truth and performance level estimation (Warfield et al. 2004; several classes: Rohlfing et al. 2004).

    Parameters
    ----------
    labels : list of arrays, one for each rater
    classes : int, list of int, or Classes
    tolerance : float
        Rounds end when no entry of a confusion matrix moved by more.
    max_iterations : int
    prior : list of float, optional
        The prior probability of each class. By default its share of the raters' labels.
    """
    iterations = index(max_iterations, "max_iterations")
    maps, classes = raters_of(labels), classes_of(classes)
    found = interruptible(_native.staple, maps, classes, tolerance, iterations, weights_of(prior))
    return Staple(**found)
