"""Runs of folders and of Zarr arrays that are killed: inputs are as before, what is there is whole, and the next run ends it.

    python3 fuzz/attacks/kills.py --count 100 --seed 1
"""

import argparse
import pathlib
import random
import shutil
import subprocess
import tempfile
import time

import files
from command import COMMAND, Failure, run

SIDE = 96


def folder_run(folder, rng):
    for case in range(40):
        (folder / "in").mkdir(exist_ok=True)
        (folder / f"in/case_{case:02}.npy").write_bytes(files.npy(files.labels(rng, 20 * 40 * 40), shape=(20, 40, 40)))
    return ["encode", "--classes", "3", "--quiet", "--jobs", "2", "--out", "out", "in"], ["--skip-existing"]


def zarr_run(folder, rng):
    data = files.labels(rng, SIDE * SIDE) * SIDE
    (folder / "in.npy").write_bytes(files.npy(data, shape=(SIDE, SIDE, SIDE)))
    return ["encode", "--classes", "3", "--quiet", "--jobs", "2", "--radius", "2", "--out", "out.zarr", "in.npy"], []


def outputs(folder):
    """All but what a killed run may leave behind."""
    found = files.state(folder).items()
    return {name: data for name, data in found if name.startswith("out") and ".soft-labels" not in name}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    killed = 0
    with tempfile.TemporaryDirectory(prefix="soft-labels-kills-") as place:
        for kind in (folder_run, zarr_run):
            whole = pathlib.Path(place) / kind.__name__
            whole.mkdir()
            arguments, more = kind(whole, rng)
            inputs = files.state(whole)
            start = time.monotonic()
            run(arguments, whole, codes=(0,))
            seconds = time.monotonic() - start
            expected = outputs(whole)
            for at in range(args.count // 2):
                case = pathlib.Path(place) / "case"
                case.mkdir()
                for name, data in inputs.items():
                    (case / name).parent.mkdir(parents=True, exist_ok=True)
                    (case / name).write_bytes(data)
                child = subprocess.Popen([COMMAND, *arguments], cwd=case, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(rng.uniform(0, seconds))
                child.kill()
                killed += child.wait() != 0
                said = f"{kind.__name__} {at} of seed {args.seed}"
                found = files.state(case)
                if any(found.get(name) != data for name, data in inputs.items()):
                    raise Failure(f"an input has changed: {said}")
                if any(data != expected.get(name) for name, data in outputs(case).items()):
                    raise Failure(f"an output is not whole: {said}")
                ended = (case / "out.zarr").exists()
                run([*arguments, *more, *(["--overwrite"] if ended else [])], case, codes=(0,))
                if (case / ".soft-labels-out.zarr").exists():
                    raise Failure(f"the next run leaves its folder: {said}")
                if outputs(case) != expected:
                    raise Failure(f"the next run makes something else: {said}")
                shutil.rmtree(case)
    print(f"{args.count} runs of seed {args.seed}, {killed} of them killed before their end: all well")


if __name__ == "__main__":
    main()
