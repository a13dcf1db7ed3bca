"""One network: whose labels it learns from, from how many images, and a seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from network import UNet, kept
from numpy.typing import NDArray

import soft_labels
from soft_labels.torch import DiceCrossEntropyLoss

from .data import EXPERTS, Image

CLASSES = 2
ONE_HOT, SVLS = soft_labels.Encoding("one_hot"), soft_labels.Encoding("svls")
Masks = list[NDArray[np.uint8]]
TARGETS: dict[str, tuple[Callable[[Image], Masks], soft_labels.Encoding]] = {
    "mSVLS": (lambda image: image.experts, SVLS),
    "mOH": (lambda image: image.experts, ONE_HOT),
    "majority": (lambda image: [image.majority], ONE_HOT),
    "STAPLE": (lambda image: [image.staple], ONE_HOT),
    **{f"expert {k + 1}": (lambda image, k=k: [image.experts[k]], ONE_HOT) for k in range(EXPERTS)},
}
FOLDS = 3
IMAGES = (4, 12, 24)
SEEDS = (1, 2, 3, 4, 5)
STEPS, RATE, BATCH, SIDE = 500, 0.003, 8, 64
GAIN, OFFSET, NOISE = 0.1, 0.1, 0.05
WINDOW, STEP = (128, 128), (96, 96)
"""Of the windows that are predicted. They are larger than the crops, half of which are about a nucleus."""


@dataclass(frozen=True)
class Job:
    """A network. Of one seed all have the same first weights, and of one fold and number of images the same crops."""

    target: str
    images: int
    fold: int
    seed: int

    def __str__(self) -> str:
        return f"{self.target}, {self.images} images, fold {self.fold}, seed {self.seed}"

    def network(self, groups: Sequence[Sequence[Image]], folder: Path) -> UNet:
        """The network of an earlier run, or else a new one."""
        file = folder / (str(self).replace(", ", "_").replace(" ", "-") + ".pt")
        return kept(file, UNet(2, CLASSES), lambda: self.train(groups))

    def train(self, groups: Sequence[Sequence[Image]]) -> UNet:
        """The trained network. Every third group is held out; of the other 24 images the first in the seed's order are taken."""
        learned = [image for at, group in enumerate(groups) if at % FOLDS != self.fold for image in group]
        order = np.random.default_rng([self.seed, self.fold]).permutation(len(learned))
        images = [learned[at] for at in order[: self.images]]
        torch.manual_seed(self.seed)
        network = UNet(2, CLASSES)
        random = np.random.default_rng(self.seed)
        optimizer = torch.optim.Adam(network.parameters(), RATE)
        rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
        loss = DiceCrossEntropyLoss(CLASSES, batch=True, background=False, soft=True)
        for _ in range(STEPS):
            crops = [crop(images[random.integers(len(images))], self.target, random) for _ in range(BATCH)]
            pixels, targets = (torch.from_numpy(np.stack(parts)) for parts in zip(*crops, strict=True))
            optimizer.zero_grad()
            loss(network(pixels), targets).backward()
            optimizer.step()
            rates.step()
        return network


def crop(image: Image, target: str, random: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pixels (1, H, W) and soft labels (C, H, W). Half of the crops are about a pixel that some expert marked."""
    limits = np.array(image.pixels.shape) - SIDE
    about_marked = random.random() < 0.5
    anywhere, marked = random.integers(limits + 1), random.integers(max(1, len(image.marked)))
    flips, transposed = random.random(2) < 0.5, random.random() < 0.5
    gain, offset = 1 + random.uniform(-GAIN, GAIN), random.uniform(-OFFSET, OFFSET)
    noise = random.normal(0, NOISE, (SIDE, SIDE))

    start = np.clip(image.marked[marked] - SIDE // 2, 0, limits) if about_marked and len(image.marked) else anywhere
    window = tuple(slice(int(at), int(at) + SIDE) for at in start)
    masks, encoding = TARGETS[target]
    soft = soft_labels.encode(masks(image), CLASSES, encoding, window=window)
    pixels = (image.pixels[window] * gain + offset + noise).astype(np.float32)[None]
    axes = [axis for axis, flip in zip((-2, -1), flips, strict=True) if flip]
    pixels, soft = np.flip(pixels, axes), np.flip(soft, axes)
    if transposed:
        pixels, soft = pixels.swapaxes(1, 2), soft.swapaxes(1, 2)
    return pixels.copy(), soft.copy()
