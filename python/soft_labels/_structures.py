"""Soft labels of structures that may overlap, one binary mask for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from . import _native
from ._arguments import Array, Method, Window, _native_order, encoding_of, label_map
from ._encode import encode
from ._interrupt import interruptible


@dataclass(frozen=True, eq=False)
class Structures:
    """Overlapping structures as one label map of patterns, for all that takes a label map, classes and a method.

    ``encode(structures.patterns, structures.classes, structures.method)`` is `encode_structures`; the same three go to
    `encode_sparse`, `soft_labels.torch` and `soft_labels.dask`.

    Attributes
    ----------
    patterns : array of uint16, (H, W) or (D, H, W)
        For each voxel, which structures it belongs to, as the number of a pattern. Pattern 0 is "none".
    classes : Classes
        The patterns.
    method : Encoding
        The method with its channels, one for each structure.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import Structures, encode
    >>> structures = Structures.of_masks([np.array([[0, 1, 1]]), np.array([[0, 0, 1]])])
    >>> structures.patterns
    array([[0, 1, 2]], dtype=uint16)
    >>> encode(structures.patterns, structures.classes, structures.method).shape
    (2, 1, 3)
    """

    patterns: NDArray[np.uint16]
    classes: _native.Classes
    method: _native.Encoding

    @classmethod
    def of_masks(cls, masks: Iterable[Array], method: Method = "svls") -> Structures:
        """The structures of these masks.

        Parameters
        ----------
        masks, method
            As for `encode_structures`.

        Returns
        -------
        Structures

        Raises
        ------
        ValueError, TypeError
            Like `encode_structures`.

        Examples
        --------
        >>> import numpy as np
        >>> from soft_labels import Structures
        >>> len(Structures.of_masks([np.array([[0, 1, 1]]), np.array([[0, 0, 1]])]).classes)
        3
        """
        builder = _native.Structures()
        voxels = 0
        for mask in masks:
            array = _native_order(label_map(mask))
            interruptible(builder.add, array)
            voxels = array.size
        return cls(*interruptible(builder.build, encoding_of(method), elements=voxels))


def encode_structures(
    masks: Iterable[Array],
    method: Method = "svls",
    *,
    window: Window | None = None,
    dtype: DTypeLike = np.float32,
    out: Array | None = None,
) -> Array:
    """Soft labels (S, H, W) or (S, D, H, W) of S structures that may overlap.

    Each structure has the soft labels of its own mask, to the last bit.

    Parameters
    ----------
    masks : list of arrays, array (S, ..), or an iterator
        One binary mask (H, W) or (D, H, W) for each structure: integers or bools, 0 outside and one other number inside. An
        iterator that reads one mask at a time never has two of them in memory.
    method, window, dtype, out
        As for `encode`.

    Returns
    -------
    array of `dtype`, or `out`

    Raises
    ------
    ValueError
        If shapes differ, a mask holds two numbers beside 0, or there are more than 65535 patterns of structures.
    TypeError
        If masks are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from soft_labels import encode_structures
    >>> liver, tumour = np.array([[0, 1, 1, 1]]), np.array([[0, 0, 0, 1]])
    >>> encode_structures([liver, tumour], "one_hot")
    array([[[0., 1., 1., 1.]],
    <BLANKLINE>
           [[0., 0., 0., 1.]]], dtype=float32)
    """
    structures = Structures.of_masks(masks, method)
    return encode(structures.patterns, structures.classes, structures.method, window=window, dtype=dtype, out=out)
