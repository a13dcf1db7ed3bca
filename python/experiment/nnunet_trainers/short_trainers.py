"""nnU-Net's own trainer and that of soft labels, with 1000 steps. nnU-Net finds them by `nnUNet_extTrainer`."""

import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from soft_labels.nnunet import nnUNetTrainerSoftLabels


class _Short:
    def initialize(self):
        self.num_epochs = 4
        self.num_iterations_per_epoch = 250
        self.num_val_iterations_per_epoch = 10
        torch.manual_seed(1)  # Both have the same first weights.
        super().initialize()


class nnUNetTrainerShort(_Short, nnUNetTrainer):
    pass


class nnUNetTrainerSoftLabelsShort(_Short, nnUNetTrainerSoftLabels):
    pass
