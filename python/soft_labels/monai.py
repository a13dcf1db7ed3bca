"""Soft labels in MONAI's pipelines. Needs `monai`.

>>> from monai.transforms import Compose, EnsureTyped
>>> from soft_labels.monai import SoftLabelsd
>>> pipeline = Compose([EnsureTyped("label"), SoftLabelsd("label", classes=3)])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.transforms.lazy.functional import apply_pending

from ._arguments import AnyClasses, Channels, Method, classes_of, encoding_of, label_map
from .torch import _as_torch_has, encode

__all__ = ["SoftLabelsd"]


class SoftLabelsd(MapTransform):
    """Soft labels (C, ..) of label maps (1, ..), the last transform of a pipeline.

    With ``raters=True`` the channels (R, ..) are the label maps of so many raters. Otherwise several channels are an error: they
    may as well be classes, as after ``AsDiscreted(to_onehot=..)`` or ``ConvertToMultiChannelBasedOnBratsClassesd``. Metadata and the affine are kept. Spatial transforms that
    are pending (MONAI's lazy resampling) are applied first, by nearest neighbour.

    Place it after all spatial transforms, which resample label maps by nearest neighbour, and use no such transform after
    it. Labels near the edge of a crop are smoothed as if the crop were the whole map; where that matters, crop with
    `soft_labels.torch.RandomWindows`.

    Parameters
    ----------
    keys : str or list of str
    classes, method, channels, weights
        As for `soft_labels.encode`.
    raters : bool
        Whether channels are raters.
    allow_missing_keys : bool
    """

    def __init__(
        self,
        keys: str | Sequence[str],
        classes: AnyClasses,
        method: Method = "svls",
        *,
        channels: Channels | None = None,
        weights: Sequence[float] | None = None,
        raters: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.classes, self.method = classes_of(classes), encoding_of(method, channels)
        self.weights = weights
        self.raters = raters

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        result: dict[Any, Any] = dict(data)
        for key in self.key_iterator(result):
            result[key] = self._soft(result[key], key)
        return result

    def _soft(self, labels: Any, key: str) -> Any:
        if isinstance(labels, MetaTensor) and labels.pending_operations:
            labels, _ = apply_pending(labels, overrides={"mode": "nearest"})
        tensor = labels if isinstance(labels, torch.Tensor) else torch.from_numpy(_as_torch_has(np.asarray(labels)))
        maps = _integers(tensor.as_tensor() if isinstance(tensor, MetaTensor) else tensor, key)
        if len(maps) != 1 and not self.raters:
            raise ValueError(
                f"{key!r} has {len(maps)} channels; SoftLabelsd takes one label map (1, ..), before it is made one-hot. If the "
                "channels are the label maps of raters, say SoftLabelsd(.., raters=True)"
            )
        soft = encode(list(maps), self.classes, self.method, weights=self.weights)
        if not isinstance(labels, MetaTensor):
            return soft
        return MetaTensor(soft, meta=labels.meta, applied_operations=labels.applied_operations)


def _integers(labels: torch.Tensor, key: str) -> torch.Tensor:
    """Labels as integers: MONAI loads label maps as float32."""
    if not labels.is_floating_point():
        return labels.cpu()
    try:
        return torch.from_numpy(np.array(label_map(labels.detach().double().cpu().numpy())))
    except ValueError as error:
        raise ValueError(
            f"the labels of {key!r} are not whole numbers ({error}); resample label maps with mode='nearest', before "
            f"SoftLabelsd; in Compose(.., lazy=True) also set overrides={{{key!r}: {{'mode': 'nearest'}}}}"
        ) from None
