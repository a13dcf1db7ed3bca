"""Soft labels as PyTorch tensors, the loss for them, and the targets of a batch. Needs `torch`.

>>> import torch
>>> from soft_labels.torch import SoftCrossEntropyLoss, encode
>>> labels = torch.tensor([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
>>> targets = encode(labels, 2)
>>> loss = SoftCrossEntropyLoss()(torch.zeros(1, 2, 4, 4), targets[None])
>>> round(float(loss), 4)
0.6931
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

import soft_labels

from . import _pickle
from ._arguments import AnyClasses, Channels, Method, Window, classes_of, encoding_of, per_axis, plain

__all__ = ["RandomWindows", "SoftCrossEntropyLoss", "encode", "encode_batch"]

_pickle.trust()


def encode(
    labels: Any,
    classes: AnyClasses,
    method: Method = "svls",
    *,
    channels: Channels | None = None,
    weights: ArrayLike | None = None,
    window: Window | None = None,
    dtype: torch.dtype = torch.float32,
    out: Any = None,
) -> Any:
    """Soft labels (C, ..) of a label map on the CPU, as a tensor. The parameters are those of `soft_labels.encode`.

    `labels` and `out` may be tensors or arrays. Neither is copied, whatever its strides. A tensor (N, H, W) is one volume, and
    is smoothed along its first axis, too: the label maps of a batch go to `encode_batch`.
    """
    if isinstance(labels, (list, tuple)):
        labels = [_array(one, "a label map") for one in labels]
    else:
        labels = _array(labels, "a label map")
    encoding = encoding_of(method, channels)
    if out is not None:
        soft_labels.encode(labels, classes, encoding, weights=weights, window=window, out=_array(out, "out"))
        return out
    element = _numpy_dtype(dtype)
    return torch.from_numpy(
        soft_labels.encode(labels, classes, encoding, weights=weights, window=window, dtype=element)
    )


def encode_batch(
    labels: Any,
    classes: AnyClasses,
    method: Method = "svls",
    *,
    channels: Channels | None = None,
    weights: ArrayLike | None = None,
    dtype: torch.dtype = torch.float32,
    out: Any = None,
) -> Any:
    """Soft labels (N, C, ..) of the label maps (N, ..) of a batch on the CPU, each encoded alone.

    Several raters are a list of such batches. The other parameters are those of `encode`; `out` is (N, C, ..).
    """
    batches = list(labels) if isinstance(labels, (list, tuple)) else [labels]
    if not batches:
        raise ValueError("there are no raters; give at least one batch of label maps")
    arrays = [plain(_array(one, "a batch of label maps"), "a batch of label maps") for one in batches]
    shapes = {one.shape for one in arrays}
    if len(shapes) > 1 or arrays[0].ndim not in (3, 4):
        raise ValueError(f"a batch of label maps is (N, H, W) or (N, D, H, W), the same of each rater; not {shapes}")
    classes, encoding = classes_of(classes), encoding_of(method, channels)
    count, *voxels = arrays[0].shape
    if out is None:
        _numpy_dtype(dtype)
        nothing = np.zeros((0,) * len(voxels), np.uint8)
        channel_count = soft_labels.encode(nothing, classes, encoding).shape[0]
        out = torch.empty(count, channel_count, *voxels, dtype=dtype)
    elif len(out) != count:
        raise ValueError(f"out is for {len(out)} label maps, the batch has {count}; give one for each")
    for at in range(count):
        encode([one[at] for one in arrays], classes, encoding, weights=weights, out=out[at])
    return out


def _array(values: Any, what: str) -> Any:
    """The memory of a tensor as an array."""
    if not isinstance(values, torch.Tensor):
        return values
    if values.device.type != "cpu":
        raise ValueError(f"{what} is on {values.device}; soft labels are made on the CPU, so pass it as .cpu()")
    return values.detach().numpy()


def _as_torch_has(array: Any) -> Any:
    """An array in native byte order without negative strides."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def _numpy_dtype(dtype: torch.dtype) -> Any:
    known: dict[torch.dtype, Any] = {torch.float16: np.float16, torch.float32: np.float32, torch.float64: np.float64}
    if dtype not in known:
        raise TypeError(f"soft labels are of torch.float32, float64 or float16, not {dtype}; convert them with .to")
    return known[dtype]


class SoftCrossEntropyLoss(torch.nn.Module):
    """Cross entropy between the softmax of logits and soft targets of a batch (equation 3 of Islam & Glocker 2021).

    Logits and targets are (N, C, H, W) or (N, C, D, H, W). Give one map a batch axis of length 1: ``logits[None]``.

    ``L = -1/n Σ_i Σ_c w_c t_ic log softmax(z_i)_c``

    A voxel counts unless its target is 0 in all classes, as that of an ignored voxel is. PyTorch's own cross entropy counts
    these voxels in n, too. Values are computed in float32 at least. A batch without a voxel that counts gives NaN.

    Parameters
    ----------
    weight : sequence of float or tensor (C,), optional
        A weight for each class.
    divisor : {"voxels", "weight"}
        What the mean divides by: the number of voxels that count, or the sum of their targets times the class weights.
    reduction : {"mean", "sum", "none"}
        "none" gives the loss of each voxel (N, ..), 0 where a voxel does not count.
    """

    def __init__(self, weight: Any = None, divisor: str = "voxels", reduction: str = "mean") -> None:
        super().__init__()
        if divisor not in ("voxels", "weight"):
            raise ValueError(f'divisor is "voxels" or "weight", not {divisor!r}')
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f'reduction is "mean", "sum" or "none", not {reduction!r}')
        exact = None
        if weight is not None:
            exact = torch.as_tensor(weight, dtype=torch.float64).detach().cpu()
            weight = exact.float()
            if weight.ndim != 1 or not bool(((weight >= 0) & weight.isfinite()).all()):
                raise ValueError(f"weight has one finite number for each class, not negative; not {weight}")
        self.weight: torch.Tensor | None
        self.register_buffer("weight", weight)
        # No buffer, since some devices have no float64.
        self._exact = exact
        self.divisor, self.reduction = divisor, reduction

    def forward(self, logits: torch.Tensor, targets: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """The loss of logits (N, C, H, W) or (N, C, D, H, W) against targets of the same shape.

        `mask`, of the same shape without the class axis, is true where voxels count.
        """
        if logits.ndim not in (4, 5):
            raise ValueError(
                f"logits of a batch have the axes (N, C, H, W) or (N, C, D, H, W), these have {logits.ndim}; "
                "for one map use logits[None]"
            )
        if logits.shape != targets.shape:
            raise ValueError(f"logits are {tuple(logits.shape)}, targets {tuple(targets.shape)}; they must be the same")
        if not (logits.is_floating_point() and targets.is_floating_point()):
            raise TypeError(
                f"logits and targets are floating-point, not {logits.dtype} and {targets.dtype}; divide 255ths by 255"
            )
        valid = (targets != 0).any(1)
        if mask is not None:
            if mask.shape != valid.shape:
                raise ValueError(f"mask is {tuple(mask.shape)}, voxels are {tuple(valid.shape)}; they must be the same")
            valid = valid & mask.bool()
        dtype = torch.float64 if logits.dtype == torch.float64 else torch.float32
        logits, targets = logits.to(dtype), targets.to(dtype)
        if self.weight is not None:
            if len(self.weight) != targets.shape[1]:
                raise ValueError(
                    f"there are {len(self.weight)} weights and {targets.shape[1]} classes; give one for each"
                )
            targets = targets * self._weights(targets).view(-1, *[1] * (targets.ndim - 2))
        # Where a voxel does not count its logits have no part, not even as 0 times infinity. Nor where a target is 0.
        logits = logits.masked_fill(~valid.unsqueeze(1), 0)
        targets = targets.masked_fill(~valid.unsqueeze(1), 0)
        log_p = torch.log_softmax(logits, 1).masked_fill(targets == 0, 0)
        losses = -(targets * log_p).sum(1)
        if self.reduction == "none":
            return losses
        if self.reduction == "sum":
            return losses.sum()
        return losses.sum() / (valid.sum() if self.divisor == "voxels" else targets.sum())

    def _weights(self, targets: torch.Tensor) -> torch.Tensor:
        """The class weights in the type of the targets, as they were given unless others were loaded."""
        assert self.weight is not None
        exact = self._exact
        if (
            targets.dtype == torch.float64
            and exact is not None
            and torch.equal(exact.float(), self.weight.float().cpu())
        ):
            return exact.to(targets.device)
        return self.weight.to(targets.dtype)

    def extra_repr(self) -> str:
        return f"divisor={self.divisor!r}, reduction={self.reduction!r}"


class RandomWindows:
    """A `collate_fn` for `torch.utils.data.DataLoader`: a random window of each case, and its soft labels.

    A case is a pair (image, labels): an image (channels, ..) as a tensor or array, and a label map (..) of the same voxels, or
    a list of them, one for each rater. Soft labels near the edge of a window are those of the whole map, and only the window is computed.
    Windows are drawn by PyTorch's random numbers, which a loader seeds in each worker; so they depend on the number of workers.

    Parameters
    ----------
    size : list of int
        The size of the window along each axis.
    classes, method, channels, weights
        As for `soft_labels.encode`.
    scales : list of int or of lists of int, optional
        Lengths of boxes in voxels, such as ``[1, 2, 4]``: targets for outputs at several resolutions, each the mean of the
        soft labels over boxes.

    Returns
    -------
    images (N, channels, ..), and targets (N, C, ..) or, with `scales`, a list of them
    """

    def __init__(
        self,
        size: Sequence[int],
        classes: AnyClasses,
        method: Method = "svls",
        *,
        channels: Channels | None = None,
        weights: ArrayLike | None = None,
        scales: Sequence[int | Sequence[int]] | None = None,
    ) -> None:
        self.size = per_axis(list(size), len(size), "a window's size", least=0)
        self.classes, self.method = classes_of(classes), encoding_of(method, channels)
        self.weights, self.scales = weights, scales

    def __call__(self, cases: Sequence[tuple[Any, Any]]) -> tuple[torch.Tensor, Any]:
        images: list[torch.Tensor] = []
        valid: list[Any] = []
        targets = torch.empty(len(cases), self.method.channel_count(self.classes), *self.size)
        for at, (image, labels) in enumerate(cases):
            if any(one.shape != image.shape[1:] for one in (labels if isinstance(labels, (list, tuple)) else [labels])):
                raise ValueError(f"an image is {tuple(image.shape)}, channels first; its label map has other voxels")
            window = self._window(image.shape[1:])
            part = image[(slice(None), *window)]
            images.append(part if isinstance(part, torch.Tensor) else torch.from_numpy(_as_torch_has(part)))
            encode(labels, self.classes, self.method, weights=self.weights, window=window, out=targets[at])
            valid.append(self._valid(labels, window) if self.scales is not None else None)
        if self.scales is None:
            return torch.stack(images), targets
        return torch.stack(images), [self._pooled(targets, scale, valid) for scale in self.scales]

    def _valid(self, labels: Any, window: list[slice]) -> Any:
        """Which voxels count where boxes are averaged, if that does not follow from the targets."""
        if self.method.is_distribution(self.classes):
            return None
        if self.classes.ignore is None:
            return True
        maps = list(labels) if isinstance(labels, (list, tuple)) else [labels]
        if self.weights is not None:
            maps = [one for one, weight in zip(maps, np.asarray(self.weights)) if weight > 0]
        mask = soft_labels.valid_mask([_array(one, "a label map") for one in maps], self.classes)
        return mask[tuple(window)]

    def _window(self, shape: Sequence[int]) -> list[slice]:
        if len(shape) != len(self.size):
            raise ValueError(f"images have {len(shape)} axes, windows {len(self.size)}; give a size for each")
        window = []
        for length, size in zip(shape, self.size):
            if size > length:
                raise ValueError(f"an image is {tuple(shape)}, smaller than the window {tuple(self.size)}; pad it")
            start = int(torch.randint(length - size + 1, ()))
            window.append(slice(start, start + size))
        return window

    @staticmethod
    def _pooled(targets: torch.Tensor, scale: int | Sequence[int], valid: list[Any]) -> torch.Tensor:
        if np.all(np.equal(scale, 1)):
            return targets
        pooled = [soft_labels.pool(one.numpy(), scale, valid=mask) for one, mask in zip(targets, valid)]
        return torch.stack([torch.from_numpy(one) for one in pooled])
