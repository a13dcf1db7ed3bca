"""The images, and what the experts marked in them."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soft_labels import fuse

EXPERTS = 5


@dataclass(frozen=True)
class Image:
    """Pixels of mean 0 and standard deviation 1, and masks of 0 and 1; all (H, W)."""

    name: str
    pixels: NDArray[np.float32]
    experts: list[NDArray[np.uint8]]
    majority: NDArray[np.uint8]
    """Marked by three of five."""
    staple: NDArray[np.uint8]
    """More likely marked than not."""
    marked: NDArray[np.intp]
    """The places (n, 2) that any expert marked."""


def load(folder: Path) -> list[list[Image]]:
    """The images of each of the nine groups of four."""
    table = folder / "groups_wue1.csv"
    if not table.exists():
        raise SystemExit(f"{table} is not there; take train_data/lab-wue1 of github.com/matjesg/bioimage_analysis")
    groups: dict[int, list[Image]] = {}
    for row in csv.DictReader(table.open()):
        groups.setdefault(int(row["group_id"]), []).append(_image(folder, row["file_id"]))
    return [groups[group] for group in sorted(groups)]


def _image(folder: Path, name: str) -> Image:
    pixels = _read(folder / "images" / f"{name}.png").astype(np.float64)
    files = [folder / "labels" / f"expert_{expert + 1}" / f"{name}_cFOS.png" for expert in range(EXPERTS)]
    experts = [(_read(file) > 127).astype(np.uint8) for file in files]
    return Image(
        name,
        ((pixels - pixels.mean()) / pixels.std()).astype(np.float32),
        experts,
        fuse.majority_vote(experts, 2),
        (fuse.staple(experts, 2).posterior[1] > 0.5).astype(np.uint8),
        np.argwhere(np.any(experts, axis=0)),
    )


def _read(file: Path) -> NDArray[np.uint8]:
    from PIL import Image as Picture

    with Picture.open(file) as picture:
        return np.asarray(picture.convert("L"))
