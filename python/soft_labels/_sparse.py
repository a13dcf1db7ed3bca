"""Soft labels of many classes in little memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _native
from ._arguments import AnyClasses, Channels, LabelMaps, Method, classes_of, encoding_of, label_maps, weights_of
from ._interrupt import interruptible

IGNORED = 65535


@dataclass(frozen=True, eq=False)
class SparseLabels:
    """Soft labels that keep only the probabilities above 0 of the voxels that are not certain.

    Attributes
    ----------
    classes : Classes
    class_map : array of uint16, (H, W) or (D, H, W)
        The most probable class of each voxel, 65535 for ignored ones.
    uncertain : array of int64
        The voxels where no class has probability 1, as indices into ``class_map.ravel()``, ascending.
    ends : array of int64
        For each of them, where its pairs end. They begin where those of the one before end.
    pair_class : array of uint16
    pair_probability : array of float32
    channel_count : int
        The length of the first axis of the dense form: the number of classes, unless channels were given. Then "class" means
        "channel" above.
    sums_to_one : bool
        Whether the probabilities of a voxel sum to 1. Those of regions and structures need not; a voxel outside all of them is
        65535, too.
    """

    classes: _native.Classes
    class_map: NDArray[np.uint16]
    uncertain: NDArray[np.int64]
    ends: NDArray[np.int64]
    pair_class: NDArray[np.uint16]
    pair_probability: NDArray[np.float32]
    channel_count: int
    sums_to_one: bool

    def __len__(self) -> int:
        """The number of voxels that are not certain."""
        return len(self.uncertain)

    @property
    def nbytes(self) -> int:
        """The memory of all arrays."""
        arrays: tuple[NDArray[Any], ...] = (
            self.class_map,
            self.uncertain,
            self.ends,
            self.pair_class,
            self.pair_probability,
        )
        return sum(array.nbytes for array in arrays)

    def to_dense(self) -> NDArray[np.float32]:
        """The same soft labels as an array of float32, (C, ..)."""
        voxels = self.class_map.size
        soft = np.zeros((self.channel_count, voxels), dtype=np.float32)
        certain = self.class_map.ravel().copy()
        certain[self.uncertain] = IGNORED
        (at,) = np.nonzero(certain != IGNORED)
        soft[certain[at], at] = 1
        soft[self.pair_class, np.repeat(self.uncertain, self._lengths())] = self.pair_probability
        return soft.reshape(self.channel_count, *self.class_map.shape)

    def to_csr(self) -> Any:
        """A `scipy.sparse.csr_array` of the voxels that are not certain (rows) and the classes (columns)."""
        from scipy.sparse import csr_array

        starts = np.concatenate([[0], self.ends])
        shape = (len(self), self.channel_count)
        return csr_array((self.pair_probability, self.pair_class.astype(np.int32), starts), shape=shape)

    def _lengths(self) -> NDArray[np.int64]:
        return np.diff(self.ends, prepend=0)


def encode_sparse(
    labels: LabelMaps,
    classes: AnyClasses,
    method: Method = "svls",
    *,
    channels: Channels | None = None,
    weights: ArrayLike | None = None,
) -> SparseLabels:
    """Soft labels in the sparse form, with the same bits as `encode`; for many classes.

    The parameters are those of `encode`.
    """
    classes = classes_of(classes)
    maps, encoding = label_maps(labels), encoding_of(method, channels)
    arrays = interruptible(_native.encode_sparse, maps, classes, encoding, weights_of(weights))
    return SparseLabels(classes, **arrays)
