"""The figures of docs/experiment.md."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rows import PUBLISHED


@dataclass(frozen=True)
class Line:
    """What a line shows: its name, its colour and dashes, and for each place on the axis a table (seeds, cases)."""

    name: str
    style: str
    colour: str
    tables: dict[int, NDArray[np.float64]]


def curves(name: str, across: str, panels: Sequence[tuple[str, bool, Sequence[Line]]]) -> None:
    """Writes `docs/experiment/name.svg`: the mean over seeds and cases, with bars of the standard deviation over seeds.

    A panel has a title, says whether its axis begins at 0, and has lines. The first one's legend is that of all.
    """
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": name, "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10}
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(panels), figsize=(3.3 * len(panels), 3.3), layout="constrained")
    for axis, (title, from_zero, lines) in zip(axes, panels, strict=True):
        places = sorted({place for line in lines for place in line.tables})
        for line in lines:
            x = sorted(line.tables)
            of_seeds = [line.tables[place].mean(1) for place in x]
            # The lines beside one another, so that no bar hides another.
            aside = 1.03 ** (list(lines).index(line) - (len(lines) - 1) / 2)
            axis.errorbar(
                np.array(x) * aside,
                [values.mean() for values in of_seeds],
                [values.std(ddof=1) for values in of_seeds],
                fmt=line.style,
                color=line.colour,
                marker="o",
                markersize=4,
                capsize=3,
                label=line.name,
            )
        axis.set(title=title, xscale="log", xlabel=across)
        axis.set_xticks(places, map(str, places))
        axis.minorticks_off()
        if from_zero:
            axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(panels[0][2]), frameon=False
    )
    figure.savefig(PUBLISHED / f"{name}.svg", metadata={"Date": None})
