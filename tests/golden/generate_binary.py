"""Writes binary.rs: logits, targets, and PyTorch's binary cross entropy with its gradient.

torch 2.15 on the CPU.

    pip install torch numpy
    python tests/golden/generate_binary.py
"""

import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(0)
logits = (4 * torch.randn(2, 2, 1, 3, dtype=torch.float64)).requires_grad_()
targets = torch.rand(2, 2, 1, 3, dtype=torch.float64).round(decimals=2)
loss = F.binary_cross_entropy_with_logits(logits, targets)
loss.backward()


def values(tensor):
    return "[" + ", ".join(repr(value) for value in tensor.flatten().tolist()) + "]"


parts = [values(logits), values(targets), repr(loss.item()), values(logits.grad)]
lines = "".join(f"    {part},\n" for part in parts)
(pathlib.Path(__file__).parent / "binary.rs").write_text(f"(\n{lines})\n")
