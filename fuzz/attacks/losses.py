"""Hostile calls of the losses for PyTorch: an answer or an exception that says what is wrong, the same from the engine and from tensor
operations.

    python fuzz/attacks/losses.py --count 20000 --seed 1      needs the package and PyTorch
"""

import argparse
import random
import sys
import traceback

import torch

from soft_labels import Classes, Encoding, _loss_ops
from soft_labels.torch import CrossEntropyLoss, DiceCrossEntropyLoss, DiceLoss, JaccardLoss

ALLOWED = (ValueError, TypeError, OverflowError, MemoryError)
ODD = [
    None,
    -1,
    0,
    0.5,
    1e300,
    1e-300,
    float("nan"),
    float("inf"),
    "a",
    [],
    [1],
    [1, 2],
    [0, 0],
    [1, 2, 3],
    {},
    object(),
    True,
]
METHODS = [
    "svls",
    "one_hot",
    Encoding("svls", strength=0.3, sigma=0.5, radius=2),
    Encoding("label_smoothing", alpha=0.3),
    Encoding("svls", radius=[1, 0]),
    {"method": "svls", "sigma": 2},
    "svl",
]
CHANNELS = [
    None,
    None,
    None,
    {"regions": [[1, 2], [2]]},
    {"regions": [[1]]},
    [[1, 0], [0, 1], [0.5, 0.5]],
    [[1]],
    {"regions": []},
]
DTYPES = [
    torch.int64,
    torch.int64,
    torch.uint8,
    torch.int16,
    torch.float32,
    torch.float64,
    torch.bool,
    torch.bfloat16,
    torch.complex64,
]


def made(rng):
    """A loss with settings of which some are odd."""
    settings = {}
    for name, usual in {
        "ignore": [255, 1],
        "raters": [True, [1, 2], [0.0, 1.0]],
        "weight": [[1, 2, 3], [1, 2], [0, 1, 0]],
        "reduction": ["sum", "none"],
        "activation": ["sigmoid", "softmax"],
        "empty": ["nan", "zero"],
        "divisor": ["weight"],
        "batch": [True],
        "background": [False],
        "smooth": [1.0],
        "form": ["product"],
        "scale_weights": [[1], [1, 0.5]],
    }.items():
        drawn = rng.random()
        if drawn < 0.15:
            settings[name] = rng.choice(usual)
        elif drawn < 0.17:
            settings[name] = rng.choice(ODD)
    kind = rng.choice([CrossEntropyLoss, DiceLoss, JaccardLoss, DiceCrossEntropyLoss])
    if kind is CrossEntropyLoss:
        for name in ("batch", "background", "smooth", "form"):
            settings.pop(name, None)
    elif kind is not DiceCrossEntropyLoss:
        settings.pop("divisor", None)
    classes = rng.choice([3, 3, 3, [0, 1, 5], Classes(values=[0, 2, 1], ignore=9), 1, 2, 300])
    return kind(classes, rng.choice(METHODS), channels=rng.choice(CHANNELS), **settings)


def shapes(rng, channels):
    """Of logits, and of a target that often fits them."""
    axes = rng.choice([2, 2, 3])
    voxels = [rng.choice([0, 1, 1, 2, 3, 5, 33]) for _ in range(axes)]
    samples = rng.choice([0, 1, 1, 2, 3])
    logits = [samples, channels if rng.random() < 0.95 else rng.randrange(5), *voxels]
    middle = rng.choice([[], [], [1], [2], [channels]])
    target = [samples, *middle, *voxels]
    if rng.random() < 0.05:
        target[rng.randrange(len(target))] = rng.randrange(4)
    return logits, target


def tensors(rng, channels):
    shape, target_shape = shapes(rng, channels)
    dtype = rng.choice([torch.float32] * 4 + [torch.float64, torch.float16, torch.bfloat16, torch.int32])
    logits = torch.randn(shape).to(dtype)
    if rng.random() < 0.1 and logits.numel():
        logits.flatten()[0:1] = rng.choice([1e4, -1e4, 0.0])
    if rng.random() < 0.2 and logits.ndim > 3:
        logits = logits.transpose(-1, -2).contiguous().transpose(-1, -2)
    if rng.random() < 0.7 and dtype.is_floating_point:
        logits.requires_grad_()
    target = torch.randint(0, rng.choice([2, 3, 3, 3, 12]), target_shape).to(rng.choice(DTYPES))
    if rng.random() < 0.1 and target.numel():
        target.view(-1)[0] = rng.choice([0, 1, 2, 1, 2])
    mask = None
    if rng.random() < 0.2:
        mask = torch.rand([shape[0], *shape[2:]]) < 0.6
    return logits, target, mask


def outcome(loss, logits, target, mask, soft, on_engine):
    """The value and gradient, or the exception."""
    usual = _loss_ops._on_engine
    if not on_engine:
        _loss_ops._on_engine = lambda logits, settings: False
    try:
        value = loss(logits, target, mask, soft=soft)
        gradient = None
        if value.requires_grad:
            (gradient,) = torch.autograd.grad(value.sum(), logits)
        return value.detach(), gradient
    except ALLOWED as error:
        return type(error), str(error)
    finally:
        _loss_ops._on_engine = usual


def same(one, other):
    if isinstance(one[0], type) or isinstance(other[0], type):
        return isinstance(one[0], type) and isinstance(other[0], type)
    close = [
        torch.allclose(a.double(), b.double(), rtol=1e-3, atol=1e-4, equal_nan=True)
        for a, b in zip(one, other)
        if a is not None
    ]
    return all(close) and (one[1] is None) == (other[1] is None)


def several_outputs(loss, outputs, target, mask, soft):
    """Deep supervision, seldom of sizes that fit."""
    try:
        loss(outputs, target, mask, soft=soft)
    except ALLOWED:
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    made_losses = answers = 0
    for number in range(arguments.count):
        seed = arguments.seed * 10**9 + number
        rng = random.Random(seed)
        torch.manual_seed(seed % 2**31)
        try:
            try:
                loss = made(rng)
            except ALLOWED:
                continue
            made_losses += 1
            channels = getattr(loss, "channels", None) or loss.overlap.channels
            logits, target, mask = tensors(rng, channels)
            soft = rng.choice([None, None, None, True, False])
            if rng.random() < 0.1:
                several_outputs(loss, [logits, logits[:, :, : max(1, logits.shape[2] // 2)]], target, mask, soft)
                continue
            found = [outcome(loss, logits, target, mask, soft, engine) for engine in (True, False)]
            answers += not isinstance(found[0][0], type)
            if not same(*found):
                print(
                    f"case {number}: {loss}\n{logits.shape} {target.shape} {target.dtype}\nengine {found[0]}\ntensors {found[1]}"
                )
                return 1
        except Exception:
            print(f"case {number} of seed {arguments.seed}")
            traceback.print_exc()
            return 1
    print(f"{arguments.count} calls: {made_losses} losses were made, {answers} gave a number, the same in both ways")
    return 0


if __name__ == "__main__":
    sys.exit(main())
