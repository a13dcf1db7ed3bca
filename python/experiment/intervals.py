"""Intervals of a mean difference between two kinds of networks, over seeds and cases."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

DRAWS = 1_000_000
CHUNK = 50_000


@dataclass(frozen=True)
class Difference:
    """The mean of differences (seeds, cases), and its intervals at the level asked for."""

    mean: float
    bootstrap: tuple[float, float]
    random_effects: tuple[float, float]

    @property
    def claimed(self) -> bool:
        """Whether both intervals lie on the same side of 0."""
        ends = (*self.bootstrap, *self.random_effects)
        return all(end > 0 for end in ends) or all(end < 0 for end in ends)


def differences(tables: Sequence[NDArray[np.float64]], misses: float = 0.05) -> list[Difference]:
    """Intervals of the means of tables of differences (seeds, cases), all of one shape, over all seeds and cases there could be.

    `misses` is the chance that any interval misses, over both sides (Bonferroni).
    """
    level = misses / len(tables)
    return [
        Difference(float(values.mean()), ends, random_effects(values, level))
        for values, ends in zip(tables, bootstrap(np.stack(tables), level), strict=True)
    ]


def bootstrap(tables: NDArray[np.float64], level: float, draws: int = DRAWS) -> list[tuple[float, float]]:
    """Percentiles of the means of tables (n, seeds, cases), where seeds and cases are both drawn with replacement."""
    random = np.random.default_rng(0)
    count, seeds, cases = tables.shape
    means = np.empty((count, draws))
    for start in range(0, draws, CHUNK):
        size = min(CHUNK, draws - start)
        of_seeds = random.multinomial(seeds, np.full(seeds, 1 / seeds), size) / seeds
        of_cases = random.multinomial(cases, np.full(cases, 1 / cases), size) / cases
        for at, values in enumerate(tables):
            means[at, start : start + size] = ((of_cases @ values.T) * of_seeds).sum(1)
    low, high = np.quantile(means, [level / 2, 1 - level / 2], axis=1)
    return list(zip(map(float, low), map(float, high), strict=True))


def random_effects(values: NDArray[np.float64], level: float) -> tuple[float, float]:
    """The interval of the mean of a table (seeds, cases) with random effects of both, one value a cell.

        d = m + seed + case + rest,  var(mean) = (MS_seeds + (MS_cases - MS_rest)) / (seeds cases)
        reach^2 = (t_seeds^2 MS_seeds + t_cases^2 max(MS_cases - MS_rest, 0)) / (seeds cases)

    Each part of the variance has the t quantile of its own degrees of freedom, seeds - 1 and cases - 1. One number for both
    (Satterthwaite's) jumps when the seeds happen to be alike, and misses twice as often as it should at levels as small as 0.002. This
    interval misses as often as it says where seeds differ most, and less often where cases do.
    """
    seeds, cases = values.shape
    mean = values.mean()
    rows, columns = values.mean(1), values.mean(0)
    of_seeds = cases * ((rows - mean) ** 2).sum() / (seeds - 1)
    of_cases = seeds * ((columns - mean) ** 2).sum() / (cases - 1)
    rest = ((values - rows[:, None] - columns + mean) ** 2).sum() / ((seeds - 1) * (cases - 1))
    t_seeds, t_cases = stats.t.isf(level / 2, [seeds - 1, cases - 1])
    reach = np.sqrt((t_seeds**2 * of_seeds + t_cases**2 * max(of_cases - rest, 0)) / (seeds * cases))
    return float(mean - reach), float(mean + reach)
