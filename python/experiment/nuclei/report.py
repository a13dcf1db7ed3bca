"""The tables of the nuclei in docs/experiment.md, from the rows of all cases."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
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
Kind = tuple[str, int]
"""The target, and the number of images that were learned from."""


class Results:
    """Metrics (seeds, cases) by kind and name. A kind of which not all seeds and folds are there is left out."""

    def __init__(self, rows: Iterable[dict[str, str]]) -> None:
        cells: dict[Kind, dict[str, dict[tuple[int, str], float]]] = {}
        for row in rows:
            values = {metric: float(row[metric]) for metric in METRICS}
            values["crps_area"] /= 1000
            values["dsc_experts"] = float(np.mean([values[f"dsc_{expert + 1}"] for expert in range(EXPERTS)]))
            for metric, value in values.items():
                kind = row["target"], int(row["images"])
                cells.setdefault(kind, {}).setdefault(metric, {})[int(row["seed"]), row["case"]] = value
        cases = sorted({case for kind in cells.values() for _, case in kind["dsc_1"]})
        self.values: dict[Kind, dict[str, NDArray[np.float64]]] = {
            kind: {
                metric: np.array([[found[seed, case] for case in cases] for seed in SEEDS])
                for metric, found in metrics.items()
            }
            for kind, metrics in cells.items()
            if len(metrics["dsc_1"]) == len(SEEDS) * len(cases)
        }


def report() -> str:
    """All tables that the published rows are enough for."""
    results = Results(published("nuclei_cases"))
    kinds = [(target, images) for images in IMAGES for target in TARGETS if (target, images) in results.values]
    means = [
        [
            str(images),
            target,
            *(f"{results.values[target, images][metric].mean():.4f}" for metric in SHOWN),
        ]
        for target, images in kinds
    ]
    by_expert = [
        [
            str(images),
            target,
            *(f"{results.values[target, images][f'dsc_{expert + 1}'].mean():.4f}" for expert in range(EXPERTS)),
        ]
        for target, images in kinds
    ]
    parts = [
        table(["images", "target", *(name for name, _ in SHOWN.values())], means),
        table(["images", "target", *(f"expert {expert + 1}" for expert in range(EXPERTS))], by_expert),
    ]
    for images in IMAGES:
        rows = [
            (
                f"mSVLS − {target}",
                {
                    metric: results.values["mSVLS", images][metric] - results.values[target, images][metric]
                    for metric in SHOWN
                },
            )
            for target in TARGETS
            if target != "mSVLS" and {("mSVLS", images), (target, images)} <= results.values.keys()
        ]
        if rows:
            parts.append(f"**{images} images**\n\n" + table_of_differences("", SHOWN, rows))
    return "\n\n".join(parts)
