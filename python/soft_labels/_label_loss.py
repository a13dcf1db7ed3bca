"""What the losses of label maps have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ._arguments import AnyClasses, Channels, Method, classes_of, encoding_of
from ._loss_ops import as_mask, compute, encoded
from ._loss_settings import Settings


class LabelLoss(torch.nn.Module):
    """What the losses have in common: they bring what a training loop has into one form."""

    def __init__(
        self,
        kind: str,
        classes: AnyClasses,
        method: Method,
        *,
        ignore: int | None,
        raters: bool | Sequence[float],
        weight: Any,
        reduction: str,
        channels: Channels | None,
        activation: str | None,
        scale_weights: Sequence[float] | None,
        empty: str,
        soft: bool | None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.classes = classes_of(classes, ignore)
        self.method = encoding_of(method, channels)
        self.channels: int = self.method.channel_count(self.classes)
        distribution = self.method.is_distribution(self.classes)
        sigmoid = choice(activation, "activation", (None, "softmax", "sigmoid")) == "sigmoid"
        if activation is None:
            sigmoid = not distribution
        elif not sigmoid and not distribution:
            raise ValueError(
                'the channels of a voxel do not sum to 1, so a softmax does not fit; use activation="sigmoid"'
            )
        choice(reduction, "reduction", ("mean", "sum", "none"))
        choice(empty, "empty", ("zero", "nan"))
        weights = class_weights(weight, self.channels, "weight", "channels")
        self.raters = raters is not False
        self.soft = soft
        rater_weights = None if isinstance(raters, bool) else class_weights(raters, None, "raters", "raters")
        self.scale_weights = (
            None if scale_weights is None else class_weights(scale_weights, None, "scale_weights", "outputs")
        )
        self.settings = Settings(
            kind=kind,
            classes=self.classes.to_json(),
            encoding=self.method.to_json(),
            rater_weights=rater_weights,
            class_weights=weights,
            reduction=reduction,
            sigmoid=sigmoid,
            empty=math.nan if empty == "nan" else 0.0,
            **settings,
        )
        # Made here, since a compiled graph holds plain numbers and strings.
        self._ignore = self.classes.ignore
        self._of_labels = self.settings.to_json()
        self._of_soft = replace(self.settings, soft=True).to_json()

    def forward(
        self,
        logits: Tensor | Sequence[Tensor],
        target: Tensor | Sequence[Tensor],
        mask: Tensor | Sequence[Tensor | None] | None = None,
        *,
        soft: bool | None = None,
    ) -> Tensor:
        """The loss.

        Parameters
        ----------
        logits : tensor (N, C, H, W) or (N, C, D, H, W)
            What the network puts out, before softmax or sigmoid. A list of outputs of several sizes (deep supervision) has the
            largest first.
        target : tensor
            Label maps (N, ..) or (N, 1, ..) of integers or whole floats, (N, R, ..) with `raters`; or soft labels (N, C, ..)
            of floats. For several outputs a list of one for each, or that of the largest, whose soft labels are averaged over
            boxes for the others. The mean of a box is over the voxels that count, and a box counts if one of them does.
        mask : tensor (N, ..) or (N, 1, ..), optional
            True or 1 where voxels count, false or 0 elsewhere. A list for a list of targets.
        soft : bool, optional
            Whether floats are soft labels, as the setting of this name.
        """
        if soft is None:
            soft = self.soft
        if isinstance(logits, Tensor):
            if not isinstance(target, Tensor):
                raise TypeError(
                    f"a target is a tensor where logits are one, not {type(target).__name__}; the label maps of raters are "
                    "torch.stack(maps, 1) with raters=True"
                )
            if mask is not None and not isinstance(mask, Tensor):
                raise TypeError(f"a mask is a tensor where logits are one, not {type(mask).__name__}")
            return self._of_one(logits, target, mask, soft)
        if not logits:
            raise ValueError("there are no outputs; give at least one")
        weights = self._scale_weights(len(logits))
        if not isinstance(target, Tensor):
            masks = [None] * len(target) if mask is None else mask
            if isinstance(masks, Tensor) or not len(logits) == len(target) == len(masks):
                raise ValueError(
                    f"there are {len(logits)} outputs and {len(target)} targets; give a list with a target for each output, and "
                    "one with a mask for each if there are masks, or the target and the mask of the largest alone"
                )
            losses = [self._of_one(z, t, m, soft) for z, t, m in zip(logits, target, masks)]
        elif mask is not None and not isinstance(mask, Tensor):
            raise TypeError("masks are a list where targets are one; here give that of the largest output")
        else:
            losses = [self._of_one(logits[0], target, mask, soft)]
            losses += self._of_smaller(logits, target, mask, soft)
        if self.settings.reduction == "none" and len(losses) > 1:
            raise ValueError('outputs of several sizes have no common shape; use reduction="mean" or "sum"')
        total = losses[0] * weights[0]
        for weight, one in zip(weights[1:], losses[1:]):
            total = total + weight * one
        return total

    def _scale_weights(self, outputs: int) -> list[float]:
        if self.scale_weights is None:
            weights = [0.5**at for at in range(outputs)]
            return [weight / sum(weights) for weight in weights]
        if len(self.scale_weights) != outputs:
            raise ValueError(
                f"there are {len(self.scale_weights)} scale_weights and {outputs} outputs; give one for each"
            )
        return list(self.scale_weights)

    def _of_one(self, logits: Tensor, target: Tensor, mask: Tensor | None, soft: bool | None) -> Tensor:
        self._check_logits(logits)
        voxels = (logits.shape[0], *logits.shape[2:])
        if self._is_soft(logits, target, soft):
            settings, targets = self._of_soft, [target]
        else:
            settings, targets = self._of_labels, self._maps(target, voxels)
        if logits.dtype in (torch.float16, torch.bfloat16):
            # As PyTorch's own losses do under autocast.
            logits = logits.float()
        if mask is not None:
            mask = _without_channel(mask, voxels, "masks").to(logits.device)
        if target.requires_grad and torch.is_grad_enabled():
            raise ValueError("the target requires a gradient, which this loss does not compute; pass target.detach()")
        targets = [one.detach().to(logits.device) for one in targets]
        return compute(logits, targets, mask, settings)

    def _of_smaller(
        self, logits: Sequence[Tensor], target: Tensor, mask: Tensor | None, soft: bool | None
    ) -> list[Tensor]:
        """The losses of all outputs but the first, against averages of its soft labels over boxes."""
        largest = logits[0]
        voxels = (largest.shape[0], *largest.shape[2:])
        if self._is_soft(largest, target, soft):
            targets = target.detach().to(largest.device, torch.float32)
            counts = (
                (targets != 0).any(1, keepdim=True) if not self.settings.sigmoid else torch.ones_like(targets[:, :1])
            )
        else:
            maps = [one.detach().to(largest.device) for one in self._maps(target, voxels)]
            targets = encoded(maps, self._of_labels)
            weights = self.settings.rater_weights or (1.0,) * len(maps)
            counts = torch.zeros_like(targets[:, :1], dtype=torch.bool)
            for one, weight in zip(maps, weights):
                if weight > 0:
                    counts |= True if self._ignore is None else (one != self._ignore).unsqueeze(1)
        if mask is not None:
            counts = counts.bool() & as_mask(_without_channel(mask, voxels, "masks").to(counts.device)).unsqueeze(1)
        counts = counts.to(targets.dtype)
        losses = []
        for one in logits[1:]:
            self._check_logits(one)
            box = _box(largest.shape[2:], one.shape[2:])
            average = torch.nn.functional.avg_pool2d if len(box) == 2 else torch.nn.functional.avg_pool3d
            share = average(counts, box)
            pooled = average(targets * counts, box) / torch.where(share == 0, 1, share)
            losses.append(self._of_one(one, pooled, share[:, 0] > 0, soft=True))
        return losses

    def _check_logits(self, logits: Tensor) -> None:
        if not isinstance(logits, Tensor) or not logits.is_floating_point():
            raise TypeError(f"logits are a tensor of floats, not {getattr(logits, 'dtype', type(logits).__name__)}")
        if logits.ndim not in (4, 5):
            raise ValueError(
                f"logits of a batch have the axes (N, C, H, W) or (N, C, D, H, W), these have {logits.ndim}; "
                "for one map use logits[None], and for outputs that are stacked on axis 1 the list logits.unbind(1)"
            )
        if logits.shape[1] != self.channels:
            raise ValueError(
                f"logits have {logits.shape[1]} channels, this loss has {self.channels}; the network's outputs and classes or "
                "channels of the loss must be as many"
            )

    def _is_soft(self, logits: Tensor, target: Tensor, soft: bool | None) -> bool:
        """Whether a target holds soft labels: it is never guessed where both are possible."""
        if not isinstance(target, Tensor):
            raise TypeError(f"a target is a tensor, not {type(target).__name__}")
        if target.is_complex():
            raise TypeError(f"a target holds integers or floats, not {target.dtype}")
        if not target.is_floating_point():
            if soft:
                raise TypeError(f"soft labels are floats, not {target.dtype}; divide 255ths by 255")
            return False
        if soft is None:
            soft = target.shape == logits.shape
            if soft and (self.raters or self.channels == 1):
                raise ValueError(
                    f"a target of floats {tuple(target.shape)} may be label maps or soft labels; say soft=True or soft=False, here or "
                    "when the loss is made, or pass label maps as integers"
                )
        if soft and target.shape != logits.shape:
            raise ValueError(
                f"soft labels are {tuple(target.shape)}, logits {tuple(logits.shape)}; they must be the same"
            )
        return soft

    def _maps(self, target: Tensor, voxels: tuple[int, ...]) -> list[Tensor]:
        """The label maps (N, ..) of each rater."""
        if self.raters:
            if target.ndim != len(voxels) + 1 or (target.shape[0], *target.shape[2:]) != voxels:
                raise ValueError(
                    f"label maps of raters are (N, R, ..), here ({voxels[0]}, R, {', '.join(map(str, voxels[1:]))}), not {tuple(target.shape)}"
                )
            maps = list(target.unbind(1))
            weights = self.settings.rater_weights
            if not maps or (weights is not None and len(weights) != len(maps)):
                raise ValueError(f"there are {len(maps)} raters and {len(weights or [])} weights of raters")
        else:
            maps = [_without_channel(target, voxels, "label maps")]
        return maps

    def extra_repr(self) -> str:
        settings, plain = self.settings, Settings("")
        shown = [
            f"{self.classes!r}",
            f"{self.method!r}",
            f"activation={'sigmoid' if settings.sigmoid else 'softmax'!r}",
        ]
        for name, field in {
            "weight": "class_weights",
            "divisor": "divisor",
            "reduction": "reduction",
            "form": "form",
            "batch": "batch",
            "background": "background",
            "smooth": "smooth",
        }.items():
            value = getattr(settings, field)
            if value != getattr(plain, field):
                shown.append(f"{name}={value!r}")
        if self.raters:
            shown.append(f"raters={settings.rater_weights or True}")
        if self.scale_weights is not None:
            shown.append(f"scale_weights={self.scale_weights}")
        if math.isnan(settings.empty):
            shown.append("empty='nan'")
        if self.soft is not None:
            shown.append(f"soft={self.soft}")
        return ", ".join(shown)


def choice(value: Any, what: str, allowed: Sequence[Any]) -> Any:
    if value not in allowed:
        names = ", ".join(f'"{one}"' for one in allowed if one is not None)
        raise ValueError(f"{what} is one of {names}, not {value!r}")
    return value


def class_weights(weights: Any, count: int | None, what: str, of: str) -> tuple[float, ...] | None:
    """Weights as floats, as exact as they were given."""
    if weights is None:
        return None
    given = torch.as_tensor(weights, dtype=torch.float64).detach().cpu()
    if given.ndim != 1 or not bool(((given >= 0) & given.isfinite()).all()) or not bool((given > 0).any()):
        raise ValueError(f"{what} has a finite number for each of the {of}, not negative, and not all 0; not {weights}")
    if count is not None and len(given) != count:
        raise ValueError(f"{what} has {len(given)} numbers, there are {count} {of}; give one for each")
    return tuple(given.tolist())


def _without_channel(tensor: Tensor, voxels: tuple[int, ...], what: str) -> Tensor:
    """A tensor (N, ..) of one that may be (N, 1, ..)."""
    shape = tuple(tensor.shape)
    if shape == voxels:
        return tensor
    if shape == (voxels[0], 1, *voxels[1:]):
        return tensor[:, 0]
    more = ""
    if what == "label maps" and len(shape) == len(voxels) + 1:
        more = "; several channels are raters with raters=True, and soft labels are floats with as many channels as the logits"
    raise ValueError(f"{what} are {voxels} or {(voxels[0], 1, *voxels[1:])} for these logits, not {shape}{more}")


def _box(full: Sequence[int], part: Sequence[int]) -> list[int]:
    """How many voxels of the largest output one of a smaller output stands for, along each axis."""
    if len(full) != len(part) or any(n == 0 or m % n for m, n in zip(full, part)):
        raise ValueError(
            f"an output {tuple(part)} is no whole fraction of the largest, {tuple(full)}; pass a list with a target for each output"
        )
    return [m // n for m, n in zip(full, part)]
