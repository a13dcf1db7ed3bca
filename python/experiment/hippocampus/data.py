"""The volumes of Task04_Hippocampus, and which of them are for what."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

CLASSES = 3
JUDGED = 50
"""Volumes that networks are judged on, and that nothing is chosen on."""
OTHER = 48
"""Volumes on which steps, learning rates and temperatures are chosen."""
DISPLACEMENT, SMOOTHNESS = 1.0, 4.0
"""Of labels that are drawn badly: how far they are moved on each axis (root mean square), and over how many voxels that varies."""
BLUR, NOISE, GAMMA = 1.0, 0.8, 0.6
"""Of images of another scanner: the standard deviations of blur and noise, and an exponent of the grey values."""


@dataclass(frozen=True)
class Volume:
    """An image of mean 0 and standard deviation 1, and its label map; both (z, y, x), of voxels of 1 mm."""

    name: str
    image: NDArray[np.float32]
    labels: NDArray[np.uint8]


@dataclass(frozen=True)
class Split:
    """The names of the volumes. They are drawn once, and do not depend on a network's seed."""

    judged: list[str]
    other: list[str]
    training: list[str]

    def learned(self, seed: int, volumes: int) -> list[str]:
        """Those that networks of a seed learn from. Of one seed the fewer are among the more."""
        order = np.random.default_rng([seed, 0]).permutation(len(self.training))
        return [self.training[i] for i in order[:volumes]]


def split(folder: Path) -> Split:
    """The volumes that have an image and a label map. Which is for what depends on which files are there."""
    names = sorted(path.name for path in (folder / "labelsTr").glob("hippocampus_*.nii.gz"))
    names = [name for name in names if (folder / "imagesTr" / name).exists()]
    if len(names) < JUDGED + OTHER + 160:
        raise SystemExit(
            f"{folder} has {len(names)} volumes with labels; download Task04_Hippocampus of the Medical Segmentation Decathlon"
        )
    order = np.random.default_rng(0).permutation(len(names))
    drawn = [names[i] for i in order]
    return Split(drawn[:JUDGED], drawn[JUDGED : JUDGED + OTHER], drawn[JUDGED + OTHER :])


def stem(name: str) -> str:
    """The name of a volume's file without its ending."""
    return name.removesuffix(".nii.gz")


def load(folder: Path, name: str) -> Volume:
    """One volume."""
    import nibabel

    def read(kind: str) -> NDArray[np.float64]:
        return np.asarray(nibabel.load(folder / kind / name).dataobj, np.float64).transpose(2, 1, 0)

    image = read("imagesTr")
    image = (image - image.mean()) / image.std()
    return Volume(name, np.ascontiguousarray(image, np.float32), np.ascontiguousarray(read("labelsTr"), np.uint8))


def displaced(volume: Volume, seed: int) -> Volume:
    """The volume with boundaries that are displaced at random, smoothly, by about a voxel."""
    random = np.random.default_rng([seed, *volume.name.encode()])
    shape = volume.labels.shape
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij")).astype(float)
    for axis in places:
        field = ndimage.gaussian_filter(random.normal(size=shape), SMOOTHNESS, mode="wrap")
        axis += DISPLACEMENT * field / np.sqrt((field**2).mean())
    moved = ndimage.map_coordinates(volume.labels, places, order=0, mode="nearest")
    return Volume(volume.name, volume.image, moved)


def shifted(volume: Volume) -> Volume:
    """The volume with an image as of another scanner: blurred, with noise and another contrast."""
    random = np.random.default_rng([0, *volume.name.encode()])
    low, high = volume.image.min(), volume.image.max()
    image = ((volume.image - low) / (high - low)) ** GAMMA
    image = ndimage.gaussian_filter(image, BLUR, mode="nearest")
    image = (image - image.mean()) / image.std() + random.normal(0, NOISE, image.shape)
    return Volume(volume.name, ((image - image.mean()) / image.std()).astype(np.float32), volume.labels)
