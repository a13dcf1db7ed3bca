"""Independent float64 reference for judging against several raters, and for calibration beyond the top label.

Plain NumPy, only there to be obviously right: `test_raters.py` compares with it. Masks are boolean arrays of one shape; "both empty" scores 1 (distance 0) unless
said otherwise. Run as a script it prints the values of a toy case that were also worked out by hand.
"""

import math

import numpy as np


# --- overlap --------------------------------------------------------------------------------------------------------
def iou(a, b):
    union = np.count_nonzero(a | b)
    return 1.0 if union == 0 else np.count_nonzero(a & b) / union


def dice(a, b):
    total = np.count_nonzero(a) + np.count_nonzero(b)
    return 1.0 if total == 0 else 2 * np.count_nonzero(a & b) / total


# --- one probability map against several raters -----------------------------------------------------------------------
def threshold_dice(p, raters, thresholds=tuple(i / 10 for i in range(1, 10))):
    """QUBIQ's Dice: the mean over thresholds t of Dice(p >= t, share >= t); share is the share of raters who marked a voxel.

    Both sides are compared by >=, so that t = 1 means "all raters" and a unanimous voxel is in at every t. Papers differ: nine thresholds
    0.1 .. 0.9 (the challenge) or five 0.1, 0.3, .. 0.9; > or >=. On the toy below the choice moves the number from 0.57 to 0.74.
    t and share are decimal fractions: compare with a slack of 1e-9, or 3 raters of 10 are below 0.3.
    """
    share = np.mean(raters, 0)
    return float(np.mean([dice(p >= t - 1e-9, share >= t - 1e-9) for t in thresholds]))


def crps_of_volumes(volume, raters):
    """CRPS of a predicted volume against raters' volumes: E|V - v| - 1/2 E|V - V'| over raters, in the unit of the volumes.

    0 only if all raters agree with the prediction. For one rater it is the absolute error."""
    raters = np.asarray(raters, np.float64)
    return float(np.abs(raters - volume).mean() - 0.5 * np.abs(raters[:, None] - raters[None]).mean())


def crps_of_volumes_gaussian(volume, raters):
    """The same with a Gaussian fitted to the raters (mean, standard deviation with divisor R), in closed form (Gneiting & Raftery 2007):
    what the CURVAS challenge means. Its released code integrates over mean +- 3 sd only, so that 125, 500 and 5000 score the same
    against raters 90, 100, 110; it divides by zero when raters agree (here: the absolute error)."""
    raters = np.asarray(raters, np.float64)
    m, s = raters.mean(), raters.std()
    if s == 0:
        return float(abs(volume - m))
    z = (volume - m) / s
    cdf, pdf = 0.5 * (1 + math.erf(z / math.sqrt(2))), math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return float(s * (z * (2 * cdf - 1) + 2 * pdf - 1 / math.sqrt(math.pi)))


# --- several sampled masks against several raters -----------------------------------------------------------------------
def energy_distance(samples, raters, similarity=iou):
    """Generalised energy distance, squared: 2 E d(S, Y) - E d(S, S') - E d(Y, Y') with d = 1 - IoU (Kohl 2018, PHiSeg).

    Means over all ordered pairs, an item with itself included (V-statistic), which is what the Probabilistic U-Net does. Variants in use:
    d = 1 - Dice; pairs of different items only (U-statistic, can be negative). Not below 0 as computed here."""

    def mean(a, b):
        return np.mean([[1 - similarity(x, y) for y in b] for x in a])

    return float(2 * mean(samples, raters) - mean(samples, samples) - mean(raters, raters))


def matched_iou(samples, raters):
    """Hungarian-matched IoU: both lists are repeated to their least common multiple, then matched one to one for the largest mean IoU."""
    from scipy.optimize import linear_sum_assignment

    n = math.lcm(len(samples), len(raters))
    table = np.array([[iou(samples[i % len(samples)], raters[j % len(raters)]) for j in range(n)] for i in range(n)])
    rows, columns = linear_sum_assignment(-table)
    return float(table[rows, columns].mean())


def best_dice(samples, raters):
    """ "Dice max": for each rater the best sample's Dice, averaged over raters."""
    return float(np.mean([max(dice(s, y) for s in samples) for y in raters]))


# --- the raters among themselves ----------------------------------------------------------------------------------------
def fleiss_kappa(counts):
    """Fleiss' kappa of a table (voxels, classes) of how many raters chose each class. Every voxel has the same number n >= 2 of raters.

    NaN where chance agreement is 1. It depends on the region: four disputed voxels give -0.125 alone, 0.437 with four voxels of background on
    which all agree, and 0.615 with a hundred. So the region is stated: by default the voxels that any rater gave to a class other than background."""
    counts = np.asarray(counts, np.float64)
    n = counts.sum(1)[0]
    agree = ((counts**2).sum(1) - n) / (n * (n - 1))
    chance = ((counts.sum(0) / counts.sum()) ** 2).sum()
    return float((agree.mean() - chance) / (1 - chance)) if chance < 1 else float("nan")


def krippendorff_alpha(counts):
    """Krippendorff's alpha for nominal data from the same table; voxels may have different numbers of raters (missing), those with fewer
    than two do not count. NaN where nothing or one class alone remains."""
    counts = np.asarray(counts, np.float64)
    counts = counts[counts.sum(1) >= 2]
    m = counts.sum(1, keepdims=True)
    n = counts.sum()
    if n == 0:
        return float("nan")
    observed = ((m[:, 0] ** 2 - (counts**2).sum(1)) / (m[:, 0] - 1)).sum() / n
    totals = counts.sum(0)
    expected = (n * n - (totals**2).sum()) / (n * (n - 1))
    return float(1 - observed / expected) if expected > 0 else float("nan")


def icc_of_volumes(volumes):
    """ICC(2,1) (two-way random, absolute agreement, single rater; Shrout & Fleiss 1979) of a table (cases, raters)."""
    x = np.asarray(volumes, np.float64)
    n, k = x.shape
    grand = x.mean()
    rows = k * ((x.mean(1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((x.mean(0) - grand) ** 2).sum() / (k - 1)
    error = ((x - x.mean(1, keepdims=True) - x.mean(0) + grand) ** 2).sum() / ((n - 1) * (k - 1))
    below = rows + (k - 1) * error + k * (columns - error) / n
    return float((rows - error) / below) if below > 0 else float("nan")


# --- calibration of each class --------------------------------------------------------------------------------------------
def class_bins(p, hit, bins=20):
    """(count, mean p, share of hits) of each bin (e_b, e_{b+1}] of one class's probability; p = 0 is in the first."""
    edges = np.arange(bins + 1) * (1.0 / bins)
    edges[-1] = 1.0
    index = np.clip(np.searchsorted(edges, p, side="left") - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        return count, np.bincount(index, p, bins) / count, np.bincount(index, hit, bins) / count


def class_calibration(p, hit, bins=20):
    """ECE (weighted by count), ACE (mean over occupied bins) and MCE (largest) of one class against all others."""
    count, confidence, accuracy = class_bins(p, hit, bins)
    used = count > 0
    gap = np.abs(confidence - accuracy)[used]
    return float((gap * count[used]).sum() / count.sum()), float(gap.mean()), float(gap.max())


def temperature(logits, labels):
    """The temperature T > 0 that minimises the mean negative log-likelihood of softmax(z / T): convex in 1/T, so Newton with bisection.

    logits (C, n), labels (n,). From probabilities take z = log p (p = 0 as the smallest positive number)."""
    z = logits - logits.max(0)
    own = z[labels, np.arange(z.shape[1])]

    def slope(beta):  # derivative of the mean NLL by beta = 1/T, and its own
        q = np.exp(beta * z)
        q /= q.sum(0)
        mean = (q * z).sum(0)
        return (mean - own).mean(), ((q * z * z).sum(0) - mean**2).mean()

    low, high = 1e-3, 1e3
    if slope(low)[0] >= 0:
        return 1 / low
    if slope(high)[0] <= 0:
        return 1 / high
    beta = 1.0
    for _ in range(200):
        first, second = slope(beta)
        if first < 0:
            low = beta
        else:
            high = beta
        step = beta - first / second if second > 0 else -1.0
        new = step if low < step < high else math.sqrt(low * high)
        if abs(new - beta) <= 1e-12 * beta:
            return 1 / new
        beta = new
    return 1 / beta


if __name__ == "__main__":
    S = [np.array(v, bool) for v in ([1, 1, 0, 0], [1, 1, 1, 0])]
    Y = [np.array(v, bool) for v in ([1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1])]
    p = np.array([0.9, 0.6, 0.35, 0.1])
    print("energy distance", energy_distance(S, Y), "with Dice", energy_distance(S, Y, dice))
    print("matched IoU", matched_iou(S, Y), "best Dice", best_dice(S, Y))
    print("threshold Dice, nine", threshold_dice(p, Y), "five", threshold_dice(p, Y, (0.1, 0.3, 0.5, 0.7, 0.9)))
    volumes = (100, 125, 500, 5000)
    print("CRPS", [(crps_of_volumes(v, [90, 100, 110]), crps_of_volumes_gaussian(v, [90, 100, 110])) for v in volumes])
    core = [[0, 3], [1, 2], [2, 1], [1, 2]]
    print("kappa", [fleiss_kappa(core + [[3, 0]] * b) for b in (0, 4, 100)], "alpha", krippendorff_alpha(core))
    print(
        "ICC(2,1) of Shrout & Fleiss's table",
        icc_of_volumes([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]),
    )
    q, y = np.array([1, 1, 1, 1, 0.0]), np.array([0, 0, 1, 1, 1.0])
    print("class ECE, ACE, MCE, 2 bins", class_calibration(q, y, 2))
    missing = [[3, 0, 0], [1, 1, 1], [2, 0, 0], [0, 1, 0], [0, 0, 2], [1, 2, 0]]
    print("alpha with missing raters", krippendorff_alpha(missing))
    few = [[2, -1, 0.5, 3, 0, 1], [0, 1.5, 0.25, -2, 4, -1], [-1, 0, 2, 1, 1, 0.5]]
    print("temperature of six voxels", temperature(np.array(few), np.array([0, 1, 2, 0, 0, 2])))
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, (3, 5000))
    w = np.exp(z / 1.7)
    w /= w.sum(0)
    labels = (rng.random(5000) < np.cumsum(w, 0)).argmax(0)
    print("temperature near 1.7:", temperature(z, labels))
