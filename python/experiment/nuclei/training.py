"""One network: whose labels it learns from, from how many images, and a seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from network import UNet
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
WINDOW, STEP = 128, 96
"""The side of the windows that are predicted, and at most how far apart they are."""


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
        network = UNet(2, CLASSES)
        if file.exists():
            network.load_state_dict(torch.load(file, weights_only=True))
        else:
            network = self.train(groups)
            unfinished = file.with_suffix(".part")
            torch.save(network.state_dict(), unfinished)
            unfinished.rename(file)
        return network.eval()

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


def predict(network: UNet, image: Image) -> NDArray[np.float64]:
    """Logits (C, H, W): the mean over windows that overlap, since the network normalises over what it sees at once."""
    shape = image.pixels.shape
    starts = [np.linspace(0, extent - WINDOW, -(-(extent - WINDOW) // STEP) + 1).astype(int) for extent in shape]
    windows = [(slice(y, y + WINDOW), slice(x, x + WINDOW)) for y in starts[0] for x in starts[1]]
    total, count = np.zeros((CLASSES, *shape)), np.zeros(shape)
    for first in range(0, len(windows), BATCH):
        batch = windows[first : first + BATCH]
        pixels = np.stack([image.pixels[None, y, x] for y, x in batch])
        with torch.no_grad():
            logits = network(torch.from_numpy(pixels)).double().numpy()
        for (y, x), part in zip(batch, logits, strict=True):
            total[:, y, x] += part
            count[y, x] += 1
    return total / count
