"""How far a number may be off because other cases could have been taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .._arguments import index

Case = TypeVar("Case")


def bootstrap(
    cases: Sequence[Case],
    number: Callable[[list[Case]], float],
    *,
    draws: int = 2000,
    seed: int = 0,
    percent: float = 95.0,
) -> tuple[float, float]:
    """The interval of a number by the bootstrap over cases.

    As many cases as there are are drawn with replacement, the number is computed of them, and this is repeated. The interval lies
    between percentiles of the results. For a pooled number the bins of the cases that are drawn are added; for an averaged one
    their numbers are averaged.

    Parameters
    ----------
    cases : list
        What `number` takes: the bins of each case, or its number.
    number : function
        Of a list of cases. Results that are NaN are left out.
    draws : int
        How often the cases are drawn.
    seed : int
        The same seed draws the same cases, whatever they hold.
    percent : float
        Above 0 and below 100.

    Returns
    -------
    tuple of float
        The lower and the upper end, NaN without any case or if no result is a number.

    Raises
    ------
    ValueError
        If `draws` is 0 or `percent` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import metrics
    >>> certain = np.array([[[0.9, 0.9]], [[0.1, 0.1]]])
    >>> references = [np.array([[0, 0]]), np.array([[0, 1]]), np.array([[0, 0]])]
    >>> cases = [metrics.class_reliability(certain, reference, 2) for reference in references]
    >>> pooled = metrics.bootstrap(cases, lambda drawn: sum(drawn).mean())
    >>> averaged = metrics.bootstrap([case.mean() for case in cases], np.nanmean)
    >>> np.round([pooled, averaged], 2)
    array([[0.07, 0.4 ],
           [0.1 , 0.4 ]])
    """
    count = index(draws, "draws")
    if count == 0:
        raise ValueError("draws is 0; use at least 1")
    if not 0 < percent < 100:
        raise ValueError(f"percent is {percent}; it has to be above 0 and below 100")
    if len(cases) == 0:
        return np.nan, np.nan
    random = np.random.Generator(np.random.PCG64(seed))
    drawn = random.integers(len(cases), size=(count, len(cases)))
    found = np.array([number([cases[case] for case in row]) for row in drawn], dtype=np.float64)
    found = found[~np.isnan(found)]
    if found.size == 0:
        return np.nan, np.nan
    found.sort()
    low, high = (_percentile(found, at) for at in (50 - percent / 2, 50 + percent / 2))
    return low, high


def _percentile(ascending: NDArray[np.float64], percent: float) -> float:
    """As `numpy.percentile`, but between two infinite numbers is that number, not NaN."""
    at = percent / 100 * (len(ascending) - 1)
    below, above = ascending[int(np.floor(at))], ascending[int(np.ceil(at))]
    if below == above:
        return float(below)
    return float(below + (above - below) * (at % 1))
