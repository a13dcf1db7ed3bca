"""Voxels of foreground, drawn class by class."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ._arguments import Array, label_map

# How much memory the counts of all maps take together, and what is needed for those of one beside the numbers.
_MOST_BYTES, _BESIDE = 16 << 20, 1 << 10


class Foreground:
    """Finds voxels of the classes that are not background: first a class that is there is drawn, then a voxel of it, evenly.

    Which classes a map holds, and how many voxels of each are in each of its planes, is counted once. Counts are kept by a
    digest of the map's shape and labels, so a map that was loaded again has them, and one that was changed in place has not.
    The counts that were used longest ago are dropped when all take 16 MB.

    Parameters
    ----------
    values : list of int
        The labels that are foreground.
    """

    def __init__(self, values: Sequence[int]) -> None:
        self.values = list(values)
        self._kept: OrderedDict[tuple[Any, ...], NDArray[np.int64]] = OrderedDict()
        self._bytes = 0
        # One for each process: a child that is forked while a thread holds its parent's would wait for ever.
        self._locks: dict[int, threading.Lock] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy in another process counts by itself, which is less than sending counts to each.
        return Foreground, (self.values,)

    def of(self, maps: Sequence[Array]) -> Voxels:
        """The voxels of foreground in the label maps of one or several raters."""
        planes = [_Planes(one) for one in maps]
        return Voxels(self.values, planes, [self._counts(one) for one in planes])

    def _counts(self, planes: _Planes) -> NDArray[np.int64]:
        """How many voxels of each class are in each plane: (classes, planes)."""
        key = planes.key()
        lock = self._locks.setdefault(os.getpid(), threading.Lock())
        with lock:
            counts = self._kept.get(key)
            if counts is not None:
                self._kept.move_to_end(key)
                return counts
        counts = np.array([[np.count_nonzero(plane == value) for plane in planes.labels] for value in self.values])
        counts = counts.reshape(len(self.values), len(planes.labels)).astype(np.int64)
        with lock:
            if key not in self._kept:
                self._kept[key] = counts
                self._bytes += counts.nbytes + _BESIDE
            while self._bytes > _MOST_BYTES and self._kept:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes + _BESIDE
        return counts


class Voxels:
    """The voxels of foreground in a case."""

    def __init__(self, values: list[int], planes: list[_Planes], counts: list[NDArray[np.int64]]) -> None:
        self._values, self._planes, self._counts = values, planes, counts

    def draw(self) -> tuple[int, ...] | None:
        """The position of one, or None if there is none. One that several raters mark is drawn so many times as often."""
        totals = np.stack([one.sum(1) for one in self._counts], 1)
        held = np.flatnonzero(totals.any(1))
        if not held.size:
            return None
        at = int(held[_below(held.size)])
        rater, voxel = _place(totals[at], _below(int(totals[at].sum())))
        plane, voxel = _place(self._counts[rater][at], voxel)
        return self._planes[rater].position(plane, self._values[at], voxel)


class _Planes:
    """A label map as planes along the axis that is slowest in memory, in the smallest type that holds its labels."""

    def __init__(self, labels: Array) -> None:
        array = _narrow(labels)
        self._axes = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
        self.labels = np.ascontiguousarray(array.transpose(self._axes))

    def key(self) -> tuple[Any, ...]:
        return self.labels.shape, self.labels.dtype.str, hashlib.sha256(self.labels.data).digest()

    def position(self, plane: int, value: int, voxel: int) -> tuple[int, ...]:
        """Where the voxel with this number among those of a label in a plane is, in the axes of the map."""
        labels = self.labels[plane]
        within = np.unravel_index(np.flatnonzero(labels == value)[voxel], labels.shape)
        position = dict(zip(self._axes, (plane, *map(int, within))))
        return tuple(position[axis] for axis in range(len(position)))


def _narrow(labels: Array) -> Array:
    """The same labels as bytes, if they are whole and from 0 to 255."""
    if (
        labels.dtype.kind in "iuf"
        and labels.dtype.itemsize > 1
        and labels.size
        and labels.min() >= 0
        and labels.max() <= 255
    ):
        narrow = labels.astype(np.uint8)
        if labels.dtype.kind != "f" or bool((narrow == labels).all()):
            return narrow
    return label_map(labels)


def _below(count: int) -> int:
    return int(torch.randint(count, ()))


def _place(counts: NDArray[np.int64], number: int) -> tuple[int, int]:
    """In which of several groups the thing with this number is, and its number there."""
    ends = np.cumsum(counts)
    group = int(np.searchsorted(ends, number, side="right"))
    return group, number - int(ends[group] - counts[group])
