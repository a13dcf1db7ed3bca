"""Calibration of every class, in scopes and in bins of equal mass; risk and coverage; against plain NumPy, MONAI and torchmetrics."""

import pickle

import numpy as np
import pytest
import raters_reference

from soft_labels import metrics
from soft_labels.metrics import ClassReliability, Reliability

# The numbers of MONAI and of the reference for the three reductions.
REDUCTIONS = ("expected", "average", "maximum")


def case(seed, shape=(6, 7, 8), classes=3):
    random = np.random.default_rng(seed)
    p = np.exp(random.normal(0, 2, (classes, *shape)))
    return p / p.sum(0), random.integers(0, classes, shape)


@pytest.mark.parametrize("bins", [1, 2, 20, 33])
def test_each_class_is_the_reference(bins):
    p, labels = case(1)
    found = metrics.class_reliability(p, labels, 3, bins=bins)
    assert len(found) == 3 and found.voxels == labels.size
    for label in range(3):
        expected = raters_reference.class_calibration(p[label].ravel(), labels.ravel() == label, bins)
        errors = [found.errors(reduction)[label] for reduction in REDUCTIONS]
        np.testing.assert_allclose(errors, expected, rtol=1e-12)
        np.testing.assert_allclose([found.ece[label], found.ace[label], found.mce[label]], expected, rtol=1e-12)
        np.testing.assert_allclose(metrics.class_calibration(p[label], labels == label, bins), expected, rtol=1e-12)
        count, confidence, accuracy = raters_reference.class_bins(p[label].ravel(), labels.ravel() == label, bins)
        of_class = found.classes[label]
        np.testing.assert_array_equal(of_class.count, count)
        np.testing.assert_allclose(of_class.confidence, confidence, rtol=1e-12)
        np.testing.assert_allclose(of_class.accuracy, accuracy, rtol=1e-12)
        np.testing.assert_array_equal(of_class.correct / np.where(count, count, np.nan), of_class.accuracy)
    for reduction in REDUCTIONS:
        np.testing.assert_allclose(found.mean(reduction), found.errors(reduction).mean(), rtol=1e-12)


def test_a_confidence_of_0_is_in_the_first_bin():
    # What torchmetrics put into the last one, its issue 1646.
    foreground = np.array([[1.0, 1.0, 1.0, 1.0, 0.0]])
    found = metrics.class_reliability(np.stack([1 - foreground, foreground]), np.array([[0, 0, 1, 1, 1]]), 2, bins=2)
    np.testing.assert_array_equal([found.ece, found.ace, found.mce], [[0.6] * 2, [0.75] * 2, [1.0] * 2])
    np.testing.assert_array_equal(found.classes[1].count, [1, 4])


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_images_are_those_of_monai(reduction):
    torch = pytest.importorskip("torch")
    monai = pytest.importorskip("monai.metrics")
    if not hasattr(monai, "CalibrationErrorMetric"):
        pytest.skip("this MONAI has no such metric")
    metric = monai.CalibrationErrorMetric(num_bins=20, calibration_reduction=reduction, metric_reduction="mean")
    of_images = []
    for seed in range(4):
        p, labels = case(seed)
        # The last image lacks a class, which MONAI takes in.
        labels = np.minimum(labels, 1) if seed == 3 else labels
        one_hot = np.stack([labels == label for label in range(3)])
        metric(y_pred=torch.from_numpy(p[None]), y=torch.from_numpy(one_hot[None].astype(np.float32)))
        of_images.append(metrics.class_reliability(p, labels, 3).errors(reduction))
    np.testing.assert_allclose(metric.get_buffer().numpy(), of_images, atol=1e-5)
    np.testing.assert_allclose(float(metric.aggregate()), np.mean(of_images), atol=1e-5)


@pytest.mark.parametrize(("norm", "reduction"), [("l1", "expected"), ("max", "maximum")])
def test_a_class_is_that_of_torchmetrics(norm, reduction):
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional.classification")
    p, labels = case(5, classes=2)
    # Its confidence of one class is the probability of that class, without those of the other.
    theirs = functional.binary_calibration_error(
        torch.from_numpy(p[1]).ravel(), torch.from_numpy((labels == 1).astype(int)).ravel(), n_bins=15, norm=norm
    )
    found = metrics.class_reliability(p, labels, 2, bins=15).errors(reduction)[1]
    np.testing.assert_allclose(found, float(theirs), atol=1e-5)


def test_cases_are_added_and_kept():
    cases = [case(seed) for seed in range(3)]
    parts = [metrics.class_reliability(p, labels, 3) for p, labels in cases]
    whole = metrics.class_reliability(
        np.concatenate([p for p, _ in cases], 1), np.concatenate([labels for _, labels in cases]), 3
    )
    total = sum(parts)
    assert total.voxels == whole.voxels
    np.testing.assert_allclose(total.ece, whole.ece, rtol=1e-12)
    for copy in (
        pickle.loads(pickle.dumps(total)),
        ClassReliability.from_json(total.to_json()),
        total + ClassReliability(3),
    ):
        assert copy == total
    assert repr(ClassReliability(2, 3)) == "ClassReliability(classes=2, bins=3, voxels=0, ece=NaN)"
    assert np.isnan(ClassReliability(2).mean()) and np.isnan(ClassReliability(2).ece).all()
    for other in (ClassReliability(2), ClassReliability(3, 10)):
        with pytest.raises(ValueError, match="shape"):
            total + other
    with pytest.raises(TypeError):
        total + 1
    with pytest.raises(TypeError):
        total + Reliability()
    for classes, bins in [(0, 20), (3, 0), (-1, 20), (2**70, 20), (3, 2**21)]:
        with pytest.raises(ValueError):
            ClassReliability(classes, bins)
    with pytest.raises(ValueError, match='"average"'):
        total.errors("mean")
    with pytest.raises(ValueError, match="bins"):
        total.mean(equal_mass=0)
    with pytest.raises(ValueError, match="1 bins"):
        ClassReliability.from_json('{"classes": [' + Reliability(1).to_json() + "," + Reliability(2).to_json() + "]}")


def test_a_class_that_does_not_occur_is_in_no_mean():
    p, labels = case(7)
    labels = np.minimum(labels, 1)
    found = metrics.class_reliability(p, labels, 3)
    assert found.mean() == np.mean(found.ece[:2])
    foreground = metrics.class_reliability(p, labels, 3, scope="foreground")
    assert foreground.voxels == np.count_nonzero(labels) and foreground.mean() == foreground.ece[1]


def naive_band(labels, distance, ignore, spacing):
    """All pairs of voxels."""
    at = np.argwhere(np.ones_like(labels, bool)) * np.array(spacing)
    square = ((at[:, None] - at[None]) ** 2).sum(-1)
    flat = labels.ravel()
    counts = flat != ignore
    near = (square <= distance**2 * (1 + 1e-12)) & (flat[:, None] != flat[None]) & counts[:, None] & counts[None]
    return near.any(1).reshape(labels.shape)


@pytest.mark.parametrize("spacing", [[1.0, 1.0, 1.0], [2.0, 0.3, 1.0]])
@pytest.mark.parametrize("distance", [1.0, 1.5, 2.3])
def test_the_band_is_that_of_all_pairs(distance, spacing):
    random = np.random.default_rng(3)
    labels = np.repeat(np.repeat(random.choice([0, 0, 0, 1, 4, 9], (4, 4, 4)), 2, 0), 2, 2)
    expected = naive_band(labels, distance, 9, spacing)
    assert expected.any() and not expected.all()
    for map_ in (
        labels,
        labels.astype(np.uint8),
        np.asfortranarray(labels),
        labels[::-1, ::-1, ::-1][::-1, ::-1, ::-1],
    ):
        band = metrics.boundary_band(map_, [0, 1, 4], distance, ignore=9, spacing=spacing)
        np.testing.assert_array_equal(band, expected)
    flipped = metrics.boundary_band(labels[:, ::-1], [0, 1, 4], distance, ignore=9, spacing=spacing)
    np.testing.assert_array_equal(flipped, expected[:, ::-1])


def test_scopes_and_bands():
    p, labels = case(8)
    band = metrics.boundary_band(labels // 2, 2, 1.0, spacing=[1.0, 2.0, 1.0])
    labels = labels // 2
    p = np.stack([p[0] + p[1], p[2]])
    for scope, inside in [("all", band), ("foreground", band & (labels > 0)), (p[0] > 0.3, band & (p[0] > 0.3))]:
        by_width = metrics.class_reliability(p, labels, 2, scope=scope, band_mm=1.0, spacing=[1.0, 2.0, 1.0])
        assert by_width == metrics.class_reliability(p, labels, 2, scope=inside)
        assert by_width.voxels == np.count_nonzero(inside) < labels.size
        curve = metrics.risk_coverage(p, labels, 2, scope=scope, band_mm=1.0, spacing=[1.0, 2.0, 1.0])
        assert curve == metrics.risk_coverage(p, labels, 2, scope=inside)
    with pytest.raises(ValueError, match="distance is -1"):
        metrics.class_reliability(p, labels, 2, band_mm=-1.0)
    with pytest.raises(ValueError, match="spacing"):
        metrics.boundary_band(labels, 2, 1.0, spacing=[1.0, 2.0])
    with pytest.raises(ValueError, match="scope"):
        metrics.class_reliability(p, labels, 2, scope="edge", band_mm=1.0)


def test_bins_of_equal_mass():
    random = np.random.default_rng(9)
    parts = random.integers(0, 256, (1, 40))
    p = np.stack([255 - parts, parts]).astype(np.uint8)
    labels = random.integers(0, 2, (1, 40))
    fine = metrics.class_reliability(p, labels, 2, bins=5100)
    group = np.array([np.count_nonzero(parts < part) * 5 // 40 for part in parts.ravel()])
    gaps, shares = [], []
    for one in np.unique(group):
        held = group == one
        gaps.append(abs(parts.ravel()[held].mean() / 255 - labels.ravel()[held].mean()))
        shares.append(held.mean())
    regrouped = fine.classes[1].equal_mass(5)
    np.testing.assert_array_equal(regrouped.count, np.array(shares) * 40)
    np.testing.assert_allclose(regrouped.ece, np.dot(gaps, shares), rtol=1e-6)
    np.testing.assert_allclose(regrouped.ace, np.mean(gaps), rtol=1e-6)
    np.testing.assert_allclose(regrouped.mce, max(gaps), rtol=1e-6)
    assert [fine.errors(name, equal_mass=5)[1] for name in REDUCTIONS] == [regrouped.ece, regrouped.ace, regrouped.mce]
    assert regrouped.lower[0] == 0 and regrouped.upper[-1] == 1 and len(regrouped) == len(gaps)
    np.testing.assert_array_equal(regrouped.lower[1:], regrouped.upper[:-1])
    assert regrouped == fine.classes[1].equal_mass(5) and regrouped != fine.classes[1].equal_mass(4)
    for bins in (0, 2**21, 2**70):
        with pytest.raises(ValueError):
            fine.classes[1].equal_mass(bins)


def naive_curve(confidence, wrong):
    levels = np.unique(confidence)[::-1]
    covered = np.array([np.count_nonzero(confidence >= level) for level in levels])
    of_wrong = np.array([np.count_nonzero(wrong[confidence >= level]) for level in levels])
    risk = of_wrong / covered
    return levels, covered, of_wrong, (np.diff(covered, prepend=0) * risk).sum() / confidence.size


def test_risk_and_coverage():
    p, labels = case(10)
    parts = np.round(p * 20).astype(np.uint8)
    parts[2] = 255 - parts[0] - parts[1]
    parts[:, ::2] = parts[[2, 1, 0], ::2]
    p = parts / np.float32(255)
    expected = naive_curve(p.max(0).astype(float), p.argmax(0) != labels)
    curve = metrics.risk_coverage(p, labels, 3)
    for found, of in zip((curve.confidence, curve.covered, curve.wrong, curve.aurc), expected):
        np.testing.assert_allclose(found, of, rtol=1e-12)
    np.testing.assert_array_equal(curve.coverage, expected[1] / labels.size)
    np.testing.assert_array_equal(curve.risk, expected[2] / expected[1])
    assert curve.voxels == labels.size and len(curve) == len(expected[0])

    # Of the bins of several cases, in which each confidence has a bin of its own.
    bins = metrics.reliability(p, labels, 3, bins=5100)
    np.testing.assert_allclose((bins + bins).risk_coverage().aurc, curve.aurc, rtol=1e-12)
    nothing = Reliability(5100).risk_coverage()
    assert len(nothing) == 0 and np.isnan(nothing.aurc)


def test_intervals_of_cases():
    cases = [metrics.class_reliability(*case(seed, (3, 4)), 3) for seed in range(12)]
    pooled = metrics.bootstrap(cases, lambda drawn: sum(drawn).mean(), draws=200, seed=1)
    assert pooled == metrics.bootstrap(cases, lambda drawn: sum(drawn).mean(), draws=200, seed=1)
    assert pooled[0] < sum(cases).mean() < pooled[1]
    values = np.arange(400) / 400
    low, high = metrics.bootstrap(values, np.mean)
    error = 1.96 * (1 / 12 / 400) ** 0.5
    np.testing.assert_allclose([low, high], [values.mean() - error, values.mean() + error], atol=error / 10)
    narrow = metrics.bootstrap(values, np.mean, percent=50.0)
    assert low < narrow[0] < narrow[1] < high
    # Draws in which the number does not exist are left out.
    assert metrics.bootstrap([1.0, np.nan], np.mean) == (1.0, 1.0)
    assert metrics.bootstrap([1.0, 2.0, np.inf], np.median) == (1.0, np.inf)
    assert np.isnan(metrics.bootstrap([], np.mean)).all() and np.isnan(metrics.bootstrap([np.nan], np.mean)).all()
    with pytest.raises(ValueError, match="draws"):
        metrics.bootstrap(values, np.mean, draws=0)
    for percent in (0, 100, np.nan):
        with pytest.raises(ValueError, match="percent"):
            metrics.bootstrap(values, np.mean, percent=percent)


def test_arrays_that_run_backwards():
    p, labels = case(11)
    back, front = np.s_[:, ::-1, :, ::-1], np.s_[::-1, :, ::-1]
    assert metrics.class_reliability(p[back], labels[front], 3).ece.tolist() == pytest.approx(
        metrics.class_reliability(p, labels, 3).ece.tolist()
    )
    assert metrics.dice(labels[front], labels[front].copy(), 3).tolist() == [1.0, 1.0]
