"""The command on whole folders, against a shell loop over it and against the usual Python scripts.

python3 benches/folders.py        # needs Rust; makes a virtual environment in target/

It draws 100 volumes of 48x96x96 voxels and 3 classes, and predictions of them, as compressed NIfTI files.
"""

import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / "target/folders-venv"
DATA = ROOT / "target/folders"
COMMAND = ROOT / "target/release/soft-labels"
CASES = 100
ROUNDS = 3


def in_own_environment():
    if pathlib.Path(sys.prefix) == VENV:
        return
    if not VENV.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        packages = ["numpy", "scipy", "SimpleITK", "surface-distance"]
        subprocess.run([VENV / "bin/pip", "install", "--quiet", *packages], check=True)
    subprocess.run(["cargo", "build", "--quiet", "--release", "-p", "soft-labels-cli"], cwd=ROOT, check=True)
    raise SystemExit(subprocess.run([VENV / "bin/python", __file__, *sys.argv[1:]]).returncode)


in_own_environment()

import numpy as np  # noqa: E402
import SimpleITK as sitk  # noqa: E402
from scipy import ndimage  # noqa: E402
from surface_distance import (  # noqa: E402
    compute_robust_hausdorff,
    compute_surface_dice_at_tolerance,
    compute_surface_distances,
)

SPACING = (1.0, 1.0, 2.0)


def draw():
    for folder in ("reference", "prediction"):
        (DATA / folder).mkdir(parents=True, exist_ok=True)
    grid = np.indices((48, 96, 96)).astype(np.float32)
    for case in range(CASES):
        rng = np.random.default_rng(case)
        for folder, shift in (("reference", 0.0), ("prediction", 1.5)):
            centre = (np.array([24, 48, 48]) + rng.normal(0, shift, 3)).reshape(3, 1, 1, 1)
            wobble = 2 * np.sin(grid[0] / 5) * np.cos(grid[1] / 7)
            distance = np.sqrt(((grid - centre) ** 2).sum(0)) + wobble
            image = sitk.GetImageFromArray(((distance < 18).astype(np.uint8) + (distance < 9)))
            image.SetSpacing(SPACING)
            sitk.WriteImage(image, str(DATA / folder / f"case_{case:03}.nii.gz"), useCompression=True)


def files(folder):
    return sorted((DATA / folder).glob("*.nii.gz"))


def encode_folder():
    run("encode", "--classes", "3", "--out", DATA / "soft", "--format", "npy", DATA / "reference")


def encode_loop():
    for file in files("reference"):
        run("encode", "--classes", "3", "--out", DATA / "soft_loop" / (file.name.split(".")[0] + ".npy"), file)


def encode_python():
    at = np.indices((3, 3, 3)) - 1
    kernel = np.exp(-0.5 * (at**2).sum(0))
    kernel[1, 1, 1] = 0
    kernel[1, 1, 1] = kernel.sum()
    kernel /= kernel.sum()
    for file in files("reference"):
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(file)))
        soft = np.stack([ndimage.correlate((labels == c).astype(np.float32), kernel, mode="nearest") for c in range(3)])
        np.save(DATA / "soft_python" / (file.name.split(".")[0] + ".npy"), soft)


def judge_folder():
    run("judge", "--classes", "3", "--csv", DATA / "judged.csv", "--overwrite", DATA / "prediction", DATA / "reference")


def judge_loop():
    for file in files("reference"):
        run("judge", "--classes", "3", DATA / "prediction" / file.name, file)


def judge_python():
    for file in files("reference"):
        images = [sitk.ReadImage(str(DATA / folder / file.name)) for folder in ("prediction", "reference")]
        for label in (1, 2):
            overlap = sitk.LabelOverlapMeasuresImageFilter()
            overlap.Execute(images[0] == label, images[1] == label)
            overlap.GetDiceCoefficient(), overlap.GetJaccardCoefficient(), overlap.GetVolumeSimilarity()
            masks = [sitk.GetArrayViewFromImage(image) == label for image in images]
            distances = compute_surface_distances(masks[1], masks[0], SPACING[::-1])
            compute_surface_dice_at_tolerance(distances, 1.0), compute_robust_hausdorff(distances, 95)


def run(*arguments):
    done = subprocess.run([COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)


def clear():
    for folder in ("soft", "soft_loop", "soft_python"):
        (DATA / folder).mkdir(exist_ok=True)
        for file in (DATA / folder).iterdir():
            file.unlink()
    (DATA / "judged.csv").unlink(missing_ok=True)


def main():
    if not DATA.exists():
        draw()
    ways = [encode_folder, encode_loop, encode_python, judge_folder, judge_loop, judge_python]
    times = {way.__name__: [] for way in ways}
    for _ in range(ROUNDS):
        clear()
        for way in ways:
            start = time.perf_counter()
            way()
            times[way.__name__].append(time.perf_counter() - start)
    for what in ("encode", "judge"):
        folder = min(times[f"{what}_folder"])
        for way in ("folder", "loop", "python"):
            of = times[f"{what}_{way}"]
            print(f"{what} {way:7} {min(of):6.2f} to {max(of):6.2f} s, {min(of) / folder:5.1f} times the folder")
    first = files("reference")[0].name.split(".")[0]
    ours, theirs = (np.load(DATA / folder / f"{first}.npy") for folder in ("soft", "soft_python"))
    # NIfTI is read as (x, y, z), by SimpleITK as (z, y, x).
    print(f"largest difference of soft labels: {np.abs(ours.transpose(0, 3, 2, 1) - theirs).max():.1e}")


main()
