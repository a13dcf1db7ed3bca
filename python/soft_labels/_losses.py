"""Losses that take label maps as well as soft labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ._arguments import AnyClasses, Channels, Method
from ._label_loss import LabelLoss, choice

PARAMETERS = """
    Parameters
    ----------
    classes : int, list of int or Classes
        How many classes there are, or their labels.
    method : str, dict or Encoding
        What is made of label maps: "svls", "one_hot", "label_smoothing", ..
    ignore : int, optional
        The label of voxels that do not count.
    raters : bool or list of float
        Whether label maps are (N, R, ..), those of R raters, whose soft labels are averaged. A list has the raters' weights.
    channels : dict or matrix, optional
        What the channels of the logits are, if they are not the classes: ``{"regions": [[1, 2], [2]]}``. For one foreground with one
        logit: classes 2 and ``{"regions": [[1]]}``.
    activation : {"softmax", "sigmoid"}, optional
        By default softmax, and sigmoid where channels do not sum to 1, as regions.
    weight : list of float, optional
        A weight for each channel.
    reduction : {"mean", "sum", "none"}
        "sum" and "none" do not divide.
    scale_weights : list of float, optional
        Weights of the outputs of a network with several (deep supervision). By default each has half the weight of the one
        before, and all sum to 1. Weights that are given are taken as they are.
    empty : {"zero", "nan"}
        What the mean is if no voxel counts. The gradient is 0 or NaN, too.
    soft : bool, optional
        Whether a target of floats holds soft labels. By default it does if it has the shape of the logits. With `raters` or one
        channel that shape fits label maps as well, so there it has to be said, here or at the call. Label maps are always smoothed.
        A voxel whose soft labels are all 0 is ignored with a softmax, and background with sigmoids."""

RAISES = """

    Raises
    ------
    ValueError, TypeError
        When it is made, if settings do not fit together. When it is called, if logits, target and mask do not, or if a label is
        neither a class nor ignored."""


class CrossEntropyLoss(LabelLoss):
    """Cross entropy between logits and the soft labels of label maps.

    Swap it for `torch.nn.CrossEntropyLoss`: it takes the same label maps, and makes their soft labels on the way, on the device
    of the logits. On the CPU compiled code computes value and gradient. The soft labels of the whole batch are never in memory at
    once, except for outputs of several sizes with one target.

    Unlike there, no label is ignored unless `ignore` says so, unknown labels are an error, a weighted mean divides by voxels unless
    `divisor` says "weight", and the result is float32 at least. It works under autocast and `torch.compile`. Second derivatives,
    derivatives with respect to the target, forward-mode derivatives and `torch.func` are errors.

    With reduction "none" the result is the loss of each voxel (N, ..), with sigmoids the sum over its channels.

    ``L = -1/n Σ_i Σ_c w_c t_ic log softmax(z_i)_c`` (equation 3 of Islam & Glocker 2021), over the n voxels that count.
    With sigmoid: ``L = -1/(n C) Σ_i Σ_c w_c (t_ic log σ(z_ic) + (1 - t_ic) log (1 - σ(z_ic)))``.

    {parameters}

    Examples
    --------
    >>> import torch
    >>> from soft_labels.torch import CrossEntropyLoss
    >>> loss = CrossEntropyLoss(classes=3, ignore=255)
    >>> logits, labels = torch.zeros(2, 3, 8, 8, requires_grad=True), torch.zeros(2, 8, 8, dtype=torch.long)
    >>> value = loss(logits, labels)
    >>> value.backward()
    >>> round(value.item(), 4)
    1.0986
    """

    def __init__(
        self,
        classes: AnyClasses,
        method: Method = "svls",
        *,
        ignore: int | None = None,
        raters: bool | Sequence[float] = False,
        weight: Any = None,
        divisor: str = "voxels",
        reduction: str = "mean",
        channels: Channels | None = None,
        activation: str | None = None,
        scale_weights: Sequence[float] | None = None,
        empty: str = "zero",
        soft: bool | None = None,
    ) -> None:
        super().__init__(
            "cross_entropy",
            classes,
            method,
            ignore=ignore,
            raters=raters,
            weight=weight,
            reduction=reduction,
            channels=channels,
            activation=activation,
            scale_weights=scale_weights,
            empty=empty,
            soft=soft,
            divisor=choice(divisor, "divisor", ("voxels", "weight")),
        )


class OverlapLoss(LabelLoss):
    """What `DiceLoss` and `JaccardLoss` have in common."""

    kind: str

    def __init__(
        self,
        classes: AnyClasses,
        method: Method = "svls",
        *,
        ignore: int | None = None,
        raters: bool | Sequence[float] = False,
        weight: Any = None,
        reduction: str = "mean",
        channels: Channels | None = None,
        activation: str | None = None,
        batch: bool = False,
        background: bool = True,
        smooth: float = 0.0,
        form: str = "l1",
        scale_weights: Sequence[float] | None = None,
        empty: str = "zero",
        soft: bool | None = None,
    ) -> None:
        if not (math.isfinite(smooth) and smooth >= 0):
            raise ValueError(f"smooth is finite and not negative, not {smooth}")
        super().__init__(
            self.kind,
            classes,
            method,
            ignore=ignore,
            raters=raters,
            weight=weight,
            reduction=reduction,
            channels=channels,
            activation=activation,
            scale_weights=scale_weights,
            empty=empty,
            soft=soft,
            batch=bool(batch),
            background=bool(background),
            smooth=float(smooth),
            form=choice(form, "form", ("l1", "product")),
        )
        if not background and self.channels == 1:
            raise ValueError("there is one channel, so none is left without the background; use background=True")


OVERLAP_PARAMETERS = """
    batch : bool
        Whether sums are over all items of a batch, as in nnU-Net, and not over each item.
    background : bool
        Whether the first channel is in the mean.
    smooth : float
        Is added to the denominator. The minimum stays where it is.
    form : {"l1", "product"}
        Which formula is taken, see above. For hard targets they are equal.
"""


class DiceLoss(OverlapLoss):
    """The Dice semimetric loss, whose minimum is at the soft label (Wang, Popordanoska et al., MICCAI 2023, arXiv 2303.16296).

    For hard targets and hard predictions it is 1 - Dice. Common soft Dice losses have their minimum at a hard prediction, even
    where the target is soft.

    "l1": ``Σ|x - t| / Σ(x + t)``, "product": ``Σ|x - t| / (2 Σxt + Σ|x - t|)``; sums over the voxels of an item and a channel,
    x the softmax or sigmoid of logits, then the mean over items and channels. With reduction "none" the result is (N, C), or (C,)
    with `batch`. The mean is weighted: it divides by the sum of the weights. An item without a voxel that counts has no part in it.

    {parameters}

    Examples
    --------
    >>> import torch
    >>> from soft_labels.torch import DiceLoss
    >>> labels = torch.tensor([[[0, 0, 1, 1]]])
    >>> round(float(DiceLoss(2)(torch.zeros(1, 2, 1, 4), labels)), 4)
    0.4139
    """

    kind = "dice"


class JaccardLoss(OverlapLoss):
    """The Jaccard metric loss, whose minimum is at the soft label (Wang, Ning and Blaschko, NeurIPS 2023, arXiv 2302.05666).

    "l1": ``2 Σ|x - t| / Σ(x + t + |x - t|)``, "product": ``Σ|x - t| / (Σxt + Σ|x - t|)``; sums over the voxels of an item and a
    channel, x the softmax or sigmoid of logits, then the mean over items and channels. With reduction "none" the result is (N, C),
    or (C,) with `batch`. The mean is weighted: it divides by the sum of the weights. An item without a voxel that counts has no part
    in it.

    {parameters}

    Examples
    --------
    >>> import torch
    >>> from soft_labels.torch import JaccardLoss
    >>> labels = torch.tensor([[[0, 0, 1, 1]]])
    >>> round(float(JaccardLoss(2)(torch.zeros(1, 2, 1, 4), labels)), 4)
    0.5855
    """

    kind = "jaccard"


class DiceCrossEntropyLoss(torch.nn.Module):
    """A weighted sum of `DiceLoss` (or `JaccardLoss`) and `CrossEntropyLoss`.

    Parameters
    ----------
    classes, method, ignore, raters, weight, divisor, channels, activation, batch, background, smooth, form, scale_weights, empty, soft
        As for these losses. `weight` is for the cross entropy alone.
    reduction : {"mean", "sum"}
    dice_weight, ce_weight : float
        What the two losses are multiplied by: 1 and 1 as in nnU-Net. The authors of the semimetric losses use 0.75 and 0.25.
    overlap : {"dice", "jaccard"}
        Which of the two losses is added.

    Examples
    --------
    >>> import torch
    >>> from soft_labels.torch import DiceCrossEntropyLoss
    >>> loss = DiceCrossEntropyLoss(2, batch=True, background=False)
    >>> round(float(loss(torch.zeros(1, 2, 1, 4), torch.tensor([[[0, 0, 1, 1]]]))), 4)
    1.1071
    """

    def __init__(
        self,
        classes: AnyClasses,
        method: Method = "svls",
        *,
        dice_weight: float = 1.0,
        ce_weight: float = 1.0,
        overlap: str = "dice",
        ignore: int | None = None,
        raters: bool | Sequence[float] = False,
        weight: Any = None,
        divisor: str = "voxels",
        reduction: str = "mean",
        channels: Channels | None = None,
        activation: str | None = None,
        batch: bool = False,
        background: bool = True,
        smooth: float = 0.0,
        form: str = "l1",
        scale_weights: Sequence[float] | None = None,
        empty: str = "zero",
        soft: bool | None = None,
    ) -> None:
        super().__init__()
        choice(reduction, "reduction", ("mean", "sum"))
        for name, value in (("dice_weight", dice_weight), ("ce_weight", ce_weight)):
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} is finite and not negative, not {value}")
        self.dice_weight, self.ce_weight = float(dice_weight), float(ce_weight)
        shared: dict[str, Any] = {
            "ignore": ignore,
            "raters": raters,
            "reduction": reduction,
            "channels": channels,
            "activation": activation,
            "scale_weights": scale_weights,
            "empty": empty,
            "soft": soft,
        }
        kind = JaccardLoss if choice(overlap, "overlap", ("dice", "jaccard")) == "jaccard" else DiceLoss
        self.overlap = kind(classes, method, batch=batch, background=background, smooth=smooth, form=form, **shared)
        self.cross_entropy = CrossEntropyLoss(classes, method, weight=weight, divisor=divisor, **shared)

    def forward(
        self,
        logits: Tensor | Sequence[Tensor],
        target: Tensor | Sequence[Tensor],
        mask: Tensor | Sequence[Tensor | None] | None = None,
        *,
        soft: bool | None = None,
    ) -> Tensor:
        """The loss; the parameters are those of `CrossEntropyLoss.forward`."""
        overlap: Tensor = self.overlap(logits, target, mask, soft=soft)
        cross_entropy: Tensor = self.cross_entropy(logits, target, mask, soft=soft)
        return self.dice_weight * overlap + self.ce_weight * cross_entropy

    def extra_repr(self) -> str:
        return f"dice_weight={self.dice_weight}, ce_weight={self.ce_weight}"


DIVISOR = """
    divisor : {"voxels", "weight"}
        What the mean divides by: the number of voxels that count, or the sum of their soft labels times the weights. With sigmoids
        it is the number of voxels times that of channels, or times the sum of the weights."""

for _loss, _more in ((CrossEntropyLoss, DIVISOR), (DiceLoss, OVERLAP_PARAMETERS), (JaccardLoss, OVERLAP_PARAMETERS)):
    if _loss.__doc__:
        _loss.__doc__ = _loss.__doc__.replace("{parameters}", (PARAMETERS + _more + RAISES).lstrip())
