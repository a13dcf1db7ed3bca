"""nnU-Net on soft labels: SVLS targets at each scale of deep supervision. See ../../nnunet.md."""

import inspect

import torch
from batchgeneratorsv2.transforms.base.basic_transform import SegOnlyTransform
from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms
from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

import soft_labels
from soft_labels.torch import SoftCrossEntropyLoss, encode


class SoftTargets(SegOnlyTransform):
    """The last transform: soft labels (C, ..) of a label map (1, ..), and their means over boxes for the other scales."""

    def __init__(self, classes, method, scales):
        super().__init__()
        self.classes, self.method, self.scales = classes, method, scales

    def _apply_to_segmentation(self, segmentation, **params):
        soft = encode(segmentation[0].to(torch.int16), self.classes, self.method)
        if self.scales is None:
            return soft
        boxes = [[round(1 / part) for part in scale] for scale in self.scales]
        return [torch.from_numpy(soft_labels.pool(soft.numpy(), box)) for box in boxes]


class SoftLoss(torch.nn.Module):
    """Cross entropy with soft targets, and a Dice loss whose least value is at the soft target itself (Wang et al. 2023)."""

    def __init__(self, classes):
        super().__init__()
        self.cross_entropy, self.classes = SoftCrossEntropyLoss(), classes

    def forward(self, logits, target):
        if target.shape[1] == 1:  # the label maps of validation
            target = self.one_hot(target[:, 0].long()).to(logits.dtype)
        p = logits.softmax(1) * target.any(1, keepdim=True)
        axes = [0, *range(2, p.ndim)]
        total, apart = (p + target).sum(axes), (p - target).abs().sum(axes)
        dice = ((total - apart) / (total + 1e-5))[1:].mean()
        return self.cross_entropy(logits, target) - dice

    def one_hot(self, labels):
        return torch.stack([labels == label for label in range(self.classes)], 1)


class nnUNetTrainerSoftLabels(nnUNetTrainer):
    method = soft_labels.Encoding("svls")

    @classmethod
    def get_training_transforms(cls, *args, **kwargs):
        given = inspect.signature(nnUNetTrainer.get_training_transforms).bind(*args, **kwargs).arguments
        if given.get("regions") is not None:
            raise ValueError("soft labels are distributions over classes; the labels of this data set are regions")
        classes = soft_labels.Classes(len(given["foreground_labels"]) + 1, ignore=given.get("ignore_label"))
        scales = given.pop("deep_supervision_scales")
        transforms = nnUNetTrainer.get_training_transforms(**given, deep_supervision_scales=None)
        return ComposeTransforms([transforms, SoftTargets(classes, cls.method, scales)])

    def _build_loss(self):
        loss = SoftLoss(len(self.label_manager.foreground_labels) + 1)
        if not self.enable_deep_supervision:
            return loss
        # nnU-Net's weights of the scales: each half of the one before, the coarsest left out.
        scales = len(self._get_deep_supervision_scales())
        weights = [0.5**scale for scale in range(scales - 1)] + [1e-6 if self.is_ddp else 0.0]
        return DeepSupervisionWrapper(loss, [weight / sum(weights) for weight in weights])


class nnUNetTrainerSoftLabels_few(nnUNetTrainerSoftLabels):
    """A few iterations, to see whether it runs."""

    def __init__(self, plans, configuration, fold, dataset_json, device=torch.device("cuda")):  # noqa: B008
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_epochs, self.num_iterations_per_epoch, self.num_val_iterations_per_epoch = 2, 3, 1
