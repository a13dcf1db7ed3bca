"""Channels that are not the classes, against mixed soft labels in float64 NumPy."""

import naive
import numpy as np
import pytest

import soft_labels
from soft_labels import Classes, Encoding, Structures, encode, encode_sparse, encode_structures


def mixed(soft, matrix):
    return np.tensordot(np.asarray(matrix, np.float64), soft, axes=(0, 0))


def drawn(rng):
    """Labels of 4 classes or the ignored one, and their values."""
    values = [0, 1, 2, 4]
    return np.array([*values, -1])[naive.random_map(rng, classes=5)], values


def test_regions_are_those_of_their_own_masks():
    rng = naive.generator(31)
    regions = [[1, 2, 4], [1, 4], [4]]
    for _ in range(60):
        labels, values = drawn(rng)
        classes = Classes(values=values, ignore=-1)
        soft = encode(labels, classes, channels={"regions": regions})
        for channel, region in zip(soft, regions):
            mask = np.where(labels == -1, -1, np.isin(labels, region))
            np.testing.assert_array_equal(channel, encode(mask, Classes(2, ignore=-1))[1])
        matrix = [[float(value in region) for region in regions] for value in values]
        soft = encode(labels, classes, channels=matrix, dtype="f8")
        np.testing.assert_allclose(soft, mixed(naive.svls(labels, values, -1), matrix), rtol=0, atol=1e-12)


def test_matrices_and_constructors():
    rng = naive.generator(32)
    distance = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    exponential = np.exp(-(distance**2.0) / 0.7)
    forms = {
        "exponential": (
            {"ordinal": "exponential", "tau": 0.7, "power": 2},
            exponential / exponential.sum(1, keepdims=True),
        ),
        "siblings": (
            {"siblings": np.array([0, 1, 1, 2]), "alpha": 0.2},
            [[1, 0, 0, 0], [0, 0.8, 0.2, 0], [0, 0.2, 0.8, 0], [0, 0, 0, 1]],
        ),
        "per class": (
            {"per_class": (0, 0.1, 0.4, 1)},
            np.diag([1, 0.9, 0.6, 0]) + np.array([[0], [0.1], [0.4], [1]]) / 4,
        ),
        "confusion": (
            {"confusion": np.diag([3, 1, 1, 1]) + np.ones((4, 4))},
            (np.diag([3, 1, 1, 1]) + 1.0) / [[7], [5], [5], [5]],
        ),
        "unsure": (
            np.array([[1, 0], [0, 1], [0.5, 0.5], [0.25, 0.75]], np.float32),
            [[1, 0], [0, 1], [0.5, 0.5], [0.25, 0.75]],
        ),
    }
    for channels, matrix in forms.values():
        for _ in range(15):
            labels, values = drawn(rng)
            classes = Classes(values=values, ignore=-1)
            other = np.where(rng.random(labels.shape) < 0.1, -1, labels)
            for maps in (labels, [labels, other]):
                softs = [naive.svls(one, values, -1) for one in (maps if isinstance(maps, list) else [maps])]
                soft = encode(maps, classes, channels=channels, dtype="f8")
                np.testing.assert_allclose(soft, mixed(naive.mean(softs), matrix), rtol=0, atol=1e-12)
                if isinstance(maps, list):
                    continue
                window = [slice(n // 3, n) for n in labels.shape]
                part = encode(maps, classes, channels=channels, dtype="f8", window=window)
                np.testing.assert_array_equal(part, soft[(slice(None), *window)])
                parts = encode(maps, classes, channels=channels, dtype="u1")
                assert set(np.unique(parts.sum(0, dtype=int))) <= {0, 255}
    binomial = encode(np.arange(5)[None], 5, "one_hot", channels={"ordinal": "binomial"}, dtype="f8")
    np.testing.assert_allclose(binomial[:, 0, 2], [0.0625, 0.25, 0.375, 0.25, 0.0625], atol=1e-12)


def test_sparse_ones_and_255ths():
    labels = naive.random_map(naive.generator(33), classes=3, axes=3)
    regions = {"regions": [[1, 2], [2]]}
    dense, sparse = encode(labels, 3, channels=regions), encode_sparse(labels, 3, channels=regions)
    assert sparse.channel_count == 2 and not sparse.sums_to_one
    np.testing.assert_array_equal(sparse.to_dense(), dense)
    parts = encode(labels, 3, channels=regions, dtype="u1")
    np.testing.assert_array_equal(parts, np.floor(255 * encode(labels, 3, channels=regions, dtype="f8") + 0.5))
    assert encode_sparse(labels, 3).sums_to_one


def test_encodings_hold_channels():
    encoding = Encoding("svls", sigma=1.5, channels={"regions": [[1, 2], [2]]})
    assert encoding.channel_count(Classes(3)) == 2 and not encoding.is_distribution(Classes(3))
    assert eval(repr(encoding), {"Encoding": Encoding}) == encoding
    labels = np.array([[0, 1, 2, 2]])
    same = encode(labels, 3, Encoding("svls", sigma=1.5), channels={"regions": [[1, 2], [2]]})
    np.testing.assert_array_equal(encode(labels, 3, encoding), same)
    assert Encoding("one_hot").is_distribution(Classes(3))
    soft_labels.kernel(encoding)


def test_structures():
    rng = naive.generator(34)
    for _ in range(40):
        axes = int(rng.integers(2, 4))
        shape = tuple(int(n) for n in rng.integers(1, 12, axes))
        masks = (rng.random((int(rng.integers(1, 9)), *shape)) < rng.random()).astype(rng.choice(["?", "u1", ">i2"]))
        soft = encode_structures(masks)
        assert soft.shape == masks.shape
        for mask, channel in zip(masks, soft):
            np.testing.assert_array_equal(channel, encode(mask, 2)[1])
        one_at_a_time = encode_structures((mask for mask in masks), dtype="f8", window=[slice(0, 1)] * axes)
        np.testing.assert_allclose(one_at_a_time, soft[(slice(None), *[slice(0, 1)] * axes)], atol=1e-7)
        structures = Structures.of_masks(list(masks))
        sparse = encode_sparse(structures.patterns, structures.classes, structures.method)
        np.testing.assert_array_equal(sparse.to_dense(), soft)
        out = np.full(masks.shape, np.nan, np.float32, order="F")
        assert encode_structures(masks, out=out) is out
        np.testing.assert_array_equal(out, soft)


def test_what_does_not_fit_is_said():
    labels = np.array([[0, 1, 2]])
    for channels, words in [
        ({"regions": [[1], []]}, "no labels of a region"),
        ({"regions": [[7]]}, "label 7 is none of the 3 classes"),
        ({"region": [[1]]}, "unknown field `region`"),
        ([[1, 0], [0.5, 0.6], [0, 1]], "row 1 of the channels sums to 1.1"),
        ([[1, 0], [0, 1]], "2 is given for channels, but there are 3 classes"),
        ([[1, 0], [0]], "one length"),
        ([1, 0], "two axes"),
        ({"matrix": [[float("nan")]]}, "not finite"),
        ({"per_class": [2, 0, 0]}, "alpha of class 0 is 2"),
        ({"siblings": [0, 0, 0]}, "need alpha"),
    ]:
        with pytest.raises(ValueError, match=words):
            encode(labels, 3, channels=channels)
    for channels in ("regions", 3, {"regions": [["a"]]}, {"regions": object()}):
        with pytest.raises((TypeError, ValueError)):
            encode(labels, 3, channels=channels)
    with pytest.raises(ValueError, match="channels already"):
        encode(labels, 3, Encoding(channels={"regions": [[1]]}), channels={"regions": [[1]]})
    with pytest.raises(ValueError, match="no masks"):
        encode_structures([])
    with pytest.raises(ValueError, match="mask of structure 1"):
        encode_structures([labels > 0, labels])
    with pytest.raises(ValueError, match="shape"):
        encode_structures([labels > 0, labels.T > 0])
    with pytest.raises(ValueError, match="no whole number"):
        encode_structures([labels / 2])


def test_torch_monai_and_dask_take_them():
    torch = pytest.importorskip("torch")
    from soft_labels.torch import RandomWindows

    labels = naive.random_map(naive.generator(35), classes=3, axes=3)
    regions = {"regions": [[1, 2], [2]]}
    dense = encode(labels, 3, channels=regions)
    np.testing.assert_array_equal(soft_labels.torch.encode(torch.tensor(labels), 3, channels=regions).numpy(), dense)
    collate = RandomWindows(labels.shape, 3, channels=regions)
    _, targets = collate([(torch.zeros(1, *labels.shape), torch.tensor(labels))])
    np.testing.assert_array_equal(targets[0].numpy(), dense)
    da = pytest.importorskip("dask.array")
    lazy = soft_labels.dask.encode(da.from_array(labels, chunks=3), 3, channels=regions)
    np.testing.assert_array_equal(lazy.compute(), dense)
    monai = pytest.importorskip("soft_labels.monai")
    soft = monai.SoftLabelsd("label", 3, channels=regions)({"label": torch.tensor(labels)[None]})["label"]
    np.testing.assert_array_equal(soft.numpy(), dense)


def test_boxes_of_regions_count_what_is_outside():
    labels = np.array([[1, 0, 0, 9], [0, 0, 9, 9]])
    classes = Classes(2, ignore=9)
    soft = encode(labels, classes, "one_hot", channels={"regions": [[1]]})
    pooled = soft_labels.pool(soft, 2, valid=soft_labels.valid_mask(labels, classes))
    np.testing.assert_array_equal(pooled, [[[0.25, 0]]])
    np.testing.assert_array_equal(soft_labels.pool(soft, 2, valid=True), [[[0.25, 0]]])
    np.testing.assert_array_equal(soft_labels.pool(soft, 2), [[[1, 0]]])
    with pytest.raises(TypeError, match="bools"):
        soft_labels.pool(soft, 2, valid=np.ones((2, 4)))
    with pytest.raises(ValueError, match="mask"):
        soft_labels.pool(soft, 2, valid=np.ones((2, 3), bool))
    torch = pytest.importorskip("torch")
    from soft_labels.torch import RandomWindows

    collate = RandomWindows([2, 4], classes, "one_hot", channels={"regions": [[1]]}, scales=[1, 2])
    _, (_, coarse) = collate([(torch.zeros(1, 2, 4), torch.tensor(labels))])
    np.testing.assert_array_equal(coarse[0].numpy(), [[[0.25, 0]]])


def test_a_matrix_in_an_encoding_and_as_a_tensor():
    labels = np.array([[0, 1, 2]])
    matrix = [[1, 0], [0, 1], [0.5, 0.5]]
    soft = encode(labels, 3, channels=matrix)
    np.testing.assert_array_equal(encode(labels, 3, Encoding(channels=np.array(matrix))), soft)
    for wrong in (np.array(matrix) * 1j, np.array([["1", "0"]] * 3), np.ma.masked_array(matrix)):
        with pytest.raises(TypeError, match="real numbers"):
            encode(labels, 3, channels=wrong)
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(encode(labels, 3, channels=torch.tensor(matrix)), soft)
