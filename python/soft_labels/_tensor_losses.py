"""Losses and their gradients by plain tensor operations, for devices that the engine does not compute on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ._loss_settings import Settings
from ._tensor_encode import (
    Plan,
    class_index,
    encode_indices,
    plan,
    rater_shares,
    shifted,
    weight_around,
)


def evaluate(
    logits: Tensor, targets: Sequence[Tensor], mask: Tensor | None, settings: Settings, slope: Tensor | None
) -> Tensor:
    """The loss of logits (N, C, ..), or its gradient times `slope`.

    Targets are the soft labels (N, C, ..), or the label maps (N, ..) of each rater.
    """
    keep = torch.ones_like(logits[:, 0], dtype=torch.bool) if mask is None else mask
    if settings.soft:
        soft = targets[0].to(logits.dtype)
        counts = keep if settings.sigmoid else keep & (soft != 0).any(1)
        return _of_soft(logits, soft, counts, settings, slope)
    made = plan(settings.classes, settings.encoding, logits.ndim - 2)
    indices = [class_index(one, made) for one in targets]
    shares = rater_shares(indices, made, settings.rater_weights, logits.dtype)
    counts = keep & (torch.stack(shares).sum(0) > 0)
    if settings.kind == "cross_entropy" and not settings.sigmoid and made.matrix is None:
        return _by_neighbours(logits, indices, shares, made, counts, settings, slope)
    soft = encode_indices(indices, made, settings.rater_weights, logits.dtype)
    return _of_soft(logits, soft, counts, settings, slope)


def _of_soft(logits: Tensor, soft: Tensor, counts: Tensor, settings: Settings, slope: Tensor | None) -> Tensor:
    # Where a voxel does not count its logits have no part, not even as 0 times infinity.
    logits = logits.masked_fill(~counts.unsqueeze(1), 0)
    soft = soft.masked_fill(~counts.unsqueeze(1), 0)
    if settings.kind != "cross_entropy":
        return _region(logits, soft, counts, settings, slope)
    if settings.sigmoid:
        return _binary(logits, soft, counts, settings, slope)
    weighted = soft if settings.class_weights is None else soft * _weights(logits, settings)
    all_weight = weighted.sum(1)
    if slope is None:
        log_p = torch.log_softmax(logits, 1).masked_fill(weighted == 0, 0)
        return _reduced(-(weighted * log_p).sum(1), counts, all_weight, settings)
    gradient = all_weight.unsqueeze(1) * torch.softmax(logits, 1) - weighted
    return gradient * _scale(counts, all_weight, settings, slope).unsqueeze(1)


def _by_neighbours(
    logits: Tensor,
    indices: Sequence[Tensor],
    shares: Sequence[Tensor],
    plan: Plan,
    counts: Tensor,
    settings: Settings,
    slope: Tensor | None,
) -> Tensor:
    """Cross entropy without soft labels: ``Σ_c p_c log q_c = Σ_u w_u log q[label(v + u)]`` over a voxel and its neighbours u."""
    logits = logits.masked_fill(~counts.unsqueeze(1), 0)
    of_class = None if settings.class_weights is None else _weights(logits, settings).reshape(-1)
    log_p = torch.log_softmax(logits, 1)
    all_weight, result = torch.zeros_like(log_p[:, 0]), torch.zeros_like(log_p if slope is not None else log_p[:, 0])
    for index, share in zip(indices, shares):
        for neighbour, weight in _terms(index, share, plan, logits.dtype):
            known = neighbour.clamp(max=plan.classes - 1)
            weight = weight * (neighbour < plan.classes)
            if of_class is not None:
                weight = weight * of_class[known]
            all_weight += weight
            if slope is None:
                part = log_p.gather(1, known.unsqueeze(1)).squeeze(1)
                result -= torch.where(weight == 0, 0, weight * part)
            else:
                result.scatter_add_(1, known.unsqueeze(1), -weight.unsqueeze(1))
    if slope is None:
        return _reduced(torch.where(counts, result, 0), counts, torch.where(counts, all_weight, 0), settings)
    result += all_weight.unsqueeze(1) * log_p.exp()
    return result * _scale(counts, torch.where(counts, all_weight, 0), settings, slope).unsqueeze(1)


def _terms(index: Tensor, share: Tensor, plan: Plan, dtype: torch.dtype) -> list[tuple[Tensor, Tensor]]:
    """The class index of a voxel and of each neighbour, with its weight there."""
    if not plan.shells:
        return [(index, share)]
    neighbours = list(shifted(index, plan))
    each = plan.strength / weight_around(neighbours, index, plan, dtype) * share
    terms = [(index, (1 - plan.strength) * share + each)]
    for weight, shell in neighbours:
        of_shell = weight * each
        terms.extend((one, of_shell) for one in shell)
    return terms


def _binary(logits: Tensor, soft: Tensor, counts: Tensor, settings: Settings, slope: Tensor | None) -> Tensor:
    weights = _weights(logits, settings)
    all_weight = counts.to(logits.dtype) * weights.expand(1, logits.shape[1], *weights.shape[2:]).sum(1)
    if slope is None:
        losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, soft, reduction="none")
        return _reduced((losses * weights * counts.unsqueeze(1)).sum(1), counts, all_weight, settings, logits.shape[1])
    scale = _scale(counts, all_weight, settings, slope, logits.shape[1])
    return weights * (torch.sigmoid(logits) - soft) * scale.unsqueeze(1)


def _region(logits: Tensor, soft: Tensor, counts: Tensor, settings: Settings, slope: Tensor | None) -> Tensor:
    x = torch.sigmoid(logits) if settings.sigmoid else torch.softmax(logits, 1)
    keep = counts.unsqueeze(1).to(x.dtype)
    axes = [0, *range(2, x.ndim)] if settings.batch else list(range(2, x.ndim))
    apart, both, product = ((part * keep).sum(axes, keepdim=True) for part in ((x - soft).abs(), x + soft, x * soft))
    factor, by_both, by_apart, by_product = {
        ("dice", "l1"): (1, 1, 0, 0),
        ("dice", "product"): (1, 0, 1, 2),
        ("jaccard", "l1"): (2, 1, 1, 0),
        ("jaccard", "product"): (1, 0, 1, 1),
    }[settings.kind, settings.form]
    below = by_both * both + by_apart * apart + by_product * product + settings.smooth
    inverse = torch.where(below == 0, 0, 1 / torch.where(below == 0, 1, below))
    weights = _weights(logits, settings).expand(1, x.shape[1], *[1] * (x.ndim - 2)).clone()
    if not settings.background:
        weights[:, 0] = 0
    # A sample without a voxel that counts has no part in the mean.
    weights = weights * (both != 0).any(1, keepdim=True)
    if settings.reduction == "mean":
        total = weights.sum()
        weights = weights / torch.where(total == 0, 1, total)
    if slope is None:
        terms = factor * apart * inverse * weights
        if settings.reduction == "none":
            terms = terms.reshape(terms.shape[:2])
            return terms[0] if settings.batch else terms
        empty = settings.reduction == "mean" and not bool(counts.any())
        return torch.full_like(terms.sum(), settings.empty) if empty else terms.sum()
    if settings.reduction == "none":
        slope = slope.reshape(-1, x.shape[1], *[1] * (x.ndim - 2))
    each = weights * factor * inverse * slope
    down = -each * apart * inverse
    by_x = (each + by_apart * down) * torch.sign(x - soft) + by_both * down + by_product * down * soft
    by_x = by_x * keep
    if settings.sigmoid:
        return by_x * x * (1 - x)
    return x * (by_x - (by_x * x).sum(1, keepdim=True))


def _weights(logits: Tensor, settings: Settings) -> Tensor:
    """The class weights as (1, C, 1, ..)."""
    given = settings.class_weights or (1.0,) * logits.shape[1]
    return torch.tensor(given, dtype=logits.dtype, device=logits.device).view(1, -1, *[1] * (logits.ndim - 2))


def _divisor(counts: Tensor, all_weight: Tensor, settings: Settings, channels: int) -> Tensor:
    by_voxels = counts.sum() * channels
    return by_voxels if settings.divisor == "voxels" else all_weight.sum()


def _reduced(losses: Tensor, counts: Tensor, all_weight: Tensor, settings: Settings, channels: int = 1) -> Tensor:
    if settings.reduction == "none":
        return losses
    if settings.reduction == "sum":
        return losses.sum()
    divisor = _divisor(counts, all_weight, settings, channels)
    empty = torch.full_like(losses.sum(), settings.empty)
    return torch.where(divisor == 0, empty, losses.sum() / torch.where(divisor == 0, 1, divisor))


def _scale(counts: Tensor, all_weight: Tensor, settings: Settings, slope: Tensor, channels: int = 1) -> Tensor:
    """What the gradient of each voxel's loss is multiplied by."""
    if settings.reduction == "mean":
        divisor = _divisor(counts, all_weight, settings, channels)
        slope = slope / torch.where(divisor == 0, 1, divisor)
    return torch.where(counts, slope, 0).to(all_weight.dtype)
