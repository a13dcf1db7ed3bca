"""soft_labels against what people use today: soft labels, metrics and STAPLE, in one run, on one thread and on two.

python3 python/benchmarks/peers.py        # needs Rust; makes a virtual environment in python/target/
"""

import pathlib
import subprocess
import sys
import time

PYTHON = pathlib.Path(__file__).resolve().parent.parent
VENV = PYTHON / "target/peers-venv"
PACKAGES = ["scipy", "torch", "monai", "torchio", "SimpleITK", "surface-distance", "torchmetrics"]
ROUNDS = 7


def in_own_environment():
    if pathlib.Path(sys.prefix) == VENV:
        return
    if not VENV.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin/pip", "install", "--quiet", *PACKAGES], check=True)
    subprocess.run([VENV / "bin/pip", "install", "--quiet", "--force-reinstall", "--no-deps", PYTHON], check=True)
    raise SystemExit(subprocess.run([VENV / "bin/python", __file__, *sys.argv[1:]]).returncode)


in_own_environment()

import monai  # noqa: E402
import numpy as np  # noqa: E402
import SimpleITK as sitk  # noqa: E402
import surface_distance  # noqa: E402
import torch  # noqa: E402
import torchio  # noqa: E402
import torchmetrics  # noqa: E402
from scipy import ndimage  # noqa: E402

import soft_labels  # noqa: E402
from soft_labels import fuse, metrics  # noqa: E402

CLASSES = 4
SHAPE = (96, 160, 160)


def drawn(shift):
    """Nested blobs."""
    grid = np.indices(SHAPE).astype(np.float32)
    centre = (np.array(SHAPE) / 2 + shift).reshape(3, 1, 1, 1)
    distance = np.sqrt(((grid - centre) ** 2).sum(0)) + 3 * np.sin(grid[0] / 7) * np.cos(grid[1] / 9)
    return sum((distance < radius).astype(np.uint8) for radius in (20, 32, 42))


LABELS, PREDICTION = drawn(0), drawn(1.5)
RATERS = [drawn(shift) for shift in (-2, 0, 1)]
OUT = np.zeros((CLASSES, *SHAPE), np.float32)
PROBABILITIES = soft_labels.encode(PREDICTION, CLASSES)
TENSOR, SOFT = torch.from_numpy(LABELS).long(), torch.from_numpy(PROBABILITIES)
KERNEL = soft_labels.kernel(axes=3)
CONVOLUTION = torch.from_numpy(KERNEL).float().expand(CLASSES, 1, 3, 3, 3).contiguous()


def torch_svls():
    one_hot = torch.nn.functional.one_hot(TENSOR, CLASSES).permute(3, 0, 1, 2)[None].float()
    padded = torch.nn.functional.pad(one_hot, (1,) * 6, mode="replicate")
    return torch.nn.functional.conv3d(padded, CONVOLUTION, groups=CLASSES)


def scipy_svls():
    return np.stack(
        [ndimage.correlate((LABELS == c).astype(np.float32), KERNEL, mode="nearest") for c in range(CLASSES)]
    )


AS_DISCRETE, SMOOTH = monai.transforms.AsDiscrete(to_onehot=CLASSES), monai.transforms.GaussianSmooth(sigma=1.0)
ONE_HOT, BLUR = torchio.OneHot(num_classes=CLASSES), torchio.Blur(std=1.0)
SUBJECT = torchio.Subject(labels=torchio.LabelMap(tensor=TENSOR[None].to(torch.uint8)))


def torchio_blur():
    one_hot = ONE_HOT(SUBJECT)["labels"].data
    return BLUR(torchio.ScalarImage(tensor=one_hot.float())).data


def monai_dice():
    one_hot = [
        torch.nn.functional.one_hot(torch.from_numpy(m).long(), CLASSES).permute(3, 0, 1, 2)[None]
        for m in (PREDICTION, LABELS)
    ]
    return monai.metrics.compute_dice(*one_hot, include_background=False)


def sitk_dice():
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(sitk.GetImageFromArray(PREDICTION), sitk.GetImageFromArray(LABELS))
    return [overlap.GetDiceCoefficient(label) for label in range(1, CLASSES)]


def peers_surfaces():
    found = []
    for label in range(1, CLASSES):
        distances = surface_distance.compute_surface_distances(LABELS == label, PREDICTION == label, (1.0, 1.0, 1.0))
        found.append(surface_distance.compute_surface_dice_at_tolerance(distances, 1.0))
        surface_distance.compute_robust_hausdorff(distances, 95)
    return found


def sitk_hausdorff():
    images = [sitk.GetImageFromArray(array) for array in (PREDICTION, LABELS)]
    for label in range(1, CLASSES):
        hausdorff = sitk.HausdorffDistanceImageFilter()
        hausdorff.Execute(images[0] == label, images[1] == label)


def monai_hausdorff():
    one_hot = [
        torch.nn.functional.one_hot(torch.from_numpy(m).long(), CLASSES).permute(3, 0, 1, 2)[None]
        for m in (PREDICTION, LABELS)
    ]
    return monai.metrics.compute_hausdorff_distance(*one_hot, percentile=95)


def torchmetrics_ece():
    flat = SOFT.reshape(CLASSES, -1).T
    return torchmetrics.functional.calibration_error(
        flat, TENSOR.ravel(), task="multiclass", num_classes=CLASSES, n_bins=10
    )


BINARY = [(rater > 0).astype(np.uint8) for rater in RATERS]


def sitk_staple():
    return sitk.STAPLE([sitk.GetImageFromArray(rater) for rater in BINARY], 1.0)


JOBS = [
    ("SVLS to an array that is there", lambda: soft_labels.encode(LABELS, CLASSES, out=OUT), [
        ("to a new array", lambda: soft_labels.encode(LABELS, CLASSES)),
        ("PyTorch one-hot, padding, grouped convolution", torch_svls),
        ("SciPy correlate per class", scipy_svls),
        ("MONAI AsDiscrete, GaussianSmooth (not SVLS)", lambda: SMOOTH(AS_DISCRETE(TENSOR[None]))),
        ("TorchIO OneHot, Blur (not SVLS)", torchio_blur),
    ]),
    ("Dice of 3 classes", lambda: metrics.dice(PREDICTION, LABELS, CLASSES), [
        ("MONAI compute_dice", monai_dice),
        ("SimpleITK LabelOverlapMeasures", sitk_dice),
    ]),
    ("surface Dice and Hausdorff of 3 classes", lambda: metrics.surface_distances(PREDICTION, LABELS, CLASSES), [
        ("surface-distance", peers_surfaces),
        ("SimpleITK Hausdorff alone", sitk_hausdorff),
        ("MONAI Hausdorff alone", monai_hausdorff),
    ]),
    ("ECE", lambda: metrics.ece(PROBABILITIES, LABELS, CLASSES), [("torchmetrics", torchmetrics_ece)]),
    ("STAPLE of 3 raters, 2 classes", lambda: fuse.staple(BINARY, 2), [("SimpleITK", sitk_staple)]),
]  # fmt: skip


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main():
    print(
        f"{SHAPE} voxels; each time is the median of {ROUNDS}, each ratio that of the medians, with the least and the most of a round"
    )
    for threads in (1, 2):
        soft_labels.set_num_threads(threads)
        torch.set_num_threads(threads)
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
        for name, ours, peers in JOBS:
            runs = [ours, *(run for _, run in peers)]
            times = np.array([[seconds(run) for run in runs] for _ in range(ROUNDS + 1)][1:])
            medians, ratios = np.median(times, 0), times / times[:, :1]
            print(f"\n{threads} thread(s), {name}: {1e3 * medians[0]:.1f} ms")
            for at, (peer, _) in enumerate(peers, 1):
                spread = f"{ratios[:, at].min():.1f} to {ratios[:, at].max():.1f}"
                print(f"    {peer:48} {medians[at] / medians[0]:6.1f} times ({spread})")
    labels = np.zeros((8, 8), np.uint8)
    calls = [seconds(lambda: [soft_labels.encode(labels, 2) for _ in range(10_000)]) for _ in range(ROUNDS)]
    print(f"\na call for 8x8 voxels: {1e2 * np.median(calls):.1f} µs")


main()
