"""`judge_raters` against plain NumPy, and against `judge` with one rater."""

import naive
import numpy as np
import pytest
import raters_reference as plain

from soft_labels import fuse, metrics


def case(seed, raters=3, ignored=False):
    rng = naive.generator(seed)
    shape = (6, 7, 5)
    maps = [rng.integers(0, 3, shape).astype(np.uint8) for _ in range(raters)]
    if ignored:
        maps[-1][:3] = 9
    p = rng.random((3, *shape))
    return maps, p / p.sum(axis=0)


def test_numbers_are_those_of_numpy():
    maps, p = case(1)
    samples, _ = case(2, raters=2)
    found = metrics.judge_raters(p, maps, 3, spacing=(2, 1, 1), regions={"both": [1, 2]})
    sampled = metrics.judge_raters(samples, dict(zip("abc", maps)), 3, regions={"both": [1, 2]})
    assert sampled["raters"] == ["a", "b", "c"] and sampled["samples"] == 2
    labels = p.argmax(axis=0)
    for kind, name, region in (("classes", "1", [1]), ("regions", "both", [1, 2])):
        drawn = [np.isin(one, region) for one in maps]
        masks = [np.isin(one, region) for one in samples]
        one, other = found[kind][name], sampled[kind][name]
        dice = [plain.dice(np.isin(labels, region), mask) for mask in drawn]
        assert [row["dice"] for row in one["raters"]] == pytest.approx(dice, abs=1e-12)
        assert one["mean"]["dice"] == pytest.approx(np.mean(dice), abs=1e-12)
        share = p[region].sum(axis=0)
        assert one["threshold_dice"] == pytest.approx(plain.threshold_dice(share, drawn), abs=1e-12)
        volumes = [2.0 * mask.sum() for mask in drawn]
        volume = 2.0 * np.isin(labels, region).sum()
        assert one["crps_mm3"] == pytest.approx(plain.crps_of_volumes(volume, volumes), abs=1e-9)
        assert one["crps_gaussian_mm3"] == pytest.approx(plain.crps_of_volumes_gaussian(volume, volumes), abs=1e-9)
        assert other["energy_distance"] == pytest.approx(plain.energy_distance(masks, drawn), abs=1e-12)
        assert other["matched_iou"] == pytest.approx(plain.matched_iou(masks, drawn), abs=1e-12)
        assert other["best_dice"] == pytest.approx(plain.best_dice(masks, drawn), abs=1e-12)
        assert "energy_distance" not in one
    mean = fuse.mean(maps, 3, dtype=np.float64)
    assert found["brier"] == pytest.approx(((p - mean) ** 2).sum(axis=0).mean(), abs=1e-12)
    assert found["nll"] == pytest.approx(-(mean * np.log(p)).sum(axis=0).mean(), abs=1e-12)
    of_all = metrics.ece(np.concatenate([p] * 3, axis=1), np.concatenate(maps), 3)
    assert found["ece"] == pytest.approx(of_all, abs=1e-12)


def test_one_rater_is_plain_judge():
    maps, p = case(3, raters=1, ignored=True)
    ours = metrics.judge_raters(p, maps, 3, ignore=9)
    theirs = metrics.judge(p, maps[0], 3, ignore=9)
    for label, row in zip(("1", "2"), theirs["regions"]):
        numbers = ours["classes"][label]["mean"]
        for name in ("dice", "jaccard", "precision", "surface_dice", "overlap_prediction", "hausdorff_mm"):
            assert numbers[name] == row[name.removesuffix("_mm")]
        assert numbers["hausdorff95_mm"] == row["hausdorff_percentile"]
    for name in ("ece", "nll", "brier"):
        assert ours[name] == pytest.approx(theirs["calibration"][name], abs=1e-12)


def test_missing_raters_and_ignored_voxels():
    maps, p = case(4, ignored=True)
    labels = p.argmax(axis=0).astype(np.uint8)
    all_there = metrics.judge_raters(labels, maps, 3, ignore=9)
    without = metrics.judge_raters(labels, [maps[0], None, maps[2]], 3, ignore=9)
    assert without["raters"] == ["rater 1", "rater 3"]
    for label in ("1", "2"):
        rows = all_there["classes"][label]["raters"]
        assert without["classes"][label]["raters"] == [rows[0], rows[2]]
        assert rows[2]["dice"] == plain.dice(labels[3:] == int(label), maps[2][3:] == int(label))
        # Volumes are of the half that all labelled.
        volumes = [np.count_nonzero(one[3:] == int(label)) for one in maps]
        expected = plain.crps_of_volumes(np.count_nonzero(labels[3:] == int(label)), volumes)
        assert all_there["classes"][label]["crps_mm3"] == pytest.approx(expected, abs=1e-9)
    assert "ece" not in all_there


def test_a_structure_that_is_nowhere():
    nothing = np.zeros((4, 5), np.uint8)
    for empty, score, distance in (("one", 1, 0), ("zero", 0, 0), ("nan", np.nan, np.nan)):
        found = metrics.judge_raters([nothing] * 2, [nothing] * 2, 2, empty=empty)["classes"]["1"]
        scores = [found[name] for name in ("threshold_dice", "matched_iou", "best_dice")]
        scores += [found["mean"][name] for name in ("dice", "precision", "surface_dice", "overlap_reference")]
        assert scores == pytest.approx([score] * 7, nan_ok=True)
        zeros = [found[name] for name in ("energy_distance", "crps_mm3", "crps_gaussian_mm3")]
        assert zeros == pytest.approx([distance] * 3, nan_ok=True)


def test_wrong_arguments_are_told():
    maps, p = case(5)
    for call, error, words in (
        (lambda: metrics.judge_raters(p, [], 3), ValueError, "no raters"),
        (lambda: metrics.judge_raters(p, [None], 3), ValueError, "no raters"),
        (lambda: metrics.judge_raters(p, np.stack(maps), 3), TypeError, "list or a dict"),
        (lambda: metrics.judge_raters([], maps, 3), ValueError, "no samples"),
        (lambda: metrics.judge_raters(p, [maps[0], maps[1][:2]], 3), ValueError, "rater 2 has shape"),
        (lambda: metrics.judge_raters(maps[0][:2], maps, 3), ValueError, "the same voxels"),
        (lambda: metrics.judge_raters(p, maps, 3, scope="some"), ValueError, "scope"),
        (lambda: metrics.judge_raters(p, maps, 3, empty="skip"), ValueError, "skip"),
        (lambda: metrics.judge_raters(p, maps, 3, regions={"a": [7]}), ValueError, "7"),
    ):
        with pytest.raises(error, match=words):
            call()


def test_a_rater_who_ignores_everything_is_no_rater():
    labels = np.zeros((4, 4), np.uint8)
    labels[1:3, 1:3] = 1
    nothing = np.full_like(labels, 255)
    with pytest.raises(ValueError, match="rater 2 ignores every voxel; give None"):
        metrics.judge_raters(labels, [labels, nothing], 2, ignore=255)
    with pytest.raises(ValueError, match="rater 2 ignores every voxel; leave"):
        metrics.agreement([labels, nothing], 2, ignore=255)
    left_out = metrics.judge_raters(labels, [labels, None], 2, ignore=255)
    assert left_out["raters"] == ["rater 1"]
