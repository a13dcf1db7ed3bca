"""Broken files of all formats, read by every command: an error or a result, never the end of the program.

    python3 fuzz/attacks/broken.py --count 500 --seed 1 [--limit MB]
"""

import argparse
import pathlib
import random
import shutil
import tempfile

import files
from command import run

KINDS = ["a.npy", "bools.npy", "wide.npy", "soft.npy", "a.nii", "b.nii.gz", "probabilities.nii", "a.png", "a.tif", "colours.csv"]
ARRAYS = ["v2.zarr/.zarray", "v2gz.zarr/0.0.0", "v2.zarr/0.0.0", "v3gz.zarr/zarr.json", "v3gz.zarr/c/0/0/0", "v3.zarr/zarr.json"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, help="memory in MB")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    runs = {0: 0, 1: 0, 2: 0}
    with tempfile.TemporaryDirectory(prefix="soft-labels-broken-") as place:
        folder = pathlib.Path(place)
        whole = folder / "whole"
        files.write(whole, rng)
        for _ in range(args.count):
            kind = rng.choice(KINDS + ARRAYS + ["dataset.json", "config.json"])
            case = folder / "case"
            shutil.copytree(whole, case)
            path = case / kind
            path.write_bytes(files.broken(path.read_bytes(), rng))
            name = kind.split("/")[0]
            good = "a.nii" if name.endswith((".nii", ".gz")) else "a.npy"
            commands = [
                ["encode", "--classes", "3", "--out", "out.npy", name],
                ["encode", "--classes", "3", "--quiet", "--out", "out.zarr", name],
                ["encode", "--classes", "3", "--sparse", "--out", "out.npz", name],
                ["fuse", "--classes", "3", "--out", "vote.npy", "--raters", name, name],
                ["judge", "--classes", "3", name, good],
                ["judge", "--classes", "3", good, name],
                ["show", "--classes", "3", "--out", "out.png", name],
            ]
            if name == "dataset.json":
                commands = [["judge", "--dataset", name, "a.npy", "b.npy"]]
            elif name == "colours.csv":
                commands = [["encode", "--palette", name, "--out", "c.npy", "rgb.png"]]
            elif name == "config.json":
                commands = [["encode", "--classes", "3", "--config", name, "--out", "c.npy", "a.npy"]]
            for command in commands:
                runs[run(command, case, args.limit).returncode] += 1
            shutil.rmtree(case)
    print(f"{args.count} broken files of seed {args.seed}, limit {args.limit} MB: exit codes {runs}")


if __name__ == "__main__":
    main()
