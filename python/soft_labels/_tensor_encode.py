"""Soft labels by plain tensor operations, on the device where label maps are."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import _native
from ._encode import encode as encode_array
from ._native import Classes, Encoding


@dataclass(frozen=True)
class Plan:
    """An encoding for label maps of so many axes."""

    values: tuple[int, ...]
    ignore: int | None
    #: Neighbours of equal weight: the weight, and their offsets. All weights sum to 1.
    shells: tuple[tuple[float, tuple[tuple[int, ...], ...]], ...]
    #: Twice the share of the neighbours in the weight of a voxel.
    strength: float
    radius: tuple[int, ...]
    #: From classes (rows) to channels, unless they are the same.
    matrix: NDArray[np.float64] | None

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.values)

    @property
    def channels(self) -> int:
        """How many channels the result has."""
        return self.classes if self.matrix is None else int(self.matrix.shape[1])


@lru_cache(maxsize=64)
def plan(classes: str, encoding: str, axes: int) -> Plan:
    """The plan for `Classes` and `Encoding` in their JSON form."""
    known, method = Classes.from_json(classes), Encoding.from_json(encoding)
    fields = json.loads(encoding)
    smooths = fields["method"] == "svls"
    alone = method if not smooths else Encoding("one_hot")
    if smooths and "channels" in fields:
        alone = alone.with_channels(json.dumps(fields["channels"]))
    # What a class becomes that is alone.
    values = np.array(known.values, dtype=np.int64 if min(known.values) < 0 else np.uint64)
    rows = encode_array(values.reshape((1,) * (axes - 1) + (-1,)), known, alone, dtype="float64")
    matrix: NDArray[np.float64] | None = rows.reshape(rows.shape[0], -1).T
    if matrix is not None and matrix.shape[0] == matrix.shape[1] and (matrix == np.eye(len(matrix))).all():
        matrix = None
    if not smooths:
        return Plan(tuple(known.values), known.ignore, (), 1.0, (0,) * axes, matrix)
    weights = _native.kernel(method, axes)
    radius = tuple(length // 2 for length in weights.shape)
    strength = 2 * (1 - float(weights[radius]))
    shells: dict[float, list[tuple[int, ...]]] = {}
    for at in itertools.product(*(range(length) for length in weights.shape)):
        if at != radius and weights[at] > 0:
            shells.setdefault(float(weights[at]), []).append(at)
    neighbours = sum(weight * len(offsets) for weight, offsets in shells.items())
    grouped = tuple((weight / neighbours, tuple(offsets)) for weight, offsets in shells.items())
    return Plan(tuple(known.values), known.ignore, grouped, strength, radius, matrix)


def integers(labels: Tensor) -> Tensor:
    """Labels as integers: MONAI loads label maps as floats."""
    if labels.dtype == torch.bool:
        return labels.to(torch.uint8)
    if not labels.is_floating_point():
        return labels
    whole = labels.to(torch.int64)
    wrong = whole.to(labels.dtype) != labels
    if bool(wrong.any()):
        at = _first(wrong)
        raise ValueError(
            f"label {float(labels[at])} at {list(at)} is no whole number of 64 bits; labels are integers, and label maps are "
            "resampled by nearest neighbour"
        )
    return whole


def class_index(labels: Tensor, plan: Plan) -> Tensor:
    """The class of each voxel (N, ..), or the number of classes where it is ignored."""
    labels = integers(labels).to(torch.int64)
    count = plan.classes
    if plan.values == tuple(range(count)):
        index, known = labels, (labels >= 0) & (labels < count)
    else:
        # Labels above 2^63 are the negative numbers of the same bits, here as in the conversion above.
        values = torch.from_numpy(_bits(plan.values))
        order = torch.argsort(values)
        ascending = values[order].to(labels.device)
        place = torch.searchsorted(ascending, labels.contiguous()).clamp(max=count - 1)
        index, known = order.to(labels.device)[place], ascending[place] == labels
    if plan.ignore is not None:
        ignored = labels == int(_bits((plan.ignore,))[0])
        index, known = torch.where(ignored, count, index), known | ignored
    if not bool(known.all()):
        at = _first(~known)
        raise ValueError(
            f"label {int(labels[at])} at {list(at)} is neither one of the {count} classes nor ignored, as are "
            f"{int((~known).sum())} voxels in all (with Classes(values=[..]) or Classes(.., ignore=..))"
        )
    return index


def _bits(values: Sequence[int]) -> NDArray[np.int64]:
    """Integers of 64 bits, with a sign or without, as those with a sign that have the same bits."""
    return np.array([value - 2**64 if value >= 2**63 else value for value in values], dtype=np.int64)


def _first(where: Tensor) -> tuple[int, ...]:
    return tuple(int(index) for index in torch.nonzero(where)[0])


def shifted(index: Tensor, plan: Plan) -> Iterator[tuple[float, list[Tensor]]]:
    """For each weight the class indices of the neighbours that have it. Borders are padded with the nearest voxel."""
    for axis, radius in enumerate(plan.radius, start=1):
        length = index.shape[axis]
        nearest = torch.arange(-radius, length + radius, device=index.device).clamp(0, max(length - 1, 0))
        index = index.index_select(axis, nearest)
    sizes = [index.shape[axis] - 2 * radius for axis, radius in enumerate(plan.radius, start=1)]
    for weight, offsets in plan.shells:
        windows = ([slice(at, at + size) for at, size in zip(offset, sizes)] for offset in offsets)
        yield weight, [index[(slice(None), *window)] for window in windows]


def weight_around(
    neighbours: Sequence[tuple[float, list[Tensor]]], index: Tensor, plan: Plan, dtype: torch.dtype
) -> Tensor:
    """The weight of each voxel and of its neighbours that are not ignored."""
    around = torch.ones_like(index, dtype=dtype)
    for weight, shell in neighbours:
        count = torch.zeros_like(around)
        for one in shell:
            count += one < plan.classes
        around += weight * count
    return around


def encode_one(index: Tensor, plan: Plan, dtype: torch.dtype) -> Tensor:
    """The soft labels (N, C, ..) of a rater's class indices (N, ..), 0 where voxels are ignored."""
    shape = (index.shape[0], plan.classes + 1, *index.shape[1:])
    soft = torch.zeros(shape, dtype=dtype, device=index.device)
    if plan.shells:
        neighbours = list(shifted(index, plan))
        share = plan.strength / weight_around(neighbours, index, plan, dtype)
        for weight, shell in neighbours:
            # Neighbours of one weight are counted first: the counts are exact.
            count = torch.zeros_like(soft)
            one = torch.ones_like(index, dtype=dtype).unsqueeze(1)
            for neighbour in shell:
                count.scatter_add_(1, neighbour.unsqueeze(1), one)
            soft += weight * count
        soft *= share.unsqueeze(1)
        soft.scatter_add_(1, index.unsqueeze(1), (1 - plan.strength + share).unsqueeze(1))
        soft *= (index < plan.classes).unsqueeze(1)
    else:
        soft.scatter_(1, index.unsqueeze(1), 1.0)
    soft = soft[:, : plan.classes]
    if plan.matrix is None:
        return soft
    # No matrix product: it may round to fewer bits on a GPU.
    mixed = torch.zeros((index.shape[0], plan.channels, *index.shape[1:]), dtype=dtype, device=index.device)
    for row, of_class in zip(plan.matrix, soft.unbind(1)):
        entries = torch.tensor(row, dtype=dtype, device=index.device)
        mixed += entries.view(1, -1, *[1] * (index.ndim - 1)) * of_class.unsqueeze(1)
    return mixed


def rater_shares(
    indices: Sequence[Tensor], plan: Plan, weights: Sequence[float] | None, dtype: torch.dtype
) -> list[Tensor]:
    """The weight of each rater at each voxel: 0 where the rater ignores it, and 1 in all where anybody labelled it."""
    given = weights if weights is not None else [1.0] * len(indices)
    heaviest = max(given)
    shares = [(weight / heaviest) * (index < plan.classes).to(dtype) for weight, index in zip(given, indices)]
    total = torch.stack(shares).sum(0)
    total = torch.where(total == 0, 1, total)
    return [share / total for share in shares]


def encode(
    maps: Sequence[Tensor], classes: Classes, encoding: Encoding, weights: Sequence[float] | None, dtype: torch.dtype
) -> Tensor:
    """The mean of the raters' soft labels (N, C, ..) of batches of label maps (N, ..)."""
    made = plan(classes.to_json(), encoding.to_json(), maps[0].ndim - 1)
    return encode_indices([class_index(one, made) for one in maps], made, weights, dtype)


def encode_indices(
    indices: Sequence[Tensor], plan: Plan, weights: Sequence[float] | None, dtype: torch.dtype
) -> Tensor:
    """The same of class indices."""
    if indices[0].numel() == 0:
        samples, *voxels = indices[0].shape
        return torch.zeros((samples, plan.channels, *voxels), dtype=dtype, device=indices[0].device)
    if len(indices) == 1:
        return encode_one(indices[0], plan, dtype)
    shares = rater_shares(indices, plan, weights, dtype)
    # One after the other, so that no more than two are in memory.
    soft = encode_one(indices[0], plan, dtype) * shares[0].unsqueeze(1)
    for index, share in zip(indices[1:], shares[1:]):
        soft += encode_one(index, plan, dtype) * share.unsqueeze(1)
    return soft
