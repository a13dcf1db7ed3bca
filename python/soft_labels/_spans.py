"""Where a window lies in a map, and the part of a map that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Span:
    """A window along one axis, of which `start` is counted in voxels of the map. A map that is shorter is padded on both sides.

    >>> Span.centred(length=10, size=4, at=9)
    Span(length=10, size=4, start=6)
    >>> Span.centred(length=10, size=4, at=9).around(2)
    slice(4, 10, None)
    >>> Span.random(length=3, size=6)
    Span(length=3, size=6, start=-1)
    """

    length: int
    size: int
    start: int

    @classmethod
    def random(cls, length: int, size: int) -> Span:
        """One of all windows in the map."""
        return cls._from(length, size, int(torch.randint(max(length - size, 0) + 1, ())))

    @classmethod
    def centred(cls, length: int, size: int, at: int) -> Span:
        """The window in the map whose centre is nearest to a voxel."""
        return cls._from(length, size, min(max(at - size // 2, 0), max(length - size, 0)))

    @classmethod
    def _from(cls, length: int, size: int, start: int) -> Span:
        return cls(length, size, start - max(size - length, 0) // 2)

    @property
    def padded(self) -> bool:
        return self.size > self.length

    @property
    def inside(self) -> slice:
        """The voxels of the map that the window holds."""
        return self.around(0)

    def around(self, reach: int) -> slice:
        """The voxels of the map on which the soft labels of the window depend."""
        return slice(max(self.start - reach, 0), min(self.start + self.size + reach, self.length))

    def window(self, reach: int) -> slice:
        """`inside`, counted from the start of `around`."""
        start = self.around(reach).start
        return slice(self.inside.start - start, self.inside.stop - start)

    @property
    def target(self) -> slice:
        """`inside`, counted from the start of the window."""
        return slice(self.inside.start - self.start, self.inside.stop - self.start)

    def voxels(self, halo: int) -> torch.Tensor:
        """The positions of a window with a halo. Beyond the map, or the padding of a short one, the voxels at the edge repeat."""
        first, last = (self.start, self.start + self.size - 1) if self.padded else (0, self.length - 1)
        return torch.arange(self.start - halo, self.start + self.size + halo).clamp(first, last)


def near(spans: Sequence[Span], reach: Sequence[int]) -> tuple[slice, ...]:
    """The voxels of a map on which the soft labels of a window depend."""
    return tuple(span.around(more) for span, more in zip(spans, reach))


def extended(part: torch.Tensor, spans: Sequence[Span], halo: Sequence[int], fill: float) -> torch.Tensor:
    """The window and its halo, of the `near` part (.., axes of the spans) of a map. The padding is `fill`.

    Without padding and halo it is the part itself, and else it shares no memory with it.
    """
    for axis, (span, more) in enumerate(zip(spans, halo), part.ndim - len(spans)):
        if span.padded or more:
            at = span.voxels(more).to(part.device)
            has = span.around(more)
            part = part.index_select(axis, at.clamp(has.start, has.stop - 1) - has.start)
            part.index_fill_(axis, torch.nonzero((at < 0) | (at >= span.length)).flatten(), fill)
    return part
