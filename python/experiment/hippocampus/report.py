"""The tables of the hippocampus in docs/experiment.md, from the rows of all cases."""

from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

import numpy as np
from figures import Line, curves
from numpy.typing import NDArray
from results import tables
from rows import published
from tables import table, table_of_differences

from .judging import METRICS
from .nnunet import TRAINERS
from .training import CANDIDATES, LOSSES, SEEDS, SETTINGS, TARGETS, VOLUMES

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


Tables = dict[Kind, dict[str, NDArray[np.float64]]]
Pairs = list[tuple[str, Kind, Kind]]
Questions = Iterable[tuple[str, Pairs]]


def results() -> Tables:
    """Tables (seeds, cases) of the published rows."""
    rows = published("hippocampus_cases")
    schedules: dict[Kind, tuple[str, str]] = {}
    for row in rows:
        kind, schedule = _kind(row), (row["steps"], row["rate"])
        if schedules.setdefault(kind, schedule) != schedule:
            raise SystemExit(f"{kind} has rows of two schedules, {schedules[kind]} and {schedule}")
    return tables(rows, SEEDS, _kind, _metrics)


def _kind(row: dict[str, str]) -> Kind:
    volumes, temperature = int(row["volumes"]), int(row["temperature_volumes"])
    return Kind(row["setting"], row["loss"], row["target"], volumes, row["images"], temperature)


def _metrics(row: dict[str, str]) -> dict[str, float]:
    values = {metric: float(row[metric]) for metric in (*METRICS, "temperature")}
    for metric in ("dsc", "surface_dice"):
        values[metric] = (values[f"{metric}_1"] + values[f"{metric}_2"]) / 2
    return values


def means(found: Tables, setting: str, loss: str, images: str) -> str:
    """A row for each number of volumes and target, and the mean over seeds and cases."""
    rows = []
    for volumes, target, temperature in product(VOLUMES, TARGETS | CANDIDATES, (0, TEMPERATURE)):
        values = found.get(Kind(setting, loss, target, volumes, images, temperature))
        if values is not None:
            fitted = f"{values['temperature'].mean():.2f}" if temperature else ""
            rows.append([str(volumes), target, fitted, *(f"{values[metric].mean():.4f}" for metric in SHOWN)])
    return table(["volumes", "target", "T", *(name for name, _ in SHOWN.values())], rows) if rows else ""


def means_of_nnunet() -> str:
    """A row for each target. There is one network each."""
    rows = published("hippocampus_nnunet")
    lines = []
    for target, temperature in product(TRAINERS, (0, TEMPERATURE)):
        kind = (target, str(temperature))
        values = [_metrics(row) for row in rows if (row["target"], row["temperature_volumes"]) == kind]
        fitted = f"{values[0]['temperature']:.2f}" if temperature else ""
        lines.append([target, fitted, *(f"{np.mean([one[metric] for one in values]):.4f}" for metric in SHOWN)])
    return table(["target", "T", *(name for name, _ in SHOWN.values())], lines)


def compared(found: Tables, pairs: Pairs) -> str:
    """A row for each pair that is there: the first minus the second."""
    rows = [
        (title, {metric: found[one][metric] - found[other][metric] for metric in SHOWN})
        for title, one, other in pairs
        if one in found and other in found
    ]
    return table_of_differences("volumes", SHOWN, rows) if rows else ""


def questions() -> Questions:
    """What the tables of differences answer."""

    def over_volumes(one: Kind, other: Kind) -> Pairs:
        return [(str(count), one._replace(volumes=count), other._replace(volumes=count)) for count in VOLUMES]

    def svls_and_one_hot(svls: Kind, one_hot: Kind, title: str = "SVLS − one-hot") -> Questions:
        tempered, fitted = one_hot._replace(temperature=TEMPERATURE), f"with a temperature of {TEMPERATURE} volumes"
        yield f"{title}, {svls.loss}", over_volumes(svls, one_hot)
        yield f"{title} {fitted}, {svls.loss}", over_volumes(svls, tempered)
        yield f"{title}, both {fitted}, {svls.loss}", over_volumes(svls._replace(temperature=TEMPERATURE), tempered)

    svls, one_hot = Kind("plain", "Dice + CE", "SVLS", 0), Kind("plain", "Dice + CE", "one-hot", 0)
    yield from svls_and_one_hot(svls, one_hot)
    for count, name in ((5, "5 volumes"), (1, "1 volume")):
        other = one_hot._replace(temperature=count)
        yield f"SVLS − one-hot with a temperature of {name}, Dice + CE", over_volumes(svls, other)
    others = [target for target in TARGETS if target not in ("SVLS", "one-hot")]
    for target in [*others, *CANDIDATES]:
        yield f"SVLS − {target}, Dice + CE", over_volumes(svls, svls._replace(target=target))
        if target.startswith("LS"):
            yield f"{target} − one-hot, Dice + CE", over_volumes(svls._replace(target=target), one_hot)
    cross_entropy = svls._replace(loss="CE"), one_hot._replace(loss="CE")
    yield from svls_and_one_hot(*cross_entropy)
    for target in others:
        yield f"{target} − one-hot, CE", over_volumes(cross_entropy[0]._replace(target=target), cross_entropy[1])
    yield "Dice + CE − CE, one-hot", over_volumes(one_hot, cross_entropy[1])
    yield "Dice + CE with SVLS − CE with one-hot", over_volumes(svls, cross_entropy[1])
    for loss in LOSSES:
        shifted = [kind._replace(loss=loss, images="shifted") for kind in (svls, one_hot)]
        yield from svls_and_one_hot(*shifted, "Shifted images: SVLS − one-hot")
    for setting, about in SETTINGS.items():
        if setting != "plain":
            # A schedule of its own is that of SVLS: one-hot labels keep theirs.
            other = one_hot if about.schedule else one_hot._replace(setting=setting)
            title = f"{setting.capitalize()}: SVLS − one-hot"
            yield from svls_and_one_hot(svls._replace(setting=setting), other, title)


def draw(found: Tables) -> None:
    """The figure: calibration at the boundary, likelihood and Dice over the number of volumes."""

    def line(name: str, style: str, colour: str, kind: Kind, metric: str) -> Line:
        kinds = {count: kind._replace(volumes=count) for count in VOLUMES}
        return Line(name, style, colour, {count: found[one][metric] for count, one in kinds.items() if one in found})

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
    found = results()
    draw(found)
    parts = []
    for setting, loss, images in product(SETTINGS, LOSSES, ("as they are", "shifted")):
        if rows := means(found, setting, loss, images):
            about = (
                {"plain": ""}.get(setting, f"{setting}, ") + loss + (", shifted images" if images == "shifted" else "")
            )
            parts.append(f"**{about[0].upper() + about[1:]}**\n\n{rows}")
    parts.append(f"**nnU-Net, one network each**\n\n{means_of_nnunet()}")
    for title, pairs in questions():
        if rows := compared(found, pairs):
            parts.append(f"**{title}**\n\n{rows}")
    return "\n\n".join(parts)
