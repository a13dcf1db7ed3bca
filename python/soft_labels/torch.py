"""Losses of label maps and of soft labels, and soft labels as PyTorch tensors. Needs `torch` 2.4 or later.

>>> import torch
>>> from soft_labels.torch import CrossEntropyLoss
>>> labels = torch.tensor([[[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]])
>>> loss = CrossEntropyLoss(classes=2)(torch.zeros(1, 2, 4, 4), labels)
>>> round(float(loss), 4)
0.6931
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

import soft_labels

from . import _pickle, _tensor_encode
from ._arguments import AnyClasses, Channels, Method, Window, classes_of, encoding_of, plain, windows_of
from ._label_loss import class_weights
from ._losses import CrossEntropyLoss, DiceCrossEntropyLoss, DiceLoss, JaccardLoss
from ._metric import SegmentationMetrics
from ._native import Classes, Encoding
from ._soft_cross_entropy import SoftCrossEntropyLoss
from ._temperature_scaling import TemperatureScaling
from ._tensors import array_of as _array
from ._tensors import numpy_dtype
from ._windows import RandomWindows

__all__ = [
    "CrossEntropyLoss",
    "DiceCrossEntropyLoss",
    "DiceLoss",
    "JaccardLoss",
    "RandomWindows",
    "SegmentationMetrics",
    "SoftCrossEntropyLoss",
    "TemperatureScaling",
    "encode",
    "encode_batch",
]

_pickle.trust()


def encode(
    labels: Any,
    classes: AnyClasses,
    method: Method = "svls",
    *,
    ignore: int | None = None,
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
    labels, classes, method, ignore, channels, weights, window
        As for `soft_labels.encode`.
    dtype : torch.dtype
        float32, float64, float16 or bfloat16.
    out : tensor or array (C, ..), optional
        Where the result is written to; on the CPU only.

    Returns
    -------
    tensor (C, ..), or `out`

    Raises
    ------
    ValueError
        If a label is neither a class nor ignored, or arguments do not fit together.
    TypeError
        If an element type is not possible.

    Examples
    --------
    >>> import torch
    >>> from soft_labels.torch import encode
    >>> encode(torch.tensor([[0, 0, 1, 1]]), 2)[1, 0, 2].item() > 0.5
    True
    """
    several = isinstance(labels, (list, tuple))
    maps = list(labels) if several else [labels]
    classes, encoding = classes_of(classes, ignore), encoding_of(method, channels)
    if out is None and any(_elsewhere(one) for one in maps):
        return _on_device(maps, classes, encoding, weights, window, dtype)
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
    ignore: int | None = None,
    channels: Channels | None = None,
    weights: ArrayLike | None = None,
    dtype: torch.dtype = torch.float32,
    out: Any = None,
) -> Any:
    """Soft labels (N, C, ..) of the label maps (N, H, W) or (N, D, H, W) of a batch, each encoded alone, on their device.

    Parameters
    ----------
    labels : tensor or array (N, ..), or a list of them
        A list has the batches of several raters.
    classes, method, ignore, channels, weights, dtype
        As for `encode`.
    out : tensor or array (N, C, ..), optional
        Where the result is written to; on the CPU only.

    Returns
    -------
    tensor (N, C, ..), or `out`

    Raises
    ------
    ValueError, TypeError
        As for `encode`.

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
    classes, encoding = classes_of(classes, ignore), encoding_of(method, channels)
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


def _numpy_dtype(dtype: torch.dtype) -> Any:
    """The type that soft labels are computed in: NumPy has no bfloat16."""
    return np.float32 if dtype == torch.bfloat16 else numpy_dtype(dtype)
