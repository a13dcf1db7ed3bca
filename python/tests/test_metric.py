"""Metrics that are added up over cases and processes."""

import numpy as np
import pytest

from soft_labels import Classes, metrics

torch = pytest.importorskip("torch")
from soft_labels.torch import SegmentationMetrics  # noqa: E402

CLASSES = Classes(values=[0, 2, 5, 9], ignore=255)
REGIONS = [2, 5, [2, 5, 9], 9]


def cases(count=5, shape=(6, 7, 8)):
    """Logits (N, C, ..), and label maps with ignored voxels. No case but the last has label 9."""
    rng = np.random.default_rng(7)
    logits = torch.from_numpy(rng.normal(0, 2, (count, 4, *shape)))
    labels = rng.choice([0, 2, 5, 255], (count, *shape))
    labels[-1, 0] = 9
    logits[:-1, 3] = -50
    return logits, torch.from_numpy(labels)


@pytest.mark.parametrize("shape", [(9, 10), (6, 7, 8)])
@pytest.mark.parametrize("scope", ["all", "foreground"])
@pytest.mark.parametrize("bins", [10, 7])
def test_values_are_those_of_the_metrics(shape, scope, bins):
    logits, labels = cases(shape=shape)
    logits = logits.float()
    found = SegmentationMetrics(CLASSES, bins=bins, scope=scope, regions=REGIONS)
    found.update(logits[:2], labels[:2, None].float())
    found.update(logits[2:], labels[2:])
    # PyTorch's softmax of a batch has not always the bits of that of its items.
    p = torch.cat([logits[:2].softmax(1), logits[2:].softmax(1)])
    # All cases as one map: beside one another along the first axis.
    whole, reference = torch.cat(list(p), 1).numpy(), torch.cat(list(labels)).numpy()
    values = found.compute()
    assert values["ece"].dtype == torch.float64
    assert float(values["ece"]) == pytest.approx(
        metrics.ece(whole, reference, CLASSES, bins=bins, scope=scope), rel=1e-12
    )
    top = metrics.top_labels(whole, CLASSES, reference)
    pooled = metrics.dice(top, reference, CLASSES, regions=REGIONS)
    np.testing.assert_array_equal(values["pooled_dice"].numpy(), pooled)
    each = [
        metrics.dice(metrics.top_labels(one.numpy(), CLASSES, drawn), drawn, CLASSES, regions=REGIONS, empty="nan")
        for one, drawn in zip(p, labels.numpy())
    ]
    assert np.isnan(each[0][3]) and not np.isnan(each[-1][3])
    np.testing.assert_allclose(values["dice"].numpy(), np.nanmean(each, 0), rtol=1e-14)


def test_confidences_at_the_borders_of_bins():
    tenths = torch.arange(5, 11, dtype=torch.float64) / 10
    p = torch.stack([tenths, 1 - tenths]).reshape(1, 2, 1, 6)
    labels = torch.tensor([[[0, 1, 0, 1, 1, 0]]])
    found = SegmentationMetrics(2, probabilities=True)
    found.update(p, labels)
    diagram = found.reliability()
    borders = np.linspace(0, 1, 11)
    # A bin holds its upper border. 0.6 and 0.7 are below those of `linspace`.
    np.testing.assert_array_equal(diagram["lower"].numpy(), borders[:-1])
    np.testing.assert_array_equal(diagram["upper"].numpy(), borders[1:])
    assert diagram["count"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    assert diagram["accuracy"][4:].tolist() == [1, 0, 1, 0, 0, 1]
    np.testing.assert_array_equal(diagram["confidence"][4:].numpy(), tenths.numpy())
    assert float(found.compute()["ece"]) == pytest.approx(metrics.ece(p[0].numpy(), labels[0].numpy(), 2), rel=1e-12)


def test_merge_reset_and_nothing():
    logits, labels = cases()
    whole, parts = SegmentationMetrics(CLASSES), [SegmentationMetrics(CLASSES) for _ in range(2)]
    whole.update(logits, labels)
    parts[0].update(logits[:2], labels[:2])
    before = parts[0].synced()
    parts[1].update(logits[2:], labels[2:])
    parts[0].merge(parts[1])
    for name, value in whole.compute().items():
        torch.testing.assert_close(parts[0].compute()[name], value, rtol=1e-13, atol=0)
    # A copy is not changed by what comes later.
    assert int(before.states["count"].sum()) == int((labels[:2] != 255).sum())
    whole.reset()
    assert all(value.isnan().all() for value in whole.compute().values())
    whole.update(logits[:0], labels[:0])
    assert whole.compute()["ece"].isnan()
    with pytest.raises(ValueError, match="differ"):
        whole.merge(SegmentationMetrics(CLASSES, bins=3))


def test_inference_mode():
    logits, labels = cases()
    whole, found = SegmentationMetrics(CLASSES), SegmentationMetrics(CLASSES)
    whole.update(logits, labels)
    with torch.inference_mode():
        found.reset()
        found.update(logits[:3] * 1, labels[:3] * 1)
        found.merge(SegmentationMetrics(CLASSES))
        copied = found.synced()
    for one in (found, copied):
        one.update(logits[3:], labels[3:])
        torch.testing.assert_close(one.compute(), whole.compute(), rtol=1e-13, atol=0)


def add_up(rank, path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{path}", rank=rank, world_size=2)
    logits, labels = cases()
    found = SegmentationMetrics(CLASSES)
    part = slice(0, 2) if rank == 0 else slice(2, None)
    found.update(logits[part], labels[part])
    torch.save(found.synced().states, f"{path}.{rank}")
    torch.distributed.destroy_process_group()


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this PyTorch has no processes")
def test_processes(tmp_path):
    torch.multiprocessing.spawn(add_up, (str(tmp_path / "states"),), 2)
    logits, labels = cases()
    whole = SegmentationMetrics(CLASSES)
    whole.update(logits, labels)
    first, second = (torch.load(tmp_path / f"states.{rank}") for rank in range(2))
    for name, state in whole.states.items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], state, rtol=1e-13, atol=0)


def test_what_does_not_fit():
    logits, labels = cases()
    found = SegmentationMetrics(CLASSES)
    with pytest.raises(ValueError, match="neither one of the 4 classes"):
        found.update(logits, torch.full_like(labels, 1))
    with pytest.raises(ValueError, match="probabilities=True"):
        SegmentationMetrics(CLASSES, probabilities=True).update(logits, labels)
    with pytest.raises(ValueError, match="a channel for each"):
        found.update(logits[:, :3], labels)
    with pytest.raises(ValueError, match="label maps are"):
        found.update(logits, labels[:, :2])
    with pytest.raises(TypeError, match="as_tensor"):
        found.update(logits.numpy(), labels)
    wild = logits.clone()
    wild[(labels == 255).unsqueeze(1).expand_as(wild)] = float("nan")
    found.update(wild, labels)
    wild[0, 0] = float("nan")
    with pytest.raises(ValueError, match="nan"):
        found.update(wild, labels)
    # What was refused was not added.
    whole = SegmentationMetrics(CLASSES)
    whole.update(logits, labels)
    assert all(torch.equal(found.states[name], state) for name, state in whole.states.items())
    for settings in ({"bins": 0}, {"scope": "some"}, {"regions": [[1]]}, {"ignore": 7}):
        with pytest.raises(ValueError):
            SegmentationMetrics(CLASSES, **settings)
