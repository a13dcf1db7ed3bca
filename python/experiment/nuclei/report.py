"""The tables of the nuclei in docs/experiment.md, from the rows of all cases."""

import numpy as np
from numpy.typing import NDArray
from results import tables
from rows import published
from tables import table, table_of_differences

from .data import EXPERTS
from .judging import METRICS
from .training import IMAGES, SEEDS, TARGETS

SHOWN = {
    "dsc_experts": ("DSC, mean of experts", True),
    "dsc_majority": ("DSC, majority", True),
    "threshold_dice": ("threshold Dice", True),
    "energy_distance": ("energy distance", False),
    "crps_area": ("CRPS of areas, 1000 pixels", False),
    "ece": ("ECE", False),
    "ece_near": ("ECE near", False),
    "nll": ("NLL", False),
    "brier": ("Brier", False),
}
EXPERTS_DSC = {f"dsc_{expert + 1}": f"expert {expert + 1}" for expert in range(EXPERTS)}
Kind = tuple[str, int]
"""The target, and the number of images that were learned from."""
Tables = dict[Kind, dict[str, NDArray[np.float64]]]


def results() -> Tables:
    """Tables (seeds, cases) of the published rows."""
    return tables(published("nuclei_cases"), SEEDS, _kind, _metrics)


def _kind(row: dict[str, str]) -> Kind:
    return row["target"], int(row["images"])


def _metrics(row: dict[str, str]) -> dict[str, float]:
    values = {metric: float(row[metric]) for metric in METRICS}
    values["crps_area"] /= 1000
    values["dsc_experts"] = float(np.mean([values[metric] for metric in EXPERTS_DSC]))
    return values


def means(found: Tables) -> list[str]:
    """Two tables: all metrics, and the Dice with each expert. A row for each number of images and target."""
    kinds = [(target, images) for images in IMAGES for target in TARGETS if (target, images) in found]
    names = [{metric: name for metric, (name, _) in SHOWN.items()}, EXPERTS_DSC]
    return [
        table(
            ["images", "target", *metrics.values()],
            [[str(kind[1]), kind[0], *(f"{found[kind][metric].mean():.4f}" for metric in metrics)] for kind in kinds],
        )
        for metrics in names
    ]


def report() -> str:
    """All tables that the published rows are enough for."""
    found = results()
    parts = means(found)
    for images in IMAGES:
        if ("mSVLS", images) in found:
            ours = found["mSVLS", images]
            rows = [
                (f"mSVLS − {target}", {metric: ours[metric] - found[target, images][metric] for metric in SHOWN})
                for target in TARGETS
                if target != "mSVLS" and (target, images) in found
            ]
            if rows:
                parts.append(f"**{images} images**\n\n" + table_of_differences("", SHOWN, rows))
    columns = {n: (f"{n} images", True) for n in IMAGES if all((target, n) in found for target in TARGETS)}
    if columns:
        rows = [
            (expert, {n: found["mSVLS", n][metric] - found[expert, n][metric] for n in columns})
            for metric, expert in EXPERTS_DSC.items()
        ]
        title = "DSC with one expert alone: mSVLS − the network that learned from this expert"
        parts.append(f"**{title}**\n\n" + table_of_differences("", columns, rows))
    return "\n\n".join(parts)
