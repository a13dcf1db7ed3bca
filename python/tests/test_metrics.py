"""Fusions and metrics against plain NumPy and SciPy, and by hand."""

import naive
import numpy as np
import pytest
from scipy import ndimage

from soft_labels import Classes, encode, fuse, metrics


def pairs(count, seed, axes=3):
    rng = naive.generator(seed)
    for _ in range(count):
        reference = naive.random_map(rng, axes=axes)
        prediction = np.where(rng.random(reference.shape) < 0.1, rng.integers(0, 3, reference.shape), reference)
        yield prediction, reference, rng


def test_overlap_is_what_masks_say():
    for prediction, reference, rng in pairs(100, 1):
        typed = (
            prediction.astype(rng.choice(["B", "<i2", ">i4", "<u8"])),
            reference.astype(rng.choice(["B", "<i2", ">i8"])),
        )
        found = metrics.overlap(*typed, 3, regions=[1, 2, [1, 2]], empty="nan")
        for row, labels in enumerate([[1], [2], [1, 2]]):
            p, r = np.isin(prediction, labels), np.isin(reference, labels)
            with np.errstate(invalid="ignore", divide="ignore"):
                expected = {
                    "voxels_prediction": p.sum(),
                    "voxels_reference": r.sum(),
                    "voxels_both": (p & r).sum(),
                    "dice": 2 * (p & r).sum() / (p.sum() + r.sum()),
                    "jaccard": (p & r).sum() / (p | r).sum(),
                    "precision": np.float64((p & r).sum()) / p.sum(),
                    "recall": np.float64((p & r).sum()) / r.sum(),
                }
            for name, number in expected.items():
                np.testing.assert_allclose(found[name][row], number, rtol=1e-15, err_msg=name)
        matrix = metrics.confusion_matrix(*typed, 3)
        assert matrix[1, 2] == ((prediction == 1) & (reference == 2)).sum()


def test_hausdorff_of_two_voxels():
    prediction, reference = np.zeros((2, 9, 9, 9), np.uint8)
    prediction[2, 2, 2], reference[2, 2, 6] = 1, 1
    # Surfaces are those between voxels, so this is the distance of the cubes' nearest faces' elements.
    found = metrics.surface_distances(prediction, reference, 2, spacing=(3, 2, 0.5), tolerance=2.0, percent=100)
    assert found["hausdorff"][0] == pytest.approx(2.0, abs=0.5) and found["surface_dice"][0] == 1.0
    assert metrics.hausdorff(prediction, prediction, 2)[0] == 0
    assert metrics.surface_dice(prediction, reference, 2, tolerance=1.0)[0] == 0


def test_surface_dice_of_far_and_near():
    for _, reference, _ in pairs(20, 2):
        near = ndimage.binary_dilation(reference == 1).astype(np.uint8)
        found = metrics.surface_dice(near, (reference == 1).astype(bool), 2, tolerance=2.0)
        assert found[0] == 1.0 or np.isnan(found[0])


def test_calibration_is_what_its_definitions_say():
    for _, reference, rng in pairs(40, 3):
        probabilities = rng.dirichlet([0.5] * 3, reference.shape).transpose(3, 0, 1, 2)
        own = np.take_along_axis(probabilities, reference[None], 0)[0]
        assert metrics.nll(probabilities, reference, 3) == pytest.approx(-np.log(own).mean(), rel=1e-12)
        squares = ((probabilities - naive.one_hot(reference, range(3))) ** 2).sum(0)
        assert metrics.brier(probabilities, reference.astype("u1"), 3) == pytest.approx(squares.mean(), rel=1e-12)
        top = probabilities.argmax(0)
        np.testing.assert_array_equal(metrics.top_labels(probabilities, 3), top)
        confidence, right = probabilities.max(0), top == reference
        bins = np.clip(np.ceil(confidence * 10).astype(int) - 1, 0, 9)
        gaps = [abs(right[bins == b].sum() - confidence[bins == b].sum()) for b in range(10)]
        assert metrics.ece(probabilities, reference, 3) == pytest.approx(sum(gaps) / top.size, rel=1e-9)
        diagram = metrics.reliability(probabilities, reference, 3)
        assert diagram.count.sum() == diagram.voxels == top.size
        diagram = metrics.reliability(probabilities.astype("f4"), reference, 3, scope="foreground")
        assert diagram.count.sum() == (reference > 0).sum()


def test_one_table_holds_the_functions_numbers():
    prediction, reference, _ = next(pairs(1, 4))
    soft = encode(prediction, 3)
    prediction = metrics.top_labels(soft, 3)
    table = metrics.judge(soft, reference, 3, spacing=2.0, tolerance=2.0, regions=[1, [1, 2]])
    assert [row["labels"] for row in table["regions"]] == [[1], [1, 2]]
    assert table["regions"][1]["dice"] == metrics.dice(prediction, reference, 3, regions=[[1, 2]])[0]
    assert table["calibration"]["brier"] == metrics.brier(soft, reference, 3)
    assert metrics.judge(prediction, reference, 3)["calibration"] is None


def test_what_is_predicted_where_the_reference_is_ignored_does_not_matter():
    classes = Classes(3, ignore=9)
    for prediction, reference, rng in pairs(20, 7):
        reference = np.where(rng.random(reference.shape) < 0.3, 9, reference)
        soft = encode(prediction, 3, dtype="float64")
        expected = metrics.judge(soft, reference, classes)
        for garbage in (np.nan, 0.0, -3.0, np.inf):
            planted = np.where(reference == 9, garbage, soft)
            np.testing.assert_equal(metrics.judge(planted, reference, classes), expected)
        top = metrics.top_labels(planted, classes, reference)
        np.testing.assert_array_equal(top, np.where(reference == 9, 9, metrics.top_labels(soft, classes)))
        # Labels of no class, too.
        wild = np.where(reference == 9, 77, top)
        np.testing.assert_equal(metrics.judge(wild, reference, classes), metrics.judge(top, reference, classes))


def test_a_voxel_without_probability_that_counts_is_an_error():
    soft, reference = np.full((2, 3, 4), 0.5), np.zeros((3, 4), int)
    soft[:, 1, 2] = 0
    for metric in (metrics.ece, metrics.tace, metrics.nll, metrics.brier, metrics.judge):
        with pytest.raises(ValueError, match=r"\[1, 2\]: the prediction ignores it"):
            metric(soft, reference, 2)
    assert metrics.top_labels(soft, Classes(2, ignore=255))[1, 2] == 255
    with pytest.raises(ValueError, match="ignores"):
        metrics.top_labels(soft, 2)
    # A batch is no map.
    with pytest.raises(ValueError, match="axes"):
        metrics.nll(np.full((2, 2, 3, 4, 5), 0.5), np.zeros((2, 3, 4, 5), int), 2)


def test_majority_vote_by_counting():
    rng = naive.generator(5)
    for _ in range(50):
        first = naive.random_map(rng, classes=4)
        maps = [np.where(rng.random(first.shape) < 0.3, rng.integers(0, 4, first.shape), first) for _ in range(4)]
        votes = np.stack([sum(one == label for one in maps) for label in range(3)])
        expected = np.where(votes.any(0), votes.argmax(0), 3)
        np.testing.assert_array_equal(fuse.majority_vote(maps, Classes(3, ignore=3)), expected)
        last = np.where(votes.any(0), 2 - votes[::-1].argmax(0), 3)
        np.testing.assert_array_equal(fuse.majority_vote(maps, Classes(3, ignore=3), ties="highest"), last)
    assert fuse.majority_vote([first.astype(">i2")], 4).dtype == np.int16


def naive_staple(maps, classes, rounds):
    """Expectation maximisation as its paper words it."""
    votes = np.stack([naive.one_hot(one, range(classes)).reshape(classes, -1) for one in maps])
    w = votes.mean(0)
    prior = w.mean(1)
    for _ in range(rounds):
        theta = np.einsum("rjv,sv->rjs", votes, w) / w.sum(1)
        w = prior[:, None] * np.prod(np.einsum("rjv,rjs->rsv", votes, theta), 0)
        w /= w.sum(0)
    return w, np.stack([np.diag(one) for one in theta])


def test_staple_is_expectation_maximisation():
    rng = np.random.default_rng(6)
    truth = (np.indices((12, 14, 16)).sum(0) // 14).astype(np.uint8)
    maps = [
        np.where(rng.random(truth.shape) < noise, rng.integers(0, 3, truth.shape), truth) for noise in (0.05, 0.1, 0.3)
    ]
    posterior, sensitivity = naive_staple(maps, 3, 7)
    found = fuse.staple(maps, 3, max_iterations=7, tolerance=0.0)
    assert found.iterations == 7 and not found.converged
    np.testing.assert_allclose(found.posterior.reshape(3, -1), posterior, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.sensitivity, sensitivity, rtol=0, atol=1e-9)
