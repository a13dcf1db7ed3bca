"""Forward and backward of losses beside PyTorch's: seconds, as the best of several, and memory beyond logits and gradient.

python benchmarks/losses.py
"""

from __future__ import annotations

import argparse
import gc
import resource
import threading
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

import soft_labels
from soft_labels.torch import CrossEntropyLoss, DiceLoss, SoftCrossEntropyLoss, encode_batch


def blobs(classes: int, side: int, points: int) -> torch.Tensor:
    """Regions around random points, each of one class."""
    rng = np.random.default_rng(1)
    at = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3).astype(np.float32)
    centres = rng.uniform(0, side, (points, 3)).astype(np.float32)
    nearest = np.empty(len(at), np.int64)
    for start in range(0, len(at), 1 << 14):
        part = at[start : start + (1 << 14)]
        nearest[start : start + len(part)] = ((part[:, None] - centres) ** 2).sum(-1).argmin(1)
    labels = rng.permutation(np.arange(points) % classes)[nearest].reshape(1, side, side, side)
    return torch.from_numpy(labels.astype(np.int64))


def step(loss: Callable[..., torch.Tensor], logits: torch.Tensor, target: torch.Tensor) -> None:
    loss(logits, target).backward()
    logits.grad = None


def best(steps: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """The best of some rounds, in each of which all take turns. PyTorch's threads wait busily after a call, so the next call of
    other threads is not timed."""
    times = {name: [] for name in steps}
    for _ in range(rounds):
        for name, run in steps.items():
            run()
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: min(all_times[1:]) for name, all_times in times.items()}


def peak(run: Callable[[], None]) -> int:
    """The most memory that is resident while something runs, beyond what was before, in bytes."""
    page = resource.getpagesize()

    def resident() -> int:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * page

    gc.collect()
    before, most, done = resident(), 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.is_set():
            most = max(most, resident())
            time.sleep(0.0005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    run()
    done.set()
    watcher.join()
    return most - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    arguments = parser.parse_args()
    print(
        f"PyTorch {torch.__version__}; seconds for forward and backward, and in brackets the ratio to PyTorch's on labels"
    )
    for classes, side, points in ((4, 96, 6), (4, 96, 30), (54, 64, 400), (104, 64, 400)):
        labels = blobs(classes, side, points)
        soft = encode_batch(labels, classes)
        logits = torch.randn(1, classes, side, side, side, requires_grad=True)
        mixed = float((soft.amax(1) < 1).float().mean())
        print(f"{classes} x {side}^3, {mixed:.0%} of the voxels between classes")
        losses = {
            "PyTorch, labels": (torch.nn.CrossEntropyLoss(), labels),
            "PyTorch, probabilities": (torch.nn.CrossEntropyLoss(), soft),
            "labels": (CrossEntropyLoss(classes), labels),
            "labels of 8 bits": (CrossEntropyLoss(classes), labels.to(torch.uint8)),
            "soft labels": (SoftCrossEntropyLoss(), soft),
            "Dice, labels": (DiceLoss(classes), labels),
        }
        for threads in arguments.threads:
            torch.set_num_threads(threads)
            soft_labels.set_num_threads(threads)
            steps = {name: partial(step, loss, logits, target) for name, (loss, target) in losses.items()}
            times = best(steps, arguments.rounds)
            for name, seconds in times.items():
                print(f"  {threads} threads  {name:24} {seconds:.4f}  ({seconds / times['PyTorch, labels']:.2f})")
        if classes == 4:
            continue  # What so little memory is used for again cannot be told from outside.
        size = logits.numel() * 4
        for name in ("PyTorch, labels", "labels"):
            loss, target = losses[name]
            step(loss, logits, target)
            beyond = peak(partial(step, loss, logits, target)) - size
            print(f"  memory beyond logits and gradient: {name:20} {beyond / size:.2f} of the logits")


if __name__ == "__main__":
    main()
