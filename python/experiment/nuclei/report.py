"""The tables of the nuclei in docs/experiment.md, from the rows of all cases."""

import numpy as np
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


def _kind(row: dict[str, str]) -> Kind:
    return row["target"], int(row["images"])


def _metrics(row: dict[str, str]) -> dict[str, float]:
    values = {metric: float(row[metric]) for metric in METRICS}
    values["crps_area"] /= 1000
    values["dsc_experts"] = float(np.mean([values[metric] for metric in EXPERTS_DSC]))
    return values


def report() -> str:
    """All tables that the published rows are enough for."""
    found = tables(published("nuclei_cases"), SEEDS, _kind, _metrics)
    kinds = [(target, images) for images in IMAGES for target in TARGETS if (target, images) in found]

    def means(metrics: dict[str, str]) -> str:
        rows = [
            [str(images), target, *(f"{found[target, images][metric].mean():.4f}" for metric in metrics)]
            for target, images in kinds
        ]
        return table(["images", "target", *metrics.values()], rows)

    parts = [means({metric: name for metric, (name, _) in SHOWN.items()}), means(EXPERTS_DSC)]
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
    return "\n\n".join(parts)
