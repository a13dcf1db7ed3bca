"""The losses as operators of PyTorch, so that autograd and `torch.compile` take them as one step.

Schemas are written out: PyTorch 2.4 cannot infer them from annotations that are strings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from . import _tensor_encode, _tensor_losses
from ._encode import encode
from ._loss_settings import Settings, engine, of_json
from ._native import Classes, Encoding


def _on_engine(logits: Tensor, settings: Settings) -> bool:
    """Whether the engine computes it: on the CPU, but for the losses of single classes."""
    return logits.device.type == "cpu" and logits.dtype in (torch.float32, torch.float64) and not settings.by_class


def _arrays(logits: Tensor, targets: Sequence[Tensor], mask: Tensor | None, settings: Settings) -> tuple[Any, Any, Any]:
    targets = [one.to(logits.dtype) if settings.soft else _tensor_encode.integers(one) for one in targets]
    return logits.detach().numpy(), [one.numpy() for one in targets], None if mask is None else mask.numpy()


@torch.library.custom_op("soft_labels::as_mask", mutates_args=(), schema="(Tensor mask) -> Tensor")
def as_mask(mask: Tensor) -> Tensor:
    """A mask as bools. Other numbers than 0 and 1 are no mask."""
    keep = mask.view(torch.uint8) != 0 if mask.dtype == torch.bool else mask == 1
    if mask.dtype != torch.bool and not bool((keep | (mask == 0)).all()):
        wrong = mask[~(keep | (mask == 0))][0]
        raise ValueError(f"a mask holds {wrong.item()}; it is true or 1 where voxels count, and false or 0 elsewhere")
    return keep


@as_mask.register_fake
def _(mask: Tensor) -> Tensor:
    return mask.new_empty(mask.shape, dtype=torch.bool)


@torch.library.custom_op("soft_labels::encoded", mutates_args=(), schema="(Tensor[] maps, str settings) -> Tensor")
def encoded(maps: Sequence[Tensor], settings: str) -> Tensor:
    """The soft labels (N, C, ..) of the label maps (N, ..) of each rater, in float32."""
    known = of_json(settings)
    classes, encoding = Classes.from_json(known.classes), Encoding.from_json(known.encoding)
    maps = [_tensor_encode.integers(one) for one in maps]
    if maps[0].device.type != "cpu":
        return _tensor_encode.encode(maps, classes, encoding, known.rater_weights, torch.float32)
    samples, *voxels = maps[0].shape
    soft = torch.empty(samples, encoding.channel_count(classes), *voxels)
    for at in range(samples):
        of_item = [one[at].numpy() for one in maps]
        encode(of_item, classes, encoding, weights=known.rater_weights, out=soft[at].numpy())
    return soft


@encoded.register_fake
def _(maps: Sequence[Tensor], settings: str) -> Tensor:
    known = of_json(settings)
    channels = Encoding.from_json(known.encoding).channel_count(Classes.from_json(known.classes))
    samples, *voxels = maps[0].shape
    return maps[0].new_empty((samples, channels, *voxels), dtype=torch.float32)


@torch.library.custom_op(
    "soft_labels::loss",
    mutates_args=(),
    schema="(Tensor logits, Tensor[] targets, Tensor? mask, str settings) -> Tensor",
)
def loss(logits: Tensor, targets: Sequence[Tensor], mask: Tensor | None, settings: str) -> Tensor:
    """The loss of logits (N, C, ..)."""
    known = of_json(settings)
    if logits.numel() == 0:
        return logits.new_full(_shape(logits, known), _empty(known))
    if not _on_engine(logits, known):
        return _tensor_losses.evaluate(logits, targets, mask, known, None)
    arrays = _arrays(logits, targets, mask, known)
    if known.per_voxel:
        losses = torch.empty(_shape(logits, known), dtype=logits.dtype)
        if engine(known).per_voxel(*arrays, losses.numpy()) is None:
            losses.zero_()
        return losses
    value = engine(known).value(*arrays)
    return torch.tensor(_empty(known) if value is None else value, dtype=logits.dtype)


@torch.library.custom_op(
    "soft_labels::loss_gradient",
    mutates_args=(),
    schema="(Tensor logits, Tensor[] targets, Tensor? mask, str settings, Tensor slope) -> Tensor",
)
def loss_gradient(
    logits: Tensor, targets: Sequence[Tensor], mask: Tensor | None, settings: str, slope: Tensor
) -> Tensor:
    """The gradient of the loss with respect to the logits, times `slope`."""
    known = of_json(settings)
    if logits.numel() == 0:
        return torch.zeros_like(logits)
    if not _on_engine(logits, known):
        gradient = _tensor_losses.evaluate(logits, targets, mask, known, slope)
        if not math.isnan(_empty(known)):
            return gradient
        value = _tensor_losses.evaluate(logits, targets, mask, known, None)
        return torch.where(value.isnan(), math.nan, gradient)
    gradient = torch.empty(logits.shape, dtype=logits.dtype)
    if engine(known).gradient(*_arrays(logits, targets, mask, known), gradient.numpy()) is None:
        return gradient.fill_(_empty(known) * 0)
    if known.per_voxel:
        return gradient.mul_(slope.unsqueeze(1))
    return gradient if float(slope) == 1 else gradient.mul_(slope)


def _empty(settings: Settings) -> float:
    """The value where no voxel counts."""
    return settings.empty if settings.reduction == "mean" else 0.0


def _shape(logits: Tensor, settings: Settings) -> list[int]:
    samples, channels, *voxels = logits.shape
    if settings.per_voxel:
        return [samples, *voxels]
    if settings.by_class:
        return [channels] if settings.batch else [samples, channels]
    return []


@loss.register_fake
def _(logits: Tensor, targets: Sequence[Tensor], mask: Tensor | None, settings: str) -> Tensor:
    return logits.new_empty(_shape(logits, of_json(settings)))


@loss_gradient.register_fake
def _(logits: Tensor, targets: Sequence[Tensor], mask: Tensor | None, settings: str, slope: Tensor) -> Tensor:
    return logits.new_empty(logits.shape)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    logits, targets, mask, settings = inputs
    ctx.save_for_backward(logits, mask, *targets)
    ctx.settings = settings


def _backward(ctx: Any, slope: Tensor) -> tuple[Tensor, list[None], None, None]:
    # This operator has no derivative, so a second one is an error that PyTorch tells.
    logits, mask, *targets = ctx.saved_tensors
    gradient = loss_gradient(logits, targets, mask, ctx.settings, slope)
    return gradient, [None] * len(targets), None, None


loss.register_autograd(_backward, setup_context=_keep)


class _Loss(torch.autograd.Function):
    """The loss outside of compiled graphs. The engine computes value and gradient in one pass."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, mask: Tensor | None, settings: str, wanted: bool, *targets: Tensor) -> Tensor:
        known = of_json(settings)
        ctx.save_for_backward(logits, mask, *targets)
        ctx.settings, ctx.gradient = settings, None
        if not wanted or known.per_voxel or logits.numel() == 0 or not _on_engine(logits, known):
            value: Tensor = loss(logits, targets, mask, settings)
            return value
        ctx.gradient = torch.empty(logits.shape, dtype=logits.dtype)
        computed = engine(known).gradient(*_arrays(logits, targets, mask, known), ctx.gradient.numpy())
        if computed is None:
            computed = _empty(known)
            ctx.gradient.fill_(computed * 0)
        return torch.tensor(computed, dtype=logits.dtype)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        # The gradient is handed over without a copy. If it is asked for once more, it is computed once more. So it is where a
        # second derivative may be asked for, which is an error of that operator.
        gradient, ctx.gradient = ctx.gradient, None
        logits, mask, *targets = ctx.saved_tensors
        if gradient is None or torch.is_grad_enabled():
            gradient = loss_gradient(logits, targets, mask, ctx.settings, slope)
        elif float(slope) != 1:
            gradient.mul_(slope)
        return gradient, None, None, None, *[None] * len(targets)


def compute(logits: Tensor, targets: Sequence[Tensor], mask: Tensor | None, settings: str) -> Tensor:
    """The loss of logits (N, C, ..), whose derivatives are those of its first gradient, or an error."""
    if mask is not None:
        mask = as_mask(mask)
    value: Tensor
    if torch.compiler.is_compiling():
        value = loss(logits, targets, mask, settings)
    else:
        wanted = logits.requires_grad and torch.is_grad_enabled()
        # It is no operator, which would be silent where derivatives are computed forwards.
        value = _Loss.apply(logits, mask, settings, wanted, *targets)
    return value
