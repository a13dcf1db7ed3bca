"""One network: a target, a loss, a number of volumes and a seed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from network import UNet, kept
from numpy.typing import NDArray
from windows import predict

import soft_labels
from soft_labels.torch import CrossEntropyLoss, DiceCrossEntropyLoss

from .crops import SIZE, Crops
from .data import CLASSES, Split, Volume, displaced, load

TARGETS = {
    "one-hot": soft_labels.Encoding("one_hot"),
    "LS 0.01": soft_labels.Encoding("label_smoothing", alpha=0.01),
    "LS 0.05": soft_labels.Encoding("label_smoothing", alpha=0.05),
    "LS 0.1": soft_labels.Encoding("label_smoothing", alpha=0.1),
    "SVLS": soft_labels.Encoding("svls"),
    "SVLS 0.5": soft_labels.Encoding("svls", strength=0.5),
}
CANDIDATES = {
    f"SVLS, sigma {sigma}, strength {strength}": soft_labels.Encoding("svls", sigma=sigma, strength=strength)
    for sigma in (0.5, 1.0, 2.0)
    for strength in (0.25, 0.5, 1.0)
}
"""Of these the best is chosen."""
LOSSES = {
    # On one-hot labels the semimetric Dice is the linear one, so this is the loss of nnU-Net there.
    "Dice + CE": DiceCrossEntropyLoss(CLASSES, batch=True, background=False, soft=True),
    "CE": CrossEntropyLoss(CLASSES, soft=True),
}
VOLUMES = (5, 10, 20, 80, 160)
SEEDS = (1, 2, 3, 4, 5)
BATCH = 2
STEP = tuple(size // 2 for size in SIZE)
"""Windows that are predicted overlap by half, as in nnU-Net."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: Adam, its learning rate along a cosine to 0."""

    steps: int
    rate: float


class Setting(NamedTuple):
    """What else may differ between networks."""

    channels: tuple[int, ...] = (8, 16, 32)
    displaced: bool = False
    """Whether the labels to learn from are displaced. Those to judge never are."""
    schedule: Schedule | None = None
    """In place of the one that was chosen."""


SETTINGS = {
    "plain": Setting(),
    # What Dice would have chosen for SVLS.
    "lower rate": Setting(schedule=Schedule(1600, 0.001)),
    "noisy labels": Setting(displaced=True),
    "larger network": Setting(channels=(16, 32, 64)),
}
SCHEDULES = tuple(Schedule(steps, rate) for steps in (400, 1600) for rate in (0.001, 0.003))
SCHEDULE_OF = {10: 5, 160: 80}
"""Schedules are chosen with 5, 20 and 80 volumes. With 10 and 160 those of the next smaller number are taken."""


@dataclass(frozen=True)
class Job:
    """A network. Of one seed all have the same first weights, and of one number of volumes the same crops."""

    loss: str
    target: str
    volumes: int
    seed: int
    schedule: Schedule
    setting: str = "plain"

    def __str__(self) -> str:
        return f"{self.setting}, {self.loss}, {self.target}, {self.volumes} volumes, seed {self.seed}, {self.schedule.steps} steps, rate {self.schedule.rate}"

    def file(self, folder: Path) -> Path:
        """Where its weights are kept."""
        return folder / (str(self).replace(" + ", "+").replace(", ", "_").replace(" ", "-") + ".pt")

    def train(self, data: Path, split: Split) -> UNet:
        """The trained network, from the first step."""
        torch.manual_seed(self.seed)
        network = UNet(3, CLASSES, SETTINGS[self.setting].channels)
        volumes = [load(data, name) for name in split.learned(self.seed, self.volumes)]
        if SETTINGS[self.setting].displaced:
            volumes = [displaced(volume, self.seed) for volume in volumes]
        crops = Crops(volumes, self.seed)
        optimizer = torch.optim.Adam(network.parameters(), self.schedule.rate)
        rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.schedule.steps)
        loss, encoding = LOSSES[self.loss], (TARGETS | CANDIDATES)[self.target]
        for _ in range(self.schedule.steps):
            drawn = [crops.draw() for _ in range(BATCH)]
            images = torch.stack([crop.image for crop in drawn])
            targets = torch.stack([crop.target(encoding) for crop in drawn])
            optimizer.zero_grad()
            loss(network(images), targets).backward()
            optimizer.step()
            rates.step()
        return network

    def network(self, data: Path, split: Split, folder: Path) -> UNet:
        """The network of an earlier run, or else a new one."""
        file = self.file(folder)
        return kept(file, UNet(3, CLASSES, SETTINGS[self.setting].channels), lambda: self.train(data, split))


def predictions(
    network: UNet, data: Path, names: list[str], change: Callable[[Volume], Volume] | None = None
) -> Iterator[tuple[Volume, NDArray[np.float64]]]:
    """Volumes, changed if asked for, and their logits."""
    for name in names:
        volume = load(data, name)
        volume = change(volume) if change else volume
        yield volume, predict(network, volume.image, SIZE, STEP)
