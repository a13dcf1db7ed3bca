"""The tables of the hippocampus in docs/experiment.md, from the rows of all cases."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from figures import Line, curves
from numpy.typing import NDArray
from rows import published
from tables import table, table_of_differences

from .judging import METRICS
from .training import CANDIDATES, LOSSES, SEEDS, TARGETS, VOLUMES, WIDTHS

TEMPERATURE = 48
"""The number of volumes that the temperatures in the tables of means were chosen on."""
SHOWN = {
    "dsc": ("DSC", True),
    "surface_dice": ("SD, 1 mm", True),
    "ece": ("ECE", False),
    "ece_structures": ("ECE structures", False),
    "ece_band": ("ECE band", False),
    "class_ece": ("class ECE", False),
    "nll": ("NLL", False),
    "brier": ("Brier", False),
    "tace": ("TACE", False),
}
FIGURE = {
    "ece_band": "calibration error at the boundary",
    "nll": "negative log-likelihood",
    "dsc": "Dice (more is better)",
}


class Kind(NamedTuple):
    """Networks that differ in their seed only, and what is done with their predictions."""

    setting: str
    loss: str
    target: str
    volumes: int
    images: str = "as they are"
    temperature: int = 0
    """The number of volumes it was chosen on, or 0 for none."""


class Results:
    """Metrics (seeds, cases) by kind and name. A kind of which not all seeds are there is left out."""

    def __init__(self, rows: Iterable[dict[str, str]]) -> None:
        cells: dict[Kind, dict[str, dict[tuple[int, str], float]]] = {}
        schedules: dict[Kind, tuple[str, str]] = {}
        for row in rows:
            kind = Kind(
                row["setting"],
                row["loss"],
                row["target"],
                int(row["volumes"]),
                row["images"],
                int(row["temperature_volumes"]),
            )
            schedule = row["steps"], row["rate"]
            if schedules.setdefault(kind, schedule) != schedule:
                raise SystemExit(f"{kind} has rows of two schedules, {schedules[kind]} and {schedule}")
            values = {metric: float(row[metric]) for metric in METRICS}
            values["dsc"] = (values["dsc_1"] + values["dsc_2"]) / 2
            values["surface_dice"] = (values["surface_dice_1"] + values["surface_dice_2"]) / 2
            values["temperature"] = float(row["temperature"])
            for metric, value in values.items():
                cells.setdefault(kind, {}).setdefault(metric, {})[int(row["seed"]), row["case"]] = value
        self.cases = sorted({case for kind in cells.values() for _, case in kind["dsc"]})
        whole = len(SEEDS) * len(self.cases)
        self.values: dict[Kind, dict[str, NDArray[np.float64]]] = {
            kind: {metric: self._table(found) for metric, found in metrics.items()}
            for kind, metrics in cells.items()
            if len(metrics["dsc"]) == whole
        }

    def _table(self, found: dict[tuple[int, str], float]) -> NDArray[np.float64]:
        return np.array([[found[seed, case] for case in self.cases] for seed in SEEDS])


def means(results: Results, setting: str, loss: str, images: str) -> str:
    """A row for each number of volumes and target, and the mean over seeds and cases."""
    rows = []
    for volumes, target, temperature in product(VOLUMES, TARGETS | CANDIDATES, (0, TEMPERATURE)):
        values = results.values.get(Kind(setting, loss, target, volumes, images, temperature))
        if values is not None:
            fitted = f"{values['temperature'].mean():.2f}" if temperature else ""
            rows.append([str(volumes), target, fitted, *(f"{values[metric].mean():.4f}" for metric in SHOWN)])
    return table(["volumes", "target", "T", *(name for name, _ in SHOWN.values())], rows) if rows else ""


def compared(results: Results, pairs: Sequence[tuple[str, Kind, Kind]]) -> str:
    """A row for each pair that is there: the first minus the second."""
    rows = [
        (title, {metric: results.values[one][metric] - results.values[other][metric] for metric in SHOWN})
        for title, one, other in pairs
        if one in results.values and other in results.values
    ]
    return table_of_differences("volumes", SHOWN, rows) if rows else ""


def questions() -> Iterable[tuple[str, list[tuple[str, Kind, Kind]]]]:
    """What the tables of differences answer."""

    def over_volumes(one: Kind, other: Kind) -> list[tuple[str, Kind, Kind]]:
        return [(str(count), one._replace(volumes=count), other._replace(volumes=count)) for count in VOLUMES]

    svls, one_hot = Kind("plain", "Dice + CE", "SVLS", 0), Kind("plain", "Dice + CE", "one-hot", 0)
    yield "SVLS − one-hot, Dice + CE", over_volumes(svls, one_hot)
    for count in (48, 5, 1):
        name = "volumes" if count > 1 else "volume"
        other = one_hot._replace(temperature=count)
        yield f"SVLS − one-hot with a temperature of {count} {name}, Dice + CE", over_volumes(svls, other)
        if count == 48:
            both = f"SVLS − one-hot, both with a temperature of {count} volumes, Dice + CE"
            yield both, over_volumes(svls._replace(temperature=count), other)
    for target in [*TARGETS, *CANDIDATES]:
        if target not in ("SVLS", "one-hot"):
            yield f"SVLS − {target}, Dice + CE", over_volumes(svls, svls._replace(target=target))
            if target.startswith("LS"):
                yield f"{target} − one-hot, Dice + CE", over_volumes(svls._replace(target=target), one_hot)
    cross_entropy = [kind._replace(loss="CE") for kind in (svls, one_hot)]
    yield "SVLS − one-hot, CE", over_volumes(*cross_entropy)
    yield "Dice + CE − CE, one-hot", over_volumes(one_hot, cross_entropy[1])
    yield "Dice + CE with SVLS − CE with one-hot", over_volumes(svls, cross_entropy[1])
    shifted = [kind._replace(images="shifted") for kind in (svls, one_hot)]
    yield "Shifted images: SVLS − one-hot, Dice + CE", over_volumes(*shifted)
    tempered = shifted[1]._replace(temperature=48)
    yield (
        "Shifted images: SVLS − one-hot with a temperature of 48 volumes, Dice + CE",
        over_volumes(shifted[0], tempered),
    )
    for setting in WIDTHS:
        if setting != "plain":
            pair = [kind._replace(setting=setting) for kind in (svls, one_hot)]
            yield f"{setting.capitalize()}: SVLS − one-hot, Dice + CE", over_volumes(*pair)
            tempered = pair[1]._replace(temperature=48)
            title = f"{setting.capitalize()}: SVLS − one-hot with a temperature of 48 volumes, Dice + CE"
            yield title, over_volumes(pair[0], tempered)
    noisy = svls._replace(setting="noisy labels")
    yield "Noisy labels: SVLS − LS 0.05, Dice + CE", over_volumes(noisy, noisy._replace(target="LS 0.05"))


def draw(results: Results) -> None:
    """The figure: calibration at the boundary, likelihood and Dice over the number of volumes."""

    def line(name: str, style: str, colour: str, kind: Kind, metric: str) -> Line:
        kinds = {count: kind._replace(volumes=count) for count in VOLUMES}
        tables = {count: results.values[kind][metric] for count, kind in kinds.items() if kind in results.values}
        return Line(name, style, colour, tables)

    one_hot, svls = Kind("plain", "Dice + CE", "one-hot", 0), Kind("plain", "Dice + CE", "SVLS", 0)
    tempered = one_hot._replace(temperature=TEMPERATURE)
    panels = []
    for metric, title in FIGURE.items():
        lines = [
            line("one-hot", "-", "#4c566a", one_hot, metric),
            line("one-hot, temperature", "--", "#4c566a", tempered, metric),
            line("SVLS", "-", "#d1495b", svls, metric),
        ]
        more_is_better = SHOWN[metric][1]
        # No temperature changes the Dice.
        panels.append((title, not more_is_better, [lines[0], lines[2]] if more_is_better else lines))
    curves("hippocampus", "volumes to learn from", panels)


def report() -> str:
    """All tables that the published rows are enough for. Draws the figure, too."""
    results = Results(published("hippocampus_cases"))
    draw(results)
    parts = []
    for setting, loss, images in product(WIDTHS, LOSSES, ("as they are", "shifted")):
        if found := means(results, setting, loss, images):
            about = (
                {"plain": ""}.get(setting, f"{setting}, ") + loss + (", shifted images" if images == "shifted" else "")
            )
            parts.append(f"**{about[0].upper() + about[1:]}**\n\n{found}")
    for title, pairs in questions():
        if found := compared(results, pairs):
            parts.append(f"**{title}**\n\n{found}")
    return "\n\n".join(parts)
