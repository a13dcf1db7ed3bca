"""What callers pass, brought into the forms that the native code takes."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._interchange import Array, ArrayOrTensor, is_tensor, memory_of
from ._native import Classes, Encoding

LabelMaps: TypeAlias = ArrayOrTensor | Sequence[ArrayOrTensor]
AnyClasses: TypeAlias = int | Sequence[int] | Classes
MethodName: TypeAlias = Literal["svls", "one_hot", "label_smoothing", "label_smoothing_over_others"]
# Label smoothing needs an alpha, which a name alone does not have.
Method: TypeAlias = Literal["svls", "one_hot"] | Mapping[str, Any] | Encoding
Channels: TypeAlias = Mapping[str, Any] | Sequence[Sequence[float]] | NDArray[Any]
Window: TypeAlias = Sequence[slice | tuple[int, int]]


def label_maps(labels: LabelMaps) -> list[Array]:
    """The label maps of all raters, as arrays of one element type. Bools come as bytes of 0 and 1."""
    if not isinstance(labels, (list, tuple)):
        return [_native_order(label_map(cast(ArrayOrTensor, labels)))]
    maps = [label_map(one) for one in labels]
    dtypes = {one.dtype for one in maps}
    if len(dtypes) > 1:
        common = np.result_type(*dtypes)
        if common.kind == "f":
            raise TypeError(
                f"no integer type holds the raters' labels of {sorted(map(str, dtypes))}; give all one type"
            )
        maps = [one.astype(common) for one in maps]
    return [_native_order(one) for one in maps]


def raters_of(labels: Sequence[ArrayOrTensor]) -> list[Array]:
    """The label maps of several raters, which are a list: an array would be the one map of one rater."""
    if not isinstance(labels, (list, tuple)):
        raise TypeError(
            f"the raters' label maps are a list of arrays, not {type(labels).__name__}; list(array) is one of a stack"
        )
    return label_maps(labels)


def label_map(labels: ArrayOrTensor, what: str = "a label map") -> Array:
    """An array of integers or bools, in any byte order. Whole floats are integers."""
    array = plain(labels, what)
    if array.dtype.kind == "f":
        return _whole(array)
    if array.dtype.kind not in "uib":
        raise TypeError(f"labels are of an integer type or bool, not {array.dtype}; convert them with astype")
    return _bools(array) if array.dtype.kind == "b" else array


def _once(array: Array) -> Array:
    """The elements that differ in memory: a broadcast view has each of them many times."""
    return array[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides)]


def _bools(array: Array) -> Array:
    """Bools whose bytes are 0 and 1. A view of other bytes may hold any, and all but 0 are true."""
    elements = _once(array).view(np.uint8)
    if elements.size == 0 or elements.max() <= 1:
        return array
    return np.broadcast_to(elements != 0, array.shape)


def _whole(array: Array) -> Array:
    """Labels that are stored as floats."""
    elements = _once(array)
    # The range of 64 bits, which is infinite in 16; NaN is in none.
    with np.errstate(invalid="ignore", over="ignore"):
        wrong = ~((elements >= -(2.0**63)) & (elements < 2.0**63) & (np.trunc(elements) == elements))
    if wrong.any():
        at = tuple(int(index) for index in np.unravel_index(np.argmax(wrong), wrong.shape))
        raise ValueError(
            f"label {elements[at]:.17g} at voxel {list(at)} is no whole number; labels are integers, and label maps are "
            "resampled by nearest neighbour"
        )
    return np.broadcast_to(elements.astype(np.int64), array.shape)


def plain(values: Any, what: str) -> Array:
    """An array without a mask."""
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError(f"{what} is a masked array; pass .filled(label), and name that label as ignore=label")
    if isinstance(values, np.ndarray):
        return values
    if is_tensor(values):
        return memory_of(values, what)
    if hasattr(values, "__array__") or hasattr(values, "__array_interface__"):
        return np.asarray(values)
    hint = "; a list holds one array for each rater" if what == "a label map" else ""
    raise TypeError(f"{what} is an array, not {type(values).__name__}{hint}")


def _native_order(array: Array) -> Array:
    """The same array if its elements lie as the machine's own do, else a copy in which they do."""
    if array.dtype.kind == "b":
        array = array.view(np.uint8)
    if array.dtype.isnative and array.flags.aligned:
        return array
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="K", subok=False)


def soft_of(values: ArrayOrTensor, what: str = "soft labels") -> Array:
    """An array of a type that soft labels are made in, as the machine's own lie. Those of uint8 are 255ths."""
    array = plain(values, what)
    if array.dtype.name not in ("float32", "float64", "float16", "uint8"):
        raise TypeError(
            f"{what} are of float32, float64, float16 or, as 255ths, of uint8, not {array.dtype}; convert them with astype"
        )
    return _native_order(array)


def probabilities_of(values: ArrayOrTensor, what: str = "probabilities") -> Array:
    """Soft labels as float32, which holds those of fewer bits, or float64."""
    array = soft_of(values, what)
    if array.dtype == np.uint8:
        return np.divide(array, 255, dtype=np.float32)
    return array.astype(np.float32) if array.dtype == np.float16 else array


def bools_of(values: ArrayOrTensor, what: str) -> NDArray[np.bool_]:
    """An array of bools whose bytes are 0 and 1."""
    array = plain(values, what)
    if array.dtype != np.bool_:
        raise TypeError(f"{what} is an array of bools, not of {array.dtype}; compare it, as in array > 0")
    return _bools(array).view(np.bool_)


def classes_of(classes: AnyClasses, ignore: int | None = None) -> Classes:
    """`Classes` of a number of classes, of their values, or as they are, with a label to ignore if one is given."""
    if ignore is None:
        return _classes_of(classes)
    label, made = _integer(ignore, "the label to ignore"), _classes_of(classes)
    if made.ignore is None:
        return made.with_ignore(label)
    if made.ignore != label:
        raise ValueError(f"ignore is {label}, but the classes ignore {made.ignore}; give one of them")
    return made


def _classes_of(classes: AnyClasses) -> Classes:
    if isinstance(classes, Classes):
        return classes
    if isinstance(classes, (int, np.integer)) and not isinstance(classes, bool):
        return _contiguous(int(classes))
    if isinstance(classes, (list, tuple, range)) or (isinstance(classes, np.ndarray) and classes.ndim == 1):
        if len(classes) > 65535:
            raise ValueError(f"{len(classes)} classes are too many; use at most 65535")
        return Classes([_integer(value, "a class") for value in classes])
    raise TypeError(f"classes are a number, a list of labels or soft_labels.Classes, not {type(classes).__name__}")


@lru_cache(maxsize=64)
def _contiguous(count: int) -> Classes:
    return Classes(count)


def encoding_of(method: Method, channels: Channels | None = None) -> Encoding:
    """`Encoding` of the name of a method, of a dict as in its JSON form, or as it is; with channels, if they are given."""
    if isinstance(method, Encoding):
        encoding = method
    elif isinstance(method, str):
        encoding = _named(method)
    elif isinstance(method, Mapping):
        encoding = Encoding(**method)
    else:
        raise TypeError(f"a method is a name, a dict or soft_labels.Encoding, not {type(method).__name__}")
    return encoding if channels is None else encoding.with_channels(_channels(channels))


def _channels(channels: Channels) -> dict[str, Any]:
    """Channels by their kind."""
    if not isinstance(channels, Mapping):
        if is_tensor(channels):
            channels = cast(Any, channels).detach().cpu().numpy()
        if not isinstance(channels, (list, tuple, np.ndarray)):
            raise TypeError(
                f'channels are a dict such as {{"regions": [[1, 2], [2]]}} or a matrix, not {type(channels).__name__}'
            )
        channels = {"matrix": channels}
    plain = {name: list(value) if isinstance(value, (tuple, range)) else value for name, value in channels.items()}
    if isinstance(plain.get("matrix"), (np.ndarray, list)):
        plain["matrix"] = _matrix(plain["matrix"])
    return plain


def _matrix(matrix: Any) -> list[list[float]]:
    """A row for each class."""
    try:
        given = np.asarray(matrix)
        array = given.astype(np.float64) if given.dtype.kind in "uifbO" else None
    except (TypeError, ValueError):
        raise ValueError("a matrix of channels has a row of numbers for each class, all of one length") from None
    if array is None or isinstance(matrix, np.ma.MaskedArray):
        raise TypeError("a matrix of channels is of real numbers, without a mask")
    if array.ndim != 2:
        raise ValueError(f"a matrix of channels has two axes, (classes, channels), not {array.ndim}")
    rows: list[list[float]] = array.tolist()
    return rows


@lru_cache(maxsize=64)
def _named(method: str) -> Encoding:
    return Encoding(cast(MethodName, method))


def windows_of(window: Any, shape: Sequence[int]) -> list[tuple[int, int]]:
    """(start, end) for each axis, as the bounds of slices mean it in NumPy; but what lies past the array is an error."""
    if isinstance(window, slice) or not hasattr(window, "__iter__"):
        window = (window,)
    window = list(window)
    if len(window) != len(shape):
        raise ValueError(f"the window has {len(window)} axes, the label map has {len(shape)}; give a slice for each")
    return [_range(part, length) for part, length in zip(window, shape)]


def _range(part: Any, length: int) -> tuple[int, int]:
    if isinstance(part, slice):
        if part.step not in (None, 1):
            raise ValueError(f"a window has no steps; {part} has")
        start = 0 if part.start is None else _bound(part.start, length, "a window's start")
        stop = length if part.stop is None else _bound(part.stop, length, "a window's end")
    else:
        try:
            start, stop = part
        except (TypeError, ValueError):
            raise TypeError(f"a window has a slice or a pair (start, end) for each axis, not {part!r}") from None
    start, stop = index(start, "a window's start"), index(stop, "a window's end")
    if start > stop:
        raise ValueError(f"a window does not end before it begins; {start}:{stop} does")
    return start, stop


def _bound(bound: Any, length: int, what: str) -> int:
    """A bound of a slice, counted from the first voxel."""
    at = _integer(bound, what, -(2**63), 2**63 - 1)
    if at < -length:
        raise ValueError(f"{what} is {at}, before the first of {length} voxels; use {-length} or more")
    return at + length if at < 0 else at


def weights_of(weights: ArrayLike | None) -> list[float] | None:
    """The raters' weights as floats."""
    if weights is None:
        return None
    array = np.asarray(weights)
    if array.dtype.kind not in "uif" or array.ndim != 1:
        raise TypeError(f"weights are one number for each rater, not {weights!r}")
    return [float(weight) for weight in array]


def per_axis(
    values: int | Iterable[int], axes: int, what: str, least: int = -(2**63), most: int = 2**63 - 1
) -> list[int]:
    """One integer for all axes, or one for each."""
    each = list(values) if isinstance(values, Iterable) else [values] * axes
    return [_integer(value, what, least, most) for value in each]


def per_axis_floats(values: ArrayLike, axes: int) -> list[float]:
    """One number for all axes, or one for each."""
    array = np.asarray(values, dtype=np.float64)
    return [float(array)] * axes if array.ndim == 0 else [float(value) for value in array]


def _integer(value: Any, what: str, least: int = -(2**63), most: int = 2**64 - 1) -> int:
    try:
        integer = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} is an integer, not {value!r}") from None
    if not least <= integer <= most:
        raise ValueError(f"{what} is {integer}; it has to be from {least} to {most}")
    return integer


def index(value: Any, what: str) -> int:
    """A number of things, as the machine counts them."""
    return _integer(value, what, 0, 2**63 - 1)
