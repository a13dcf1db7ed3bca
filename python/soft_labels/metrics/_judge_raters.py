"""All metrics of a case that several raters drew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _native
from .._arguments import AnyClasses, classes_of, label_map, per_axis, plain, probabilities_of
from .._encode import encode
from .._interchange import Array, ArrayOrTensor
from .._interrupt import interruptible
from .._native import Classes, Reliability
from ._agreement import crps_of_volumes, crps_of_volumes_gaussian
from ._calibration import brier_soft, nll_soft, reliability, top_labels
from ._inputs import check_labelled, judged_map, numbers_of
from ._overlap import Empty, overlap
from ._samples import QUBIQ
from ._surfaces import Surface, surface_distances

Raters: TypeAlias = Sequence[ArrayOrTensor | None] | Mapping[str, ArrayOrTensor | None]
Numbers: TypeAlias = dict[str, float]

_SCORES = ("dice", "jaccard", "precision", "recall")
_SURFACES = ("surface_dice", "overlap_reference", "overlap_prediction")
# As the command calls them, and as `surface_distances` does.
_DISTANCES = {
    "average_surface_distance_mm": "average_surface_distance",
    "hausdorff95_mm": "hausdorff_percentile",
    "hausdorff_mm": "hausdorff",
}


def judge_raters(
    prediction: ArrayOrTensor | Sequence[ArrayOrTensor],
    raters: Raters,
    classes: AnyClasses,
    *,
    ignore: int | None = None,
    spacing: ArrayLike = 1.0,
    tolerance: float = 2.0,
    surface: Surface = "surfels",
    bins: int = 10,
    scope: Literal["all", "foreground"] = "all",
    regions: Mapping[str, Sequence[int]] | None = None,
    empty: Empty = "nan",
    thresholds: ArrayLike = QUBIQ,
    similarity: Literal["iou", "dice"] = "iou",
    pairs: Literal["all", "different"] = "all",
) -> dict[str, Any]:
    """All metrics of one case against each of several raters and against all of them.

    A voxel that a rater ignores does not count against that rater.

    Parameters
    ----------
    prediction : array, or list of arrays
        A label map, (H, W) or (D, H, W); probabilities, which have an axis more; or a list of label maps, which are samples.
        The share of samples is judged as probabilities are.
    raters : list of arrays of integers or bools, or dict of them by name
        The label map of each rater. One who did not draw the case is None, and is left out.
    classes, ignore
        As for `overlap`.
    spacing, tolerance, surface
        As for `surface_distances`.
    bins, scope
        As for `reliability`. Each voxel counts once for each rater who labelled it.
    regions : dict of lists of int, optional
        Labels that are judged as one, by name, beside each class but the first.
    empty : {"one", "nan", "zero"}
        What a structure scores that neither map holds: 1 and distances of 0; NaN, so that it does not count in a mean; or 0 and
        infinite distances. In a case that another map holds two empty samples are alike, whatever is told.
    thresholds
        As for `threshold_dice`.
    similarity, pairs
        As for `energy_distance`.

    Returns
    -------
    dict
        What ``soft-labels judge --raters --json`` prints of a case. ``raters``: their names, or ``rater 1`` and so on.
        ``classes`` and ``regions``: dicts by label and by name, in each a dict for each rater in the list ``raters``, the
        ``mean`` over the raters for whom a number exists, ``threshold_dice``, ``crps_mm3``, ``crps_gaussian_mm3`` (of the
        volumes that all raters labelled), and of samples ``energy_distance``, ``matched_iou`` and ``best_dice``. For
        probabilities and samples ``ece``, ``nll`` and ``brier``, the last two against the raters' mean, and ``ece_by_rater``.
        Distances and volumes have the unit of `spacing`, whatever their names say.

    Raises
    ------
    ValueError
        If there are no raters or samples, a label is not a class or not whole, shapes differ, probabilities are none or do not
        sum to 1, or a setting is out of range.
    TypeError
        If arrays are of another type.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> raters = [np.array([[0, 0, 1, 1]]), np.array([[0, 1, 1, 1]]), None]
    >>> found = metrics.judge_raters(np.array([[0, 0, 1, 1]]), raters, 2)
    >>> found["raters"], round(found["classes"]["1"]["mean"]["dice"], 4)
    (['rater 1', 'rater 2'], 0.9)
    >>> found["classes"]["1"]["crps_mm3"]
    0.25
    """
    made = classes_of(classes, ignore)
    if scope not in ("all", "foreground"):
        raise ValueError(f'scope is "all" or "foreground", not {scope!r}')
    case = _Case(prediction, raters, made)
    structures = {str(label): [label] for label in made.values[1:]}
    named = {name: per_axis(labels, 1, "a region's label") for name, labels in (regions or {}).items()}
    every = list(structures.values()) + list(named.values())
    by_rater = [
        _against_one(case.labels, drawn, made, every, spacing, tolerance, surface, empty) for drawn in case.raters
    ]
    limits = numbers_of(thresholds, "thresholds", "thresholds").tolist()

    def of_structure(at: int) -> dict[str, Any]:
        of_raters = [rows[at] for rows in by_rater]
        found: dict[str, Any] = {
            "raters": [{"rater": name} | row for name, row in zip(case.names, of_raters)],
            "mean": {key: _mean([row[key] for row in of_raters]) for key in of_raters[0]},
            "threshold_dice": interruptible(
                _native.threshold_dice_of_labels, case.share(every[at]), case.raters, made, every[at], limits, empty
            ),
        }
        found |= case.crps(every[at], spacing, empty)
        if case.samples:
            scores = interruptible(
                _native.sample_scores, case.samples, case.raters, made, every[at], similarity, pairs, empty
            )
            found |= dict(zip(("energy_distance", "matched_iou", "best_dice"), scores))
        return found

    result: dict[str, Any] = {"raters": case.names}
    if case.samples:
        result["samples"] = len(case.samples)
    result["classes"] = {name: of_structure(at) for at, name in enumerate(structures)}
    result["regions"] = {name: of_structure(at) for at, name in enumerate(named, len(structures))}
    if case.probabilities is not None:
        of_raters = [reliability(case.probabilities, drawn, made, bins=bins, scope=scope) for drawn in case.raters]
        all_raters: Reliability = sum(of_raters[1:], of_raters[0])
        mean = encode(case.raters, made, "one_hot", dtype=np.float64)
        result["ece"] = all_raters.ece
        result["nll"] = nll_soft(case.probabilities, mean)
        result["brier"] = brier_soft(case.probabilities, mean)
        result["ece_by_rater"] = [bins_of_rater.ece for bins_of_rater in of_raters]
    return result


class _Case:
    """Label maps of one element type, and what is predicted."""

    def __init__(self, prediction: ArrayOrTensor | Sequence[ArrayOrTensor], raters: Raters, classes: Classes) -> None:
        self.classes = classes
        if isinstance(raters, Mapping):
            drawn = {str(name): labels for name, labels in raters.items() if labels is not None}
        elif isinstance(raters, (list, tuple)):
            drawn = {f"rater {at}": labels for at, labels in enumerate(raters, 1) if labels is not None}
        else:
            raise TypeError(f"raters are a list or a dict of label maps, not {type(raters).__name__}")
        if not drawn:
            raise ValueError("there are no raters; give at least one label map")
        self.names = list(drawn)
        maps = [judged_map(label_map(labels, f"the label map of {name}")) for name, labels in drawn.items()]
        shape = maps[0].shape
        for name, one in zip(self.names, maps):
            if one.shape != shape:
                raise ValueError(
                    f"the label map of {name} has shape {one.shape}, the first {shape}; give the same voxels"
                )
            check_labelled(one, classes, name, "give None for this rater")
        # The voxels that each rater labelled, and those that any did.
        self._labelled = [np.ones(shape, bool) if classes.ignore is None else one != classes.ignore for one in maps]
        labelled = np.any(self._labelled, axis=0)
        reference = maps[0].astype(np.int64)
        for one, where in zip(maps[:0:-1], self._labelled[:0:-1]):
            reference = np.where(self._labelled[0] | ~where, reference, one)

        self.probabilities: Array | None = None
        samples: list[Array] = []
        if isinstance(prediction, (list, tuple)):
            if not prediction:
                raise ValueError("there are no samples; give at least one label map")
            samples = [self._found(one, "a sample", shape) for one in prediction]
            samples = [np.where(labelled, one, reference) for one in samples]
            self.probabilities = encode(samples, classes, "one_hot", dtype=np.float64)
            labels = top_labels(self.probabilities, classes, reference)
        else:
            found = plain(prediction, "a prediction")
            if found.ndim == len(shape) + 1:
                self.probabilities = probabilities_of(found)
                labels = top_labels(self.probabilities, classes, reference)
            else:
                labels = np.where(labelled, self._found(found, "a prediction", shape), reference)
        self.raters: list[Array] = maps
        if samples or any(one.dtype != maps[0].dtype for one in maps):
            self.raters = [one.astype(np.int64) for one in maps]
        self.samples = [one.astype(np.int64) for one in samples]
        self.labels = labels

    @staticmethod
    def _found(labels: ArrayOrTensor, what: str, shape: tuple[int, ...]) -> Array:
        found = judged_map(label_map(labels, what))
        if found.shape != shape:
            raise ValueError(f"{what} has shape {found.shape}, the raters' label maps {shape}; give the same voxels")
        return found

    def share(self, region: list[int]) -> NDArray[np.float32]:
        """The probability of a region at each voxel; 0 and 1 of a label map."""
        if self.probabilities is None:
            return np.isin(self.labels, region).astype(np.float32)
        classes = [at for at, label in enumerate(self.classes.values) if label in region]
        share: NDArray[np.float64] = self.probabilities[classes].sum(axis=0, dtype=np.float64)
        return share.astype(np.float32)

    def crps(self, region: list[int], spacing: ArrayLike, empty: Empty) -> Numbers:
        """Of the volumes that all raters labelled."""
        size = np.broadcast_to(np.asarray(spacing, np.float64), self.labels.ndim).prod()
        common = np.all(self._labelled, axis=0)
        volume, *drawn = (
            float(np.count_nonzero(np.isin(one, region) & common) * size) for one in (self.labels, *self.raters)
        )
        if empty == "nan" and volume == 0 and not any(drawn):
            return {"crps_mm3": np.nan, "crps_gaussian_mm3": np.nan}
        return {
            "crps_mm3": crps_of_volumes(volume, drawn),
            "crps_gaussian_mm3": crps_of_volumes_gaussian(volume, drawn),
        }


def _against_one(
    found: Array,
    drawn: Array,
    classes: Classes,
    regions: list[list[int]],
    spacing: ArrayLike,
    tolerance: float,
    surface: Surface,
    empty: Empty,
) -> list[Numbers]:
    """Overlap and surfaces of each region, as the command calls them."""
    columns = overlap(found, drawn, classes, regions=regions, empty=empty)
    columns |= surface_distances(
        found,
        drawn,
        classes,
        spacing=spacing,
        tolerance=tolerance,
        surface=surface,
        regions=regions,
        empty=empty,
    )
    size = float(np.broadcast_to(np.asarray(spacing, np.float64), drawn.ndim).prod())
    score = {"one": 1.0, "nan": np.nan, "zero": 0.0}[empty]

    def row(at: int) -> Numbers:
        one = {name: float(column[at]) for name, column in columns.items()}
        voxels = one["voxels_prediction"], one["voxels_reference"]
        if not any(voxels):
            one |= dict.fromkeys((*_SCORES, *_SURFACES), score)
        return (
            {name: one[name] for name in _SCORES}
            | {"volume_prediction_mm3": voxels[0] * size, "volume_reference_mm3": voxels[1] * size}
            | {name: one[name] for name in ("relative_volume_difference", *_SURFACES)}
            | {name: one[theirs] for name, theirs in _DISTANCES.items()}
        )

    return [row(at) for at in range(len(regions))]


def _mean(numbers: list[float]) -> float:
    """Over the numbers that exist."""
    known = [number for number in numbers if not np.isnan(number)]
    return sum(known) / len(known) if known else float("nan")
