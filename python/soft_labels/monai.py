"""Soft labels in MONAI's pipelines. Needs `monai`.

>>> from monai.transforms import Compose, EnsureTyped
>>> from soft_labels.monai import SoftLabelsd
>>> pipeline = Compose([EnsureTyped("label"), SoftLabelsd("label", classes=3)])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from monai.data import MetaTensor
from monai.transforms import Crop, InvertibleTransform, LazyTransform, MapTransform

import soft_labels

from ._arguments import AnyClasses, Array, Channels, Method, classes_of, encoding_of, per_axis
from ._monai import Explained, current, cut, voxels, whole

__all__ = ["SoftLabels", "SoftLabelsD", "SoftLabelsDict", "SoftLabelsd"]


class SoftLabels(InvertibleTransform, Explained):
    """Soft labels (C, ..) of a label map (1, ..), or of several raters.

    Metadata are kept, and the affine follows a margin that is cut off. Place it after all spatial transforms: these resample
    label maps by nearest neighbour, and would blur soft labels. Spatial transforms that are pending (MONAI's lazy resampling)
    are applied here, by nearest neighbour. MONAI hands over neither their `mode` and `padding_mode` nor the `overrides` of
    `Compose`, so these have no part in that.

    Parameters
    ----------
    classes, method, channels, weights
        As for `soft_labels.encode`.
    raters : bool
        Whether the channels (R, ..) are the label maps of so many raters. Otherwise several channels are an error: they may as
        well be classes, as after ``AsDiscrete(to_onehot=..)`` or ``ConvertToMultiChannelBasedOnBratsClasses``.
    margin : int or list of int
        How many voxels are cut off on each side of the soft labels, for all axes or for each. Voxels at the edge of a crop are
        smoothed as if the crop were the whole map. With a crop that is larger by the margin they are not: a margin of
        ``Encoding.radius``, 1 unless it is set, gives the bits of the whole map.
    padding_mode : {"zeros", "border", "reflection"}, optional
        What pending transforms take from beyond the map, as in `overrides` of `Compose`. By default MONAI decides.

    Returns
    -------
    soft : tensor (C, ..), or MetaTensor of a MetaTensor
        In float32, on the CPU. What is passed may be an array or a tensor, and a list of label maps (1, ..) is one for each
        rater; the metadata are those of the first.

    Raises
    ------
    ValueError
        If there are several channels that are no raters, a label is not whole or not a class, raters have other voxels, the
        margin leaves no voxels, or it is smaller than the encoder reaches.
    TypeError
        If labels are not numbers.

    Examples
    --------
    >>> import torch
    >>> labels = torch.zeros(1, 12, 12)
    >>> labels[:, 4:8, 4:8] = 1
    >>> SoftLabels(2)(labels).shape
    torch.Size([2, 12, 12])
    >>> SoftLabels(2, margin=1)(labels).shape
    torch.Size([2, 10, 10])
    >>> SoftLabels(2)([labels, labels.flip(1)]).shape  # two raters
    torch.Size([2, 12, 12])
    """

    def __init__(
        self,
        classes: AnyClasses,
        method: Method = "svls",
        *,
        channels: Channels | None = None,
        weights: Sequence[float] | None = None,
        raters: bool = False,
        margin: int | Sequence[int] = 0,
        padding_mode: str | None = None,
    ) -> None:
        LazyTransform.__init__(self, lazy=True)
        self.classes, self.method = classes_of(classes), encoding_of(method, channels)
        self.weights, self.raters = weights, raters
        self.margin = per_axis(margin, 1, "a margin", least=0)
        self.padding_mode = padding_mode
        self.crop = Crop()

    def __call__(self, labels: Any, lazy: bool | None = None) -> Any:
        """The soft labels of a label map. `lazy` has no effect: they are made at once."""
        with self._explaining():
            if isinstance(labels, (list, tuple)):
                return self.of({f"rater {at}": one for at, one in enumerate(labels)}, self.weights)
            return self.of({"the input": labels}, self.weights)

    def of(self, named: Mapping[str, Any], weights: Sequence[float] | None) -> Any:
        """The soft labels of label maps, of which errors say the names."""
        given = [current(one, self.padding_mode) for one in named.values()]
        channels = self.raters and len(given) == 1
        maps: list[Array] = [one for name, labels in zip(named, given) for one in whole(labels, name, channels)]
        if not maps:
            raise ValueError("there are no raters; give at least one label map")
        margin = self.margin_of(maps[0].shape)
        window = [(more, length - more) for length, more in zip(maps[0].shape, margin)]
        soft = torch.from_numpy(soft_labels.encode(maps, self.classes, self.method, weights=weights, window=window))
        if not isinstance(given[0], MetaTensor):
            return soft
        left = cut(given[0], margin, self.crop)
        return MetaTensor(soft, meta=dict(left.meta), applied_operations=list(left.applied_operations))

    def inverse(self, data: Any) -> Any:
        """Puts the margin back around what has the history of the result, as a prediction may; new voxels are 0."""
        return self.crop.inverse(data) if any(self.margin) and isinstance(data, MetaTensor) else data

    def margin_of(self, shape: Sequence[int]) -> list[int]:
        """The margin on each axis, if it is of use."""
        margin = self.margin * len(shape) if len(self.margin) == 1 else self.margin
        if len(margin) != len(shape):
            raise ValueError(
                f"margin has {len(margin)} axes, the label map {len(shape)}; give one number, or one for each axis"
            )
        if not any(margin):
            return margin
        if any(length <= 2 * more for length, more in zip(shape, margin)):
            raise ValueError(
                f"a margin of {margin} on each side leaves nothing of {tuple(shape)} voxels.\nCrop to the size that you want "
                "and twice the margin"
            )
        reach = self.method.radius(len(shape))
        if any(0 < more < radius for more, radius in zip(margin, reach)):
            raise ValueError(
                f"margin is {margin}, and the encoder reaches {reach} voxels.\nSay margin={reach}, or 0 on an axis that is "
                "not cropped"
            )
        return margin

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.settings()})"

    def settings(self) -> str:
        """What is not as by default, as it would be written."""
        shown = [f"classes={self.classes!r}", f"method={self.method!r}"]
        if self.weights is not None:
            shown.append(f"weights={[float(one) for one in self.weights]}")
        if self.raters:
            shown.append("raters=True")
        if any(self.margin):
            shown.append(f"margin={self.margin if len(self.margin) > 1 else self.margin[0]}")
        if self.padding_mode is not None:
            shown.append(f"padding_mode={self.padding_mode!r}")
        return ", ".join(shown)


class SoftLabelsd(MapTransform, InvertibleTransform, Explained):
    """`SoftLabels` for dictionaries: replaces label maps (1, ..) by their soft labels (C, ..).

    It is the last of the spatial transforms in a pipeline, also in ``Compose(.., lazy=True)``.

    Parameters
    ----------
    keys : str or list of str
        The label maps.
    classes, method, channels, weights, margin, padding_mode
        As for `SoftLabels`.
    raters : bool or str
        True if the channels of each key are the label maps of raters. A str if the keys are: it is the key of the one result,
        and those of the raters stay as they are.
    crop_keys : str or list of str
        Images of the same voxels, from which the margin is cut off, too.
    allow_missing_keys : bool
        Whether keys may be missing. Of raters, the mean is over those who are there, and `weights` are those of theirs.

    Raises
    ------
    KeyError
        If a key is missing.
    ValueError, TypeError
        As of `SoftLabels`; and if images of `crop_keys` have other voxels than the label map.

    Examples
    --------
    A crop whose soft labels are those of the whole map:

    >>> import torch
    >>> from monai.transforms import Compose, RandSpatialCropd
    >>> margin = 1
    >>> pipeline = Compose(
    ...     [
    ...         RandSpatialCropd(["image", "label"], roi_size=[32 + 2 * margin] * 3, random_size=False),
    ...         SoftLabelsd("label", classes=3, margin=margin, crop_keys="image"),
    ...     ]
    ... )
    >>> case = {"image": torch.rand(1, 40, 50, 50), "label": torch.zeros(1, 40, 50, 50)}
    >>> {key: tuple(value.shape) for key, value in pipeline(case).items()}
    {'image': (1, 32, 32, 32), 'label': (3, 32, 32, 32)}

    A crop does not reach the edge of the map itself. If it should, put ``BorderPadd(keys, margin, mode="edge")`` before it,
    which is what the encoder assumes beyond the edge.

    Three raters, of whom some may be missing:

    >>> raters = SoftLabelsd(["r1", "r2", "r3"], 3, raters="label", allow_missing_keys=True)
    >>> raters({"r1": torch.zeros(1, 8, 8), "r3": torch.ones(1, 8, 8)})["label"][:, 0, 0]
    tensor([0.5000, 0.5000, 0.0000])
    >>> raters
    SoftLabelsd(keys=['r1', 'r2', 'r3'], classes=Classes(3), method=Encoding('svls'), raters='label', allow_missing_keys=True)
    """

    def __init__(
        self,
        keys: str | Sequence[str],
        classes: AnyClasses,
        method: Method = "svls",
        *,
        channels: Channels | None = None,
        weights: Sequence[float] | None = None,
        raters: bool | str = False,
        margin: int | Sequence[int] = 0,
        crop_keys: str | Sequence[str] = (),
        padding_mode: str | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        LazyTransform.__init__(self, lazy=True)
        self.raters = raters
        self.transform = SoftLabels(
            classes,
            method,
            channels=channels,
            weights=weights,
            raters=raters is True,
            margin=margin,
            padding_mode=padding_mode,
        )
        self.crop_keys = (crop_keys,) if isinstance(crop_keys, str) else tuple(crop_keys)
        made = {raters} if isinstance(raters, str) else set(self.keys)
        if made & set(self.crop_keys):
            raise ValueError(
                f"crop_keys has {sorted(map(str, made & set(self.crop_keys)))}, from which the margin is cut anyway"
            )
        if isinstance(raters, str) and weights is not None and len(weights) != len(self.keys):
            raise ValueError(f"there are {len(weights)} weights and {len(self.keys)} raters; give one for each")

    def __call__(self, data: Mapping[Any, Any], lazy: bool | None = None) -> dict[Any, Any]:
        """The dictionary with soft labels. `lazy` has no effect: they are made at once."""
        with self._explaining():
            result = dict(data)
            present = list(self.key_iterator(result))
            shape = voxels(result[present[0]]) if present and self.crop_keys else ()
            if not isinstance(self.raters, str):
                for key in present:
                    result[key] = self.transform.of({repr(key): result[key]}, self.transform.weights)
            elif present:
                raters = {repr(key): result[key] for key in present}
                result[self.raters] = self.transform.of(raters, self._weights(present))
            if shape:
                self._crop(result, shape)
            return result

    def inverse(self, data: Mapping[Any, Any]) -> dict[Any, Any]:
        """As of `SoftLabels`, for the result and `crop_keys`."""
        made = (self.raters,) if isinstance(self.raters, str) else self.keys
        inverted = {key: self.transform.inverse(data[key]) for key in (*made, *self.crop_keys) if key in data}
        return {**data, **inverted}

    def _crop(self, result: dict[Any, Any], shape: tuple[int, ...]) -> None:
        """Cuts the margin of label maps of this shape off from the images."""
        margin = self.transform.margin_of(shape)
        for key in self.crop_keys:
            if key not in result:
                if self.allow_missing_keys:
                    continue
                raise KeyError(f"{key!r} of crop_keys is missing; the dictionary has {list(result)}")
            if voxels(result[key]) != shape:
                raise ValueError(
                    f"{key!r} has the voxels {voxels(result[key])} and {self.keys[0]!r} has {shape}.\n"
                    "Crop both alike before, or leave the key out of crop_keys"
                )
            result[key] = cut(result[key], margin, self.transform.crop)

    def _weights(self, present: Sequence[Any]) -> Sequence[float] | None:
        """Those of the raters who are there."""
        weights = self.transform.weights
        return None if weights is None else [weight for key, weight in zip(self.keys, weights) if key in present]

    def __repr__(self) -> str:
        shown = [f"keys={list(self.keys)}", self.transform.settings()]
        if isinstance(self.raters, str):
            shown.append(f"raters={self.raters!r}")
        if self.crop_keys:
            shown.append(f"crop_keys={list(self.crop_keys)}")
        if self.allow_missing_keys:
            shown.append("allow_missing_keys=True")
        return f"{type(self).__name__}({', '.join(shown)})"


SoftLabelsD = SoftLabelsDict = SoftLabelsd
