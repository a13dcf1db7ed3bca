"""Tables in Markdown."""

from collections.abc import Sequence

import numpy as np
from intervals import Difference, differences
from numpy.typing import NDArray

NEAR = 1 / 20
"""A claim may be chance if its interval ends so near to 0, as a share of the interval's width. It has a dagger."""


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with columns as wide as their cells."""
    lines = [list(titles), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    lines.insert(1, ["-" * width for width in widths])
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in padded)


def table_of_differences(
    first: str,
    metrics: dict[str, tuple[str, bool]],
    rows: Sequence[tuple[str, dict[str, NDArray[np.float64]]]],
) -> str:
    """A row for each title, a column for each metric with its name and whether more of it is better.

    In each cell the mean difference and the wider of its intervals. What both intervals say is in bold if it is better, in italics
    if it is worse, with a dagger if it may be chance.
    """
    found = iter(differences([values[metric] for _, values in rows for metric in metrics]))
    lines = [[title, *(cell(next(found), more) for _, more in metrics.values())] for title, _ in rows]
    return table([first, *(name for name, _ in metrics.values())], lines)


def cell(found: Difference, more_is_better: bool) -> str:
    """The mean, the wider of its intervals, and the mark."""
    low, high = (choose(ends) for choose, ends in zip((min, max), zip(found.bootstrap, found.random_effects)))
    text = f"{found.mean:+.4f} ({low:+.4f} to {high:+.4f})"
    if not found.claimed:
        return text
    mark = "**" if (found.mean > 0) == more_is_better else "*"
    dagger = "†" if min(abs(low), abs(high)) < NEAR * (high - low) else ""
    return f"{mark}{text}{mark}{dagger}"
