"""Soft labels of label maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _native
from ._arguments import (
    AnyClasses,
    Channels,
    LabelMaps,
    Method,
    Window,
    bools_of,
    classes_of,
    encoding_of,
    label_maps,
    per_axis,
    plain,
    soft_of,
    weights_of,
    windows_of,
)
from ._interchange import Array, ArrayOrTensor, Same, Tensor, as_given
from ._interrupt import interruptible

_FLOAT32 = np.dtype(np.float32)


def encode(
    labels: LabelMaps,
    classes: AnyClasses,
    method: Method = "svls",
    *,
    ignore: int | None = None,
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
        of its own, `soft_labels.torch.encode_batch`, or is encoded image by image. A tensor on the CPU is read as an array;
        `soft_labels.torch.encode` returns a tensor.
    classes : int, list of int, or Classes
        The number of classes 0, 1, 2, ..., or the label of each, or `Classes`.
    method : {"svls", "one_hot"}, dict, or Encoding
        For settings: ``Encoding("svls", sigma=1.5, truncate=3)``, ``Encoding("svls", radius=[1, 2, 2], strength=0.5)``,
        ``Encoding("label_smoothing", alpha=0.1)``.
    ignore : int, optional
        The label of voxels that nobody labelled: 0 in all classes, and without weight for their neighbours. `Classes` can
        hold it, too.
    channels : dict or matrix, optional
        What the first axis is, if it is not the classes. ``{"regions": [[1, 2, 4], [1, 4], [4]]}`` are the labels of each
        region, for sigmoids: regions may hold one another, and a region has the soft labels of its own mask. A matrix
        (classes, channels) says what each label means for each channel, and its rows sum to 1: ``[0, 0.5, 0.5]`` is "1 or 2".
        ``{"ordinal": "exponential", "tau": 1.0}`` and ``{"ordinal": "binomial"}`` are for ordered classes,
        ``{"siblings": [0, 1, 1], "alpha": 0.2}`` smooths within groups, ``{"per_class": [0.0, 0.1]}`` has an alpha for each
        class, and ``{"confusion": counts}`` is made of counts.
    weights : list of float, optional
        One for each rater.
    window : slices or pairs (start, end), one for each axis, optional
        Which part of the result to compute, such as ``np.s_[2:, -5:-1]``. It has the same bits as that part of the whole.
        Open and negative bounds of slices are NumPy's. Both bounds have to lie within the map: what NumPy would cut off is an
        error, and so are negative numbers in a pair.
    dtype : {float32, float64, float16, uint8}
        That of a new result. In uint8 they are 255ths, to store them: their sum is exactly 255, and those of regions are
        each rounded alone.
    out : array, optional
        To write to, of any strides. It is returned.

    Returns
    -------
    array of `dtype`, or `out`

    Raises
    ------
    ValueError
        If a label is not a class or not whole, shapes differ or a setting is out of range.
    TypeError
        If labels are not numbers, or an argument is of another wrong type.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import Encoding, encode
    >>> labels = np.array([[0, 0, 1, 1], [0, 0, 1, 255]], np.uint8)
    >>> soft = encode(labels, 2, ignore=255)
    >>> soft.shape
    (2, 2, 4)
    >>> soft.sum(0)  # the voxel that nobody labelled has no class
    array([[1., 1., 1., 1.],
           [1., 1., 1., 0.]], dtype=float32)
    >>> encode(labels, 2, "one_hot", ignore=255, dtype="uint8", window=np.s_[:, -2:])[1]
    array([[255, 255],
           [255,   0]], dtype=uint8)
    >>> raters = [labels, np.where(labels == 0, 1, labels)]
    >>> float(encode(raters, 2, "one_hot", ignore=255)[1, 0, 0])
    0.5
    """
    maps = label_maps(labels)
    if out is not None:
        out = _writable(out)
        element = out.dtype
    else:
        element = _FLOAT32 if dtype is np.float32 or dtype is None else np.dtype(dtype)
    ranges = windows_of(window, maps[0].shape) if window is not None and maps else None
    encoding = encoding_of(method, channels)
    return _native.encode(maps, classes_of(classes, ignore), encoding, element, ranges, weights_of(weights), out)


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


def pool(soft: Same, box: int | Sequence[int], *, valid: ArrayOrTensor | bool | None = None) -> Same:
    """The mean of soft labels over boxes of voxels: targets for an output at a coarser scale.

    Parameters
    ----------
    soft : array or tensor, (C, H, W) or (C, D, H, W)
        Soft labels of float32, float64 or float16, or of uint8, which are 255ths.
    box : int or list of int
        The length of a box in voxels, one for all axes or one for each. The last box of an axis may stick out.
    valid : array of bools (..), or True, optional
        Which voxels count, such as those of `valid_mask`; True for all. By default those that are not 0 in all channels, as
        ignored ones are. Channels of regions and structures are 0 outside, too, so `valid` has to be given for them.

    Returns
    -------
    array or tensor, as `soft` is
        Of the same type. An axis of length n has n / box entries, rounded up. 255ths of a box sum to 255 again; where `valid`
        is given, each is rounded alone.

    Raises
    ------
    ValueError
        If there are not two or three axes beside the first, a length is not positive, or `valid` has another shape.
    TypeError
        If soft labels are of another type, or `valid` is not of bools.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import encode, pool
    >>> labels = np.array([[0, 0, 0, 1], [0, 0, 1, 1]])
    >>> pool(encode(labels, 2, "one_hot"), 2)
    array([[[1.  , 0.25]],
    <BLANKLINE>
           [[0.  , 0.75]]], dtype=float32)
    """
    array = soft_of(soft)
    boxes = per_axis(box, array.ndim - 1, "the length of a box", least=1)
    if valid is None or valid is False:
        return cast(Same, as_given(interruptible(_native.average, array, boxes, None), soft))
    mask = np.ones(array.shape[1:], np.bool_) if valid is True else bools_of(valid, "valid")
    return cast(Same, as_given(interruptible(_native.average, array, boxes, mask), soft))


@overload
def valid_mask(
    labels: Array | Sequence[Array], classes: AnyClasses, *, ignore: int | None = ...
) -> NDArray[np.bool_]: ...
@overload
def valid_mask(labels: Tensor | Sequence[Tensor], classes: AnyClasses, *, ignore: int | None = ...) -> Any: ...
def valid_mask(labels: LabelMaps, classes: AnyClasses, *, ignore: int | None = None) -> Any:
    """Where at least one rater did not ignore the voxel.

    Parameters
    ----------
    labels : array or tensor, or list of them, one for each rater
        As for `encode`: an array (R, H, W) is one volume, and several raters are a list.
    classes : int, list of int, or Classes
    ignore : int, optional
        The label that is ignored, if `classes` does not hold it.

    Returns
    -------
    array or tensor of bools, (H, W) or (D, H, W)

    Raises
    ------
    ValueError
        If a label is not a class or not whole, or shapes differ.
    TypeError
        If labels are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import valid_mask
    >>> valid_mask(np.array([[0, 1, 255]], np.uint8), 2, ignore=255)
    array([[ True,  True, False]])
    """
    return as_given(interruptible(_native.valid_mask, label_maps(labels), classes_of(classes, ignore)), labels)
