from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ._arguments import Channels, MethodName

__version__: str

class Classes:
    """Which labels are classes, and which label is ignored.

    ``Classes(4)`` are the labels 0, 1, 2, 3; ``Classes([0, 1, 4], ignore=255)`` are those listed, in this order.
    """

    def __init__(
        self,
        count: int | Sequence[int] | NDArray[np.integer[Any]] | None = None,
        *,
        values: Sequence[int] | NDArray[np.integer[Any]] | None = None,
        ignore: int | None = None,
    ) -> None: ...
    @property
    def values(self) -> list[int]:
        """The label of each class, in the order of the class axis."""
    @property
    def ignore(self) -> int | None:
        """The label that is ignored, or None."""
    @property
    def count(self) -> int:
        """The number of classes: the length of the class axis."""
    def __len__(self) -> int: ...
    def with_ignore(self, label: int) -> Classes:
        """The same classes with a label to ignore."""
    def to_json(self) -> str:
        """The JSON form, which the command and the Rust library read, too."""
    @classmethod
    def from_json(cls, text: str) -> Classes:
        """Classes of their JSON form."""

class Encoding:
    """A method and its settings: one-hot labels, label smoothing or SVLS.

    ``Encoding("svls", sigma=1.0, radius=1, strength=1.0)``, in voxels, each setting one number or one for each axis; or
    ``sigma_mm`` with ``spacing_mm``, in millimetres. The radius is 1 whatever sigma is, unless it is given, or follows from
    sigma with ``truncate``: ``Encoding("svls", sigma=1.5, truncate=3)`` has radius ceil(3 * 1.5) = 5. One object is for label
    maps of 2 and of 3 axes, unless a setting is a list. ``Encoding("one_hot")``. ``Encoding("label_smoothing", alpha=0.1)``,
    and ``"label_smoothing_over_others"``, which gives alpha to the other classes alone.
    """

    def __init__(
        self,
        method: MethodName = "svls",
        *,
        sigma: float | Sequence[float] | NDArray[Any] | None = None,
        sigma_mm: float | Sequence[float] | NDArray[Any] | None = None,
        spacing_mm: float | Sequence[float] | NDArray[Any] | None = None,
        radius: int | Sequence[int] | NDArray[Any] | None = None,
        truncate: float | None = None,
        strength: float | None = None,
        alpha: float | None = None,
        channels: Channels | None = None,
    ) -> None: ...
    @property
    def method(self) -> MethodName:
        """The name of the method."""
    @property
    def sigma(self) -> float | list[float] | None:
        """Of SVLS: sigma in voxels, one number or one for each axis; None where it is given in millimetres."""
    @property
    def sigma_mm(self) -> float | list[float] | None:
        """Of SVLS: sigma in millimetres, if it is given so."""
    @property
    def spacing_mm(self) -> float | list[float] | None:
        """Of SVLS: the size of a voxel, if sigma is given in millimetres."""
    @property
    def truncate(self) -> float | None:
        """Of SVLS: the radius in sigmas, if it is given so."""
    @property
    def strength(self) -> float | None:
        """Of SVLS: how much of it is mixed with one-hot labels."""
    @property
    def alpha(self) -> float | None:
        """Of label smoothing: the probability that is spread."""
    @property
    def channels(self) -> dict[str, Any] | None:
        """What the first axis is as a dict, or None if it is the classes."""
    @property
    def settings(self) -> dict[str, Any]:
        """All settings as a dict, those that were left out included: ``Encoding(**encoding.settings)`` is the same encoding."""
    def to_json(self) -> str:
        """The JSON form, which the command and the Rust library read, too."""
    @classmethod
    def from_json(cls, text: str) -> Encoding:
        """An encoding of its JSON form."""
    def with_channels(self, channels: Channels | str) -> Encoding:
        """The same encoding with channels that are not the classes."""
    def channel_count(self, classes: Classes) -> int:
        """How many channels the soft labels of some classes have: the length of their first axis."""
    def is_distribution(self, classes: Classes) -> bool:
        """Whether the channels of a voxel sum to 1. Those of regions and structures do not."""
    def radius(self, axes: int) -> list[int]:
        """How far the method reaches along each axis of a label map, in voxels.

        A block of a larger map needs so many more voxels around it to have the soft labels of the whole. The setting itself is
        ``settings["radius"]``.
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
    ) -> float | None:
        """The value, or nothing if no voxel counts."""
    def gradient(
        self,
        logits: NDArray[Any],
        targets: Sequence[NDArray[Any]],
        mask: NDArray[np.bool_] | None,
        out: NDArray[Any],
    ) -> float | None:
        """The value; the gradient is written to `out`."""
    def per_voxel(
        self,
        logits: NDArray[Any],
        targets: Sequence[NDArray[Any]],
        mask: NDArray[np.bool_] | None,
        out: NDArray[Any],
    ) -> float | None:
        """Writes the loss of each voxel to `out`."""

class Reliability:
    """Confidence of the most probable class against accuracy, counted in bins of confidence.

    The bins of several cases are added with ``+`` or `sum`, so a data set is judged without keeping it.
    """

    def __init__(self, bins: int = 10) -> None: ...
    @property
    def lower(self) -> NDArray[np.float64]:
        """Of each bin: confidences in it are above this."""
    @property
    def upper(self) -> NDArray[np.float64]:
        """Of each bin: confidences in it are at most this."""
    @property
    def count(self) -> NDArray[np.uint64]:
        """Of each bin: the number of voxels."""
    @property
    def correct(self) -> NDArray[np.uint64]:
        """Of each bin: the number of voxels whose most probable class is right."""
    @property
    def accuracy(self) -> NDArray[np.float64]:
        """Of each bin: the fraction of voxels whose most probable class is right, NaN if there are none."""
    @property
    def confidence(self) -> NDArray[np.float64]:
        """Of each bin: the mean confidence, NaN if there are no voxels."""
    @property
    def voxels(self) -> int:
        """The number of voxels in all bins."""
    @property
    def ece(self) -> float:
        """The expected calibration error, NaN if no voxel was counted."""
    @property
    def ace(self) -> float:
        """The average calibration error: the mean over bins that hold voxels, all alike; NaN if no voxel was counted."""
    @property
    def mce(self) -> float:
        """The maximum calibration error: that of the worst bin, NaN if no voxel was counted."""
    def equal_mass(self, bins: int) -> EqualMassBins:
        """The bins regrouped into so many that hold about equally many voxels."""
    def risk_coverage(self) -> RiskCoverage:
        """The risk-coverage curve of the bins, in which each bin is one step."""
    def __len__(self) -> int: ...
    def __add__(self, other: Reliability) -> Reliability: ...
    def __radd__(self, other: int) -> Reliability: ...
    def to_json(self) -> str:
        """The JSON form, which the Rust library reads, too."""
    @classmethod
    def from_json(cls, text: str) -> Reliability:
        """Bins of their JSON form."""

class ClassReliability:
    """The probability of every class against where the reference has it, counted in bins: each class against all others.

    The bins of several cases are added with ``+`` or `sum`.
    """

    def __init__(self, classes: int, bins: int = 20) -> None: ...
    @property
    def classes(self) -> list[Reliability]:
        """The bins of each class."""
    @property
    def voxels(self) -> int:
        """The number of voxels that were counted."""
    @property
    def ece(self) -> NDArray[np.float64]:
        """The expected calibration error of each class, NaN if no voxel was counted."""
    @property
    def ace(self) -> NDArray[np.float64]:
        """The average calibration error of each class: the mean over bins that hold voxels, all alike."""
    @property
    def mce(self) -> NDArray[np.float64]:
        """The maximum calibration error of each class: that of the worst bin."""
    def errors(
        self, reduction: Literal["expected", "average", "maximum"] = "expected", *, equal_mass: int | None = None
    ) -> NDArray[np.float64]:
        """The calibration error of each class."""
    def mean(
        self, reduction: Literal["expected", "average", "maximum"] = "expected", *, equal_mass: int | None = None
    ) -> float:
        """The mean calibration error of the classes that occur."""
    def __len__(self) -> int: ...
    def __add__(self, other: ClassReliability) -> ClassReliability: ...
    def __radd__(self, other: int) -> ClassReliability: ...
    def to_json(self) -> str:
        """The JSON form, which the Rust library reads, too."""
    @classmethod
    def from_json(cls, text: str) -> ClassReliability:
        """Bins of their JSON form."""

class EqualMassBins:
    """Bins that hold about equally many voxels each, which `Reliability.equal_mass` makes of many fine ones."""

    @property
    def lower(self) -> NDArray[np.float64]:
        """Of each bin: probabilities in it are above this."""
    @property
    def upper(self) -> NDArray[np.float64]:
        """Of each bin: probabilities in it are at most this."""
    @property
    def count(self) -> NDArray[np.uint64]:
        """Of each bin: the number of voxels."""
    @property
    def accuracy(self) -> NDArray[np.float64]:
        """Of each bin: the share of right voxels, or of those that have the class."""
    @property
    def confidence(self) -> NDArray[np.float64]:
        """Of each bin: the mean probability."""
    @property
    def ece(self) -> float:
        """The expected calibration error, NaN if no voxel was counted."""
    @property
    def ace(self) -> float:
        """The average calibration error, NaN if no voxel was counted."""
    @property
    def mce(self) -> float:
        """The maximum calibration error, NaN if no voxel was counted."""
    def __len__(self) -> int: ...

class RiskCoverage:
    """The risk-coverage curve of selective prediction."""

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Of each step: the confidence of the voxels that it adds, descending; their mean if they are a bin."""
    @property
    def covered(self) -> NDArray[np.uint64]:
        """After each step: how many voxels are covered."""
    @property
    def wrong(self) -> NDArray[np.uint64]:
        """After each step: how many of the covered voxels are wrong."""
    @property
    def coverage(self) -> NDArray[np.float64]:
        """After each step: the share of voxels that are covered."""
    @property
    def risk(self) -> NDArray[np.float64]:
        """After each step: the share of wrong voxels among those covered."""
    @property
    def voxels(self) -> int:
        """The number of voxels."""
    @property
    def aurc(self) -> float:
        """The area under the curve: the mean over voxels of the risk when the voxel is covered, NaN if there are none."""
    def __len__(self) -> int: ...

class Scaling:
    """Temperatures and biases."""

    @staticmethod
    def from_json(text: str) -> Scaling:
        """Those of their JSON form."""
    def to_json(self) -> str:
        """The JSON form, which the Rust library reads, too."""

class ScalingFit:
    """The search for temperatures and biases, pass by pass."""

    def __init__(self, method: str, classes: int, logits: bool, folds: int) -> None: ...
    def step(self) -> bool:
        """Goes on after a pass over all cases, and tells whether another one is needed."""
    def found(self, without: int | None) -> Scaling:
        """What was found on all cases, or on those that are not in the fold of this one."""

class ScalingScores:
    """Scores of calibrated probabilities, pooled over the voxels of all cases."""

    def __init__(self, classes: int, bins: int) -> None: ...
    @property
    def voxels(self) -> int:
        """How many voxels count."""
    @property
    def numbers(self) -> list[float]:
        """Negative log-likelihood, Brier score, and calibration error of the top label and of classes."""

class Structures:
    def add(self, mask: NDArray[Any]) -> None: ...
    def build(self, encoding: Encoding) -> tuple[NDArray[np.uint16], Classes, Encoding]: ...

def set_num_threads(threads: int) -> None:
    """Sets the number of threads of this process."""

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
def majority(maps: list[NDArray[Any]], classes: Classes, ties: str, label: int | None) -> NDArray[Any]: ...
def disagreement(maps: list[NDArray[Any]], classes: Classes) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
def staple(
    maps: list[NDArray[Any]],
    classes: Classes,
    tolerance: float,
    max_iterations: int,
    prior: list[float] | None,
    margin: int | None,
) -> dict[str, Any]: ...
def top_labels_with_ties(
    probabilities: NDArray[Any], classes: Classes, ties: str, label: int | None
) -> NDArray[np.int64]: ...
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
    surface: str,
    empty: str,
) -> list[float]: ...
def reliability(probabilities: NDArray[Any], reference: NDArray[Any], classes: Classes, bins: int) -> Reliability: ...
def tace(
    probabilities: NDArray[Any],
    reference: NDArray[Any],
    classes: Classes,
    bins: int,
    threshold: float,
    svls_paper: bool,
    background: bool,
    weight: str | None,
) -> float: ...
def nll(probabilities: NDArray[Any], reference: NDArray[Any], classes: Classes) -> float: ...
def brier(probabilities: NDArray[Any], reference: NDArray[Any], classes: Classes) -> float: ...
def nll_soft(probabilities: NDArray[Any], reference: NDArray[Any]) -> float: ...
def brier_soft(probabilities: NDArray[Any], reference: NDArray[Any]) -> float: ...
def top_labels(probabilities: NDArray[Any], classes: Classes, reference: NDArray[Any] | None) -> NDArray[np.int64]: ...
def temperature(logits: NDArray[Any], labels: NDArray[Any], classes: Classes) -> float: ...
def fit_scaling(
    fit: ScalingFit,
    values: NDArray[Any],
    labels: NDArray[Any],
    classes: Classes,
    smallest: float | None,
    case: int,
) -> None: ...
def score_scaling(
    scores: ScalingScores,
    scaling: Scaling | None,
    values: NDArray[Any],
    labels: NDArray[Any],
    classes: Classes,
    smallest: float | None,
) -> None: ...
def apply_scaling(scaling: Scaling, values: NDArray[Any], smallest: float | None, parts: bool) -> NDArray[Any]: ...
def class_calibration(probabilities: NDArray[Any], hit: NDArray[np.bool_], bins: int) -> Reliability: ...
def class_reliability(
    probabilities: NDArray[Any], reference: NDArray[Any], classes: Classes, bins: int
) -> ClassReliability: ...
def risk_coverage(probabilities: NDArray[Any], reference: NDArray[Any], classes: Classes) -> RiskCoverage: ...
def boundary_band(
    labels: NDArray[Any], classes: Classes, spacing: list[float], distance: float
) -> NDArray[np.bool_]: ...
def threshold_dice(
    probabilities: NDArray[Any], raters: list[NDArray[np.bool_]], thresholds: list[float], empty: str
) -> float: ...
def threshold_dice_of_labels(
    probabilities: NDArray[Any],
    raters: list[NDArray[Any]],
    classes: Classes,
    region: list[int],
    thresholds: list[float],
    empty: str,
) -> float: ...
def sample_scores(
    samples: list[NDArray[Any]],
    raters: list[NDArray[Any]],
    classes: Classes,
    region: list[int],
    similarity: str,
    pairs: str,
    empty: str,
) -> tuple[float, float, float]: ...
def energy_distance(
    samples: list[NDArray[np.bool_]], raters: list[NDArray[np.bool_]], similarity: str, pairs: str, empty: str
) -> float: ...
def matched_iou(samples: list[NDArray[np.bool_]], raters: list[NDArray[np.bool_]], empty: str) -> float: ...
def best_dice(samples: list[NDArray[np.bool_]], raters: list[NDArray[np.bool_]], empty: str) -> float: ...
def fleiss_kappa(counts: NDArray[Any]) -> float: ...
def krippendorff_alpha(counts: NDArray[Any]) -> float: ...
def crps_of_volumes(volume: float, raters: NDArray[np.float64]) -> float: ...
def crps_of_volumes_gaussian(volume: float, raters: NDArray[np.float64]) -> float: ...
def icc_of_volumes(volumes: NDArray[np.float64]) -> float: ...
def icc_interval(volumes: NDArray[np.float64], level: float) -> tuple[float, float]: ...
def agreement(
    maps: list[NDArray[Any]],
    classes: Classes,
    regions: list[list[int]],
    within: str,
    band: float,
    spacing: list[float],
    tolerance: float,
    ties: str,
    label: int | None,
    empty: str,
) -> tuple[list[dict[str, Any]], dict[str, Any]]: ...
