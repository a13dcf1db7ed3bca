"""Losses of label maps and of soft labels, and soft labels as PyTorch tensors. Needs `torch` 2.4 or later.

>>> import torch
>>> from soft_labels.torch import CrossEntropyLoss
>>> labels = torch.tensor([[[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]])
>>> loss = CrossEntropyLoss(classes=2)(torch.zeros(1, 2, 4, 4), labels)
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

from . import _pickle, _tensor_encode
from ._arguments import AnyClasses, Channels, Method, Window, classes_of, encoding_of, per_axis, plain, windows_of
from ._label_loss import class_weights
from ._losses import CrossEntropyLoss, DiceCrossEntropyLoss, DiceLoss, JaccardLoss
from ._native import Classes, Encoding
from ._soft_cross_entropy import SoftCrossEntropyLoss

__all__ = [
    "CrossEntropyLoss",
    "DiceCrossEntropyLoss",
    "DiceLoss",
    "JaccardLoss",
    "RandomWindows",
    "SoftCrossEntropyLoss",
    "encode",
    "encode_batch",
]

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
    """Soft labels (C, ..) of a label map (H, W) or (D, H, W) as a tensor, on the device of the label map.

    `labels` and `out` may be tensors or arrays. On the CPU neither is copied, whatever its strides. A tensor (N, H, W) is one
    volume, and is smoothed along its first axis, too: the label maps of a batch go to `encode_batch`.

    Parameters
    ----------
    labels, classes, method, channels, weights, window
        As for `soft_labels.encode`.
    dtype : torch.dtype
        float32, float64, float16 or bfloat16.
    out : tensor or array (C, ..), optional
        Where the result is written to.

    Examples
    --------
    >>> import torch
    >>> from soft_labels.torch import encode
    >>> encode(torch.tensor([[0, 0, 1, 1]]), 2)[1, 0, 2].item() > 0.5
    True
    """
    several = isinstance(labels, (list, tuple))
    maps = list(labels) if several else [labels]
    encoding = encoding_of(method, channels)
    if out is None and any(_elsewhere(one) for one in maps):
        return _on_device(maps, classes_of(classes), encoding, weights, window, dtype)
    arrays = [_array(one, "a label map") for one in maps]
    given = arrays if several else arrays[0]
    if out is not None:
        soft_labels.encode(given, classes, encoding, weights=weights, window=window, out=_array(out, "out"))
        return out
    soft = soft_labels.encode(given, classes, encoding, weights=weights, window=window, dtype=_numpy_dtype(dtype))
    return torch.from_numpy(soft).to(dtype)


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
    """Soft labels (N, C, ..) of the label maps (N, H, W) or (N, D, H, W) of a batch, each encoded alone, on their device.

    Several raters are a list of such batches. The other parameters are those of `encode`; `out` is (N, C, ..).

    Examples
    --------
    >>> import torch
    >>> from soft_labels.torch import encode_batch
    >>> encode_batch(torch.zeros(2, 8, 8, dtype=torch.uint8), 3).shape
    torch.Size([2, 3, 8, 8])
    """
    batches = list(labels) if isinstance(labels, (list, tuple)) else [labels]
    if not batches:
        raise ValueError("there are no raters; give at least one batch of label maps")
    classes, encoding = classes_of(classes), encoding_of(method, channels)
    elsewhere = any(_elsewhere(one) for one in batches)
    arrays = batches if elsewhere else [_array(one, "a batch of label maps") for one in batches]
    if not elsewhere:
        arrays = [plain(one, "a batch of label maps") for one in arrays]
    shapes = {tuple(one.shape) for one in arrays}
    if len(shapes) > 1 or arrays[0].ndim not in (3, 4):
        raise ValueError(f"a batch of label maps is (N, H, W) or (N, D, H, W), the same of each rater; not {shapes}")
    if elsewhere and out is None:
        return _encoded(batches, classes, encoding, weights, dtype)
    count, *voxels = arrays[0].shape
    if out is None:
        _numpy_dtype(dtype)
        out = torch.empty(count, encoding.channel_count(classes), *voxels, dtype=dtype)
        if dtype == torch.bfloat16:
            return out.copy_(encode_batch(labels, classes, encoding, weights=weights))
    elif len(out) != count:
        raise ValueError(f"out is for {len(out)} label maps, the batch has {count}; give one for each")
    for at in range(count):
        encode([one[at] for one in arrays], classes, encoding, weights=weights, out=out[at])
    return out


def _elsewhere(labels: Any) -> bool:
    return isinstance(labels, torch.Tensor) and labels.device.type not in ("cpu", "meta")


def _on_device(
    maps: list[Any], classes: Classes, encoding: Encoding, weights: Any, window: Window | None, dtype: torch.dtype
) -> torch.Tensor:
    """The soft labels of a map that is on another device."""
    if not all(isinstance(one, torch.Tensor) for one in maps) or maps[0].ndim not in (2, 3):
        raise ValueError("label maps are tensors (H, W) or (D, H, W), those of all raters on one device")
    soft = _encoded([one[None] for one in maps], classes, encoding, weights, dtype)[0]
    if window is None:
        return soft
    ranges = windows_of(window, maps[0].shape)
    if any(end > length for (_, end), length in zip(ranges, maps[0].shape)):
        raise ValueError(f"the window {ranges} ends past the label map, {tuple(maps[0].shape)}")
    return soft[(slice(None), *(slice(start, end) for start, end in ranges))]


def _encoded(
    batches: list[Any], classes: Classes, encoding: Encoding, weights: Any, dtype: torch.dtype
) -> torch.Tensor:
    """Soft labels by tensor operations. Those of 16 bits are rounded once."""
    _numpy_dtype(dtype)
    if len({(one.device, one.shape) for one in batches}) > 1:
        raise ValueError("the raters' label maps are on one device, and of one shape")
    checked = class_weights(weights, len(batches), "weights", "raters")
    computed = torch.float64 if dtype == torch.float64 else torch.float32
    return _tensor_encode.encode(batches, classes, encoding, checked, computed).to(dtype)


def _array(values: Any, what: str) -> Any:
    """The memory of a tensor as an array."""
    if not isinstance(values, torch.Tensor):
        return values
    if values.device.type != "cpu":
        raise ValueError(f"{what} is on {values.device}; here it has to be on the CPU, so pass it as .cpu()")
    return values.detach().numpy()


def _as_torch_has(array: Any) -> Any:
    """An array in native byte order without negative strides."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def _numpy_dtype(dtype: torch.dtype) -> Any:
    known: dict[torch.dtype, Any] = {
        torch.float16: np.float16,
        torch.bfloat16: np.float32,
        torch.float32: np.float32,
        torch.float64: np.float64,
    }
    if dtype not in known:
        raise TypeError(
            f"soft labels are of torch.float32, float64, float16 or bfloat16, not {dtype}; convert them with .to"
        )
    return known[dtype]


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
