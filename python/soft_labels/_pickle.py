"""What pickles of classes of this package call. The names are in files of users: they stay."""

from __future__ import annotations

import sys
from typing import Any

from ._native import Classes, ClassReliability, Encoding, Reliability


def classes(text: str) -> Classes:
    """`Classes` of its JSON form."""
    return Classes.from_json(text)


def encoding(text: str) -> Encoding:
    """`Encoding` of its JSON form."""
    return Encoding.from_json(text)


def reliability(text: str) -> Reliability:
    """`Reliability` of its JSON form."""
    return Reliability.from_json(text)


def class_reliability(text: str) -> ClassReliability:
    """`ClassReliability` of its JSON form."""
    return ClassReliability.from_json(text)


def calibration(text: str) -> Any:
    """`metrics.Calibration` of its JSON form."""
    from .metrics import Calibration

    return Calibration.from_json(text)


def trust() -> None:
    """Has PyTorch, if it is there, load them with ``weights_only=True``, as Lightning does with hyperparameters."""
    serialization = getattr(sys.modules.get("torch"), "serialization", None)
    # Versions before 2.4 have no such list.
    add = getattr(serialization, "add_safe_globals", None)
    if add is not None:
        add([classes, encoding, reliability, class_reliability, calibration])
