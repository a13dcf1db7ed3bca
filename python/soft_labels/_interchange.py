"""Tensors of PyTorch as arrays, and back. Whoever passes a tensor has imported PyTorch, so it is not imported here."""

from __future__ import annotations

import sys
from typing import Any, Protocol, TypeAlias, TypeVar

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


class Tensor(Protocol):
    """A tensor of PyTorch, as far as it is used here."""

    @property
    def device(self) -> Any: ...
    def detach(self) -> Any: ...


ArrayOrTensor: TypeAlias = Array | Tensor
Same = TypeVar("Same", bound=ArrayOrTensor)


def is_tensor(values: Any) -> bool:
    """Whether these are a tensor."""
    tensor = getattr(sys.modules.get("torch"), "Tensor", None)
    return tensor is not None and isinstance(values, tensor)


def memory_of(tensor: Any, what: str) -> Array:
    """The memory of a tensor as an array."""
    if tensor.device.type != "cpu":
        raise ValueError(f"{what} is a tensor on {tensor.device}; it is read on the CPU, so pass it as .cpu()")
    if str(tensor.dtype) == "torch.bfloat16":
        raise TypeError(f"{what} is a tensor of bfloat16, which NumPy does not have; pass it as .float()")
    array: Array = tensor.detach().numpy()
    return array


def as_given(result: Array, given: Any) -> Any:
    """A new array, as a tensor if what it was made of is one, or a list with one."""
    if any(map(is_tensor, given if isinstance(given, (list, tuple)) else [given])):
        return sys.modules["torch"].from_numpy(result)
    return result
