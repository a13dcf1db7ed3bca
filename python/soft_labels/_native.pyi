from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__version__: str

class Classes:
    """Which labels are classes, and which label is ignored.

    ``Classes(4)`` are the labels 0, 1, 2, 3; ``Classes(values=[0, 1, 4])`` are those listed, in this order.
    """

    def __init__(
        self, count: int | None = None, *, values: Sequence[int] | None = None, ignore: int | None = None
    ) -> None: ...
    @property
    def values(self) -> list[int]:
        """The label of each class."""
    @property
    def ignore(self) -> int | None:
        """The label that is ignored, if there is one."""
    def __len__(self) -> int: ...
    def to_json(self) -> str: ...
    @classmethod
    def from_json(cls, text: str) -> Classes: ...

class Encoding:
    """A method and its settings.

    ``Encoding("svls", sigma=1.0, radius=1, strength=1.0)``, in voxels, each setting one number or one for each axis; or
    ``sigma_mm`` with ``spacing_mm``, in millimetres. The radius is 1 whatever sigma is, unless it is given, or follows from
    sigma with ``truncate``: ``Encoding("svls", sigma=1.5, truncate=3)`` has radius ceil(3 * 1.5) = 5. One object is for label
    maps of 2 and of 3 axes, unless a setting is a list. ``Encoding("one_hot")``. ``Encoding("label_smoothing", alpha=0.1)``,
    and ``"label_smoothing_over_others"``, which gives alpha to the other classes alone.
    """

    def __init__(
        self,
        method: str = "svls",
        *,
        sigma: float | Sequence[float] | NDArray[Any] = ...,
        sigma_mm: float | Sequence[float] | NDArray[Any] = ...,
        spacing_mm: float | Sequence[float] | NDArray[Any] = ...,
        radius: int | Sequence[int] | NDArray[Any] = ...,
        truncate: float = ...,
        strength: float = ...,
        alpha: float = ...,
        channels: Mapping[str, Any] = ...,
    ) -> None: ...
    def to_json(self) -> str: ...
    @classmethod
    def from_json(cls, text: str) -> Encoding: ...
    def with_channels(self, channels: str) -> Encoding:
        """The same with channels, which are given in their JSON form."""
    def channel_count(self, classes: Classes) -> int:
        """How many channels the soft labels of these classes have: the length of their first axis."""
    def is_distribution(self, classes: Classes) -> bool:
        """Whether the channels of a voxel sum to 1. Those of regions and structures do not."""
    def radius(self, axes: int) -> list[int]:
        """How far the method reaches along each axis of label maps of 2 or 3 axes, in voxels.

        A block of a larger map needs so many more voxels around it to have the soft labels of the whole.
        """

class Loss:
    """A loss with its settings. Targets are the label maps (N, ..) of each rater, or one array of soft labels."""

    def __init__(
        self,
        kind: str,
        classes: Classes,
        encoding: Encoding,
        *,
        rater_weights: Sequence[float] | None,
        class_weights: Sequence[float] | None,
        by_weight: bool,
        sum: bool,
        sigmoid: bool,
        product: bool,
        over_batch: bool,
        background: bool,
        smooth: float,
    ) -> None: ...
    def value(
        self, logits: NDArray[Any], targets: Sequence[NDArray[Any]], mask: NDArray[np.bool_] | None
    ) -> float | None: ...
    def gradient(
        self,
        logits: NDArray[Any],
        targets: Sequence[NDArray[Any]],
        mask: NDArray[np.bool_] | None,
        out: NDArray[Any],
    ) -> float | None: ...
    def per_voxel(
        self,
        logits: NDArray[Any],
        targets: Sequence[NDArray[Any]],
        mask: NDArray[np.bool_] | None,
        out: NDArray[Any],
    ) -> float | None: ...

class Structures:
    def add(self, mask: NDArray[Any]) -> None: ...
    def build(self, encoding: Encoding) -> tuple[NDArray[np.uint16], Classes, Encoding]: ...

def set_num_threads(threads: int) -> None:
    """Sets the number of threads of this process, and of those that are forked from it.

    Without it there are as many as processors, and in a worker of PyTorch's `DataLoader` as many as PyTorch has there.
    """

def num_threads() -> int:
    """The number of threads of this process."""

def encode(
    maps: list[NDArray[Any]],
    classes: Classes,
    encoding: Encoding,
    dtype: np.dtype[Any],
    window: list[tuple[int, int]] | None,
    weights: list[float] | None,
    out: NDArray[Any] | None,
) -> NDArray[Any]: ...
def encode_sparse(
    maps: list[NDArray[Any]], classes: Classes, encoding: Encoding, weights: list[float] | None
) -> dict[str, Any]: ...
def valid_mask(maps: list[NDArray[Any]], classes: Classes) -> NDArray[np.bool_]: ...
def average(soft: NDArray[Any], box_size: list[int], valid: NDArray[np.bool_] | None) -> NDArray[Any]: ...
def kernel(encoding: Encoding, axes: int) -> NDArray[np.float64]: ...
def majority(maps: list[NDArray[Any]], classes: Classes, ties: str) -> NDArray[Any]: ...
def staple(
    maps: list[NDArray[Any]], classes: Classes, tolerance: float, max_iterations: int, prior: list[float] | None
) -> dict[str, Any]: ...
def confusion(prediction: NDArray[Any], reference: NDArray[Any], classes: Classes) -> NDArray[np.uint64]: ...
def overlaps(
    prediction: NDArray[Any], reference: NDArray[Any], classes: Classes, regions: list[list[int]], empty: str
) -> NDArray[np.float64]: ...
def surfaces(
    prediction: NDArray[Any],
    reference: NDArray[Any],
    classes: Classes,
    region: list[int],
    spacing: list[float],
    tolerance: float,
    percent: float,
) -> list[float]: ...
def reliability(
    probabilities: NDArray[Any], reference: NDArray[Any], classes: Classes, bins: int, scope: str
) -> tuple[float, NDArray[np.float64]]: ...
def tace(
    probabilities: NDArray[Any],
    reference: NDArray[Any],
    classes: Classes,
    bins: int,
    threshold: float,
    svls_paper: bool,
) -> float: ...
def nll(probabilities: NDArray[Any], reference: NDArray[Any], classes: Classes) -> float: ...
def brier(probabilities: NDArray[Any], reference: NDArray[Any], classes: Classes) -> float: ...
def top_labels(probabilities: NDArray[Any], classes: Classes, reference: NDArray[Any] | None) -> NDArray[np.int64]: ...
