"""The tables of docs/experiment.md, from the rows of all cases."""

import csv
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from intervals import difference
from numpy.typing import NDArray

from .judging import METRICS
from .training import LOSSES, SEEDS, TARGETS, VOLUMES, WIDTHS

Key = tuple[str, str, str, int, str, int]
"""Setting, loss, target, volumes, images, and the number of volumes the temperature was chosen on (0: none)."""

SHOWN = {
    "dsc": "DSC",
    "surface_dice": "SD, 1 mm",
    "ece": "ECE",
    "ece_structures": "ECE structures",
    "ece_band": "ECE band",
    "class_ece": "class ECE",
    "nll": "NLL",
    "brier": "Brier",
    "tace": "TACE",
}
HIGHER_IS_BETTER = ("dsc", "surface_dice")


class Results:
    """Metrics (seeds, cases) by network and metric. A network of which not all seeds are there is left out."""

    def __init__(self, files: Iterable[Path]) -> None:
        cells: dict[tuple[Key, str], dict[tuple[int, str], float]] = {}
        for file in files:
            for row in csv.DictReader(file.open()):
                key = (
                    row["setting"],
                    row["loss"],
                    row["target"],
                    int(row["volumes"]),
                    row["images"],
                    int(row["temperature_volumes"]),
                )
                values = {metric: float(row[metric]) for metric in METRICS}
                values["dsc"] = (values["dsc_1"] + values["dsc_2"]) / 2
                values["surface_dice"] = (values["surface_dice_1"] + values["surface_dice_2"]) / 2
                values["temperature"] = float(row["temperature"])
                for metric, value in values.items():
                    cells.setdefault((key, metric), {})[int(row["seed"]), row["case"]] = value
        cases = sorted({case for values in cells.values() for _, case in values})
        self.values: dict[tuple[Key, str], NDArray[np.float64]] = {}
        for name, found in cells.items():
            if len(found) == len(SEEDS) * len(cases):
                self.values[name] = np.array([[found[seed, case] for case in cases] for seed in SEEDS])

    def mean(self, key: Key, metric: str) -> float | None:
        found = self.values.get((key, metric))
        return None if found is None else float(found.mean())

    def keys(self) -> set[Key]:
        return {key for key, _ in self.values}


def means(results: Results, setting: str, loss: str, images: str = "as they are") -> str:
    """A row for each number of volumes and target."""
    rows = []
    for volumes, target, temperature in product(sorted(VOLUMES), TARGETS, (0, 48)):
        key = (setting, loss, target, volumes, images, temperature)
        if key in results.keys():
            fitted = f" and T = {results.mean(key, 'temperature'):.2f}" if temperature else ""
            rows.append([str(volumes), target + fitted, *(_number(results.mean(key, metric)) for metric in SHOWN)])
    return _table(["volumes", "target", *SHOWN.values()], rows)


def differences(results: Results, pairs: Sequence[tuple[str, Key, Key]], misses: float = 0.05) -> str:
    """A row for each pair: the first minus the second. The chance of any miss in the table is at most `misses` (Bonferroni)."""
    pairs = [pair for pair in pairs if {pair[1], pair[2]} <= results.keys()]
    level = misses / max(1, len(pairs) * len(SHOWN))
    rows = []
    for title, one, other in pairs:
        cells = []
        for metric in SHOWN:
            found = difference(results.values[one, metric] - results.values[other, metric], level)
            low, high = found.random_effects
            text = f"{found.mean:+.4f} ({low:+.4f} to {high:+.4f})"
            better = (found.mean > 0) == (metric in HIGHER_IS_BETTER)
            mark = "**" if better else "*"
            cells.append(f"{mark}{text}{mark}" if found.claimed else text)
        rows.append([title, *cells])
    return _table(["", *SHOWN.values()], rows)


def pairs(setting: str, loss: str, images: str = "as they are") -> list[tuple[str, Key, Key]]:
    """SVLS against the other targets, and against one-hot labels with temperature scaling."""
    found = []
    for volumes in sorted(VOLUMES):
        svls: Key = (setting, loss, "SVLS", volumes, images, 0)
        for target in TARGETS:
            if target != "SVLS":
                found.append((f"{volumes} volumes: SVLS - {target}", svls, (setting, loss, target, volumes, images, 0)))
        for count in (1, 5, 48):
            one_hot: Key = (setting, loss, "one-hot", volumes, images, count)
            found.append((f"{volumes} volumes: SVLS - one-hot with T of {count} volumes", svls, one_hot))
    return found


def report(folder: Path) -> str:
    """All tables that the rows are enough for."""
    results = Results(sorted(folder.glob("cases.*.csv")))
    parts = []
    for setting, loss, images in product(WIDTHS, LOSSES, ("as they are", "shifted")):
        found = means(results, setting, loss, images)
        if found:
            parts += [
                f"## {setting}, {loss}, images {images}",
                found,
                differences(results, pairs(setting, loss, images)),
            ]
    return "\n\n".join(parts)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    line = lambda cells: "| " + " | ".join(cells) + " |"  # noqa: E731
    return "\n".join([line(titles), line(["---"] * len(titles)), *map(line, rows)])
