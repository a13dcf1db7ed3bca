"""Random command lines on small files, good and broken: no abort, no panic, no hang, no input changed, nothing left behind.

    python3 fuzz/attacks/lines.py --count 20000 --seed 1 [--limit MB]
"""

import argparse
import pathlib
import random
import shutil
import tempfile

import files
from command import Failure, run

INPUTS = """a.npy b.npy bools.npy wide.npy floats.npy soft.npy other.npy flat.npy a.nii b.nii.gz probabilities.nii a.png a.tif
rgb.png dataset.json config.json v2.zarr v2gz.zarr v3.zarr v3gz.zarr rater_1 rater_2 . missing.npy *.npy rater_*/case_1.npy rater_1/*.npy
link.npy loop.npy broken.npy broken.nii broken.png broken.tif broken.json group.zarr""".split()
OUTPUTS = """out.npy out.nii out.nii.gz out.png out.zarr out.npz out.svg out.csv out out/ out/deep/x.npy a.npy link.npy dataset.json
group.zarr rater_1 rater_1/case_1.npy v3.zarr v3.zarr/soft.zarr out.xyz . ..  taken.npy ours.zarr""".split()
# More often, so that much is done and not only refused.
INPUTS += ["a.npy", "b.npy", "a.nii", "v2.zarr", "v3gz.zarr", "bools.npy"] * 6
OUTPUTS += ["out.npy", "out", "out.zarr", "out.nii"] * 8
NUMBERS = "0 1 2 3 255 -1 0.5 1e300 -1e300 nan inf 1e-300 99999999999999999999 x".split()
OPTIONS = {
    "--classes": NUMBERS + ["3"] * 30,
    "--values": ["0,1,2", "0,1", "2,1,0", "0,0", "9223372036854775807,0", "0,1,2,255"],
    "--ignore": ["2", "255", "-1", "x"],
    "--dataset": ["dataset.json", "broken.json", "config.json", "."],
    "--palette": ["colours.csv", "broken.json", "a.npy", "missing.csv"],
    "--config": ["config.json", "broken.json", "dataset.json", "a.npy"],
    "--method": ["svls", "ls", "one-hot", "staple", "mean", "majority"],
    "--alpha": NUMBERS,
    "--sigma": NUMBERS + ["1,2,3", "1,2"],
    "--sigma-mm": NUMBERS,
    "--spacing-mm": NUMBERS + ["1,1,2"],
    "--radius": ["0", "1", "2", "255", "300", "0,1,1", "-1", "99999999999999999999"],
    "--truncate": NUMBERS,
    "--strength": NUMBERS,
    "--window": ["0:1,0:2,0:3", "0:9,0:9,0:9", "1:0,0:1,0:1", "0:1", "::", "0:3,1:4,1:3"],
    "--scale": ["0", "1", "2", "1,2,2", "999999999999"],
    "--dtype": ["f16", "f32", "f64", "u8", "x"],
    "--rater-weights": ["1,2", "0,0", "-1,1", "1", "nan,1"],
    "--missing": ["skip", "others", "error"],
    "--format": ["npy", "nii", "nii.gz", "zarr", "png"],
    "--rater-files": ["*.npy", "case_1*", "[", "x"],
    "--foreground": ["1", "2", "0", "255", "256"],
    "--jobs": ["1", "2", "0", "9999"],
    "--output": ["labels", "probabilities"],
    "--ties": ["lowest", "highest", "prefer=1", "undecided=7", "undecided=300", "x"],
    "--prior": ["0.5,0.5", "1,1,1", "0,0,0", "nan,1,1"],
    "--tolerance": NUMBERS,
    "--max-iterations": ["0", "1", "5"],
    "--regions": ["a=1+2", "a=1,a=2", "=1", "a=9"],
    "--tolerance-mm": NUMBERS,
    "--bins": ["0", "1", "10", "99999999"],
    "--scope": ["all", "foreground", "band"],
    "--band-mm": NUMBERS,
    "--mask": INPUTS,
    "--also": ["a=a.npy", "b=soft.npy", "soft.npy", "a=", "a=missing"],
    "--equal-mass": None,
    "--empty": ["skip", "one", "zero"],
    "--csv": OUTPUTS,
    "--reliability": OUTPUTS,
    "--html": OUTPUTS,
    "--worst": ["0", "1", "99999999", "-1"],
    "--reliability-classes": OUTPUTS,
    "--risk-coverage": OUTPUTS,
    "--confidence-maps": OUTPUTS,
    "--error-maps": OUTPUTS,
    "--slice": ["0=0", "1=2", "9=0", "0=99", "x"],
    "--stacked-raters": None,
    "--sparse": None,
    "--overwrite": None,
    "--skip-existing": None,
    "--quiet": None,
    "--json": None,
    "--per-case": None,
}
OF = {
    "encode": "--alpha --sigma --sigma-mm --spacing-mm --radius --truncate --strength --window --scale --dtype --config --sparse",
    "fuse": "--output --ties --prior --tolerance --max-iterations --json --method",
    "judge": "--regions --spacing-mm --tolerance-mm --bins --scope --empty --csv --reliability --json --per-case"
    " --band-mm --mask --also --equal-mass --reliability-classes --risk-coverage --confidence-maps --error-maps --html --worst",
    "show": "--slice --stacked-raters",
}
RESULTS = ("--out", "--csv", "--html", "--reliability", "--reliability-classes", "--risk-coverage", "--confidence-maps", "--error-maps")
FILES = "--rater-weights --missing --format --rater-files --foreground --skip-existing --stacked-raters --jobs --quiet --overwrite"


def line(rng):
    command = rng.choice(["encode", "encode", "fuse", "judge", "show"])
    arguments = [command]
    options = OF[command].split() + (FILES.split() if command in ("encode", "fuse") else ["--overwrite"])
    chosen = ["--classes"] if rng.random() < 0.8 else [rng.choice(["--values", "--dataset", "--palette"])]
    chosen += rng.sample(options, min(len(options), rng.choice([0, 0, 1, 1, 2, 3, 6])))
    if rng.random() < 0.05:
        chosen.append(rng.choice(list(OPTIONS)))
    for option in chosen:
        arguments.append(option)
        if OPTIONS[option] is not None:
            arguments.append(rng.choice(OPTIONS[option]))
    if command != "judge":
        arguments += ["--out", rng.choice(OUTPUTS if command != "show" else ["out.png", "a.png", "out", "taken.npy"])]
    if rng.random() < 0.25 and command in ("encode", "fuse"):
        arguments += ["--raters", *rng.choices(INPUTS, k=rng.choice([1, 2, 2, 3]))]
    else:
        arguments += rng.choices(INPUTS, k=2 if command == "judge" else rng.choice([1, 1, 1, 2, 3]))
    return arguments


def prepare(folder, rng):
    files.write(folder, rng)
    (folder / "link.npy").symlink_to("a.npy")
    (folder / "loop.npy").symlink_to("loop.npy")
    (folder / "group.zarr").mkdir()
    (folder / "group.zarr/zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    (folder / "group.zarr/mine.txt").write_text("mine")
    (folder / "taken.npy").write_bytes(b"mine")
    for name in ["a.npy", "a.nii", "a.png", "a.tif", "dataset.json"]:
        broken = files.broken((folder / name).read_bytes(), rng)
        (folder / f"broken{pathlib.Path(name).suffix}").write_bytes(broken)


def may_change(name, arguments, folder):
    """Whether a file that was there may be replaced: if that is told, and no argument says that it is read."""
    path = (folder / name).resolve()
    values = dict(zip(arguments, arguments[1:]))
    outputs = [values[option] for option in RESULTS if option in values]
    outputs = [(folder / output).resolve() for output in outputs]
    if "--overwrite" not in arguments or not any(output in (path, *path.parents) for output in outputs):
        return False
    read = set()
    for at, argument in enumerate(arguments[1:]):
        if arguments[at] in RESULTS or argument.startswith("--"):
            continue
        found = [folder / argument] if (folder / argument).exists() else list(folder.glob(argument)) if "*" in argument else []
        for one in found:
            read.add(one.resolve())
            if one.is_dir():
                read.update(inner.resolve() for inner in one.iterdir() if not inner.is_dir() or inner.suffix == ".zarr")
    return not any(one in read and not one == folder.resolve() for one in (path, *path.parents) if one.is_relative_to(folder.resolve()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, help="memory in MB")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    codes = {0: 0, 1: 0, 2: 0}
    with tempfile.TemporaryDirectory(prefix="soft-labels-lines-") as place:
        folder = pathlib.Path(place) / "case"
        before = None
        for at in range(args.count):
            if at % 200 == 0 or before is None:
                shutil.rmtree(folder, ignore_errors=True)
                prepare(folder, rng)
                before = files.state(folder)
            arguments = line(rng)
            done = run(arguments, folder, args.limit)
            codes[done.returncode] += 1
            after = files.state(folder)
            changed = [name for name, data in before.items() if after.get(name) != data]
            for name in changed:
                if not may_change(name, arguments, folder):
                    raise Failure(f"changes {name}: {arguments}, line {at} of seed {args.seed}")
            left = [name for name in after if name.split("/")[-1].startswith(".soft-labels") or "/.soft-labels" in name]
            if left:
                raise Failure(f"leaves {left}: {arguments}, line {at} of seed {args.seed}")
            for name in after.keys() - before.keys():
                # Outputs go, so that the next line finds the same files.
                (folder / name).unlink()
            for name in changed:
                (folder / name).write_bytes(before[name])
            for path in sorted(folder.rglob("*"), reverse=True):
                if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
                    path.rmdir()
    print(f"{args.count} lines of seed {args.seed}, limit {args.limit} MB: exit codes {codes}")


if __name__ == "__main__":
    main()
