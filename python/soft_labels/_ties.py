"""Which class wins a tie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from ._arguments import _integer

Ties: TypeAlias = Literal["lowest", "highest"] | Mapping[Literal["prefer", "undecided"], int]


def rule_of(ties: Ties, bools: bool = False) -> tuple[str, int | None]:
    """The rule for ties, and its label."""
    if isinstance(ties, str):
        return ties, None
    if not isinstance(ties, Mapping) or len(ties) != 1:
        raise ValueError(f'ties are "lowest", "highest", {{"prefer": label}} or {{"undecided": label}}, not {ties!r}')
    ((rule, label),) = ties.items()
    label = _integer(label, "the label of ties")
    if bools and label not in (0, 1):
        raise ValueError(f"label {label} does not fit the raters' bools; convert them with astype")
    return str(rule), label
