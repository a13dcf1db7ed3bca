"""Whatever is passed in: an answer or an exception, never the end of the interpreter."""

import naive
import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import soft_labels
from soft_labels import Classes, Encoding, encode, encode_sparse, fuse, metrics, pool


@pytest.mark.parametrize(
    ("labels", "error", "says"),
    [
        (np.full((3, 3), 0.5), ValueError, r"0.5 at voxel \[0, 0\]"),
        (np.zeros((3, 3), complex), TypeError, "complex128"),
        (np.zeros((3, 3), object), TypeError, "object"),
        (np.zeros((3, 3), "U3"), TypeError, "<U3"),
        (np.zeros((3, 3), "M8[s]"), TypeError, "datetime64"),
        (np.zeros((3, 3), [("a", "u1")]), TypeError, "a"),
        (np.ma.zeros((3, 3), int), TypeError, "masked"),
        ("labels", TypeError, "str"),
        (None, TypeError, "NoneType"),
        ([[0, 1], [1, 0]], TypeError, "one array for each rater"),
        ([], ValueError, "no raters"),
        (np.zeros(3, int), ValueError, "axes"),
        (np.zeros((2, 2, 2, 2), int), ValueError, "axes"),
        (np.zeros((1,) * 30, int), ValueError, "axes"),
        (np.full((3, 3), 7), ValueError, r"label 7 .*Classes\(.., ignore=..\)"),
        ([np.zeros((3, 3), int), np.zeros((3, 4), int)], ValueError, "shape"),
        ([np.zeros((3, 3), "u8"), np.zeros((3, 3), "i1")], TypeError, "integer type"),
        (np.broadcast_to(np.uint8(0), (10**6, 10**6, 10**3)), ValueError, "memory"),
    ],
)
def test_labels(labels, error, says):
    with pytest.raises(error, match=says):
        encode(labels, 2)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"classes": 0}, ValueError, "class"),
        ({"classes": -1}, ValueError, "-1"),
        ({"classes": 2.5}, TypeError, "float"),
        ({"classes": True}, TypeError, "bool"),
        ({"classes": [0, 0]}, ValueError, "0"),
        ({"classes": 10**30}, ValueError, "range"),
        ({"classes": [0, 10**30]}, ValueError, "range|from"),
        ({"classes": np.array(3)}, TypeError, "classes"),
        ({"window": [(0, 1), (0, 2**70)]}, ValueError, "window"),
        ({"method": "blur"}, ValueError, "blur"),
        ({"method": 3}, TypeError, "int"),
        ({"method": {"method": "svls", "alpha": 1}}, ValueError, "alpha"),
        ({"method": {"method": "svls", "sigma": -1}}, ValueError, "sigma"),
        ({"dtype": np.int32}, TypeError, "int32"),
        ({"dtype": "no"}, TypeError, "no"),
        ({"window": [(0, 2)]}, ValueError, "axes"),
        ({"window": [(0, 9), (0, 2)]}, ValueError, "9"),
        ({"window": [(2, 1), (0, 2)]}, ValueError, "2:1"),
        ({"window": [(-1, 1), (0, 2)]}, ValueError, "-1"),
        ({"window": [slice(0, 2, 2), slice(0, 2)]}, ValueError, "steps"),
        ({"window": [0.5, 1]}, TypeError, "window"),
        ({"window": 3}, (TypeError, ValueError), "window"),
        ({"weights": [1, 2]}, ValueError, "weight"),
        ({"weights": [-1]}, ValueError, "-1"),
        ({"weights": [np.nan]}, ValueError, "NaN"),
        ({"weights": "a"}, TypeError, "weights"),
        ({"out": np.zeros((2, 3, 4))}, ValueError, "shape"),
        ({"out": np.zeros((2, 3, 3), int)}, TypeError, "int64"),
        ({"out": np.zeros((2, 3, 3), ">f4")}, TypeError, "byte order"),
        ({"out": [0]}, TypeError, "list"),
        ({"out": np.broadcast_to(np.float32(0), (2, 3, 3))}, ValueError, "read-only"),
        ({"out": as_strided(np.zeros(1, "f4"), (2, 3, 3), (0, 0, 0))}, ValueError, "share memory"),
        ({"out": as_strided(np.zeros(20, "f4"), (2, 3, 3), (4, 12, 4))}, ValueError, "share memory"),
    ],
)
def test_arguments(arguments, error, says):
    labels = np.zeros((3, 3), np.uint8)
    with pytest.raises(error, match=says):
        encode(labels, **({"classes": 2} | arguments))


def test_out_that_shares_memory_with_labels_is_refused():
    memory = np.zeros(4 * 2 * 3 * 3, np.uint8)
    out = memory.view(np.float32).reshape(2, 3, 3)
    labels = memory[:9].reshape(3, 3)
    with pytest.raises(ValueError):
        encode(labels, 2, out=out)


def arrays(rng):
    """An array as nobody would pass it."""
    shape = tuple(int(n) for n in rng.integers(0, 5, rng.integers(0, 6)))
    dtype = rng.choice(["?", "b", "B", ">i2", "<u4", "<i8", ">u8", "f2", "f4", ">f8", "c8", "O", "S3", "M8[s]", "V5"])
    array = np.zeros(shape, dtype)
    kind = rng.integers(0, 8)
    if kind == 0 and array.size:
        # Either small, or larger than any memory: what lies between takes its time.
        array = np.broadcast_to(array.ravel()[0], (50, 40, 30) if rng.integers(0, 2) else (10**6, 10**6, 10**4))
    elif kind == 1 and array.ndim:
        array = array[::-1]
    elif kind == 2:
        array = np.ma.masked_array(array)
    elif kind == 3 and array.dtype.kind == "f":
        array.fill(rng.choice([np.nan, np.inf, -1.0, 1e300]).astype(array.dtype))
    elif kind == 4 and array.dtype.kind in "iu":
        array.fill(rng.integers(0, 120))
    elif kind == 5:
        array = array.T
    elif kind == 6:
        array = np.lib.stride_tricks.as_strided(array, array.shape, (0,) * array.ndim)
    return array


def test_ten_thousand_random_calls():
    rng = naive.generator(8)
    odd = [None, -1, 0, 1, 3, 2**40, 0.5, "a", [], [0, 1], (1,), {}, np.nan, np.int8(2), b"x"]

    def anything():
        kind = rng.integers(0, 4)
        if kind == 0:
            return odd[rng.integers(0, len(odd))]
        if kind == 1:
            return [arrays(rng) for _ in range(rng.integers(0, 3))]
        return arrays(rng)

    def count():
        return odd[rng.integers(0, len(odd))] if rng.random() < 0.3 else int(rng.integers(1, 5))

    calls = [
        lambda: encode(anything(), count()),
        lambda: encode(anything(), count(), out=anything()),
        lambda: encode(
            anything(), count(), window=anything(), weights=anything(), dtype=rng.choice(["f2", "f4", "f8", "u1"])
        ),
        lambda: encode(anything(), Classes(count(), ignore=count()), Encoding("svls", sigma=count(), radius=count())),
        lambda: encode_sparse(anything(), count()).to_dense(),
        lambda: pool(anything(), anything()),
        lambda: soft_labels.valid_mask(anything(), count()),
        lambda: fuse.majority_vote(anything(), count()),
        lambda: fuse.staple(anything(), count(), max_iterations=3, prior=anything()),
        lambda: fuse.mean(anything(), count(), ignore=count(), weights=anything()),
        lambda: fuse.disagreement(anything(), count(), ignore=count()),
        lambda: metrics.nll(anything(), anything(), count(), scope=anything()),
        lambda: metrics.brier_soft(anything(), anything()),
        lambda: metrics.judge(anything(), anything(), count(), spacing=anything(), bins=count()),
        lambda: metrics.overlap(anything(), anything(), count(), regions=anything()),
        lambda: metrics.surface_dice(anything(), anything(), count()),
        lambda: metrics.tace(anything(), anything(), count(), bins=count()),
        lambda: soft_labels.kernel(anything(), count()),
        lambda: soft_labels.set_num_threads(odd[rng.integers(0, 8)]),
    ]
    answers = 0
    for _ in range(10_000):
        try:
            calls[rng.integers(0, len(calls))]()
            answers += 1
        except (ValueError, TypeError, OverflowError, MemoryError):
            pass
        finally:
            soft_labels.set_num_threads(2)
    assert answers > 100


@pytest.mark.parametrize(
    "call",
    [
        lambda: Classes(-1),
        lambda: Classes(10**40),
        lambda: Classes(values=[0, 2**64]),
        lambda: Classes(values=[-1, 2**63]),
        lambda: Classes(2, ignore=2**64),
        lambda: pool(np.zeros((2, 3, 3)), -1),
        lambda: pool(np.zeros((2, 3, 3)), 2**64),
        lambda: soft_labels.kernel(axes=-1),
        lambda: soft_labels.set_num_threads(-1),
        lambda: soft_labels.set_num_threads(10**40),
        lambda: metrics.ece(np.zeros((2, 3, 3)), np.zeros((3, 3), int), 2, bins=-1),
        lambda: metrics.tace(np.zeros((2, 3, 3)), np.zeros((3, 3), int), 2, bins=-1),
        lambda: fuse.staple([np.zeros((3, 3), int)] * 2, 2, max_iterations=-1),
        lambda: metrics.dice(np.zeros((3, 3), int), np.zeros((3, 3), int), 2, regions=[2**64]),
    ],
)
def test_numbers_that_fit_nowhere_are_wrong_values(call):
    with pytest.raises(ValueError):
        call()


def test_a_huge_view_is_no_setting():
    huge = np.broadcast_to(np.float32(1), (3, 2**40))
    for call in (
        lambda: Encoding("svls", sigma=huge),
        lambda: Encoding().with_channels(huge),
        lambda: encode(np.zeros((3, 3), int), 3, channels={"confusion": huge}),
    ):
        with pytest.raises(ValueError, match="use at most"):
            call()
    with pytest.raises(ValueError, match="not finite"):
        Encoding("svls", sigma=np.inf)


def test_a_huge_view_is_refused_before_it_is_read():
    huge = np.broadcast_to(np.uint64(0), (10**6, 10**6, 10**4))
    with pytest.raises(ValueError, match="shape"):
        metrics.dice(huge, np.zeros((3, 3), "u8"), 3)
    with pytest.raises(ValueError, match="shape"):
        metrics.nll(np.zeros((3, 3, 3)), huge, 3)
