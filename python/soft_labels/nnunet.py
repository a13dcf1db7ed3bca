"""A trainer for nnU-Net v2 that trains on soft labels. Needs `nnunetv2` and `torch`; `nnunet.md` shows how it is run.

The loss is all that differs from `nnUNetTrainer`: it makes the soft labels of the label maps that nnU-Net's pipeline hands it.
"""

from __future__ import annotations

from typing import Any

import torch
from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from torch import Tensor

from ._arguments import Method
from ._native import Classes
from .torch import DiceCrossEntropyLoss

__all__ = ["RegionsLoss", "nnUNetTrainerSoftLabels"]


class RegionsLoss(torch.nn.Module):
    """The mean over regions of a `DiceCrossEntropyLoss` of each, for masks of regions in place of label maps.

    A region's soft labels are those of its own mask. Those of SVLS have the same bits as those made of the label map.

    Parameters
    ----------
    method : str, dict or Encoding
        What is made of the masks: "svls", "one_hot", ..
    ignore : bool
        Whether the last channel of targets says which voxels do not count.
    settings
        As for `DiceCrossEntropyLoss`.

    Examples
    --------
    >>> import torch
    >>> from soft_labels.nnunet import RegionsLoss
    >>> loss = RegionsLoss("svls", ignore=False)
    >>> logits, masks = torch.zeros(1, 2, 8, 8), torch.zeros(1, 2, 8, 8, dtype=torch.bool)
    >>> round(float(loss(logits, masks)), 4)
    1.6931
    """

    def __init__(self, method: Method = "svls", *, ignore: bool, **settings: Any) -> None:
        super().__init__()
        self.ignore = bool(ignore)
        # Label 1 is in the region, label 2 is ignored.
        self.of_region = DiceCrossEntropyLoss(
            Classes(2, ignore=2), method, channels={"regions": [[1]]}, activation="sigmoid", **settings
        )

    def forward(self, logits: Tensor, masks: Tensor) -> Tensor:
        """The loss of logits (N, R, ..) and masks (N, R, ..), or (N, R + 1, ..) with `ignore`, of bools or zeros and ones."""
        regions = logits.shape[1]
        expected = (logits.shape[0], regions + self.ignore, *logits.shape[2:])
        if tuple(masks.shape) != expected:
            raise ValueError(
                f"masks of {regions} regions are {expected} with ignore={self.ignore} for these logits, not {tuple(masks.shape)}"
            )
        labels = (masks[:, :regions] != 0).to(torch.uint8)
        if self.ignore:
            labels = labels.masked_fill(masks[:, -1:] != 0, 2)
        each = [self.of_region(logits[:, at : at + 1], labels[:, at]) for at in range(regions)]
        return torch.stack(each).mean()


class nnUNetTrainerSoftLabels(nnUNetTrainer):  # type: ignore[misc]
    """Trains on SVLS: cross entropy with soft labels, and the Dice semimetric loss, whose minimum is at the soft label.

    Settings are attributes of a subclass. All else is nnU-Net's: its pipeline, the weights of deep supervision, batch Dice
    where the plans say so, regions, the ignore label.

    Attributes
    ----------
    method : str, dict or Encoding
        What is made of label maps, as for `soft_labels.encode`.
    dice_weight, ce_weight : float
        What the two losses are multiplied by.
    overlap : {"dice", "jaccard"}
        Which overlap is taken.
    """

    method: Method = "svls"
    dice_weight: float = 1.0
    ce_weight: float = 1.0
    overlap: str = "dice"

    def _build_loss(self) -> Any:
        settings: dict[str, Any] = {
            "dice_weight": self.dice_weight,
            "ce_weight": self.ce_weight,
            "overlap": self.overlap,
            "batch": self.configuration_manager.batch_dice,
            # As in nnU-Net's own loss.
            "smooth": 1e-5,
        }
        labels = self.label_manager
        if labels.has_regions:
            own: torch.nn.Module = RegionsLoss(self.method, ignore=labels.has_ignore_label, **settings)
        else:
            classes = Classes(labels.num_segmentation_heads, ignore=labels.ignore_label)
            own = DiceCrossEntropyLoss(classes, self.method, background=False, **settings)
        given = super()._build_loss()
        if not isinstance(given, DeepSupervisionWrapper):
            return own
        # With nnU-Net's weights of the outputs.
        given.loss = own
        return given
