"""Soft labels against float64 NumPy, for all kinds of arrays."""

import json
import pickle

import naive
import numpy as np
import pytest

import soft_labels
from soft_labels import Classes, Encoding, encode, encode_sparse

DTYPES = ["?", "b", "B", "<i2", ">i2", "<u2", ">u2", "<i4", ">i4", "<u4", ">u4", "<i8", ">i8", "<u8", ">u8"]


def laid_out(labels, rng):
    """The same labels in another layout: Fortran order, steps, reversed, a view of records, broadcast."""
    kind = rng.integers(0, 6)
    if kind == 0:
        return np.asfortranarray(labels)
    if kind == 1:
        wide = np.full([2 * n for n in labels.shape], 99).astype(labels.dtype)
        wide[(slice(None, None, 2),) * labels.ndim] = labels
        return wide[(slice(None, None, 2),) * labels.ndim]
    if kind == 2:
        turned = labels[(slice(None, None, -1),) * labels.ndim].copy()
        return turned[(slice(None, None, -1),) * labels.ndim]
    if kind == 3:
        records = np.zeros(labels.shape, [("other", "u1"), ("labels", labels.dtype)])
        records["labels"] = labels
        return records["labels"]
    if kind == 4:
        return np.moveaxis(np.moveaxis(labels, 0, -1).copy(), -1, 0)
    return labels


def test_it_is_the_naive_reference_for_any_type_and_layout():
    rng = naive.generator(1)
    for trial in range(300):
        labels = naive.random_map(rng, classes=2)
        typed = laid_out(labels.astype(DTYPES[trial % len(DTYPES)]), rng)
        typed.flags.writeable = bool(trial % 2)
        soft = encode(typed, 2, dtype=np.float64)
        assert soft.shape == (2, *labels.shape) and soft.flags.c_contiguous
        np.testing.assert_allclose(soft, naive.svls(labels, [0, 1]), rtol=0, atol=1e-12)


def test_settings_classes_and_ignored_voxels():
    rng = naive.generator(2)
    values = [0, 1, 4]
    for _ in range(200):
        labels = np.array(values + [-1])[naive.random_map(rng, classes=4)]
        sigma = [float(s) for s in rng.choice([0.3, 1.0, 2.0], labels.ndim)]
        radius = [int(r) for r in rng.integers(1, 4, labels.ndim)]
        strength = float(rng.choice([0.25, 0.5, 1.0]))
        settings = {"sigma": sigma, "radius": radius, "strength": strength}
        soft = encode(labels, Classes(values=values, ignore=-1), Encoding("svls", **settings), dtype="f8")
        np.testing.assert_allclose(soft, naive.svls(labels, values, -1, **settings), rtol=0, atol=1e-12)
        mask = soft_labels.valid_mask(labels, Classes(values=values, ignore=-1))
        np.testing.assert_array_equal(mask, labels != -1)


def test_raters_weights_and_methods():
    rng = naive.generator(3)
    for _ in range(100):
        first = naive.random_map(rng, classes=4)
        maps = [first, *(rng.permutation(first.ravel()).reshape(first.shape) for _ in range(2))]
        weights = [1, 2.5, 0]
        classes = Classes(3, ignore=3)
        expected = naive.mean([naive.svls(one, range(3), 3) for one in maps])
        np.testing.assert_allclose(encode(maps, classes, dtype="f8"), expected, rtol=0, atol=1e-12)
        expected = naive.mean([naive.one_hot(one, range(3)) for one in maps], weights)
        found = encode(
            [maps[0].astype("u1"), maps[1], maps[2].astype(">i4")], classes, "one_hot", weights=weights, dtype="f8"
        )
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        smooth = encode(first, 4, {"method": "label_smoothing", "alpha": 0.1}, dtype="f8")
        np.testing.assert_allclose(smooth, 0.9 * naive.one_hot(first, range(4)) + 0.1 / 4, rtol=0, atol=1e-12)


def test_windows_out_and_types_have_the_same_bits():
    rng = naive.generator(4)
    for _ in range(200):
        labels = naive.random_map(rng, axes=3)
        whole = encode(labels, 3)
        window = [tuple(sorted(int(x) for x in rng.integers(0, n + 1, 2))) for n in labels.shape]
        part = encode(labels, 3, window=window)
        index = (slice(None), *(slice(*pair) for pair in window))
        np.testing.assert_array_equal(part, whole[index])
        np.testing.assert_array_equal(encode(labels, 3, window=list(index[1:])), part)
        out = np.full([2 * n + 1 for n in whole.shape], 7, np.float32)[1::2, -2::-2, 1::2, 1::2]
        assert out.shape == whole.shape
        assert encode(labels, 3, out=out) is out
        np.testing.assert_array_equal(out, whole)
        np.testing.assert_array_equal(encode(labels, 3, dtype=np.float16), whole.astype(np.float16))
        np.testing.assert_array_equal(encode(labels, 3, dtype="f8").astype("f4"), whole)


def test_bytes_sum_to_255_and_keep_the_annotated_class():
    rng = naive.generator(5)
    for _ in range(100):
        labels = naive.random_map(rng, classes=5)
        parts = encode(labels, 5, dtype=np.uint8)
        assert parts.dtype == np.uint8 and (parts.sum(0) == 255).all()
        assert np.abs(parts / 255 - encode(labels, 5, dtype="f8")).max(initial=0) < 1 / 255
        own = np.take_along_axis(parts, labels[None], 0)
        assert (parts <= own).all()
        out = np.zeros((5, *labels.shape), np.uint8, order="F")
        np.testing.assert_array_equal(encode(labels, 5, out=out), parts)


def test_sparse_labels_have_the_same_bits():
    rng = naive.generator(6)
    for _ in range(100):
        labels = naive.random_map(rng, classes=6)
        classes = Classes(5, ignore=5)
        sparse, dense = encode_sparse(labels, classes), encode(labels, classes)
        np.testing.assert_array_equal(sparse.to_dense(), dense)
        rows = sparse.to_csr().toarray()
        np.testing.assert_array_equal(rows, dense.reshape(5, -1)[:, sparse.uncertain].T)


def test_pool_is_the_mean_over_boxes():
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 3, (6, 8, 10))
    soft = encode(labels, 3, dtype="f8")
    expected = soft.reshape(3, 6, 1, 4, 2, 5, 2).mean((2, 4, 6))
    np.testing.assert_allclose(soft_labels.pool(soft, (1, 2, 2)), expected, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(soft_labels.pool(soft, 2), soft_labels.pool(soft, [2, 2, 2]))


def test_memory_maps(tmp_path):
    labels = np.arange(60).reshape(3, 4, 5) % 3
    np.save(tmp_path / "labels.npy", labels)
    mapped = np.load(tmp_path / "labels.npy", mmap_mode="r")
    np.testing.assert_array_equal(encode(mapped, 3), encode(labels, 3))
    out = np.lib.format.open_memmap(tmp_path / "soft.npy", "w+", np.float32, (3, 3, 4, 5))
    encode(mapped, 3, out=out)
    out.flush()
    np.testing.assert_array_equal(np.load(tmp_path / "soft.npy"), encode(labels, 3))


def test_kernel_is_that_of_the_paper():
    # Figure 2(a): relative to the centre the neighbours sum to 1.
    weights = soft_labels.kernel(axes=3) * 2
    assert weights[1, 1, 1] == 1
    np.testing.assert_allclose(
        [weights[0, 1, 1], weights[0, 0, 1], weights[0, 0, 0]], [0.06164695, 0.03739076, 0.02267864], atol=5e-9
    )
    np.testing.assert_allclose(soft_labels.kernel(Encoding("svls", strength=0.5), 2).sum(), 1, atol=1e-15)


def test_radius_is_how_far_a_method_reaches():
    for axes in (2, 3):
        assert Encoding("one_hot").radius(axes) == Encoding("label_smoothing", alpha=0.1).radius(axes) == [0] * axes
        assert Encoding().radius(axes) == [1] * axes
        assert Encoding("svls", sigma=1.5, truncate=3).radius(axes) == [5] * axes
        assert soft_labels.kernel(Encoding("svls", sigma=1.5, truncate=3), axes).shape == (11,) * axes
    assert Encoding("svls", sigma_mm=2, spacing_mm=[4, 1, 0.8], truncate=2).radius(3) == [1, 4, 5]
    listed = Encoding("svls", radius=[0, 1, 2])
    assert listed.radius(3) == [0, 1, 2]
    with pytest.raises(ValueError, match="a list of 3 is given for radius, but there are 2 axes"):
        listed.radius(2)
    for axes in (0, 4, -1, 2**70):
        with pytest.raises(ValueError):
            Encoding().radius(axes)
    with pytest.raises(TypeError):
        Encoding().radius("3")


def test_truncate_is_the_radius_in_sigmas():
    labels = np.random.default_rng(5).integers(0, 3, (6, 9, 11))
    truncated = encode(labels, 3, Encoding("svls", sigma=[0.4, 1.0, 1.5], truncate=2))
    np.testing.assert_array_equal(
        truncated, encode(labels, 3, Encoding("svls", sigma=[0.4, 1.0, 1.5], radius=[1, 2, 3]))
    )
    with pytest.raises(ValueError, match="radius and truncate are given; give one of them"):
        Encoding("svls", truncate=2, radius=1)
    for truncate in (0, -1, 1e300):
        with pytest.raises(ValueError):
            Encoding("svls", truncate=truncate)


@pytest.mark.parametrize(
    "made",
    [
        Encoding(),
        Encoding("one_hot"),
        Encoding("label_smoothing", alpha=0.1),
        Encoding("svls", sigma_mm=1.0, spacing_mm=[3.0, 1.0, 1.0], radius=[1, 2, 2], strength=0.5),
        Encoding("svls", sigma=1.5, truncate=3),
        Classes(4),
        Classes(4, ignore=255),
        Classes(values=[0, 1, 4], ignore=-1),
    ],
)
def test_objects_compare_print_pickle_and_go_through_json(made):
    names = {"Encoding": Encoding, "Classes": Classes}
    for copy in (pickle.loads(pickle.dumps(made)), type(made).from_json(made.to_json()), eval(repr(made), names)):
        assert copy == made and hash(copy) == hash(made) and type(copy) is type(made)
    assert made != type(made)(
        *((7,) if isinstance(made, Classes) else ("svls",)),
        **({"ignore": 9} if isinstance(made, Classes) else {"sigma": 9}),
    )
    json.loads(made.to_json())
    with pytest.raises(AttributeError):
        made.values = 1


def test_results_outlive_what_they_were_made_of():
    labels = np.ones((50, 50), np.uint8)
    soft = encode(labels, 2)
    labels[:] = 0
    del labels
    assert (soft[1] == 1).all()
    soft[:] = 3


def test_settings_and_labels_may_be_numpys():
    expected = Encoding("svls", sigma=[1.0, 2.0], radius=[1, 2])
    assert Encoding("svls", sigma=np.array([1.0, 2.0]), radius=[np.int64(1), np.uint8(2)]) == expected
    millimetres = Encoding("svls", sigma_mm=1.0, spacing_mm=(np.float32(0.5), np.float32(2.0)))
    assert millimetres == Encoding("svls", sigma_mm=1.0, spacing_mm=[0.5, 2.0])
    with pytest.raises(TypeError):
        Encoding("svls", sigma=object())


def test_labels_of_64_bits():
    large = 2**64 - 1
    classes = Classes(values=[0, large])
    assert eval(repr(classes)) == classes and classes == Classes.from_json(classes.to_json())
    labels = np.array([[0, large], [large, large]], np.uint64)
    np.testing.assert_array_equal(encode(labels, classes), encode((labels > 0).astype(np.uint8), 2))
    assert Classes(2, ignore=large).ignore == large
    for label in (2**64, -(2**63) - 1, 2**127, 2**200):
        with pytest.raises(ValueError, match="labels are from|out of range"):
            Classes(values=[0, label])
        with pytest.raises(ValueError, match="labels are from|out of range"):
            Classes(2, ignore=label)


def test_no_dtype_is_the_usual_one():
    assert encode(np.zeros((3, 3), np.uint8), 2, dtype=None).dtype == np.float32
