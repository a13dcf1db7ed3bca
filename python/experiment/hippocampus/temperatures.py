"""The rival of soft labels: a temperature, chosen on volumes that the network did not learn from."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from soft_labels import metrics

from .data import CLASSES, Volume

COUNTS = (1, 5, 48)
"""Numbers of volumes that temperatures are chosen on."""


def temperatures(other: Iterable[tuple[Volume, NDArray[np.float64]]], seed: int) -> dict[int, float]:
    """For each number of volumes the temperature with the least NLL on them, and 1 for none. Each seed draws its own."""
    pairs = [(logits.reshape(CLASSES, -1), volume.labels.ravel().astype(np.int64)) for volume, logits in other]
    order = np.random.default_rng([seed, 1]).permutation(len(pairs))
    found = {0: 1.0}
    for count in COUNTS:
        logits, labels = (np.concatenate(parts, -1) for parts in zip(*(pairs[at] for at in order[:count]), strict=True))
        found[count] = metrics.temperature(logits, labels)
    return found
