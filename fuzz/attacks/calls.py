"""Hostile calls of the Python package, in processes of their own: an answer or an exception, never the end of the interpreter.

    python fuzz/attacks/calls.py --count 100000 --seed 1 [--limit MB]      needs the package
"""

import argparse
import resource
import subprocess
import sys

# Calls in one process.
BATCH = 2000
ALLOWED = (ValueError, TypeError, OverflowError, MemoryError)


def batch(seed, calls_to_make, limit):
    import faulthandler

    import numpy as np

    import soft_labels
    from soft_labels import Classes, Encoding, encode, encode_sparse, fuse, kernel, metrics, pool, valid_mask

    faulthandler.enable()
    soft_labels.set_num_threads(2)
    encode(np.zeros((64, 64, 64), np.uint8), 2)
    if limit is not None:
        with open("/proc/self/statm") as file:
            held = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + (limit << 20), -1))
    rng = np.random.default_rng(seed)
    odd = [None, -1, 0, 1, 2, 3, 255, 2**40, 2**63, 2**64, -(2**63), 0.5, 1e300, float("nan"), "a", "svls", b"x", [], [0, 1], (1,), {}]
    odd += [np.int8(2), np.float32(1.5), True, object(), [[1]], {"method": "svls"}, slice(0, 2), range(3), np.array(3), np.array([0, 1])]

    def pick(choices):
        return choices[int(rng.integers(0, len(choices)))]

    def array():
        shape = tuple(int(n) for n in rng.integers(0, 6, rng.integers(0, 6)))
        dtype = pick(["?", "b", "B", ">i2", "<u4", "<i8", ">u8", "f2", "f4", ">f8", "g", "c8", "O", "S3", "M8[s]", "V5"])
        made = np.zeros(shape, dtype)
        kind = rng.integers(0, 10)
        if kind == 0 and made.size:
            made = np.broadcast_to(made.ravel()[0], pick([(50, 40, 30), (10**6, 10**6, 10**4), (3, 2**40)]))
        elif kind == 1 and made.ndim:
            made = made[::-1]
        elif kind == 2:
            made = np.ma.masked_array(made)
        elif kind == 3 and made.dtype.kind == "f":
            made.fill(pick([np.nan, np.inf, -1.0, 3.0, 0.5]))
        elif kind == 4 and made.dtype.kind in "iu":
            made.fill(rng.integers(0, 120))
        elif kind == 5:
            made = made.T
        elif kind == 6:
            made = np.lib.stride_tricks.as_strided(made, made.shape, (0,) * made.ndim)
        elif kind == 7 and made.dtype == np.bool_:
            made = rng.integers(0, 256, shape).astype(np.uint8).view(np.bool_)
        elif kind == 8:
            made = rng.integers(0, 4, (9, 8, 7)).astype(np.uint8)
        return made

    def anything():
        kind = rng.integers(0, 5)
        if kind == 0:
            return pick(odd)
        if kind == 1:
            return [array() for _ in range(rng.integers(0, 4))]
        if kind == 2:
            return np.zeros((4, 5, 6), pick(["u1", "i8", "?", "f4"]))
        return array()

    def mask():
        far = np.broadcast_to(True, (10**6, 10**6, 10**4))
        noise = rng.integers(0, 256, (3, 4)).astype(np.uint8).view(np.bool_)
        return pick([np.ones((3, 4), bool), np.zeros((4, 3), bool).T, noise, far, anything()])

    def count():
        return pick(odd) if rng.random() < 0.3 else int(rng.integers(1, 6))

    def settings():
        names = ["sigma", "radius", "truncate", "strength", "spacing_mm", "sigma_mm", "alpha", "nonsense"]
        return {name: count() for name in rng.choice(names, rng.integers(0, 3), replace=False)}

    def method():
        return Encoding(pick(["svls", "one_hot", "label_smoothing", "x"]), **settings()) if rng.random() < 0.5 else pick(odd)

    calls = [
        lambda: encode(anything(), count()),
        lambda: encode(anything(), count(), method(), out=anything()),
        lambda: encode(anything(), count(), window=anything(), weights=anything(), dtype=pick(["f2", "f4", "f8", "u1", "i4"])),
        lambda: encode(anything(), Classes(count(), ignore=count()), method()),
        lambda: Classes(values=anything(), ignore=count()),
        lambda: encode_sparse(anything(), count(), method()).to_dense(),
        lambda: pool(anything(), anything(), valid=anything()),
        lambda: encode(np.zeros((4, 5, 6), "u1"), count(), ignore=count(), window=tuple(slice(count(), count()) for _ in range(3))),
        lambda: valid_mask(anything(), count()),
        lambda: fuse.majority_vote(anything(), count(), ties=pick(["lowest", "highest", "x", {"prefer": count()}, {"undecided": count()}, {}])),
        lambda: fuse.mean(anything(), count(), ignore=count(), weights=anything(), dtype=pick(["f2", "f4", "f8", "u1", "i4"])),
        lambda: fuse.disagreement(anything(), count(), ignore=count()),
        lambda: fuse.staple(anything(), count(), max_iterations=3, prior=anything()),
        lambda: metrics.judge(anything(), anything(), count(), spacing=anything(), bins=count(), empty=pick(["nan", "x"])),
        lambda: metrics.confusion_matrix(anything(), anything(), pick([3, 65535, count()])),
        lambda: metrics.overlap(anything(), anything(), count(), regions=anything()),
        lambda: metrics.surface_dice(anything(), anything(), count()),
        lambda: metrics.surface_distances(anything(), anything(), count(), percentile=count()),
        lambda: metrics.tace(anything(), anything(), count(), bins=count()),
        lambda: metrics.top_labels(anything(), count(), anything()),
        lambda: metrics.reliability(anything(), anything(), count(), bins=count(), scope=anything()) + pick(odd),
        lambda: metrics.nll(anything(), anything(), count(), ignore=count(), scope=pick(["foreground", anything()])),
        lambda: metrics.brier_soft(anything(), anything(), scope=pick(["all", anything()])),
        lambda: metrics.threshold_dice(pick([np.ones((3, 4)), anything()]), [mask(), mask()], pick([[0.5], anything(), (0.1, float("nan"))])),
        lambda: metrics.energy_distance([mask()], pick([[mask()], anything()]), pick(["iou", "dice", "x"]), pairs=pick(["all", "different", 1])),
        lambda: pick([metrics.matched_iou, metrics.best_dice])([mask()] * 3, [mask(), mask()]),
        lambda: pick([metrics.fleiss_kappa, metrics.krippendorff_alpha, metrics.icc_of_volumes, metrics.icc_interval])(anything()),
        lambda: metrics.agreement(anything(), count(), spacing=anything(), tolerance=anything(), band_mm=anything()),
        lambda: pick([metrics.crps_of_volumes, metrics.crps_of_volumes_gaussian])(count(), anything()),
        lambda: metrics.judge_raters(anything(), pick([[anything(), None], {"a": anything()}, anything()]), count(), spacing=anything(), bins=count()),
        lambda: metrics.class_reliability(anything(), anything(), count(), bins=count(), scope=anything(), band_mm=pick([None, 1.0, count()])).mean(equal_mass=count()),
        lambda: metrics.risk_coverage(anything(), anything(), count(), ignore=count(), spacing=anything()).risk,
        lambda: metrics.boundary_band(anything(), count(), pick([1.0, -1.0, float("nan"), 1e300, count()]), spacing=anything()),
        lambda: metrics.reliability(anything(), anything(), count()).equal_mass(count()),
        lambda: metrics.ClassReliability(count(), count()) + pick(odd),
        lambda: metrics.class_calibration(pick([np.ones((3, 4)), anything()]), mask(), count()),
        lambda: metrics.temperature(anything(), anything(), ignore=count()),
        lambda: metrics.Calibration.fit([(anything(), anything())], pick([2, 3]), logits=pick([True, False])),
        lambda: metrics.Calibration(2.0, classes=pick([2, 3])).apply(anything(), logits=pick([True, False])),
        lambda: metrics.Reliability.from_json(pick(["", "{", '{"bins": []}', '{"bins": [{"count": 1e300, "correct": 0, "confidence": -1}]}'])),
        lambda: kernel(method(), count()),
        lambda: Encoding().with_channels(anything()).settings,
        lambda: Classes(anything()).with_ignore(count()),
        lambda: Encoding.from_json(pick(["", "{", "[]", '{"method": "svls", "sigma": 1e999}', "\x00"])),
    ]
    answers = 0
    for _ in range(calls_to_make):
        try:
            pick(calls)()
            answers += 1
        except ALLOWED:
            pass
    print(answers)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, help="memory in MB beyond what the package takes")
    args = parser.parse_args()
    answers = 0
    for first in range(0, args.count, BATCH):
        count, seed = min(BATCH, args.count - first), args.seed * 1_000_000 + first
        command = [sys.executable, __file__, "--batch", str(count), str(seed), str(args.limit or 0)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
        if done.returncode != 0:
            sys.exit(f"ends with {done.returncode}: {' '.join(command)}\n{done.stdout[-500:]}\n{done.stderr[-3000:]}")
        answers += int(done.stdout)
    print(f"{args.count} calls of seed {args.seed}, limit {args.limit} MB: {answers} answers, all else exceptions")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--batch"]:
        batch(int(sys.argv[3]), int(sys.argv[2]), int(sys.argv[4]) or None)
    else:
        main()
