"""The metrics of all networks, from the rows of all cases."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Kind = TypeVar("Kind", bound=Hashable)


def tables(
    rows: Iterable[dict[str, str]],
    seeds: Sequence[int],
    kind_of: Callable[[dict[str, str]], Kind],
    metrics_of: Callable[[dict[str, str]], dict[str, float]],
) -> dict[Kind, dict[str, NDArray[np.float64]]]:
    """Tables (seeds, cases) by kind of network and by metric. A kind that lacks a seed or a case is left out."""
    cells: dict[Kind, dict[tuple[int, str], dict[str, float]]] = {}
    for row in rows:
        cells.setdefault(kind_of(row), {})[int(row["seed"]), row["case"]] = metrics_of(row)
    cases = sorted({case for found in cells.values() for _, case in found})
    return {
        kind: {
            metric: np.array([[found[seed, case][metric] for case in cases] for seed in seeds])
            for metric in next(iter(found.values()))
        }
        for kind, found in cells.items()
        if len(found) == len(seeds) * len(cases)
    }
