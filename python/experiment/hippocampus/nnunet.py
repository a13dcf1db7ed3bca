"""nnU-Net itself, one network for each target: the folders that it wants, and what is measured of its predictions."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rows import Rows

from .data import Volume, load, split, stem
from .judging import METRICS, judge
from .temperatures import temperatures

NAME = "Dataset004_Hippocampus"
SEED, VOLUMES, VALIDATION = 1, 20, 4
TRAINERS = {"one-hot": "nnUNetTrainerShort", "SVLS": "nnUNetTrainerSoftLabelsShort"}
COLUMNS = ["temperature_volumes", "temperature", "case", *METRICS]


def prepare(data: Path, out: Path) -> None:
    """Writes `raw`, `preprocessed` and `images` in `out/nnunet`: 20 volumes to learn from, 4 for nnU-Net's own validation."""
    names = split(data)
    training, validation = names.learned(SEED, VOLUMES), names.other[:VALIDATION]
    raw, preprocessed, images = (out / "nnunet" / at for at in (f"raw/{NAME}", f"preprocessed/{NAME}", "images"))
    for folder in (raw / "imagesTr", raw / "labelsTr", preprocessed, images):
        folder.mkdir(parents=True, exist_ok=True)
    for name in (*training, *validation):
        shutil.copy(data / "imagesTr" / name, raw / "imagesTr" / _of_channel(name))
        shutil.copy(data / "labelsTr" / name, raw / "labelsTr" / name)
    for name in (*names.judged, *names.other):
        shutil.copy(data / "imagesTr" / name, images / _of_channel(name))
    about = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, "Anterior": 1, "Posterior": 2},
        "numTraining": len(training) + len(validation),
        "file_ending": ".nii.gz",
    }
    (raw / "dataset.json").write_text(json.dumps(about))
    folds = [{"train": [stem(name) for name in training], "val": [stem(name) for name in validation]}]
    (preprocessed / "splits_final.json").write_text(json.dumps(folds))


def judge_all(data: Path, out: Path) -> None:
    """Judges the probabilities in `out/nnunet/predictions`, a folder for each trainer."""
    names = split(data)
    rows = Rows(out / "nnunet.0.csv", ["target"], COLUMNS)
    for target, trainer in TRAINERS.items():
        folder = out / "nnunet" / "predictions" / trainer
        rows.add([target], trainer, lambda folder=folder: _cases(folder, data, names.judged, names.other))


def _cases(folder: Path, data: Path, judged: list[str], other: list[str]) -> list[list[object]]:
    fitted = temperatures(_predictions(folder, data, other), SEED)
    rows = []
    for volume, logits in _predictions(folder, data, judged):
        for (count, temperature), found in zip(
            fitted.items(), judge(volume, logits, list(fitted.values())), strict=True
        ):
            rows.append([count, temperature, volume.name, *(found[metric] for metric in METRICS)])
    return rows


def _predictions(folder: Path, data: Path, names: list[str]) -> Iterator[tuple[Volume, NDArray[np.float64]]]:
    """Volumes, and the logarithms of their probabilities."""
    for name in names:
        probabilities = np.load(folder / f"{stem(name)}.npz")["probabilities"].astype(np.float64)
        yield load(data, name), np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))


def _of_channel(name: str) -> str:
    return f"{stem(name)}_0000.nii.gz"
