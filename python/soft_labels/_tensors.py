"""Tensors as arrays, and arrays as tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


def array_of(values: Any, what: str) -> Any:
    """The memory of a tensor as an array. What is no tensor stays as it is."""
    if not isinstance(values, torch.Tensor):
        return values
    if values.device.type != "cpu":
        raise ValueError(f"{what} is on {values.device}; here it has to be on the CPU, so pass it as .cpu()")
    return values.detach().numpy()


def tensor_of(values: Any) -> torch.Tensor:
    """A plain tensor of a tensor, whose subclass is dropped, or of an array of any byte order and strides."""
    if isinstance(values, torch.Tensor):
        return values.as_subclass(torch.Tensor)
    array = np.asarray(values)
    # A tensor has neither negative strides, nor memory that is read-only.
    return torch.from_numpy(np.require(array, array.dtype.newbyteorder("="), ["C", "W"]))


def numpy_dtype(dtype: torch.dtype) -> Any:
    known: dict[torch.dtype, Any] = {torch.float16: np.float16, torch.float32: np.float32, torch.float64: np.float64}
    if dtype not in known:
        raise TypeError(f"soft labels are of torch.float32, float64 or float16, not {dtype}; convert them with .to")
    return known[dtype]
