"""Metrics of several raters and of single classes, against numbers by hand and against plain NumPy."""

import inspect

import naive
import numpy as np
import pytest
import raters_reference as plain

from soft_labels import metrics

S = [np.array(v, bool) for v in ([1, 1, 0, 0], [1, 1, 1, 0])]
Y = [np.array(v, bool) for v in ([1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1])]
P = np.array([0.9, 0.6, 0.35, 0.1])
CORE = [[0, 3], [1, 2], [2, 1], [1, 2]]
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_numbers_by_hand():
    # `python raters_reference.py` prints them.
    found = [
        (metrics.energy_distance(S, Y), 0.3055555555555556),
        (metrics.energy_distance(S, Y, "dice"), 0.2735449735449734),
        (metrics.matched_iou(S, Y), 0.5833333333333334),
        (metrics.best_dice(S, Y), 0.6190476190476191),
        (metrics.threshold_dice(P, Y), 0.6349206349206349),
        (metrics.threshold_dice(P, Y, (0.1, 0.3, 0.5, 0.7, 0.9)), 0.5714285714285714),
        (metrics.crps_of_volumes(100, [90, 100, 110]), 2.2222222222222223),
        (metrics.crps_of_volumes(5000, (90, 100, 110)), 4895.555555555556),
        (metrics.crps_of_volumes_gaussian(125, [90, 100, 110]), 20.398418478061362),
        (metrics.crps_of_volumes_gaussian(5000, (90, 100, 110)), 4895.393411340382),
        (metrics.fleiss_kappa(CORE), -0.125),
        (metrics.fleiss_kappa(CORE + [[3, 0]] * 100), 0.6151315789473673),
        (metrics.krippendorff_alpha(CORE), -0.03125),
        (metrics.icc_of_volumes(SHROUT_FLEISS), 0.2897637795275591),
    ]
    for number, expected in found:
        assert type(number) is float and number == pytest.approx(expected, abs=1e-12)
    errors = metrics.class_calibration(np.array([1, 1, 1, 1, 0.0]), np.array([0, 0, 1, 1, 1], bool), 2)
    assert errors == pytest.approx((0.6, 0.75, 1.0), abs=1e-12)


def test_arguments_have_the_order_of_the_plain_versions():
    for name in (
        "threshold_dice crps_of_volumes crps_of_volumes_gaussian energy_distance matched_iou best_dice fleiss_kappa krippendorff_alpha icc_of_volumes"
        " class_calibration temperature"
    ).split():
        # What is more can be given by name alone.
        ours, theirs = (inspect.signature(getattr(module, name)).parameters for module in (metrics, plain))
        by_place = [one for one, parameter in ours.items() if parameter.kind is not parameter.KEYWORD_ONLY]
        assert by_place == list(theirs), name
        defaults = {one: parameter.default for one, parameter in theirs.items() if one != "similarity"}
        assert {one: ours[one].default for one in defaults} == defaults, name


def test_nothing_to_find_scores_what_is_told():
    nothing = [np.zeros(4, bool)] * 2
    for empty, score, distance in (("one", 1, 0), ("zero", 0, 0), ("nan", np.nan, np.nan)):
        found = [
            metrics.best_dice(nothing, nothing, empty=empty),
            metrics.matched_iou(nothing, nothing, empty=empty),
            metrics.threshold_dice(np.zeros(4), nothing, empty=empty),
        ]
        assert found == pytest.approx([score] * 3, nan_ok=True)
        assert metrics.energy_distance(nothing, nothing, empty=empty) == pytest.approx(distance, nan_ok=True)


def test_masks_are_compared_as_numpy_does():
    rng = naive.generator(11)
    for case in range(80):
        shape = tuple(rng.integers(1, 8, rng.integers(1, 5)))
        samples, raters = (
            [rng.random(shape) < rng.choice([0, 0.2, 0.7]) for _ in range(rng.integers(1, 5))] for _ in range(2)
        )
        if case % 2:  # in another order of memory, and from a view of other bytes
            raters = [np.asfortranarray(mask) for mask in raters]
            samples = [(mask * np.uint8(6)).view(bool) for mask in samples]
        truth = [np.asarray(mask).view(np.uint8) != 0 for mask in samples]
        for name, similarity in (("iou", plain.iou), ("dice", plain.dice)):
            expected = plain.energy_distance(truth, raters, similarity)
            assert metrics.energy_distance(samples, raters, name) == pytest.approx(expected, abs=1e-12)
        assert metrics.matched_iou(samples, raters) == pytest.approx(plain.matched_iou(truth, raters), abs=1e-12)
        assert metrics.best_dice(samples, raters) == pytest.approx(plain.best_dice(truth, raters), abs=1e-12)
        p = rng.integers(0, 11, shape) / 10
        for dtype in (np.float64, np.float32, np.float16):
            typed = p.astype(dtype)
            expected = plain.threshold_dice(typed, raters)
            assert metrics.threshold_dice(typed, raters) == pytest.approx(expected, abs=1e-12)
        bytes_of = np.round(p * 255).astype(np.uint8)
        expected = plain.threshold_dice(bytes_of / 255, raters)
        assert metrics.threshold_dice(bytes_of, raters) == pytest.approx(expected, abs=1e-12)


def test_tables_and_volumes_are_judged_as_numpy_does():
    rng = naive.generator(12)
    for _ in range(80):
        raters, classes = rng.integers(2, 6), rng.integers(2, 4)
        voxels = rng.integers(0, classes, (rng.integers(2, 20), raters))
        counts = np.stack([(voxels == label).sum(1) for label in range(classes)], 1)
        typed = counts.astype(rng.choice(["u1", ">i2", "<u8", "f4"]))
        nan_ok = {"abs": 1e-10, "nan_ok": True}
        assert metrics.fleiss_kappa(typed) == pytest.approx(plain.fleiss_kappa(counts), **nan_ok)
        missing = np.maximum(counts - rng.integers(0, 2, counts.shape), 0)
        assert metrics.krippendorff_alpha(missing) == pytest.approx(plain.krippendorff_alpha(missing), **nan_ok)
        volumes = rng.normal(100, 20, (rng.integers(2, 9), raters))
        assert metrics.icc_of_volumes(volumes) == pytest.approx(plain.icc_of_volumes(volumes), abs=1e-10)
        found = metrics.crps_of_volumes(volumes[0, 0], volumes[1])
        assert found == pytest.approx(plain.crps_of_volumes(volumes[0, 0], volumes[1]), abs=1e-10)
        found = metrics.crps_of_volumes_gaussian(volumes[0, 0], volumes[1])
        assert found == pytest.approx(plain.crps_of_volumes_gaussian(volumes[0, 0], volumes[1]), abs=1e-10)


def test_calibration_of_a_class_is_that_of_numpy():
    rng = naive.generator(13)
    for _ in range(60):
        shape, bins = tuple(rng.integers(1, 9, 3)), int(rng.integers(1, 25))
        p = np.where(rng.random(shape) < 0.5, rng.random(shape), rng.integers(0, 21, shape) / 20)
        hit = rng.random(shape) < p
        for typed in (p, p.astype(np.float32)):
            expected = plain.class_calibration(typed.ravel().astype(float), hit.ravel(), bins)
            assert metrics.class_calibration(typed, hit, bins) == pytest.approx(expected, abs=1e-12)


def test_the_temperature_is_that_of_numpy():
    rng = naive.generator(14)
    for _ in range(30):
        logits = rng.normal(0, 3, (rng.integers(2, 5), *rng.integers(2, 9, 2)))
        likely = np.exp(logits / rng.choice([0.5, 1.7, 4])).cumsum(0)
        labels = (rng.random(logits.shape[1:]) * likely[-1] < likely).argmax(0)
        expected = plain.temperature(logits.reshape(len(logits), -1), labels.ravel())
        assert metrics.temperature(logits, labels) == pytest.approx(expected, rel=1e-9)
        flat = metrics.temperature(logits.reshape(len(logits), -1), labels.ravel().astype(np.uint8))
        assert flat == pytest.approx(expected, rel=1e-9)
        ignoring = np.concatenate([logits, np.full_like(logits, np.nan)], -1)
        more = np.concatenate([labels, np.full_like(labels, 255)], -1)
        assert metrics.temperature(ignoring, more, ignore=255) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: metrics.best_dice(np.stack(S), Y), TypeError, "list"),
        (lambda: metrics.best_dice([s.astype(int) for s in S], Y), TypeError, "bools"),
        (lambda: metrics.best_dice([], Y), ValueError, "samples"),
        (lambda: metrics.matched_iou(S, []), ValueError, "raters"),
        (lambda: metrics.matched_iou([S[0]] * 64, [S[1]] * 65), ValueError, "4160 pairs"),
        (lambda: metrics.matched_iou(S, [Y[0], Y[1][:2]]), ValueError, r"rater 1 .*\[2\]"),
        (lambda: metrics.energy_distance(S, Y, "jaccard"), ValueError, "jaccard"),
        (lambda: metrics.energy_distance(S, Y, pairs="own"), ValueError, "own"),
        (lambda: metrics.threshold_dice(P * 2, Y), ValueError, "must lie within 0 and 1"),
        (lambda: metrics.threshold_dice(P, Y, []), ValueError, "thresholds"),
        (lambda: metrics.threshold_dice(P, Y, [np.nan]), ValueError, "NaN"),
        (lambda: metrics.threshold_dice(P, Y, 0.5), TypeError, "thresholds"),
        (lambda: metrics.fleiss_kappa([[3, 0], [1, 1]]), ValueError, "krippendorff_alpha"),
        (lambda: metrics.krippendorff_alpha([[3, -1]]), ValueError, "-1"),
        (lambda: metrics.krippendorff_alpha([3, 0]), ValueError, "voxels, classes"),
        (lambda: metrics.crps_of_volumes(1, []), ValueError, "raters"),
        (lambda: metrics.crps_of_volumes_gaussian(1, []), ValueError, "raters"),
        (lambda: metrics.best_dice(S, Y, empty="skip"), ValueError, "skip"),
        (lambda: metrics.crps_of_volumes("1", [1]), TypeError, "str"),
        (lambda: metrics.icc_of_volumes([1, 2]), ValueError, "cases, raters"),
        (lambda: metrics.icc_of_volumes([["a"]]), TypeError, "real numbers"),
        (lambda: metrics.class_calibration(P, S[0], 0), ValueError, "bins"),
        (lambda: metrics.class_calibration(P, S[0][:2]), ValueError, "mask of hits"),
        (lambda: metrics.class_calibration(P, S[0].astype(int)), TypeError, "bools"),
        (lambda: metrics.temperature(P, np.array(9)), ValueError, "label 9"),
        (lambda: metrics.temperature(np.array(1.0), np.array(0)), ValueError, "class axis"),
        (lambda: metrics.temperature(np.full((2, 1), np.inf), np.array([0])), ValueError, "logit of class 0"),
        (lambda: metrics.temperature(np.zeros((2, 1), np.uint8), np.array([0])), TypeError, "uint8"),
    ],
)
def test_errors_say_what_is_wrong(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_many_voxels_are_those_of_all_pieces():
    # What holds of a few voxels holds of as many copies of them.
    rng = naive.generator(15)
    p, masks = rng.integers(0, 11, 37) / 10, [rng.random(37) < 0.4 for _ in range(3)]
    logits, labels = rng.normal(0, 3, (3, 37)), rng.integers(0, 3, 37)
    far, copies = [np.tile(mask, 6001) for mask in masks], np.tile(p, 6001)
    found = [
        metrics.threshold_dice(copies, far),
        metrics.energy_distance(far[:1], far[1:]),
        *metrics.class_calibration(copies, far[0]),
        metrics.temperature(np.tile(logits, 6001), np.tile(labels, 6001)),
    ]
    expected = [
        plain.threshold_dice(p, masks),
        plain.energy_distance(masks[:1], masks[1:]),
        *plain.class_calibration(p, masks[0]),
        plain.temperature(logits, labels),
    ]
    assert found == pytest.approx(expected, rel=1e-9)
