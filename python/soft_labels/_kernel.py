"""The weights of SVLS."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._arguments import Method, encoding_of, index


def kernel(method: Method = "svls", axes: int = 3) -> NDArray[np.float64]:
    """The weights of SVLS, whose sum is 1.

    The centre is 1/2: as much as all neighbours together (equation 3 of Islam & Glocker 2021), or 1 - strength / 2.

    Parameters
    ----------
    method : "svls", dict, or Encoding
    axes : int
        How many axes label maps have, 2 or 3.

    Returns
    -------
    array of float64, (h, w) or (d, h, w)

    Raises
    ------
    ValueError
        If the method is not SVLS, or a setting is not for so many axes.

    Examples
    --------
    >>> from soft_labels import Encoding, kernel
    >>> kernel(axes=2).round(4)
    array([[0.0472, 0.0778, 0.0472],
           [0.0778, 0.5   , 0.0778],
           [0.0472, 0.0778, 0.0472]])
    >>> kernel(Encoding("svls", radius=[1, 2, 2])).shape
    (3, 5, 5)
    """
    return _native.kernel(encoding_of(method), index(axes, "the number of axes"))
