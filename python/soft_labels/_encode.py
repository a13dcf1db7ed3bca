"""Soft labels of label maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _native
from ._arguments import (
    AnyClasses,
    Array,
    Channels,
    LabelMaps,
    Method,
    Window,
    classes_of,
    encoding_of,
    floats,
    label_maps,
    per_axis,
    plain,
    weights_of,
    windows_of,
)
from ._interrupt import interruptible

_FLOAT32 = np.dtype(np.float32)


def encode(
    labels: LabelMaps,
    classes: AnyClasses,
    method: Method = "svls",
    *,
    channels: Channels | None = None,
    weights: ArrayLike | None = None,
    window: Window | None = None,
    dtype: DTypeLike = np.float32,
    out: Array | None = None,
) -> Array:
    """Soft labels (C, H, W) of a label map (H, W), or (C, D, H, W) of (D, H, W).

    Of several raters it is the mean: mSVLS, mLS or mOH.

    Parameters
    ----------
    labels : array, or list of arrays, one for each rater
        Integers or bools of any byte order and strides, or floats that are whole. Nothing is copied unless the byte order is
        foreign, the array is not aligned, labels are floats or the raters' types differ. An array (R, H, W) or (N, H, W) is
        one volume, and is smoothed along its first axis, too. Several raters are a list: ``list(array)``. A batch has a call
        of its own, `soft_labels.torch.encode_batch`, or is encoded image by image.
    classes : int, list of int, or Classes
        The number of classes 0, 1, 2, ..., or the label of each, or `Classes`, which can also name a label to ignore.
        An ignored voxel is 0 in all classes.
    method : {"svls", "one_hot"}, dict, or Encoding
        For settings: ``Encoding("svls", sigma=1.5, truncate=3)``, ``Encoding("svls", radius=[1, 2, 2], strength=0.5)``,
        ``Encoding("label_smoothing", alpha=0.1)``.
    channels : dict or matrix, optional
        What the first axis is, if it is not the classes. ``{"regions": [[1, 2, 4], [1, 4], [4]]}`` are the labels of each
        region, for sigmoids: regions may hold one another, and a region has the soft labels of its own mask. A matrix
        (classes, channels) says what each label means for each channel, and its rows sum to 1: ``[0, 0.5, 0.5]`` is "1 or 2".
        ``{"ordinal": "exponential", "tau": 1.0}`` and ``{"ordinal": "binomial"}`` are for ordered classes,
        ``{"siblings": [0, 1, 1], "alpha": 0.2}`` smooths within groups, ``{"per_class": [0.0, 0.1]}`` has an alpha for each
        class, and ``{"confusion": counts}`` is made of counts.
    weights : list of float, optional
        One for each rater.
    window : list of slices or (start, end), optional
        For each axis, which part of the result to compute. It has the same bits as that part of the whole.
    dtype : {float32, float64, float16, uint8}
        That of a new result. In uint8 they are 255ths, to store them: their sum is exactly 255, and those of regions are
        each rounded alone.
    out : array, optional
        To write to, of any strides. It is returned.

    Raises
    ------
    ValueError
        If a label is not a class or not whole, shapes differ or a setting is out of range.
    TypeError
        If labels are not numbers, or an argument is of another wrong type.
    """
    maps = label_maps(labels)
    if out is not None:
        out = _writable(out)
        element = out.dtype
    else:
        element = _FLOAT32 if dtype is np.float32 or dtype is None else np.dtype(dtype)
    ranges = windows_of(window, maps[0].shape) if window is not None and maps else None
    encoding = encoding_of(method, channels)
    return _native.encode(maps, classes_of(classes), encoding, element, ranges, weights_of(weights), out)


def _writable(out: Array) -> Array:
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is a NumPy array, not {type(out).__name__}")
    plain(out, "out")
    if not out.flags.writeable:
        raise ValueError("out is read-only; give an array that can be written to")
    if _overlaps(out):
        raise ValueError("elements of out share memory with one another; give an array that is no broadcast view")
    if not (out.dtype.isnative and out.flags.aligned):
        raise TypeError("out has foreign byte order or is not aligned; give an array as NumPy makes it")
    return out


def _overlaps(array: Array) -> bool:
    """Whether two elements may lie at the same place. Axes are taken from the densest to the widest."""
    span = array.itemsize
    for stride, length in sorted((abs(stride), length) for stride, length in zip(array.strides, array.shape)):
        if length > 1:
            if stride < span:
                return array.size > 0
            span += stride * (length - 1)
    return False


def pool(soft: Array, box: int | Sequence[int], *, valid: Array | bool | None = None) -> Array:
    """The mean of soft labels (C, ..) over boxes of voxels: targets for an output at a coarser scale.

    `box` is the length of a box in voxels, one for all axes or one for each. An axis of length n has n / box entries
    afterwards, rounded up. Voxels that are 0 in all classes, as ignored ones are, do not count.

    Channels of regions and structures are 0 outside, too. For them `valid` says which voxels count: True for all, or an array
    of bools (..), such as that of `valid_mask`.
    """
    soft = floats(soft)
    boxes = per_axis(box, soft.ndim - 1, "the length of a box", least=1)
    if valid is None or valid is False:
        return interruptible(_native.average, soft, boxes, None)
    mask = np.ones(soft.shape[1:], np.bool_) if valid is True else plain(valid, "valid")
    if mask.dtype != np.bool_:
        raise TypeError(f"valid is an array of bools or True, not {mask.dtype}")
    # A byte other than 0 and 1 is no bool of Rust's.
    return interruptible(_native.average, soft, boxes, np.ascontiguousarray(mask).view(np.uint8) != 0)


def valid_mask(labels: LabelMaps, classes: AnyClasses) -> NDArray[np.bool_]:
    """Where at least one rater did not ignore the voxel, as an array of bools."""
    return interruptible(_native.valid_mask, label_maps(labels), classes_of(classes))
