"""Several raters among themselves."""

import itertools
import math

import naive
import numpy as np
import pytest

import soft_labels
from soft_labels import encode, fuse, metrics


def raters_of(seed, count=3):
    rng = naive.generator(seed)
    base = rng.integers(0, 3, (4, 9, 8))
    return [np.where(rng.random(base.shape) < 0.8, base, rng.integers(0, 3, base.shape)) for _ in range(count)]


def table(maps, inside):
    counts = np.stack([np.sum([one == label for one in maps], 0) for label in range(int(np.max(maps)) + 1)], -1)
    return counts[inside].astype(np.int64)


@pytest.mark.parametrize("region", ["union", "all"])
def test_agreement_is_that_of_the_single_functions(region):
    maps = raters_of(5)
    spacing = [2.5, 1, 1]
    found = metrics.agreement(maps, 3, region=region, spacing=spacing, tolerance=2)
    assert found["region"] == region
    for label, structure in zip((1, 2), found["structures"], strict=True):
        assert structure["labels"] == [label]
        masks = [(one == label).astype(np.int64) for one in maps]
        inside = np.any(masks, 0) if region == "union" else np.full(maps[0].shape, True)
        counts = table(masks, inside)
        assert structure["voxels"] == structure["voxels_of_all_raters"] == inside.sum()
        assert structure["fleiss_kappa"] == pytest.approx(metrics.fleiss_kappa(counts))
        assert structure["krippendorff_alpha"] == pytest.approx(metrics.krippendorff_alpha(counts))
        np.testing.assert_allclose(structure["volumes"], [2.5 * mask.sum() for mask in masks])
        for a, b in itertools.permutations(range(3), 2):
            assert structure["dice"][a, b] == pytest.approx(metrics.dice(maps[a], maps[b], 3)[label - 1])
            surface = metrics.surface_dice(maps[a], maps[b], 3, spacing=spacing, tolerance=2)[label - 1]
            assert structure["surface_dice"][a, b] == pytest.approx(surface)
        assert np.isnan(np.diag(structure["dice"])).all()
        for rater in range(3):
            others = [one for at, one in enumerate(maps) if at != rater]
            vote = fuse.majority_vote(others, 3)
            of_vote = metrics.dice(maps[rater], vote, 3)[label - 1]
            assert structure["dice_with_majority_of_others"][rater] == pytest.approx(of_vote)
            truth = metrics.top_labels(fuse.staple(others, 3).posterior, 3, ties="lowest")
            of_truth = metrics.dice(maps[rater], truth, 3)[label - 1]
            assert structure["dice_with_staple_of_others"][rater] == pytest.approx(of_truth)
    inside = np.any([one > 0 for one in maps], 0) if region == "union" else np.full(maps[0].shape, True)
    counts = table(maps, inside)
    assert found["all_classes"]["fleiss_kappa"] == pytest.approx(metrics.fleiss_kappa(counts))


def test_kappa_depends_on_the_region():
    # 3, 2, 1 and 2 of three raters see the structure.
    maps = [np.zeros((1, 108), int) for _ in range(3)]
    for one, votes in zip(maps, ([1, 1, 1, 1], [1, 1, 0, 1], [1, 0, 0, 0]), strict=True):
        one[0, :4] = votes
    kappa = {
        "union": metrics.agreement(maps, 2),
        "all": metrics.agreement([one[:, :104] for one in maps], 2, region="all"),
        "band": metrics.agreement(maps, 2, region="band", band_mm=2, spacing=0.5),
    }
    found = {region: one["structures"][0]["fleiss_kappa"] for region, one in kappa.items()}
    assert found == pytest.approx({"union": -0.125, "all": 0.615, "band": 0.437}, abs=5e-4)


def test_ignored_voxels_and_empty_structures():
    maps = [np.array([[0, 1, 9, 1]]), np.array([[0, 1, 1, 9]]), np.array([[0, 1, 1, 1]])]
    found = metrics.agreement(maps, 3, ignore=9)["structures"]
    assert (found[0]["voxels"], found[0]["voxels_of_all_raters"]) == (3, 1)
    assert found[0]["dice"][0, 1] == 1 and math.isnan(found[1]["dice"][0, 1])
    for empty, expected in (("one", 1), ("zero", 0)):
        structure = metrics.agreement(maps, 3, ignore=9, empty=empty)["structures"][1]
        assert structure["dice"][0, 1] == structure["surface_dice"][0, 1] == expected
    # One rater has no others.
    alone = metrics.agreement(maps[:1], 3, ignore=9, empty="one")["structures"][0]
    assert math.isnan(alone["dice_with_majority_of_others"][0]) and math.isnan(alone["fleiss_kappa"])


def test_staple_on_the_box_of_disagreement():
    maps = [np.zeros((40, 50), int) for _ in range(3)]
    maps[0][10:20, 10:20] = 1
    maps[1][11:20, 10:22] = 1
    maps[2][10:21, 9:19] = 1
    found = fuse.staple(maps, 2, crop_to_disagreement=2)
    assert found.window == [(8, 23), (7, 24)]
    # SimpleITK 2.5.7 of the box alone.
    np.testing.assert_allclose(found.sensitivity[:, 1], [1, 0.9000009517267716, 0.9000009360593716], atol=1e-9)
    whole = fuse.staple(maps, 2)
    assert whole.window == [(0, 40), (0, 50)] and whole.specificity[1, 1] > found.specificity[1, 1]
    youden = [max(0, a + b - 1) for a, b in zip(whole.sensitivity[:, 1], whole.specificity[:, 1], strict=True)]
    np.testing.assert_allclose(whole.weights, np.array(youden) / sum(youden))
    weighted = encode(maps, 2, weights=whole.weights)
    assert not np.array_equal(weighted, encode(maps, 2))
    with pytest.raises((ValueError, OverflowError)):
        fuse.staple(maps, 2, crop_to_disagreement=-1)


def test_labels_of_a_posterior_that_ties():
    maps = [np.array([[0, 1, 2]]), np.array([[0, 2, 2]])]
    posterior = fuse.mean(maps, 3)
    expected = {"lowest": 1, "highest": 2}
    for ties, label in expected.items():
        np.testing.assert_array_equal(metrics.top_labels(posterior, 3, ties=ties), [[0, label, 2]])
    np.testing.assert_array_equal(metrics.top_labels(posterior, 3, ties={"undecided": 7}), [[0, 7, 2]])
    np.testing.assert_array_equal(metrics.top_labels(posterior, 3, ties={"prefer": 2}), [[0, 2, 2]])
    with pytest.raises(ValueError, match="reference"):
        metrics.top_labels(posterior, 3, maps[0], ties="lowest")


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda maps: metrics.agreement(maps, 3, region="everywhere"), "union"),
        (lambda maps: metrics.agreement(maps, 3, ties="first"), "lowest"),
        (lambda maps: metrics.agreement(maps, 3, ties={"prefer": 8}), "8"),
        (lambda maps: metrics.agreement(maps, 3, empty="two"), "nan"),
        (lambda maps: metrics.agreement(maps, 3, region="band", band_mm=-1), "distance"),
        (lambda maps: metrics.agreement(maps, 2), "label 2"),
        (lambda maps: metrics.agreement([], 2), "raters"),
        (lambda maps: metrics.icc_interval([[1, 2], [3, 4]], 1), "level"),
    ],
)
def test_what_is_wrong_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call(raters_of(6))


def test_it_is_public():
    assert {"agreement", "icc_interval"} <= set(metrics.__all__)
    assert soft_labels.metrics.icc_interval([[1, 1], [3, 3], [8, 8]]) == (1, 1)


def test_ignored_voxels_have_no_part():
    whole = np.zeros((6, 8, 8), np.uint8)
    whole[2:4, 2:6, 2:6] = 1
    half = whole.copy()
    half[:, :, 4:] = 255
    found = metrics.agreement([whole, half], 2, ignore=255)["structures"][0]
    assert found["dice"][0, 1] == found["surface_dice"][0, 1] == 1.0
    assert found["volumes"].tolist() == [16.0, 16.0]
