"""Makes the golden files that tests/integration/pool.rs compares with: PyTorch's average pooling. Anew, from the crate's root:

    python3 -m venv target/venv && target/venv/bin/pip install numpy torch && target/venv/bin/python tests/golden/generate_pool.py

NAME.soft.npy holds soft labels, NAME.pooled.npy their mean over boxes, in float64. The boxes are here and in pool.rs.
"""
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import avg_pool2d, avg_pool3d

HERE = Path(__file__).parent
CASES = {  # shape (C, H, W) or (C, D, H, W), and the box
    "pool_2d": ((3, 8, 12), (2, 3)),
    "pool_2d_sticks_out": ((4, 7, 11), (2, 4)),
    "pool_3d": ((2, 4, 6, 8), (1, 2, 2)),
    "pool_3d_sticks_out": ((3, 5, 7, 9), (2, 3, 4)),
}

rng = np.random.default_rng(7)
for name, (shape, box) in CASES.items():
    soft = rng.random(shape) ** 4
    soft /= soft.sum(0)
    pool = avg_pool2d if len(box) == 2 else avg_pool3d
    pooled = pool(torch.from_numpy(soft)[None], box, stride=box, ceil_mode=True, count_include_pad=False)[0]
    np.save(HERE / f"{name}.soft.npy", soft)
    np.save(HERE / f"{name}.pooled.npy", pooled.numpy())
