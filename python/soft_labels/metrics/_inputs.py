"""What is judged, brought into the forms that the native code takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arguments import bools_of, label_map, per_axis, plain, probabilities_of
from .._interchange import Array, ArrayOrTensor, is_tensor
from .._native import Classes

Regions: TypeAlias = Sequence[int | Sequence[int]]
Numbers: TypeAlias = dict[str, NDArray[np.float64]]
Scope: TypeAlias = Literal["all", "foreground"] | ArrayOrTensor


def pair_of(prediction: ArrayOrTensor, reference: ArrayOrTensor) -> tuple[Array, Array]:
    """Two label maps of one element type."""
    found, drawn = label_map(prediction, "a prediction"), label_map(reference, "a reference")
    if found.shape != drawn.shape:
        raise ValueError(f"the prediction has shape {found.shape}, the reference {drawn.shape}; give the same voxels")
    found, drawn = judged_map(found), judged_map(drawn)
    if found.dtype != drawn.dtype:
        return found.astype(np.int64), drawn.astype(np.int64)
    return found, drawn


def check_labelled(labels: Array, classes: Classes, whose: str, advice: str) -> None:
    """An error if a rater ignores every voxel: nothing can be said of that rater, and a number would be a guess."""
    if classes.ignore is not None and labels.size and (labels == classes.ignore).all():
        raise ValueError(f"{whose} ignores every voxel; {advice}, as one who did not draw the case")


def judged(
    probabilities: ArrayOrTensor, reference: ArrayOrTensor, classes: Classes, scope: Scope = "all"
) -> tuple[Array, Array, Classes]:
    """Probabilities, their reference, which is ignored outside the scope, and the classes that say so."""
    shape, drawn = plain(probabilities, "probabilities").shape, label_map(reference, "a reference")
    if shape[1:] != drawn.shape:
        raise ValueError(
            f"probabilities have shape {shape}, classes first, the reference {drawn.shape}; give the same voxels"
        )
    found, drawn = probabilities_of(probabilities), judged_map(drawn)
    if isinstance(scope, str) and scope == "all":
        return found, drawn, classes
    inside, ignored = scope_of(drawn, classes, scope), _ignored(classes)
    return found, np.where(inside, drawn, np.int64(ignored)), classes.with_ignore(ignored)


def scope_of(drawn: Array, classes: Classes, scope: Scope) -> NDArray[np.bool_]:
    """Which voxels of a reference are in a scope."""
    if not isinstance(scope, str):
        return mask_of(scope, drawn.shape)
    if scope == "all":
        return np.ones(drawn.shape, np.bool_)
    if scope != "foreground":
        raise ValueError(f'scope is "all", "foreground" or an array of bools, not {scope!r}')
    return np.asarray(drawn != classes.values[0])


def masks_of(masks: Sequence[ArrayOrTensor], what: str) -> list[NDArray[np.bool_]]:
    """Arrays of bools, which are a list: an array would be one mask."""
    if not isinstance(masks, (list, tuple)):
        raise TypeError(
            f"{what} are a list of arrays of bools, not {type(masks).__name__}; list(array) is one of a stack"
        )
    return [bools_of(mask, f"each of {what}") for mask in masks]


def numbers_of(values: ArrayLike, what: str, axes: str) -> NDArray[np.float64]:
    """Real numbers as float64, on as many axes as there are words."""
    array = np.asarray(values) if isinstance(values, (list, tuple)) else plain(values, what)
    if array.dtype.kind not in "uif":
        raise TypeError(f"{what} are real numbers, not of {array.dtype}")
    if array.ndim != len(axes.split(", ")):
        raise ValueError(f"{what} have the axes ({axes}), but {array.ndim} are given")
    return np.array(array, dtype=np.float64)


def mask_of(scope: ArrayOrTensor, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """A scope that is a mask of the reference's voxels."""
    if not (isinstance(scope, np.ndarray) or is_tensor(scope)):
        raise TypeError(f'scope is "all", "foreground" or an array of bools, not {type(scope).__name__}')
    mask = bools_of(scope, "scope")
    if mask.shape != shape:
        raise ValueError(f"scope has shape {mask.shape}, the reference {shape}; give the same voxels")
    return mask


def _ignored(classes: Classes) -> int:
    """A label of int64 that is ignored, or that is no class."""
    if classes.ignore is not None and classes.ignore < 2**63:
        return classes.ignore
    taken = set(classes.values)
    return next(label for label in range(-1, -(2**17), -1) if label not in taken)


def judged_map(labels: Array) -> Array:
    """A label map of uint8, int16 or int64."""
    if labels.dtype == np.bool_:
        return labels.view(np.uint8)
    native = labels.dtype in (np.uint8, np.int16, np.int64) and labels.dtype.isnative and labels.flags.aligned
    if native:
        return labels
    if (
        labels.dtype.kind == "u"
        and labels.dtype.itemsize == 8
        and labels.size
        and labels.max() > np.iinfo(np.int64).max
    ):
        raise ValueError("metrics take labels up to 2^63 - 1; renumber the labels")
    return labels.astype(np.int64)


def regions_of(regions: Regions | None, classes: Classes) -> list[list[int]]:
    """Lists of labels."""
    if regions is None:
        return [[label] for label in classes.values[1:]]
    return [per_axis(region, 1, "a region's label") for region in regions]
