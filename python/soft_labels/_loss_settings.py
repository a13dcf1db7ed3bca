"""The settings of a loss, as a string that compiled graphs can hold."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache

from . import _native
from ._native import Classes, Encoding

KINDS = ("cross_entropy", "dice", "jaccard")


@dataclass(frozen=True)
class Settings:
    """What a loss computes."""

    kind: str
    #: The JSON forms of `Classes` and `Encoding`.
    classes: str = Classes(1).to_json()
    encoding: str = Encoding("one_hot").to_json()
    rater_weights: tuple[float, ...] | None = None
    class_weights: tuple[float, ...] | None = None
    divisor: str = "voxels"
    reduction: str = "mean"
    sigmoid: bool = False
    form: str = "l1"
    batch: bool = False
    background: bool = True
    smooth: float = 0.0
    #: Whether targets are soft labels.
    soft: bool = False
    #: What the mean is where no voxel counts.
    empty: float = 0.0

    def to_json(self) -> str:
        """The string. NaN is written as Python writes it."""
        return json.dumps(asdict(self))

    @property
    def per_voxel(self) -> bool:
        """Whether the result has an entry for each voxel."""
        return self.kind == "cross_entropy" and self.reduction == "none"

    @property
    def by_class(self) -> bool:
        """Whether the result has an entry for each class."""
        return self.kind != "cross_entropy" and self.reduction == "none"


@lru_cache(maxsize=256)
def of_json(text: str) -> Settings:
    """The settings that a string holds."""
    fields = json.loads(text)
    for name in ("rater_weights", "class_weights"):
        if fields[name] is not None:
            fields[name] = tuple(fields[name])
    return Settings(**fields)


@lru_cache(maxsize=256)
def engine(settings: Settings) -> _native.Loss:
    """The loss in native code."""
    return _native.Loss(
        settings.kind,
        Classes.from_json(settings.classes),
        Encoding.from_json(settings.encoding),
        rater_weights=None if settings.rater_weights is None else list(settings.rater_weights),
        class_weights=None if settings.class_weights is None else list(settings.class_weights),
        by_weight=settings.divisor == "weight",
        # The gradient of the losses of all voxels is that of their sum.
        sum=settings.reduction != "mean",
        sigmoid=settings.sigmoid,
        product=settings.form == "product",
        over_batch=settings.batch,
        background=settings.background,
        smooth=settings.smooth,
    )
