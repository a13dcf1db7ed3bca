"""Tensors with MONAI's metadata: what is pending is applied, and margins are cut off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from monai.data import MetaTensor
from monai.transforms import Crop, LazyTransform
from monai.transforms.lazy.functional import apply_pending

from ._arguments import Array, label_map, plain
from ._tensors import array_of


class Explained(LazyTransform):
    """A transform that takes tensors with pending transforms, and says after its name what the last error was.

    `Compose` ends an error with the name of the transform alone: the last line, which one reads first, would not help.
    """

    _error = ""

    def __str__(self) -> str:
        return f"{self!r}\n{self._error}" if self._error else repr(self)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        self._error = ""
        try:
            yield
        except (TypeError, ValueError) as error:
            self._error = str(error)
            raise


def current(labels: Any, padding_mode: str | None) -> Any:
    """Labels to which the transforms that are pending have been applied, by nearest neighbour.

    MONAI's own default is to interpolate, since what is pending does not know the mode of its transform.
    """
    if not isinstance(labels, MetaTensor) or not labels.pending_operations:
        return labels
    pending = list(labels.pending_operations)
    overrides = {"mode": "nearest"} if padding_mode is None else {"mode": "nearest", "padding_mode": padding_mode}
    # What was passed in keeps what is pending.
    now = MetaTensor(labels.as_tensor(), meta=dict(labels.meta), applied_operations=list(labels.applied_operations))
    return apply_pending(now, pending, overrides)[0]


def voxels(values: Any) -> tuple[int, ...]:
    """How many voxels there are along each axis, when what is pending is applied."""
    shape = values.peek_pending_shape() if isinstance(values, MetaTensor) else values.shape[1:]
    return tuple(int(length) for length in shape)


def cut(values: Any, margin: Sequence[int], crop: Crop) -> Any:
    """Values (channels, ..) without a margin. The affine follows, and the history says that `crop` did it."""
    if not any(margin):
        return values
    inner = tuple(slice(more, length - more) for length, more in zip(voxels(values), margin))
    if not isinstance(values, MetaTensor):
        return values[(slice(None), *inner)]
    # What is pending comes before the cut, which therefore waits for it.
    return crop(values, inner, lazy=bool(values.pending_operations))


def whole(labels: Any, name: str, raters: bool) -> Array:
    """Label maps (R, ..) as an array of integers; of one rater, unless it is said that there may be more.

    MONAI loads label maps as float32.
    """
    if isinstance(labels, torch.Tensor):
        labels = labels.detach().as_subclass(torch.Tensor).cpu()
        labels = labels.float() if labels.dtype == torch.bfloat16 else labels
    array = plain(array_of(labels, name), name)
    channels = array.shape[0] if array.ndim else 0
    if channels != 1 and not raters:
        raise ValueError(
            f"{name} has {channels} channels, and a label map has one.\nEncode before label maps are made one-hot, with "
            'channels={"regions": ..} for regions; if the channels are the label maps of raters, say raters=True'
        )
    try:
        return label_map(array)
    except ValueError as error:
        raise ValueError(
            f"{name} is no label map: {error}.\nResample label maps by nearest neighbour: say mode='nearest' for this key "
            "in each spatial transform before, and in Compose(.., lazy=True) overrides={KEY: {'mode': 'nearest'}}, too. "
            "Probabilities and soft labels are not encoded again"
        ) from None
