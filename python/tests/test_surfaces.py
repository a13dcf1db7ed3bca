"""Surfaces against MONAI and torchmetrics where they are installed, and by hand."""

import naive
import numpy as np
import pytest

from soft_labels import metrics

SHAPES = [((14, 14), (1.0, 1.0)), ((9, 12), (0.85, 1.2)), ((5, 6, 7), (1.0, 1.0, 1.0)), ((6, 7, 8), (2.5, 0.7, 0.8))]


def random_pairs(seed, count=8):
    """Masks of which some are dense, some sparse and some empty."""
    rng = naive.generator(seed)
    for shape, spacing in SHAPES * count:
        yield (
            rng.random(shape) < rng.choice([0.0, 0.05, 0.4, 0.9]),
            rng.random(shape) < rng.choice([0.05, 0.5]),
            spacing,
        )


def ball(shape, middle, radius, spacing=(1.0, 1.0, 1.0)):
    axes = np.ogrid[tuple(map(slice, shape))]
    return sum((axis * step - at) ** 2 for axis, step, at in zip(axes, spacing, middle)) <= radius**2


def edges(prediction, reference, **settings):
    found = metrics.surface_distances(prediction, reference, 2, surface="edge_voxels", **settings)
    return {name: column[0] for name, column in found.items()}


@pytest.mark.filterwarnings("ignore")
def test_edge_voxels_are_monais():
    torch, monai = pytest.importorskip("torch"), pytest.importorskip("monai.metrics")
    for prediction, reference, spacing in random_pairs(11):
        pair = [torch.from_numpy(mask)[None, None] for mask in (prediction, reference)]
        settings = {"include_background": True, "spacing": spacing}
        for tolerance in (0.0, 1.0, 2.5):
            expected = monai.compute_surface_dice(*pair, [tolerance], **settings).item()
            found = edges(prediction, reference, spacing=spacing, tolerance=tolerance)["surface_dice"]
            np.testing.assert_allclose(found, expected, rtol=1e-5)
        found = edges(prediction, reference, spacing=spacing)
        for name, symmetric in {"average_from_prediction": False, "average_surface_distance": True}.items():
            expected = monai.compute_average_surface_distance(*pair, symmetric=symmetric, **settings).item()
            np.testing.assert_allclose(found[name], expected, rtol=1e-5, err_msg=name)
        for percent in (30, 95, 100):
            found = edges(prediction, reference, spacing=spacing, percent=percent)
            for name, directed in {
                "hausdorff_percentile": False,
                "hausdorff_percentile_from_prediction": True,
            }.items():
                expected = monai.compute_hausdorff_distance(
                    *pair, percentile=percent, directed=directed, **settings
                ).item()
                if np.isnan(expected) and prediction.any() != reference.any():
                    expected = np.inf  # MONAI interpolates between two infinite distances, which is NaN
                np.testing.assert_allclose(found[name], expected, rtol=1e-5, err_msg=f"{name} {percent}")


@pytest.mark.filterwarnings("ignore")
def test_surfels_are_monais_of_subvoxels():
    torch, monai = pytest.importorskip("torch"), pytest.importorskip("monai.metrics")
    for prediction, reference, spacing in random_pairs(12):
        pair = [torch.from_numpy(mask)[None, None] for mask in (prediction, reference)]
        expected = monai.compute_surface_dice(
            *pair, [1.3], include_background=True, spacing=spacing, use_subvoxels=True
        )
        found = metrics.surface_dice(prediction, reference, 2, spacing=spacing, tolerance=1.3)
        np.testing.assert_allclose(found[0], expected.item(), rtol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_empty_regions_are_monais_and_others():
    torch, monai = pytest.importorskip("torch"), pytest.importorskip("monai.metrics")
    none, one = np.zeros((1, 4), int), np.array([[0, 1, 1, 0]])
    for prediction, reference in [(none, none), (none, one), (one, none), (one, one[:, ::-1])]:
        pair = [torch.from_numpy(mask.copy())[None, None].float() for mask in (prediction, reference)]
        for function, monais in [(metrics.dice, monai.compute_dice), (metrics.jaccard, monai.compute_iou)]:
            assert function(prediction, reference, 2)[0] == monais(*pair, ignore_empty=False).item()
            found, expected = function(prediction, reference, 2, empty="nan")[0], monais(*pair).item()
            # MONAI leaves out what the prediction alone holds.
            only_predicted = prediction.any() and not reference.any()
            assert np.isnan(expected) and found == 0 if only_predicted else np.array_equal(found, expected, True)


def test_hausdorff_is_torchmetrics():
    torch, segmentation = pytest.importorskip("torch"), pytest.importorskip("torchmetrics.functional.segmentation")
    rng = naive.generator(13)
    for spacing in [1.0, 2.0, 0.3]:
        prediction, reference = rng.random((2, 16, 16)) < 0.3  # square, in 2D: others are wrong in torchmetrics 1.9
        pair = [torch.from_numpy(mask)[None, None].int() for mask in (prediction, reference)]
        found = edges(prediction, reference, spacing=spacing, percent=100)
        for name, directed in {"hausdorff": False, "hausdorff_percentile_from_prediction": True}.items():
            expected = segmentation.hausdorff_distance(
                *pair, 1, include_background=True, spacing=[spacing] * 2, directed=directed
            )
            np.testing.assert_allclose(found[name], expected.item(), rtol=1e-6, err_msg=name)


def test_balls_have_the_distances_that_monai_tests():
    """The balls of MONAI's tests, and the numbers there, of which some are not from a program."""
    size, space = (99, 99, 99), (0.85, 1.2, 0.9)
    same = edges(ball(size, (49, 49, 49), 20), ball(size, (49, 49, 49), 20), tolerance=0.0)
    assert (same["surface_dice"], same["average_surface_distance"], same["hausdorff"]) == (1, 0, 0)

    shifted = edges(ball(size, (20, 20, 20), 20), ball(size, (19, 19, 19), 20), percent=100)
    assert shifted["hausdorff"] == shifted["hausdorff_percentile_from_prediction"] == 3**0.5

    touching = edges(ball(size, (19, 33, 22), 33), ball(size, (20, 33, 22), 33))
    assert touching["hausdorff"] == 1
    assert touching["average_surface_distance"] == pytest.approx(0.350217, rel=1e-5)
    assert touching["average_from_prediction"] == pytest.approx(0.3483278807706289, rel=1e-6)

    grown = edges(ball(size, (20, 33, 22), 20), ball(size, (20, 33, 22), 40), percent=95)
    assert grown["average_surface_distance"] == pytest.approx(15.117741, rel=1e-6)
    assert grown["average_from_prediction"] == pytest.approx(12.040033513150455, rel=1e-6)
    assert grown["hausdorff"] == pytest.approx(20.223748416156685, rel=1e-6)
    assert grown["hausdorff_percentile"] == pytest.approx(20.09975124224178, rel=1e-6)
    assert grown["hausdorff_percentile_from_prediction"] == pytest.approx(19.924858845171276, rel=1e-6)

    stretched = [ball(size, (middle, middle, middle), 20, space) for middle in (20, 19)]
    assert edges(*stretched, spacing=space)["hausdorff"] == pytest.approx(2.2671568, rel=1e-6)
    stretched = [ball(size, (middle, 45, 52), 33, space) for middle in (42, 43)]
    assert edges(*stretched, spacing=space)["average_surface_distance"] == pytest.approx(0.4951, rel=1e-4)


def test_squares_have_the_numbers_that_metrics_reloaded_tests():
    """Figures 2.10 and 5c of the pitfalls paper (Reinke et al. 2024), as in MetricsReloaded's tests."""

    def square(start, stop):
        mask = np.zeros((14, 14), bool)
        mask[start:stop, start:stop] = True
        return mask

    numbers = {(6, 8): (1.07, 1.10, 0.75, 0.4), (4, 10): (1.04, 1.05, 0.875, 2 * 16 / 52)}
    for found, (masd, assd, near, dice) in numbers.items():
        row = edges(square(*found), square(5, 9), tolerance=1.0)
        assert row["hausdorff"] == 2**0.5 and row["surface_dice"] == near
        assert row["average_surface_distance"] == pytest.approx(assd, abs=0.01)
        of_each = row["average_from_prediction"] + row["average_from_reference"]
        assert of_each / 2 == pytest.approx(masd, abs=0.01)
        assert metrics.dice(square(*found), square(5, 9), 2)[0] == dice
    row = edges(square(9, 12), square(9, 12) | square(1, 2))
    assert row["hausdorff"] == 128**0.5 and row["hausdorff_percentile"] == pytest.approx(6.79, abs=0.01)


@pytest.mark.parametrize("surface", ["surfels", "edge_voxels"])
def test_regions_that_a_map_lacks(surface):
    none, one = np.zeros((3, 4), int), np.eye(3, 4, dtype=int)
    distances = ["average_surface_distance", "average_from_prediction", "average_from_reference"]
    distances += ["hausdorff_percentile", "hausdorff"]

    def of(prediction, reference, empty):
        [row] = metrics.judge(prediction, reference, 2, surface=surface, empty=empty)["regions"]
        return row

    scores = ["dice", "jaccard", "precision", "recall", "surface_dice", "overlap_reference", "overlap_prediction"]
    for empty, score, distance in [("one", 1.0, 0.0), ("nan", np.nan, np.nan), ("zero", 0.0, np.inf)]:
        row = of(none, none, empty)
        np.testing.assert_equal([row[name] for name in scores], [score] * len(scores))
        np.testing.assert_equal([row[name] for name in distances], [distance] * len(distances))
        for pair in [(none, one), (one, none)]:
            row = of(*pair, empty)
            assert row["dice"] == row["jaccard"] == row["surface_dice"] == 0
            assert all(row[name] == np.inf for name in distances)


def test_a_distance_of_the_tolerance_is_within_it():
    prediction, reference = np.zeros((2, 1, 9), int)
    prediction[0, 2], reference[0, 5] = 1, 1
    assert 3 * 0.1 > 0.3
    for spacing in (0.1, float(np.float32(0.1))):
        for surface in ("surfels", "edge_voxels"):
            for tolerance, expected in {0.3: 1.0, 0.2999: 0.0}.items():
                found = metrics.surface_dice(
                    prediction, reference, 2, spacing=spacing, tolerance=tolerance, surface=surface
                )
                assert (found[0] == 1.0) == (expected == 1.0)


@pytest.mark.parametrize(
    ("surface", "expected"),
    [
        ("surfels", (0.7646393546315234, 1.5443939568311538, 3.0, 19.697715603592208)),
        ("edge_voxels", (0.7741935483870968, 1.352888487765111, 3.0, 19.697715603592208)),
    ],
)
def test_the_defaults_are_those_of_the_command(surface, expected):
    """cli/tests/command/judge.rs has the same numbers."""
    prediction, reference = np.zeros((2, 40, 30), int)
    prediction[4:25, 2:22], prediction[39, 29], reference[2:22, 2:22] = 1, 1, 1
    [row] = metrics.judge(prediction, reference, 2, surface=surface)["regions"]
    names = ["surface_dice", "average_surface_distance", "hausdorff_percentile", "hausdorff"]
    assert [row[name] for name in names] == pytest.approx(expected, abs=1e-12)
    assert metrics.surface_dice(prediction, reference, 2, surface=surface)[0] == row["surface_dice"]
    assert metrics.hausdorff(prediction, reference, 2, surface=surface)[0] == row["hausdorff_percentile"]
    if surface == "surfels":
        assert metrics.judge(prediction, reference, 2)["regions"] == [row]


def test_another_surface_is_an_error():
    with pytest.raises(ValueError, match='surface is "surfels" or "edge_voxels", not "edges"'):
        metrics.judge(np.eye(3, dtype=int), np.eye(3, dtype=int), 2, surface="edges")
