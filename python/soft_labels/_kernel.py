"""The weights of SVLS."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._arguments import Method, encoding_of, index


def kernel(method: Method = "svls", axes: int = 3) -> NDArray[np.float64]:
    """The weights of SVLS for label maps of 2 or 3 axes, as an array of float64 whose sum is 1.

    Its centre is 1/2: as much as all neighbours together (equation 3 of Islam & Glocker 2021), or 1 - strength / 2.
    """
    return _native.kernel(encoding_of(method), index(axes, "the number of axes"))
