"""Dice and calibration while a network is validated, over cases and processes."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ._arguments import AnyClasses, classes_of, index, per_axis
from ._label_loss import _without_channel, choice
from ._native import Encoding
from ._tensor_encode import class_index, plan


class SegmentationMetrics:
    """Dice and expected calibration error of a network's outputs, added up over cases and processes.

    The channels of the outputs are the classes: it is not for sigmoids of regions. The numbers are those of
    `soft_labels.metrics`. They are computed on the device of the outputs and kept on the CPU.

    Parameters
    ----------
    classes : int, list of int or Classes
        How many classes there are, or their labels.
    ignore : int, optional
        The label of voxels that do not count.
    probabilities : bool
        Whether `update` gets probabilities. By default it gets logits, and takes their softmax.
    bins : int
        The number of bins of confidence.
    scope : {"all", "foreground"}
        Whether calibration is that of all voxels, or of those whose label is not the first class.
    regions : list of int or of lists of int, optional
        Labels that are judged alone, and lists of labels that are judged as one. By default each class but the first.

    Raises
    ------
    ValueError
        If a setting is out of range, or a region has a label that is no class.

    Attributes
    ----------
    states : dict of tensors
        What was added up. The states of several processes are the sums of theirs.

    Examples
    --------
    >>> import torch
    >>> from soft_labels.torch import SegmentationMetrics
    >>> metrics = SegmentationMetrics(classes=2)
    >>> logits = torch.tensor([[[[2.0, 2.0, 2.0, -2.0]], [[-2.0, -2.0, -2.0, 2.0]]]])
    >>> metrics.update(logits, torch.tensor([[[0, 0, 1, 1]]]))
    >>> {name: round(float(value), 3) for name, value in metrics.compute().items()}
    {'dice': 0.667, 'pooled_dice': 0.667, 'ece': 0.232}
    """

    def __init__(
        self,
        classes: AnyClasses,
        *,
        ignore: int | None = None,
        probabilities: bool = False,
        bins: int = 10,
        scope: str = "all",
        regions: Sequence[int | Sequence[int]] | None = None,
    ) -> None:
        self.classes = classes_of(classes, ignore)
        self.probabilities = bool(probabilities)
        self.bins = index(bins, "bins")
        if self.bins == 0:
            raise ValueError("there are 0 bins; give at least one")
        self.scope = choice(scope, "scope", ("all", "foreground"))
        values = list(self.classes.values)
        self.regions = [
            per_axis(region, 1, "a region's label") for region in (values[1:] if regions is None else regions)
        ]
        unknown = [label for region in self.regions for label in region if label not in values]
        if unknown:
            raise ValueError(f"label {unknown[0]} of a region is no class; the classes are {values}")
        self.reset()

    def reset(self) -> None:
        """Forgets what was added up."""
        bins, regions = self.bins, len(self.regions)
        self.states: dict[str, Tensor] = {
            "count": torch.zeros(bins, dtype=torch.int64),
            "correct": torch.zeros(bins, dtype=torch.int64),
            "confidence": torch.zeros(bins, dtype=torch.float64),
            "voxels_prediction": torch.zeros(regions, dtype=torch.int64),
            "voxels_reference": torch.zeros(regions, dtype=torch.int64),
            "voxels_both": torch.zeros(regions, dtype=torch.int64),
            "dice": torch.zeros(regions, dtype=torch.float64),
            "cases": torch.zeros(regions, dtype=torch.int64),
        }

    @torch.no_grad()
    def update(self, predictions: Tensor, labels: Tensor) -> None:
        """Adds the cases of a batch.

        Parameters
        ----------
        predictions : tensor (N, C, H, W) or (N, C, D, H, W)
            Logits, or probabilities if the metrics were made for them.
        labels : tensor (N, ..) or (N, 1, ..)
            Label maps of integers or whole floats, of the same voxels.

        Raises
        ------
        TypeError
            If one is no tensor.
        ValueError
            If shapes do not fit, a label is no class, or probabilities are none. Nothing is added then.
        """
        predictions = _plain(predictions, "predictions")
        if predictions.ndim not in (4, 5) or predictions.shape[1] != len(self.classes):
            raise ValueError(
                f"predictions are (N, {len(self.classes)}, H, W) or (N, {len(self.classes)}, D, H, W), a channel for each "
                f"class; not {tuple(predictions.shape)}"
            )
        samples, classes, *voxels = predictions.shape
        labels = _without_channel(_plain(labels, "labels"), (samples, *voxels), "label maps").to(predictions.device)
        made = plan(self.classes.to_json(), Encoding("one_hot").to_json(), len(voxels))
        reference = class_index(labels, made).flatten(1)
        if predictions.dtype not in (torch.float32, torch.float64):
            predictions = predictions.float()
        if predictions.device.type == "mps":
            # It has no float64.
            predictions, reference = predictions.cpu(), reference.cpu()
        p = (predictions if self.probabilities else predictions.softmax(1)).flatten(2)
        counts = reference < classes
        _check(p, counts)
        confidence, prediction = p.max(1)
        found = self._calibration(confidence[counts].double(), prediction[counts], reference[counts])
        pair = torch.arange(samples, device=p.device).unsqueeze(1) * classes + prediction
        pair = pair * classes + reference
        confusion = torch.bincount(pair[counts], minlength=samples * classes**2)
        self._add(found | self._overlap(confusion.reshape(samples, classes, classes).cpu()))

    def _calibration(self, confidence: Tensor, prediction: Tensor, reference: Tensor) -> dict[str, Tensor]:
        if self.scope == "foreground":
            inside = reference > 0
            confidence, prediction, reference = confidence[inside], prediction[inside], reference[inside]
        # A bin holds its upper border, as those of `soft_labels.metrics`.
        borders = self._borders()[1:-1].to(confidence.device)
        at = torch.searchsorted(borders, confidence)
        empty = torch.zeros(self.bins, dtype=torch.float64, device=confidence.device)
        return {
            "count": torch.bincount(at, minlength=self.bins),
            "correct": torch.bincount(at[prediction == reference], minlength=self.bins),
            "confidence": empty.index_add(0, at, confidence),
        }

    def _overlap(self, confusion: Tensor) -> dict[str, Tensor]:
        """What numbers of voxels (N, C of the prediction, C of the reference) add to the states of regions."""
        places = {value: place for place, value in enumerate(self.classes.values)}
        rows = []
        for region in self.regions:
            inside = torch.tensor(sorted({places[label] for label in region}), dtype=torch.int64)
            rows.append(
                [
                    confusion[:, inside].sum((1, 2)),
                    confusion[:, :, inside].sum((1, 2)),
                    confusion[:, inside][:, :, inside].sum((1, 2)),
                ]
            )
        if not rows:
            return {}
        # Each (regions, N).
        of_prediction, of_reference, both = (torch.stack(column) for column in zip(*rows))
        dice = 2 * both.double() / (of_prediction + of_reference)
        found = {
            "voxels_prediction": of_prediction,
            "voxels_reference": of_reference,
            "voxels_both": both,
            # A case without the region has no Dice.
            "dice": dice.nan_to_num(),
            "cases": ~dice.isnan(),
        }
        return {name: of_cases.sum(1) for name, of_cases in found.items()}

    def _add(self, states: dict[str, Tensor]) -> None:
        # Never in place: states that were made in inference mode could not be changed outside it.
        for name, state in states.items():
            self.states[name] = self.states[name] + state.cpu()

    def compute(self) -> dict[str, Tensor]:
        """The metrics of all that was added up.

        Returns
        -------
        dict of float64 tensors
            ``dice``: for each region the mean of the cases' Dice. A case where neither map holds the region does not count.
            ``pooled_dice``: for each region the Dice of all voxels of all cases. ``ece``: the expected calibration error of
            the most probable class. What nothing was added for is NaN.
        """
        states = self.states
        both = 2 * states["voxels_both"].double()
        apart = (states["correct"] - states["confidence"]).abs()
        return {
            "dice": states["dice"] / states["cases"],
            "pooled_dice": both / (states["voxels_prediction"] + states["voxels_reference"]),
            "ece": apart.sum() / states["count"].sum(),
        }

    def reliability(self) -> dict[str, Tensor]:
        """The bins of a reliability diagram, as `soft_labels.metrics.reliability` has them.

        Returns
        -------
        dict of tensors
            ``lower`` and ``upper`` borders; ``count``, the number of voxels; ``accuracy`` and mean ``confidence``, NaN in empty
            bins.
        """
        states, borders = self.states, self._borders()
        return {
            "lower": borders[:-1],
            "upper": borders[1:],
            "count": states["count"].clone(),
            "accuracy": states["correct"].double() / states["count"],
            "confidence": states["confidence"] / states["count"],
        }

    def merge(self, other: SegmentationMetrics) -> None:
        """Adds what another added up.

        Parameters
        ----------
        other : SegmentationMetrics

        Raises
        ------
        ValueError
            If its settings are others.
        """
        if self._settings() != other._settings():
            raise ValueError(
                f"the settings {self._settings()} and {other._settings()} differ; merge metrics of the same settings"
            )
        self._add(other.states)

    def synced(self, group: Any = None) -> SegmentationMetrics:
        """The metrics of all processes of `torch.distributed`, in each of them the same bits. These stay as they are.

        Every process of the group has to call it. Without processes it is a copy.

        Parameters
        ----------
        group : process group, optional
            By default all processes.
        """
        every: list[Any] = [self.states]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            every = [None] * torch.distributed.get_world_size(group)
            torch.distributed.all_gather_object(every, self.states, group)
        total = copy.copy(self)
        total.reset()
        for states in every:
            total._add(states)
        return total

    def _borders(self) -> Tensor:
        borders = torch.arange(self.bins + 1, dtype=torch.float64) * (1 / self.bins)
        borders[-1] = 1
        return borders

    def _settings(self) -> tuple[Any, ...]:
        return self.classes, self.probabilities, self.bins, self.scope, self.regions

    def __repr__(self) -> str:
        return f"SegmentationMetrics({self.classes!r}, bins={self.bins}, scope={self.scope!r}, regions={self.regions})"


def _plain(tensor: Tensor, what: str) -> Tensor:
    """A tensor without what subclasses add, as MONAI's MetaTensor."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{what} are a tensor, not {type(tensor).__name__}; make one with torch.as_tensor")
    return tensor.detach().as_subclass(Tensor)


def _check(p: Tensor, counts: Tensor) -> None:
    """Refuses what are no probabilities (N, C, voxels), with the tolerances of `soft_labels.metrics`."""
    fits = (p.amin(1) >= -1e-3) & (p.amax(1) <= 1 + 1e-3) & ((p.sum(1) - 1).abs() <= 0.1)
    wrong = counts & ~fits
    if bool(wrong.any()):
        sample, voxel = (int(place) for place in wrong.nonzero()[0])
        raise ValueError(
            f"{int(wrong.sum())} voxels have no probabilities from 0 to 1 whose sum is 1; the first, in sample {sample}, has "
            f"{p[sample, :, voxel].tolist()}; pass logits, or probabilities with probabilities=True"
        )
