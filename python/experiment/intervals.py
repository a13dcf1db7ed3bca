"""Intervals of a mean difference between two kinds of networks, over seeds and cases."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

DRAWS = 1_000_000


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


def difference(values: NDArray[np.float64], level: float) -> Difference:
    """Of differences (seeds, cases): what one more seed and one more case would have given.

    `level` is the chance to miss, over both sides, such as 0.05.
    """
    return Difference(float(values.mean()), bootstrap(values, level), random_effects(values, level))


def bootstrap(values: NDArray[np.float64], level: float, draws: int = DRAWS) -> tuple[float, float]:
    """Percentiles of the mean where seeds and cases are both drawn with replacement."""
    random = np.random.default_rng(0)
    seeds, cases = values.shape
    means = np.empty(draws)
    for start in range(0, draws, 50_000):
        count = min(50_000, draws - start)
        of_seeds = random.multinomial(seeds, np.full(seeds, 1 / seeds), count) / seeds
        of_cases = random.multinomial(cases, np.full(cases, 1 / cases), count) / cases
        means[start : start + count] = np.einsum("ds,ds->d", of_seeds, of_cases @ values.T)
    low, high = np.quantile(means, [level / 2, 1 - level / 2])
    return float(low), float(high)


def random_effects(values: NDArray[np.float64], level: float) -> tuple[float, float]:
    """The interval of the mean of a two-way table with random rows and columns, one value a cell.

        d = m + seed + case + rest,  var(mean) = (MS_seeds + MS_cases - MS_rest) / (seeds cases)

    with the degrees of freedom of Satterthwaite (1946). Where the rest alone explains more than rows and columns do, the variance is
    that of the larger of the two.
    """
    seeds, cases = values.shape
    mean = values.mean()
    rows, columns = values.mean(1), values.mean(0)
    of_seeds = cases * ((rows - mean) ** 2).sum() / (seeds - 1)
    of_cases = seeds * ((columns - mean) ** 2).sum() / (cases - 1)
    rest = ((values - rows[:, None] - columns + mean) ** 2).sum() / ((seeds - 1) * (cases - 1))
    squares = np.array([of_seeds, of_cases, -rest])
    freedom = np.array([seeds - 1, cases - 1, (seeds - 1) * (cases - 1)])
    total = max(squares.sum(), of_seeds, of_cases)
    if total == 0:
        return float(mean), float(mean)
    degrees = total**2 / (squares**2 / freedom).sum()
    reach = stats.t.ppf(1 - level / 2, degrees) * np.sqrt(total / (seeds * cases))
    return float(mean - reach), float(mean + reach)
