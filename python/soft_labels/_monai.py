"""Tensors with MONAI's metadata: what is pending is applied, and margins are cut off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from monai.data import MetaTensor
from monai.transforms import LazyTransform, SpatialCrop
from monai.transforms.lazy.functional import apply_pending

from ._arguments import Array, label_map
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


def cut(values: Any, margin: Sequence[int]) -> Any:
    """Values (channels, ..) without a margin. The affine follows."""
    if not any(margin):
        return values
    inner = [slice(more, length - more) for length, more in zip(voxels(values), margin)]
    if not isinstance(values, MetaTensor):
        return values[(slice(None), *inner)]
    # What is pending comes before the cut, which therefore waits for it.
    return SpatialCrop(roi_slices=inner)(values, lazy=bool(values.pending_operations))


def whole(labels: Any, name: str) -> Array:
    """Labels (channels, ..) as an array of integers. MONAI loads label maps as float32."""
    if isinstance(labels, torch.Tensor):
        labels = labels.detach().as_subclass(torch.Tensor).cpu()
        labels = labels.float() if labels.dtype == torch.bfloat16 else labels
    try:
        return label_map(array_of(labels, name))
    except ValueError as error:
        raise ValueError(
            f"{name} holds no label map: {error}.\nResample label maps by nearest neighbour: say mode='nearest' for this "
            "key in each spatial transform before, and in Compose(.., lazy=True) overrides={KEY: {'mode': 'nearest'}}, too. "
            "Probabilities and soft labels are not encoded again"
        ) from None
