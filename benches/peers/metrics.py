"""This crate's losses and metrics and the usual Python ones, in one run, one thread: ratios side by side.

    pip install numpy scipy torch torchmetrics surface-distance
    python3 benches/peers/metrics.py [--repeats 5] [--svls DIR]

Both are timed on the same synthetic segmentation, made here: smooth ellipsoids of 4 classes as the reference, and as the
prediction the softmax of a blurred, slightly shifted copy of them with a little noise. --svls is a folder with the
calibration_metrics.py released with the SVLS paper (needs matplotlib), whose tace_eval is timed; without it the same
definition in numpy is, and the line says so. Packages that are not installed are left out.

torchmetrics adds up confidences in float32 one by one, so that its ECE is off on millions of voxels; see ece_numpy.
"""
import os
for _v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_v] = "1"                                    # before numpy and torch are loaded
import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
from scipy import ndimage

CLASSES = 4
SPACING = (1.0, 1.0, 1.0)
TOLERANCE = 2.0


def ellipsoids(shape, shift=0.0, scale=1.0, wobble=0.0):
    """A (D,H,W) uint8 map: class 1 a large wobbly ellipsoid, 2 one inside it, 3 one beside it. Units: the volume is [-1,1]^3."""
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, n, dtype=np.float32) for n in shape], indexing="ij", sparse=True)
    bump = 1 + 0.08*np.sin(5*z + wobble)*np.sin(4*y)*np.cos(6*x + wobble)
    out = np.zeros(shape, np.uint8)
    for k, (c, r) in enumerate([((0, -.1, -.1), (.7, .6, .62)), ((.05, -.15, 0), (.35, .33, .3)), ((-.1, .55, .55), (.4, .28, .3))], 1):
        q = ((z-c[0]-shift)/r[0])**2 + ((y-c[1]+shift)/r[1])**2 + ((x-c[2]-shift)/r[2])**2
        out[q < (scale*bump)**2] = k
    return out


def blurred(labels, sigma):
    return np.stack([ndimage.gaussian_filter((labels == k).astype(np.float32), sigma) for k in range(CLASSES)])


def make_inputs(shape, seed):
    rng = np.random.default_rng(seed)
    labels = ellipsoids(shape)
    logits = 7*blurred(ellipsoids(shape, shift=.012, scale=1.012, wobble=.6), 1.2)
    logits += 0.35*rng.standard_normal(logits.shape, dtype=np.float32)
    e = np.exp(logits - logits.max(0, keepdims=True))
    probs = e/e.sum(0, keepdims=True)
    targets = blurred(labels, 1.0)
    targets /= targets.sum(0, keepdims=True)
    return {"labels": labels, "pred": probs.argmax(0).astype(np.uint8), "logits": logits, "probs": probs, "targets": targets}


def softce(a):
    import torch
    z, t = torch.from_numpy(a["logits"])[None].requires_grad_(), torch.from_numpy(a["targets"])[None]

    def run():
        z.grad = None
        loss = torch.nn.functional.cross_entropy(z, t)
        loss.backward()
        return loss.item()
    return run, f"torch {torch.__version__} cross_entropy, probability targets, forward+backward, float32"


def dice(a):
    def run():
        out = []
        for k in range(1, CLASSES):
            p, g = a["pred"] == k, a["labels"] == k
            out.append(float(2*np.count_nonzero(p & g)/(np.count_nonzero(p) + np.count_nonzero(g))))
        return out
    return run, f"numpy {np.__version__}, classes 1..3"


def ece(a):
    import torch
    import torchmetrics
    from torchmetrics.functional.classification import multiclass_calibration_error as f
    p, y = torch.from_numpy(a["probs"])[None], torch.from_numpy(a["labels"].astype(np.int64))[None]
    return (lambda: float(f(p, y, num_classes=CLASSES, n_bins=15, norm="l1", validate_args=False)),
            f"torchmetrics {torchmetrics.__version__} multiclass_calibration_error, 15 bins, all voxels, validate_args=False")


def ece_numpy(a, bins=15):
    def run():                                              # bins (b/B, (b+1)/B]
        conf = a["probs"].max(0).ravel().astype(np.float64)
        hit = (a["probs"].argmax(0) == a["labels"]).ravel().astype(np.float64)
        b = np.searchsorted(np.linspace(0, 1, bins + 1), conf, side="left") - 1
        return float(np.abs(np.bincount(b, hit, bins) - np.bincount(b, conf, bins)).sum()/conf.size)
    return run, f"numpy {np.__version__}, 15 bins, all voxels, float64 sums"


def tace(a, svls=None, bins=10, threshold=1e-3):
    p, y = a["probs"][None], a["labels"][None]
    if svls:
        sys.path.insert(0, svls)
        from calibration_metrics import tace_eval
        return lambda: float(tace_eval(p, y, n_bins=bins, threshold=threshold)[0]), "the SVLS authors' tace_eval, 10 bins, 1e-3, classes 1..3"

    def run():                                              # the same number: mean over classes and bins of (n/N)|acc-conf|
        per_class = []
        for k in range(1, CLASSES):
            q, h = p[0, k].ravel(), (y[0] == k).ravel()
            keep = q > threshold
            q, h = q[keep], h[keep]
            order = np.argsort(q, kind="stable")
            q, h = q[order].astype(np.float64), h[order].astype(np.float64)
            start = np.arange(bins)*(q.size//bins)          # the last bin takes the remainder
            per_class.append(np.abs(np.add.reduceat(h, start) - np.add.reduceat(q, start)).sum()/q.size/bins)
        return float(np.mean(per_class))
    return run, f"numpy {np.__version__}, the authors' definition, 10 bins, 1e-3, classes 1..3"


def surface(a):
    if not hasattr(np, "Inf"):
        np.Inf = np.inf                                     # surface-distance 0.1 uses the name that numpy 2 dropped
    import surface_distance as sd

    def run():
        out = []
        for k in range(1, CLASSES):
            d = sd.compute_surface_distances(a["labels"] == k, a["pred"] == k, SPACING)
            out.append(float(sd.compute_surface_dice_at_tolerance(d, TOLERANCE)))
        return out
    return run, f"surface-distance {sd.__version__}, surface Dice at {TOLERANCE} mm, spacing {SPACING}, classes 1..3"


METRICS = {"softce": softce, "dice": dice, "ece": ece, "ece_numpy": ece_numpy, "tace": tace, "surface": surface}


def crate(folder, repeats):
    """Median seconds of this crate on the inputs in a folder, by name, with the values found."""
    manifest = os.path.join(os.path.dirname(__file__), "Cargo.toml")
    command = ["cargo", "run", "--quiet", "--release", "--manifest-path", manifest, "--bin", "metrics", "--", folder, str(repeats)]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    lines = [line.split() for line in text.splitlines()]
    return {name: (float(seconds), [float(value) for value in values]) for name, seconds, *values in lines}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--shape", type=int, nargs=3, default=(128, 192, 192), metavar=("D", "H", "W"))
    ap.add_argument("--repeats", type=int, default=5)
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--svls", metavar="DIR", help="folder with the SVLS authors' calibration_metrics.py")
    args = ap.parse_args()
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    try:
        import torch
        torch.set_num_threads(1)
    except ImportError:
        pass
    a = make_inputs(tuple(args.shape), args.seed)
    with tempfile.TemporaryDirectory() as folder:
        for name, array in a.items():
            np.save(os.path.join(folder, name + ".npy"), array)
        ours = crate(folder, args.repeats)
    print(f"{a['labels'].shape}, {100*np.mean(a['labels'] != a['pred']):.2f} % of the voxels differ; reading the probabilities once: "
          f"{1e3*ours['read'][0]:.1f} ms\n{'':10} {'crate':>9} {'Python':>9} {'ratio':>6}")
    for name, metric in METRICS.items():
        try:
            run, what = metric(a, args.svls) if name == "tace" else metric(a)
        except ImportError as e:
            print(f"{name:10} skipped: {e}")
            continue
        value, seconds = run(), []                          # the first run is the warm-up
        for _ in range(args.repeats):
            t = time.perf_counter()
            value = run()
            seconds.append(time.perf_counter() - t)
        theirs, (mine, expected) = statistics.median(seconds), ours[name.removesuffix("_numpy")]
        off = np.abs(np.subtract(value, expected)).max()
        print(f"{name:10} {1e3*mine:6.1f} ms {1e3*theirs:6.1f} ms {theirs/mine:6.1f}   differ by {off:.1e}; {what}", flush=True)


if __name__ == "__main__":
    main()
