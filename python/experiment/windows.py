"""Prediction of an image that is larger than the crops that a network learned from."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


def predict(
    network: nn.Module, image: NDArray[np.float32], size: Sequence[int], step: Sequence[int]
) -> NDArray[np.float64]:
    """Logits (C, [D,] H, W) of an image ([D,] H, W): the mean over windows of `size`, at most `step` apart.

    The network normalises over what it sees at once, so it has to see about as much as when it learned.
    """
    starts = [
        np.linspace(0, extent - length, -(-(extent - length) // apart) + 1).astype(int)
        for extent, length, apart in zip(image.shape, size, step, strict=True)
    ]
    windows = [
        tuple(slice(at, at + length) for at, length in zip(corner, size, strict=True)) for corner in product(*starts)
    ]
    total, count = np.zeros(()), np.zeros(image.shape)
    for first in range(0, len(windows), 8):
        batch = windows[first : first + 8]
        with torch.no_grad():
            logits = network(torch.from_numpy(np.stack([image[window][None] for window in batch]))).double().numpy()
        if total.ndim == 0:
            total = np.zeros((logits.shape[1], *image.shape))
        for window, part in zip(batch, logits, strict=True):
            total[(slice(None), *window)] += part
            count[window] += 1
    return total / count
