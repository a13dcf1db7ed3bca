"""Soft references, scopes and bins that add, against plain NumPy."""

import pickle

import naive
import numpy as np
import pytest

from soft_labels import metrics
from soft_labels.metrics import Reliability


def test_scores_of_soft_references():
    rng = naive.generator(64)
    for _ in range(20):
        reference = naive.random_map(rng)
        p = rng.dirichlet([1.0] * 3, reference.shape)
        t = rng.dirichlet([1.0] * 3, reference.shape)
        p, t = np.moveaxis(p, -1, 0), np.moveaxis(t, -1, 0)
        mask = rng.random(reference.shape) < 0.5
        mask.flat[0] = True
        nll, brier = -(t * np.log(p)).sum(0), ((p - t) ** 2).sum(0)
        assert metrics.nll_soft(p, t) == pytest.approx(nll.mean(), rel=1e-12)
        assert metrics.brier_soft(p, t, scope="all") == pytest.approx(brier.mean(), rel=1e-12)
        assert metrics.nll_soft(p, t, scope=mask) == pytest.approx(nll[mask].mean(), rel=1e-12)
        assert metrics.brier_soft(p, t, scope=mask) == pytest.approx(brier[mask].mean(), rel=1e-12)
        hard = naive.one_hot(reference, range(3))
        assert metrics.brier_soft(p, hard) == pytest.approx(metrics.brier(p, reference, 3), rel=1e-12)
    with pytest.raises(ValueError, match="shape"):
        metrics.nll_soft(p, t[:2])
    with pytest.raises(ValueError, match="beside soft labels"):
        metrics.nll_soft(p, t, scope="foreground")


CALIBRATION = (metrics.ece, metrics.nll, metrics.brier, lambda *a, **k: metrics.tace(*a, bins=3, **k))


@pytest.mark.parametrize("metric", CALIBRATION)
@pytest.mark.parametrize("dtype", ["u1", "<i2", ">i4", "i8", "u8"])
def test_a_scope_is_the_metric_of_its_voxels(metric, dtype):
    rng = naive.generator(65)
    for _ in range(10):
        reference = rng.integers(0, 3, (4, 5, 6))
        p = np.moveaxis(rng.dirichlet([1.0] * 3, reference.shape), -1, 0)
        mask = rng.random(reference.shape) < 0.5
        for scope, inside in ((mask, mask), ("foreground", reference > 0), (mask.astype("u1").view("?"), mask)):
            expected = metric(p[:, inside][:, None], reference[inside][None], 3)
            assert metric(p, reference.astype(dtype), 3, scope=scope) == pytest.approx(expected, rel=1e-12)
            # What lies outside may hold anything.
            wild, other = np.where(inside, p, np.nan), np.where(inside, reference, 77).astype(dtype)
            if isinstance(scope, np.ndarray):
                assert metric(wild, other, 3, scope=scope) == pytest.approx(expected, rel=1e-12)
            assert metric(p, reference, [0, 1, 2], ignore=-1, scope=scope) == pytest.approx(expected, rel=1e-12)
        # A class may be what is ignored elsewhere.
        listed = metric(p, np.where(reference == 2, -1, reference), [0, 1, -1], scope=mask)
        assert listed == metric(p, reference, 3, scope=mask)
    for wrong, error in [
        ("some", ValueError),
        (mask[:2], ValueError),
        (mask * 1, TypeError),
        (None, TypeError),
        ([True], TypeError),
    ]:
        with pytest.raises(error, match="scope"):
            metric(p, reference, 3, scope=wrong)


def test_tace_has_its_switches():
    rng = naive.generator(66)
    reference = rng.integers(0, 3, (6, 7, 8))
    p = np.moveaxis(rng.dirichlet([1.0] * 3, reference.shape), -1, 0)
    turned = metrics.tace(p[[1, 2, 0]], (reference - 1) % 3, 3)
    both = [
        metrics.tace(one, labels, 3, background=True)
        for one, labels in ((p, reference), (p[[1, 2, 0]], (reference - 1) % 3))
    ]
    assert both[0] == pytest.approx(both[1], rel=1e-12) and metrics.tace(p, reference, 3) != turned
    by_mass = metrics.tace(p, reference, 3, bins=11, weight="mass")
    assert by_mass != metrics.tace(p, reference, 3, bins=11) == metrics.tace(p, reference, 3, bins=11, weight="equal")
    with pytest.raises(ValueError, match="weight"):
        metrics.tace(p, reference, 3, weight="voxels")


def test_bins_of_several_cases_are_added():
    rng = naive.generator(67)
    reference = rng.integers(0, 3, (6, 7, 8))
    p = np.moveaxis(rng.dirichlet([1.0] * 3, reference.shape), -1, 0)
    parts = [metrics.reliability(p[:, at : at + 2], reference[at : at + 2], 3) for at in (0, 2, 4)]
    whole, total = metrics.reliability(p, reference, 3), sum(parts)
    assert len(total) == 10 and total.voxels == whole.voxels == reference.size
    np.testing.assert_array_equal(total.count, whole.count)
    for name in ("lower", "upper", "accuracy", "confidence"):
        np.testing.assert_allclose(getattr(total, name), getattr(whole, name), rtol=1e-12)
    assert total.ece == pytest.approx(whole.ece, rel=1e-12)
    for copy in (pickle.loads(pickle.dumps(total)), Reliability.from_json(total.to_json()), Reliability() + total):
        assert copy == total and copy + parts[0] == total + parts[0]
    assert np.isnan(Reliability(15).ece) and len(Reliability(15)) == 15 and total != Reliability()
    assert repr(Reliability(3)) == "Reliability(bins=3, voxels=0, ece=NaN)"
    with pytest.raises(ValueError, match="shape"):
        Reliability(10) + Reliability(15)
    for wrong in (1, None, "a", np.ones(10)):
        with pytest.raises(TypeError):
            total + wrong
        with pytest.raises(TypeError):
            wrong + total
    for bins, error in ((0, ValueError), (-1, ValueError), (2**70, ValueError), ("a", TypeError)):
        with pytest.raises(error):
            Reliability(bins)
    with pytest.raises(ValueError):
        Reliability.from_json('{"bins": [{"count": 1, "correct": 2, "confidence": 0.5}]}')


def test_areas_of_surfaces():
    reference = np.zeros((12, 12), int)
    reference[2:8, 3:9] = 1
    found = metrics.surface_distances(np.roll(reference, 3, 1), reference, 2, spacing=[2.0, 1.0], tolerance=0.5)
    assert found["area_prediction"][0] == found["area_reference"][0] > 20
    assert found["surface_dice_paper"][0] == found["overlap_prediction"][0]
