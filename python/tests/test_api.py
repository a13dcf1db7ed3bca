"""The package as its callers meet it: classes, settings, windows, tensors, types of soft labels, raters."""

import subprocess
import sys
import typing

import naive
import numpy as np
import pytest

import soft_labels
from soft_labels import Classes, Encoding, Structures, encode, encode_sparse, fuse, metrics, pool, valid_mask
from soft_labels._arguments import MethodName

LABELS = np.array([[0, 0, 1, 1, 2], [0, 1, 1, 255, 2], [0, 0, 2, 2, 2]], np.uint8)
OTHER = np.array([[0, 1, 1, 1, 2], [0, 1, 1, 255, 1], [255, 0, 2, 0, 2]], np.uint8)
RATERS = [LABELS, OTHER]


def test_classes_take_a_list_first_and_say_what_they_hold():
    listed = Classes([0, 1, 2, 4], ignore=255)
    assert listed == Classes(values=(0, 1, 2, 4), ignore=255) == Classes(np.array([0, 1, 2, 4])).with_ignore(255)
    assert (listed.values, listed.ignore, listed.count, len(listed)) == ([0, 1, 2, 4], 255, 4, 4)
    assert Classes(range(3)) == Classes(3) == Classes(count=3) and Classes(3).ignore is None
    assert repr(listed) == "Classes([0, 1, 2, 4], ignore=255)" and repr(Classes(3)) == "Classes(3)"
    for wrong, error in [
        (([0, 1], [0, 1]), TypeError),
        (("01",), TypeError),
        (([0.5],), TypeError),
        (([],), ValueError),
    ]:
        with pytest.raises(error):
            Classes(*wrong)
    with pytest.raises(ValueError, match="number of classes or their values"):
        Classes([0, 1], values=[0, 1])
    with pytest.raises(ValueError, match="ignored"):
        Classes(3).with_ignore(2)


PROBABILITIES = encode(np.where(LABELS == 255, 0, LABELS), 3)
WITH_IGNORE = {
    "encode": lambda *c, **k: encode(LABELS, *c, **k),
    "encode_sparse": lambda *c, **k: encode_sparse(LABELS, *c, **k).to_dense(),
    "valid_mask": lambda *c, **k: valid_mask(LABELS, *c, **k),
    "majority_vote": lambda *c, **k: fuse.majority_vote(RATERS, *c, **k),
    "mean": lambda *c, **k: fuse.mean(RATERS, *c, **k),
    "staple": lambda *c, **k: fuse.staple(RATERS, *c, **k).posterior,
    "disagreement": lambda *c, **k: fuse.disagreement(RATERS, *c, **k).entropy,
    "confusion_matrix": lambda *c, **k: metrics.confusion_matrix(OTHER, LABELS, *c, **k),
    "overlap": lambda *c, **k: metrics.overlap(OTHER, LABELS, *c, **k)["voxels_both"],
    "dice": lambda *c, **k: metrics.dice(OTHER, LABELS, *c, **k),
    "jaccard": lambda *c, **k: metrics.jaccard(OTHER, LABELS, *c, **k),
    "surface_distances": lambda *c, **k: metrics.surface_distances(OTHER, LABELS, *c, **k)["hausdorff"],
    "surface_dice": lambda *c, **k: metrics.surface_dice(OTHER, LABELS, *c, **k),
    "hausdorff": lambda *c, **k: metrics.hausdorff(OTHER, LABELS, *c, **k),
    "reliability": lambda *c, **k: metrics.reliability(PROBABILITIES, LABELS, *c, **k).count,
    "class_reliability": lambda *c, **k: metrics.class_reliability(PROBABILITIES, LABELS, *c, **k).ece,
    "risk_coverage": lambda *c, **k: metrics.risk_coverage(PROBABILITIES, LABELS, *c, **k).risk,
    "boundary_band": lambda c, **k: metrics.boundary_band(LABELS, c, 1.0, **k),
    "ece": lambda *c, **k: metrics.ece(PROBABILITIES, LABELS, *c, **k),
    "tace": lambda *c, **k: metrics.tace(PROBABILITIES, LABELS, *c, **k),
    "nll": lambda *c, **k: metrics.nll(PROBABILITIES, LABELS, *c, **k),
    "brier": lambda *c, **k: metrics.brier(PROBABILITIES, LABELS, *c, **k),
    "top_labels": lambda c, **k: metrics.top_labels(PROBABILITIES, c, LABELS, **k),
    "judge": lambda *c, **k: metrics.judge(PROBABILITIES, LABELS, *c, **k)["calibration"]["brier"],
}


@pytest.mark.parametrize("name", WITH_IGNORE)
def test_a_label_to_ignore_is_a_keyword(name):
    call = WITH_IGNORE[name]
    expected = call(Classes(3, ignore=255))
    for classes in (3, [0, 1, 2], Classes(3), Classes(3, ignore=255)):
        np.testing.assert_array_equal(call(classes, ignore=np.int64(255)), expected)
    with pytest.raises(ValueError, match="ignore is 254, but the classes ignore 255"):
        call(Classes(3, ignore=255), ignore=254)
    with pytest.raises(ValueError, match="ignored"):
        call(3, ignore=2)
    with pytest.raises(TypeError, match="integer"):
        call(3, ignore=0.5)
    with pytest.raises(ValueError, match="255"):
        call(3)


@pytest.mark.parametrize(
    ("encoding", "settings"),
    [
        (Encoding(), {"method": "svls", "sigma": 1.0, "radius": 1, "strength": 1.0}),
        (
            Encoding("svls", sigma=[1.5, 2], truncate=3, strength=0.5),
            {"method": "svls", "sigma": [1.5, 2.0], "truncate": 3.0, "strength": 0.5},
        ),
        (
            Encoding("svls", sigma_mm=1, spacing_mm=(3, 1, 1), radius=[1, 2, 2]),
            {"method": "svls", "sigma_mm": 1.0, "spacing_mm": [3.0, 1.0, 1.0], "radius": [1, 2, 2], "strength": 1.0},
        ),
        (Encoding("one_hot"), {"method": "one_hot"}),
        (Encoding("label_smoothing", alpha=0.1), {"method": "label_smoothing", "alpha": 0.1}),
        (
            Encoding("label_smoothing_over_others", alpha=0.2, channels={"regions": [(1, 2), [2]]}),
            {"method": "label_smoothing_over_others", "alpha": 0.2, "channels": {"regions": [[1, 2], [2]]}},
        ),
    ],
)
def test_settings_can_be_read(encoding, settings):
    assert encoding.settings == settings and Encoding(**encoding.settings) == encoding
    for name in ("method", "sigma", "sigma_mm", "spacing_mm", "truncate", "strength", "alpha", "channels"):
        assert getattr(encoding, name) == settings.get(name)
    nothing = {"sigma": None, "truncate": None, "channels": None}
    assert Encoding(**(nothing | settings)) == encoding


def test_channels_are_given_to_an_encoding_as_to_a_call():
    regions = {"regions": [[1, 2], [2]]}
    expected = Encoding(channels=regions)
    assert Encoding().with_channels(regions) == Encoding().with_channels('{"regions": [[1, 2], [2]]}') == expected
    matrix = np.eye(3)
    assert Encoding().with_channels(matrix) == Encoding(channels=matrix)
    for wrong in ("regions", {"region": []}, [1]):
        with pytest.raises(ValueError):
            Encoding().with_channels(wrong)


def test_every_name_of_a_method_is_one():
    for name in typing.get_args(MethodName):
        settings = {"alpha": 0.1} if "smoothing" in name else {}
        assert Encoding(name, **settings).method == name


SNIPPET = """
import numpy as np
from soft_labels import Classes, Encoding, encode, fuse, metrics, pool

a = np.zeros((4, 4), np.uint8)
encode(a, 2, Encoding("label_smoothing", alpha=0.1), ignore=255, window=np.s_[1:, -2:])
encode([a, a], Classes([0, 1]), "one_hot", channels={"regions": [[1]]})
fuse.majority_vote([a, a], 2, ties={"undecided": 255})
sum(metrics.reliability(encode(a, 2), a, 2, scope=a > 0) for _ in range(2))
pool(encode(a, 2, dtype="uint8"), 2)
Encoding("svl")  # error
encode(a, 2, "svl")  # error
encode(a, 2, "label_smoothing")  # error
fuse.majority_vote([a], 2, ties="first")  # error
fuse.majority_vote(3, 2)  # error
metrics.overlap(a, a, 2, empty="ones")  # error
metrics.ece(encode(a, 2), a, 2, scope="front")  # error
Encoding().sigma = 2  # error
"""


def test_wrong_names_are_type_errors(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "snippet.py").write_text(SNIPPET)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "snippet.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    lines = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    expected = {at for at, line in enumerate(SNIPPET.splitlines(), 1) if line.endswith("# error")}
    assert lines == expected, done.stdout + done.stderr


def test_windows_are_numpys_slices():
    rng = naive.generator(61)
    labels = rng.integers(0, 3, (6, 7, 8))
    whole = encode(labels, 3)
    for window in (np.s_[2:, -5:-1, :], np.s_[:, 3:3, -8:], np.s_[-1:, :-2, np.int64(4) : np.uint8(6)]):
        np.testing.assert_array_equal(encode(labels, 3, window=window), whole[(slice(None), *window)])
        masks = np.stack([labels > 0, labels > 1])
        part = soft_labels.encode_structures(masks, window=window)
        np.testing.assert_array_equal(part, soft_labels.encode_structures(masks)[(slice(None), *window)])
    for window, words in [
        (np.s_[:7, :, :], "0..7 on axis 0"),
        (np.s_[:, -8:, :], "-8, before the first of 7 voxels; use -7"),
        (np.s_[:, :, -2:2], "6:2 does"),
        (np.s_[:, :], "2 axes"),
        ([(-2, 6), (0, 7), (0, 8)], "-2"),
    ]:
        with pytest.raises(ValueError, match=words):
            encode(labels, 3, window=window)
    with pytest.raises(TypeError, match="integer"):
        encode(labels, 3, window=np.s_[0.5:, :, :])


def test_soft_labels_of_every_type_that_encode_makes():
    rng = naive.generator(62)
    labels = rng.integers(0, 4, (5, 6, 9))
    exact = encode(labels, 4, dtype="f8")
    for dtype, step in (("f4", 1e-6), ("f2", 1e-3), ("u1", 1 / 255)):
        soft = encode(labels, 4, dtype=dtype)
        scale = 255 if dtype == "u1" else 1
        pooled = pool(soft, 2)
        assert pooled.dtype == soft.dtype
        np.testing.assert_allclose(pooled / scale, pool(exact, 2), rtol=0, atol=2 * step)
        as_floats = soft.astype("f4") / np.float32(scale)
        top = metrics.top_labels(soft, 4)
        np.testing.assert_array_equal(top, labels)
        for metric in (metrics.nll, metrics.brier, metrics.ece, metrics.tace):
            assert metric(soft, labels, 4) == metric(as_floats, labels, 4)
            assert metric(soft, labels, 4) == pytest.approx(metric(exact, labels, 4), abs=4 * step)
        assert metrics.judge(soft, labels, 4) == metrics.judge(as_floats, labels, 4)
        assert metrics.brier_soft(soft, exact) == metrics.brier_soft(as_floats, exact) < step
        assert metrics.brier_soft(exact, soft) == metrics.brier_soft(exact, as_floats)
    parts = pool(encode(labels, 4, dtype="u1"), [1, 2, 3])
    assert (parts.sum(0) == 255).all()
    regions = encode(labels, 4, channels={"regions": [[1, 2], [2], [2, 3]]}, dtype="u1")
    alone = np.floor(pool(regions / 255.0, 2, valid=True) * 255 + 0.5)
    np.testing.assert_array_equal(pool(regions, 2, valid=True), alone)
    sparse = encode_sparse(labels, 4)
    np.testing.assert_array_equal(sparse.to_dense("f2"), encode(labels, 4, dtype="f2"))
    mean = fuse.mean([labels, labels[::-1]], 4, dtype="u1")
    np.testing.assert_array_equal(mean, encode([labels, labels[::-1]], 4, "one_hot", dtype="u1"))
    for call in (
        lambda: sparse.to_dense("u1"),
        lambda: pool(labels, 2),
        lambda: metrics.nll(exact.astype("i8"), labels, 4),
    ):
        with pytest.raises(TypeError, match="float16"):
            call()


def test_bytes_are_labels_or_255ths_as_the_function_says():
    labels = np.array([[0, 1], [1, 1]], np.uint8)
    parts = encode(labels, 2, dtype="u1")
    # With the axes of the reference they are labels, with one more they are 255ths.
    assert metrics.judge(labels, labels, 2)["calibration"] is None
    assert metrics.judge(parts, labels, 2)["calibration"]["brier"] == metrics.brier(parts, labels, 2)
    for call in (metrics.dice, metrics.confusion_matrix):
        with pytest.raises(ValueError, match="shape"):
            call(parts, labels, 2)
    with pytest.raises(ValueError, match="shape"):
        metrics.nll(labels, labels, 2)


def test_a_stack_of_raters_is_no_map():
    stack = np.stack(RATERS)
    for call in (fuse.majority_vote, fuse.mean, fuse.staple, fuse.disagreement):
        with pytest.raises(TypeError, match=r"list\(array\)"):
            call(stack, 3, ignore=255)
        call(list(stack), 3, ignore=255)
    for metric in (metrics.dice, metrics.judge, metrics.hausdorff):
        with pytest.raises(ValueError, match="shape"):
            metric(stack, LABELS, 3, ignore=255)
        with pytest.raises(TypeError, match="list"):
            metric(RATERS, LABELS, 3, ignore=255)
    # A volume, which its result shows.
    assert encode(stack, 3, ignore=255).shape == (3, *stack.shape)
    assert valid_mask(stack, 3, ignore=255).shape == stack.shape
    np.testing.assert_array_equal(valid_mask(list(stack), 3, ignore=255), (stack != 255).any(0))


def test_ties_of_a_vote():
    raters = [np.array([[0, 1, 2, 1]], np.uint8), np.array([[2, 1, 1, 0]], np.uint8)]
    for ties, expected in [
        ("lowest", [0, 1, 1, 0]),
        ("highest", [2, 1, 2, 1]),
        ({"prefer": 2}, [2, 1, 2, 0]),
        ({"undecided": 255}, [255, 1, 255, 255]),
    ]:
        np.testing.assert_array_equal(fuse.majority_vote(raters, 3, ties=ties), [expected])
    bools = [np.array([[True, False]]), np.array([[False, False]])]
    assert fuse.majority_vote(bools, 2, ties={"undecided": 1}).tolist() == [[True, False]]
    for maps, ties, words in [
        (raters, "first", "ties are"),
        (raters, {"first": 1}, "ties are"),
        (raters, {}, "ties are"),
        (raters, {"prefer": 1, "undecided": 1}, "ties are"),
        (raters, {"prefer": 3}, "none of the 3 classes"),
        (raters, {"undecided": 256}, "256 does not fit"),
        (raters, {"undecided": -1}, "-1 does not fit"),
        (bools, {"undecided": 2}, "2 does not fit"),
    ]:
        with pytest.raises(ValueError, match=words):
            fuse.majority_vote(maps, 3 if maps is raters else 2, ties=ties)
    with pytest.raises(TypeError, match="integer"):
        fuse.majority_vote(raters, 3, ties={"prefer": "a"})


def test_disagreement_is_the_entropy_of_the_votes():
    rng = naive.generator(63)
    for _ in range(30):
        first = naive.random_map(rng, classes=4)
        maps = [np.where(rng.random(first.shape) < 0.4, rng.integers(0, 4, first.shape), first) for _ in range(5)]
        votes = np.stack([sum(one == label for one in maps) for label in range(3)]).astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = votes / votes.sum(0)
            entropy = -np.nansum(shares * np.log(shares), 0)
            minority = np.nan_to_num(1 - shares.max(0))
        found = fuse.disagreement(maps, 3, ignore=3)
        np.testing.assert_allclose(found.entropy, entropy, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found.minority, minority, rtol=0, atol=1e-12)


def test_tensors_give_tensors():
    torch = pytest.importorskip("torch")
    maps = [torch.from_numpy(one) for one in RATERS]

    def same(found, expected):
        assert isinstance(found, torch.Tensor)
        np.testing.assert_array_equal(found.numpy(), expected)
        assert found.numpy().dtype == expected.dtype

    for given in (maps, [maps[0], OTHER], tuple(maps)):
        same(fuse.majority_vote(given, 3, ignore=255), fuse.majority_vote(RATERS, 3, ignore=255))
        same(fuse.mean(given, 3, ignore=255, dtype="u1"), fuse.mean(RATERS, 3, ignore=255, dtype="u1"))
        same(valid_mask(given, 3, ignore=255), valid_mask(RATERS, 3, ignore=255))
        for name in ("entropy", "minority"):
            expected = getattr(fuse.disagreement(RATERS, 3, ignore=255), name)
            same(getattr(fuse.disagreement(given, 3, ignore=255), name), expected)
        found, expected = fuse.staple(given, 3, ignore=255), fuse.staple(RATERS, 3, ignore=255)
        for name in ("posterior", "sensitivity", "specificity"):
            same(getattr(found, name), getattr(expected, name))
        for pair in zip(found.confusion, expected.confusion, strict=True):
            same(*pair)
    same(valid_mask(maps[0], 3, ignore=255), valid_mask(LABELS, 3, ignore=255))
    bools = [one == 1 for one in maps]
    same(fuse.majority_vote(bools, 2), fuse.majority_vote([one.numpy() for one in bools], 2))
    for dtype in ("f2", "f4", "f8", "u1"):
        soft = encode(LABELS, 3, ignore=255, dtype=dtype)
        same(pool(torch.from_numpy(soft), 2), pool(soft, 2))
        valid = LABELS != 255
        same(
            pool(torch.from_numpy(soft).permute(0, 2, 1), 2, valid=torch.from_numpy(valid.T)),
            pool(soft.transpose(0, 2, 1), 2, valid=valid.T),
        )
    needs = torch.from_numpy(PROBABILITIES).requires_grad_()
    same(pool(needs, 2), pool(PROBABILITIES, 2))
    assert metrics.nll(needs, maps[0], 3, ignore=255) == metrics.nll(PROBABILITIES, LABELS, 3, ignore=255)
    mask = torch.from_numpy(LABELS == 1)
    assert metrics.brier(needs, maps[0], 3, scope=mask) == metrics.brier(PROBABILITIES, LABELS, 3, scope=LABELS == 1)
    assert isinstance(encode(maps[0], 3, ignore=255), np.ndarray)
    assert isinstance(pool(PROBABILITIES, 2), np.ndarray)


def test_tensors_that_are_not_on_the_cpu():
    torch = pytest.importorskip("torch")
    far = torch.zeros(3, 4, 4, dtype=torch.uint8, device="meta")
    near = np.zeros((4, 4), np.uint8)
    for call in (
        lambda: encode(far, 3),
        lambda: encode_sparse([near, far[0]], 3),
        lambda: pool(far.float(), 2),
        lambda: pool(np.zeros((1, 4, 4), "f4"), 2, valid=far[0].bool()),
        lambda: valid_mask(far, 3),
        lambda: fuse.majority_vote([far[0]], 3),
        lambda: fuse.mean([near, far[0]], 3),
        lambda: fuse.staple([far[0]], 3),
        lambda: fuse.disagreement([far[0]], 3),
        lambda: metrics.nll(far.float(), near, 3),
        lambda: metrics.nll(np.full((2, 4, 4), 0.5), far[0], 3),
        lambda: metrics.nll_soft(np.full((3, 4, 4), 1 / 3), far.float()),
        lambda: metrics.ece(np.full((2, 4, 4), 0.5), near, 2, scope=far[0].bool()),
        lambda: metrics.dice(far[0], near, 3),
        lambda: metrics.judge(far.float(), near, 3),
        lambda: Structures.of_masks([near, far[0]]),
    ):
        with pytest.raises(ValueError, match=r"on meta.*\.cpu\(\)"):
            call()
    with pytest.raises(TypeError, match=r"bfloat16.*\.float\(\)"):
        pool(torch.zeros(2, 4, 4, dtype=torch.bfloat16), 2)


def test_arrays_do_not_import_torch():
    script = """
import sys
import numpy as np, soft_labels
a = np.zeros((4, 4), np.uint8)
soft_labels.pool(soft_labels.encode(a, 2), 2)
soft_labels.valid_mask(a, 2), soft_labels.fuse.majority_vote([a, a], 2), soft_labels.fuse.staple([a, a], 2)
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
