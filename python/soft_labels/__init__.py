"""Soft labels from segmentation label maps: SVLS, mSVLS, label smoothing and one-hot, in 2D and 3D.

>>> import numpy as np, soft_labels
>>> labels = np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
>>> soft = soft_labels.encode(labels, 2)
>>> soft.shape  # classes first
(2, 4, 4)
>>> round(float(soft[1, 1, 1]), 4)
0.7028

Soft labels: `encode`, `encode_sparse` (`SparseLabels`), `encode_structures` (`Structures`), `pool`, `valid_mask`.

Settings: `Classes`, `Encoding` and its `kernel`, `num_threads`, `set_num_threads`.

Several raters to one, `fuse`: `fuse.majority_vote`, `fuse.mean`, `fuse.staple`, and how far they are apart,
`fuse.disagreement`.

Predictions against references, `metrics`: `metrics.judge` for all at once; `metrics.dice`, `metrics.surface_distances`,
`metrics.reliability` and others one by one.

Where the libraries are installed: `torch`, `monai`, `nnunet` and `dask`.
"""

import importlib
from types import ModuleType

import numpy as _np

from . import _pickle, fuse, metrics
from ._encode import encode, pool, valid_mask
from ._kernel import kernel
from ._native import Classes, Encoding, __version__, num_threads, set_num_threads
from ._sparse import SparseLabels, encode_sparse
from ._structures import Structures, encode_structures

__all__ = [
    "Classes",
    "Encoding",
    "SparseLabels",
    "Structures",
    "__version__",
    "encode",
    "encode_sparse",
    "encode_structures",
    "fuse",
    "kernel",
    "metrics",
    "num_threads",
    "pool",
    "set_num_threads",
    "valid_mask",
]


_pickle.trust()
# What is made at a first call is made now: a process that forks during it would leave a child that waits for ever.
encode([_np.zeros((1, 1), _np.uint8)] * 2, 1, Encoding("svls", radius=1), out=_np.zeros((1, 1, 1), _np.float32))


def __getattr__(name: str) -> ModuleType:
    """Submodules that need other libraries are imported when they are first used."""
    if name in ("dask", "monai", "nnunet", "torch"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
