"""Cross entropy between logits and soft labels."""

from __future__ import annotations

import math
from typing import Any

import torch

from ._label_loss import choice, class_weights
from ._loss_ops import compute
from ._loss_settings import Settings


class SoftCrossEntropyLoss(torch.nn.Module):
    """Cross entropy between the softmax of logits and soft targets of a batch (equation 3 of Islam & Glocker 2021).

    Logits and targets are (N, C, H, W) or (N, C, D, H, W). Give one map a batch axis of length 1: ``logits[None]``.

    ``L = -1/n Σ_i Σ_c w_c t_ic log softmax(z_i)_c``

    A voxel counts unless its target is 0 in all classes, as that of an ignored voxel is. PyTorch's own cross entropy counts
    these voxels in n, too. Values are computed in float32 at least.

    Parameters
    ----------
    weight : sequence of float or tensor (C,), optional
        A weight for each class.
    divisor : {"voxels", "weight"}
        What the mean divides by: the number of voxels that count, or the sum of their targets times the class weights.
    reduction : {"mean", "sum", "none"}
        "none" gives the loss of each voxel (N, ..), 0 where a voxel does not count.
    empty : {"zero", "nan"}
        What the mean is if no voxel counts.
    """

    def __init__(
        self, weight: Any = None, divisor: str = "voxels", reduction: str = "mean", *, empty: str = "zero"
    ) -> None:
        super().__init__()
        self.weight = class_weights(weight, None, "weight", "classes")
        self.divisor = choice(divisor, "divisor", ("voxels", "weight"))
        self.reduction = choice(reduction, "reduction", ("mean", "sum", "none"))
        self._settings = Settings(
            "cross_entropy",
            class_weights=self.weight,
            divisor=divisor,
            reduction=reduction,
            soft=True,
            empty=math.nan if choice(empty, "empty", ("zero", "nan")) == "nan" else 0.0,
        ).to_json()

    def forward(self, logits: torch.Tensor, targets: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """The loss of logits (N, C, H, W) or (N, C, D, H, W) against targets of the same shape.

        `mask`, of the same shape without the class axis, is true where voxels count.
        """
        if logits.ndim not in (4, 5):
            raise ValueError(
                f"logits of a batch have the axes (N, C, H, W) or (N, C, D, H, W), these have {logits.ndim}; "
                "for one map use logits[None]"
            )
        if logits.shape != targets.shape:
            raise ValueError(f"logits are {tuple(logits.shape)}, targets {tuple(targets.shape)}; they must be the same")
        if not (logits.is_floating_point() and targets.is_floating_point()):
            raise TypeError(
                f"logits and targets are floating-point, not {logits.dtype} and {targets.dtype}; divide 255ths by 255"
            )
        if self.weight is not None and len(self.weight) != targets.shape[1]:
            raise ValueError(f"there are {len(self.weight)} weights and {targets.shape[1]} classes; give one for each")
        if mask is not None:
            voxels = (logits.shape[0], *logits.shape[2:])
            if mask.shape != voxels:
                raise ValueError(f"mask is {tuple(mask.shape)}, voxels are {voxels}; they must be the same")
        if targets.requires_grad and torch.is_grad_enabled():
            raise ValueError("targets require a gradient, which this loss does not compute; pass targets.detach()")
        if logits.dtype in (torch.float16, torch.bfloat16):
            # As PyTorch's own losses do under autocast.
            logits = logits.float()
        return compute(logits, [targets.detach()], mask, self._settings)

    def extra_repr(self) -> str:
        return f"divisor={self.divisor!r}, reduction={self.reduction!r}"
