"""Calibrations: against the reference and PyTorch's optimiser, over cases, and as a layer."""

import json
import pickle

import numpy as np
import pytest
import raters_reference as plain

from soft_labels import metrics
from soft_labels.metrics import Calibration

METHODS = ["temperature", "class-temperatures", "vector"]


def softmax(z):
    e = np.exp(z - z.max(0))
    return e / e.sum(0)


def cases(count=4, scale=1.8, dtype=np.float64):
    """Logits that are too sure, and labels drawn without the scale; the first row is ignored."""
    made = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        z = rng.normal(0, 2, (3, 12, 11 + seed))
        labels = (rng.random(z.shape[1:]) > softmax(z).cumsum(0)[:2]).sum(0).astype(np.uint8)
        labels[0] = 255
        made.append(((z * scale).astype(dtype), labels))
    return made


def flat(made):
    """All voxels that count, as (C, n) and (n)."""
    logits = np.concatenate([z[:, 1:].reshape(3, -1) for z, _ in made], 1)
    return logits, np.concatenate([labels[1:].ravel() for _, labels in made]).astype(np.int64)


def test_one_temperature_is_that_of_the_reference():
    made = cases()
    expected = plain.temperature(*flat(made))
    found = Calibration.fit(made, 3, ignore=255, logits=True)
    assert found.temperatures == pytest.approx([expected], rel=1e-9) and found.biases == []
    assert found.method == "temperature" and found.classes == 3 and found.logits
    # Probabilities have the same, whatever is added to the logits of a voxel.
    p = [(softmax(z), labels) for z, labels in made]
    assert Calibration.fit(p, 3, ignore=255).temperatures == pytest.approx([expected], rel=1e-9)
    single = metrics.temperature(*(made[0]), ignore=255)
    assert Calibration.fit(made[:1], 3, ignore=255, logits=True).temperatures == [single]


@pytest.mark.parametrize("method", METHODS)
def test_parameters_are_those_of_lbfgs(method):
    torch = pytest.importorskip("torch")
    made = cases()
    logits, labels = (torch.from_numpy(one) for one in flat(made))
    inverse = torch.ones(1 if method == "temperature" else 3, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(2, dtype=torch.float64, requires_grad=method == "vector")
    given = [inverse] + ([bias] if method == "vector" else [])
    optimizer = torch.optim.LBFGS(
        given, max_iter=500, tolerance_grad=1e-12, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def loss():
        optimizer.zero_grad()
        scaled = logits.T * inverse + torch.cat([torch.zeros(1, dtype=torch.float64), bias])
        value = torch.nn.functional.cross_entropy(scaled, labels)
        value.backward()
        return value

    for _ in range(3):
        optimizer.step(loss)
    found = Calibration.fit(made, 3, ignore=255, method=method, logits=True)
    np.testing.assert_allclose(found.temperatures, 1 / inverse.detach().numpy(), rtol=1e-6)
    if method == "vector":
        np.testing.assert_allclose(found.biases, [0, *bias.detach().numpy()], rtol=1e-6)
    assert found.method == method


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("logits", [True, False])
def test_folds_are_scored_by_the_others(method, logits):
    made = [(z if logits else softmax(z).astype(np.float32), labels) for z, labels in cases(5)]
    settings = dict(ignore=255, method=method, logits=logits)
    found = Calibration.fit(made, 3, folds=2, **settings)
    scores = found.cross_validation
    assert (scores["cases"], scores["folds"], scores["bins"]) == (5, 2, 10)
    nll, brier, voxels, bins = {"before": 0, "after": 0}, {"before": 0, "after": 0}, 0, {"before": [], "after": []}
    for at, (values, labels) in enumerate(made):
        others = [case for other, case in enumerate(made) if other % 2 != at % 2]
        without = Calibration.fit(others, 3, folds=0, **settings)
        assert without.cross_validation["after"] is None
        assert scores["without_fold"][at % 2] == {"temperatures": without.temperatures, "biases": without.biases}
        none = Calibration(1.0, classes=3)
        count = np.count_nonzero(labels != 255)
        voxels += count
        for when, calibration in (("before", none), ("after", without)):
            p = calibration.apply(values.astype(np.float64), logits=logits)
            nll[when] += metrics.nll(p, labels, 3, ignore=255) * count
            brier[when] += metrics.brier(p, labels, 3, ignore=255) * count
            bins[when].append(metrics.reliability(p, labels, 3, ignore=255))
    assert scores["voxels"] == voxels
    for when in ("before", "after"):
        assert scores[when]["nll"] == pytest.approx(nll[when] / voxels, rel=1e-9)
        assert scores[when]["brier"] == pytest.approx(brier[when] / voxels, rel=1e-9)
        assert scores[when]["ece"] == pytest.approx(sum(bins[when]).ece, rel=1e-9)
    assert scores["after"]["nll"] < scores["before"]["nll"] - 0.01
    assert scores["after"]["ece"] < scores["before"]["ece"]


def test_what_is_calibrated_is_left_alone():
    made = cases(3)
    found = Calibration.fit(made, 3, ignore=255, logits=True)
    again = Calibration.fit([(found.apply(z), labels) for z, labels in made], 3, ignore=255)
    assert again.temperatures == pytest.approx([1], abs=1e-9)


def test_types_stay():
    z, _ = cases(1)[0]
    calibration = Calibration([2.0, 1.5, 1.8], [0.0, 0.1, -0.2])
    p = softmax(z)
    scaled = np.log(p) / np.array([2.0, 1.5, 1.8])[:, None, None] + np.array([0.0, 0.1, -0.2])[:, None, None]
    np.testing.assert_allclose(calibration.apply(p), softmax(scaled), rtol=1e-12)
    for dtype, error in ((np.float64, 1e-12), (np.float32, 1e-6), (np.float16, 2e-3)):
        found = calibration.apply(p.astype(dtype))
        assert found.dtype == dtype and found.shape == p.shape
        np.testing.assert_allclose(found, softmax(scaled), atol=error)
    parts = np.array([[[255, 128, 0]], [[0, 127, 0]], [[0, 0, 0]]], np.uint8)
    found = calibration.apply(parts)
    assert found.dtype == np.uint8 and found.sum(0).tolist() == [[255, 255, 0]]
    # The zeros of a voxel are half of a 255th together, of half precision half of 2^-24, and so on.
    none = Calibration(1.0, classes=2)
    sure = np.array([[[1.0]], [[0.0]]])
    labels = np.array([[1]])
    for dtype, smallest in (("uint8", 1 / 255), ("float16", 2.0**-24), ("float32", 2.0**-149)):
        given = sure * 255 if dtype == "uint8" else sure
        nll = Calibration.fit([(given.astype(dtype), labels)], 2).cross_validation["before"]["nll"]
        assert nll == pytest.approx(-np.log(smallest / 4), abs=1e-2)
    assert none.apply(np.zeros((2, 1, 1))).tolist() == [[[0.0]], [[0.0]]]


def test_json_pickle_and_equality(tmp_path):
    found = Calibration.fit(cases(3), 3, ignore=255, logits=True, method="vector")
    text = found.to_json()
    assert set(json.loads(text)) == {"method", "logits", "classes", "temperatures", "biases", "cross_validation"}
    for again in (Calibration.from_json(text), pickle.loads(pickle.dumps(found))):
        assert again == found and hash(again) == hash(found)
        assert again.cross_validation == found.cross_validation and again.to_json() == text
    assert found != Calibration(1.0, classes=3) and found != 3
    assert eval(repr(found)) == found and eval(repr(Calibration(2.5, classes=4))) == Calibration(2.5, classes=4)
    torch = pytest.importorskip("torch")
    import soft_labels.torch  # noqa: F401

    torch.save([found], tmp_path / "a.pt")
    assert torch.load(tmp_path / "a.pt", weights_only=True) == [found]
    for wrong in ("{}", "[]", "3", "", '{"method": "vector"}', text.replace("vector", "temperature")):
        with pytest.raises(ValueError):
            Calibration.from_json(wrong)


class Reads:
    """A data set that reads a case when it is asked, and counts."""

    def __init__(self, made):
        self.made, self.reads = made, 0

    def __len__(self):
        return len(self.made)

    def __getitem__(self, at):
        self.reads += 1
        return self.made[at]


def test_data_sets_are_read_case_by_case():
    made = cases(4)
    data = Reads(made)
    assert Calibration.fit(data, 3, ignore=255, logits=True) == Calibration.fit(made, 3, ignore=255, logits=True)
    assert 4 * 4 <= data.reads <= 4 * 20 + 20
    with pytest.raises(TypeError, match="read several times"):
        Calibration.fit(iter(made), 3, logits=True)
    with pytest.raises(TypeError, match="read several times"):
        Calibration.fit((case for case in made), 3, logits=True)


def test_errors_name_the_case():
    made = cases(3)
    broken = [(z.copy(), labels.copy()) for z, labels in made]
    broken[1][0][2, 3, 4] = np.nan
    told = r"case 1 \(the first is 0\): the logit of class 2 at voxel \[3, 4\] is NaN; it must be finite"
    with pytest.raises(ValueError, match=told):
        Calibration.fit(broken, 3, ignore=255, logits=True)
    with pytest.raises(ValueError, match=r"case 0 .*must lie within 0 and 1"):
        Calibration.fit(made, 3, ignore=255)
    with pytest.raises(ValueError, match=r"case 0 .*label 255"):
        Calibration.fit(made, 3, logits=True)
    with pytest.raises(ValueError, match=r"case 2 .*shape"):
        Calibration.fit([*made[:2], (made[2][0][:, 1:], made[2][1])], 3, ignore=255, logits=True)
    with pytest.raises(TypeError, match=r"case 0 .*pair"):
        Calibration.fit([made[0][0]], 3, logits=True)
    with pytest.raises(TypeError, match=r"case 0 .*uint8"):
        Calibration.fit([(np.zeros((3, 2, 2), np.uint8), np.zeros((2, 2), int))], 3, logits=True)
    with pytest.raises(ValueError, match="no voxel counts"):
        Calibration.fit([(made[0][0], np.full_like(made[0][1], 255))], 3, ignore=255, logits=True)
    with pytest.raises(ValueError, match="no cases"):
        Calibration.fit([], 3)
    with pytest.raises(ValueError, match="method is"):
        Calibration.fit(made, 3, method="platt")
    with pytest.raises(ValueError, match="2 or more"):
        Calibration.fit(made, 3, ignore=255, logits=True, folds=1)
    with pytest.raises(ValueError, match="bins"):
        Calibration.fit(made, 3, ignore=255, logits=True, bins=0)
    for wrong in ((0.0, (), 3), (2000.0, (), 3), (np.nan, (), 3), ([1.0, 2.0], [0.0], None), ([1.0], [0.5], None)):
        with pytest.raises(ValueError):
            Calibration(wrong[0], wrong[1], classes=wrong[2])
    with pytest.raises(ValueError, match="how many classes"):
        Calibration(1.5)
    for_logits = Calibration([1.0, 2.0, 3.0], logits=True)
    with pytest.raises(ValueError, match="for logits, but probabilities are given"):
        for_logits.apply(softmax(made[0][0]), logits=False)
    with pytest.raises(ValueError, match="shape"):
        Calibration(1.5, classes=4).apply(softmax(made[0][0]))


def test_a_class_without_labels_keeps_its_parameters():
    made = [(z, np.where(labels == 1, 2, labels)) for z, labels in cases(2)]
    found = Calibration.fit(made, 3, ignore=255, logits=True, method="vector")
    assert found.temperatures[1] == 1 and found.biases[1] == 0 and found.temperatures[2] != 1


@pytest.mark.parametrize("method", METHODS)
def test_the_layer_is_the_same(method):
    torch = pytest.importorskip("torch")
    from soft_labels.torch import TemperatureScaling

    shape = (12, 11)
    made = [(z[:, :, :11], labels[:, :11]) for z, labels in cases(4, dtype=np.float32)]
    logits = torch.from_numpy(np.stack([z for z, _ in made]))
    labels = torch.from_numpy(np.stack([one for _, one in made]).astype(np.int64))
    expected = Calibration.fit(made, 3, ignore=255, logits=True, method=method)
    batches = [(logits[:3], labels[:3]), (logits[3:], labels[3:].unsqueeze(1))]
    layer = TemperatureScaling(3, method)
    assert torch.equal(layer(logits), logits)
    assert layer.fit(batches, ignore=255) is layer
    np.testing.assert_allclose(layer.temperature.detach().numpy(), expected.temperatures, rtol=1e-6)
    if method == "vector":
        np.testing.assert_allclose(layer.bias.detach().numpy(), expected.biases, rtol=1e-5)
    else:
        assert layer.bias is None
    p = torch.softmax(layer(logits), 1).detach().numpy()
    assert p.shape == (4, 3, *shape)
    np.testing.assert_allclose(p[2], expected.apply(made[2][0]), atol=1e-6)

    other = TemperatureScaling(3, method)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(logits), layer(logits))
    from_json = TemperatureScaling.from_json(expected.to_json())
    assert from_json.method == method and torch.equal(from_json(logits), layer(logits))
    np.testing.assert_allclose(layer.calibration().temperatures, expected.temperatures, rtol=1e-6)

    # Voxels without their places, other types, and gradients.
    inside = labels.ravel() != 255
    voxels = logits.movedim(1, -1).reshape(-1, 3)[inside]
    alone = TemperatureScaling(3, method).fit([(voxels, labels.ravel()[inside])])
    torch.testing.assert_close(alone.temperature, layer.temperature, rtol=1e-5, atol=0)
    assert layer(logits.double()).dtype == torch.float64 and layer(logits.bfloat16()).dtype == torch.bfloat16
    layer(logits).sum().backward()
    assert layer.temperature.grad is not None


def test_what_the_layer_does_not_take():
    torch = pytest.importorskip("torch")
    from soft_labels.torch import TemperatureScaling

    layer = TemperatureScaling(3)
    batch = (torch.zeros(2, 3, 4, 4), torch.zeros(2, 4, 4, dtype=torch.long))
    with pytest.raises(TypeError, match="read several times"):
        layer.fit(iter([batch]))
    with pytest.raises(TypeError, match="pair"):
        layer.fit([{"image": batch[0]}])
    with pytest.raises(ValueError, match="logits are"):
        layer.fit([(batch[0], batch[1][:, 1:])])
    with pytest.raises(ValueError, match="3"):
        layer(torch.zeros(2, 4, 4, 4))
    for wrong in (dict(classes=0), dict(classes=3, method="platt")):
        with pytest.raises(ValueError):
            TemperatureScaling(**wrong)
    with pytest.raises(ValueError, match="on probabilities"):
        TemperatureScaling.from_json(Calibration([1.0, 2.0]).to_json())
    with pytest.raises(ValueError, match="2 classes"):
        layer.fit([batch], classes=2)


def test_a_data_set_that_does_not_end_by_itself():
    """A map-style data set has a length, and no IndexError behind its end."""

    class Cases:
        def __len__(self):
            return 2

        def __getitem__(self, at):
            drawn = np.random.default_rng(at).random((1, 8, 8))
            return np.concatenate([drawn, 1 - drawn]), (drawn[0] < 0.6).astype(np.uint8)

    cases = Cases()
    expected = metrics.Calibration.fit([cases[0], cases[1]], 2)
    assert metrics.Calibration.fit(cases, 2).temperatures == expected.temperatures


def test_probabilities_are_no_logits():
    drawn = np.random.default_rng(0).random((1, 8, 8))
    case = (np.concatenate([drawn, 1 - drawn]), np.zeros((8, 8), np.uint8))
    with pytest.raises(ValueError, match="these are probabilities.*logits=False"):
        metrics.Calibration.fit([case], 2, logits=True)
