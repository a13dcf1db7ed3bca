"""Soft labels of many classes in little memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _native
from ._arguments import AnyClasses, Channels, LabelMaps, Method, classes_of, encoding_of, label_maps, weights_of
from ._interrupt import interruptible

IGNORED = 65535


@dataclass(frozen=True, eq=False)
class SparseLabels:
    """Soft labels that keep only the probabilities above 0 of the voxels that are not certain, which `encode_sparse` returns.

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

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import encode_sparse
    >>> sparse = encode_sparse(np.array([[0, 0, 0, 0, 1], [0, 0, 0, 0, 1]]), 2)
    >>> sparse.class_map
    array([[0, 0, 0, 0, 1],
           [0, 0, 0, 0, 1]], dtype=uint16)
    >>> sparse.uncertain  # those beside the boundary
    array([3, 4, 8, 9])
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

    def to_dense(self, dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """The same soft labels as an array.

        Parameters
        ----------
        dtype : {float32, float16}
            With the bits of `encode`. 255ths are made by ``encode(.., dtype="uint8")`` alone.

        Returns
        -------
        array, (C, H, W) or (C, D, H, W)

        Raises
        ------
        TypeError
            If it is another type.

        Examples
        --------
        >>> import numpy as np
        >>> from soft_labels import encode_sparse
        >>> encode_sparse(np.array([[0, 1]]), 2, "one_hot").to_dense("float16")[1]
        array([[0., 1.]], dtype=float16)
        """
        element = np.dtype(np.float32 if dtype is None else dtype)
        if element not in (np.float32, np.float16):
            raise TypeError(f"sparse soft labels become float32 or float16, not {element}; encode makes other types")
        voxels = self.class_map.size
        soft = np.zeros((self.channel_count, voxels), dtype=element)
        certain = self.class_map.ravel().copy()
        certain[self.uncertain] = IGNORED
        (at,) = np.nonzero(certain != IGNORED)
        soft[certain[at], at] = 1
        soft[self.pair_class, np.repeat(self.uncertain, self._lengths())] = self.pair_probability
        return soft.reshape(self.channel_count, *self.class_map.shape)

    def to_csr(self) -> Any:
        """The voxels that are not certain as a sparse matrix of SciPy.

        Returns
        -------
        scipy.sparse.csr_array of float32, (voxels that are not certain, C)
            Its rows are those of `uncertain`.

        Raises
        ------
        ImportError
            If SciPy is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from soft_labels import encode_sparse
        >>> sparse = encode_sparse(np.array([[0, 0, 0, 0, 1], [0, 0, 0, 0, 1]]), 2)
        >>> sparse.to_csr().shape  # doctest: +SKIP
        (4, 2)
        """
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
    ignore: int | None = None,
    channels: Channels | None = None,
    weights: ArrayLike | None = None,
) -> SparseLabels:
    """Soft labels in the sparse form, with the same bits as `encode`; for many classes.

    Parameters
    ----------
    labels, classes, method, ignore, channels, weights
        As for `encode`.

    Returns
    -------
    SparseLabels

    Raises
    ------
    ValueError
        Like `encode`, and if soft labels have no zeros, as those of label smoothing.
    TypeError
        Like `encode`.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import encode, encode_sparse
    >>> labels = np.array([[0, 0, 7], [0, 7, 255]], np.uint8)
    >>> sparse = encode_sparse(labels, [0, 7], ignore=255)
    >>> bool((sparse.to_dense() == encode(labels, [0, 7], ignore=255)).all())
    True
    """
    made = classes_of(classes, ignore)
    maps, encoding = label_maps(labels), encoding_of(method, channels)
    arrays = interruptible(_native.encode_sparse, maps, made, encoding, weights_of(weights))
    return SparseLabels(made, **arrays)
