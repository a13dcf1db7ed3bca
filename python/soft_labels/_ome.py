"""Label maps in Zarr, and images of OME-Zarr, for the Dask script. The command has the same rules."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import dask.array as da

from ._output import attributes

# The array in a group that is written.
ARRAY = "0"


@dataclass(frozen=True)
class Image:
    """What an image says of its axes of space. Soft labels are written with it."""

    zarr_format: Literal[2, 3]
    names: Sequence[str]
    units: Sequence[str | None]
    scale: Sequence[float]
    # The place of the first voxel, if it is told.
    translation: Sequence[float] | None

    def attributes(self) -> dict[str, Any]:
        """Those of a group with soft labels, whose first axis has the channels."""
        axes = [{"name": "c", "type": "channel"}]
        for name, unit in zip(self.names, self.units):
            axes.append({"name": name, "type": "space"} | ({} if unit is None else {"unit": unit}))
        transformations: list[Any] = [{"type": "scale", "scale": [1.0, *self.scale]}]
        if self.translation is not None:
            transformations.append({"type": "translation", "translation": [0.0, *self.translation]})
        image: dict[str, Any] = {
            "axes": axes,
            "datasets": [{"path": ARRAY, "coordinateTransformations": transformations}],
        }
        if self.zarr_format == 2:
            return {"multiscales": [image | {"version": "0.4"}], **attributes()}
        return {"ome": {"version": "0.5", "multiscales": [image]}, **attributes()}


def create(path: str, image: Image | None, layout: Mapping[str, Any]) -> None:
    """Makes the array of soft labels, in a group if it is an image."""
    import zarr

    modern = hasattr(zarr, "create_array")
    if image is None:
        # Versions before 3 have no `create_array`.
        target = (zarr.create_array if modern else zarr.open_array)(path, **layout)
    elif not modern:
        group: Any = zarr.open_group(path, mode="w")
        group.attrs.update(image.attributes())
        target = group.create_dataset(ARRAY, dimension_separator="/", **layout)
    else:
        group = zarr.create_group(path, zarr_format=image.zarr_format, attributes=image.attributes())
        more: dict[str, Any] = {"dimension_names": ("c", *image.names)}
        if image.zarr_format == 2:
            more = {"chunk_key_encoding": {"name": "v2", "separator": "/"}}
        target = group.create_array(ARRAY, **layout, **more)
    target.attrs.update(attributes())


def array_of(path: str, image: Image | None) -> str:
    """Where the array is."""
    return path if image is None else f"{path}/{ARRAY}"


def labels_of(path: str) -> tuple[da.Array, Image | None]:
    """The labels of a Zarr array, or of a group: the highest resolution of OME-Zarr, or the only array."""
    import zarr

    opened: Any = zarr.open(path, mode="r")
    if isinstance(opened, zarr.Array):
        return _spatial(da.from_zarr(opened), None, path)[0], None
    found: Any = dict(opened.attrs)
    scales = found.get("ome", found).get("multiscales")
    arrays = sorted(name for name, _ in opened.arrays())
    if scales:
        level = scales[0]["datasets"][0]["path"]
        axes = [axis if isinstance(axis, dict) else {"name": axis} for axis in scales[0].get("axes", [])]
        labels = da.from_zarr(opened[level])
        spatial, kept = _spatial(labels, [axis.get("name") for axis in axes], path)
        # Versions before 3 read no other format.
        zarr_format: Literal[2, 3] = 3 if getattr(getattr(opened, "metadata", None), "zarr_format", 2) == 3 else 2
        return spatial, _image(scales[0], axes, kept, zarr_format)
    if len(arrays) != 1:
        raise ValueError(
            f"{path} is a group of {len(arrays)} arrays; name one of them, such as {path}/{'/'.join(arrays[:1])}"
        )
    return _spatial(da.from_zarr(opened[arrays[0]]), None, path)[0], None


def _spatial(labels: da.Array, axes: list[Any] | None, path: str) -> tuple[da.Array, list[int]]:
    """Labels without their axes of time and channels, which have to be of length 1, and which axes are left."""
    if axes is None or len(axes) != labels.ndim:
        axes = [*"tczyx"[5 - labels.ndim :]] if labels.ndim in (4, 5) else [*"zyx"[3 - labels.ndim :]]
    if labels.ndim > 5:
        raise ValueError(f"{path} has the shape {labels.shape}; a label map is (D, H, W) or (H, W)")
    kept = [axis for axis in range(labels.ndim) if axes[axis] in ("z", "y", "x")]
    for axis in range(labels.ndim - 1, -1, -1):
        if axis not in kept:
            if labels.shape[axis] != 1:
                raise ValueError(
                    f"{path} has the shape {labels.shape}, with {labels.shape[axis]} along its axis {axes[axis]!r}; a label "
                    "map has one time and one channel, so store one of them in an array of its own"
                )
            labels = labels.squeeze(axis)
    return labels, kept


def _image(image: Any, axes: list[dict[str, Any]], kept: list[int], zarr_format: Literal[2, 3]) -> Image | None:
    """What an image says of the axes that are left, or nothing if its numbers are no scale."""
    told = [image["datasets"][0], image]
    steps = [(_transformation(one, "scale"), _transformation(one, "translation")) for one in told]
    scales, places = [], []
    for axis in kept:
        scale, place = 1.0, 0.0
        # What an image has is done after what its dataset has.
        for factors, offsets in steps:
            factor = _number(factors, axis, 1.0)
            scale, place = scale * factor, place * factor + _number(offsets, axis, 0.0)
        if not (math.isfinite(scale) and scale > 0 and math.isfinite(place)):
            return None
        scales.append(scale)
        places.append(place)
    # A unit without a scale is no length.
    is_scaled = any(factors is not None for factors, _ in steps)
    units = [axes[axis].get("unit") if is_scaled and axis < len(axes) else None for axis in kept]
    is_placed = any(offsets is not None for _, offsets in steps)
    names = [str(axes[axis].get("name")) for axis in kept if axis < len(axes)]
    if len(set(names) & set("zyx")) < len(kept):
        names = [*"zyx"[3 - len(kept) :]]
    return Image(zarr_format, names, units, scales, places if is_placed else None)


def _transformation(told: Any, kind: str) -> list[Any] | None:
    for step in told.get("coordinateTransformations") or ():
        if isinstance(step.get(kind), list):
            numbers: list[Any] = step[kind]
            return numbers
    return None


def _number(numbers: list[Any] | None, axis: int, default: float) -> float:
    if numbers is None:
        return default
    try:
        return float(numbers[axis])
    except (IndexError, TypeError, ValueError):
        return math.nan
