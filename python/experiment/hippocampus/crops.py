"""Crops to train on, with light augmentation. They depend on the seed and on the volumes, never on the target or the loss."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

import soft_labels

from .data import CLASSES, Volume

SIZE = (16, 32, 24)
HALO = 2
"""Voxels around a crop that its soft labels may look at, no fewer than the radius of any encoding."""
DEGREES, SCALE, GAIN, OFFSET, NOISE = 10.0, 0.1, 0.1, 0.1, 0.05


@dataclass(frozen=True)
class Crop:
    """An image of `SIZE`, and the labels with `HALO` voxels more on each side."""

    image: torch.Tensor
    labels: NDArray[np.uint8]

    def target(self, encoding: soft_labels.Encoding) -> torch.Tensor:
        """Soft labels (C, D, H, W): augmented and cropped first, encoded last."""
        window = tuple(slice(HALO, HALO + size) for size in SIZE)
        return torch.from_numpy(soft_labels.encode(self.labels, CLASSES, encoding, window=window))


class Crops:
    """An endless sequence of crops of some volumes."""

    def __init__(self, volumes: Sequence[Volume], seed: int) -> None:
        self.volumes = volumes
        self.random = np.random.default_rng(seed)

    def draw(self) -> Crop:
        """The next one: somewhere in a volume, turned, scaled, and with another contrast."""
        volume = self.volumes[self.random.integers(len(self.volumes))]
        shape = np.array(volume.labels.shape)
        corner = [self.random.integers(max(0, extent - size) + 1) for extent, size in zip(shape, SIZE, strict=True)]
        centre = np.array(corner) + (np.array(SIZE) - 1) / 2
        turn = _rotation(np.deg2rad(self.random.uniform(-DEGREES, DEGREES, 3))) * self.random.uniform(
            1 - SCALE, 1 + SCALE
        )
        gain, offset = 1 + self.random.uniform(-GAIN, GAIN), self.random.uniform(-OFFSET, OFFSET)
        noise = self.random.normal(0, NOISE, SIZE)

        image = _sample(volume.image, centre, turn, 0, "bilinear").numpy()
        labels = _sample(volume.labels.astype(np.float32), centre, turn, HALO, "nearest").numpy().astype(np.uint8)
        return Crop(torch.from_numpy((image * gain + offset + noise).astype(np.float32))[None], labels)


def _rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """About the three axes one after the other."""
    turn = np.eye(3)
    for axis, angle in enumerate(angles):
        one, two = [other for other in range(3) if other != axis]
        step = np.eye(3)
        step[one, one] = step[two, two] = np.cos(angle)
        step[one, two], step[two, one] = -np.sin(angle), np.sin(angle)
        turn = turn @ step
    return turn


def _sample(
    values: NDArray[np.float32], centre: NDArray[np.float64], turn: NDArray[np.float64], halo: int, mode: str
) -> torch.Tensor:
    """Values at the voxels of a crop, with the nearest voxel beyond the border of the volume."""
    axes = [np.arange(size + 2 * halo) - (size + 2 * halo - 1) / 2 for size in SIZE]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), -1) @ turn.T + centre
    # From -1 at the centre of the first voxel to 1 at that of the last; the last axis first.
    scaled = 2 * places / (np.array(values.shape) - 1) - 1
    grid = torch.from_numpy(np.ascontiguousarray(scaled[..., ::-1], np.float32))
    volume = torch.from_numpy(values)[None, None]
    return functional.grid_sample(volume, grid[None], mode, padding_mode="border", align_corners=True)[0, 0]
