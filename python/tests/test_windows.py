"""Random windows of cases, against the soft labels of whole maps."""

import doctest
import importlib
import os
import pickle
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from naive import generator, random_map

import soft_labels
from soft_labels import Classes, Encoding, encode

torch = pytest.importorskip("torch")
from torch.utils.data import DataLoader, Dataset  # noqa: E402

from soft_labels.torch import RandomWindows  # noqa: E402

METHODS = [
    ("svls", None),
    (Encoding("svls", sigma=2.0, radius=3, strength=0.7), None),
    ("one_hot", None),
    (Encoding("label_smoothing", alpha=0.1), None),
    ("svls", {"regions": [[1, 2], [2]]}),
    ("svls", [[0.9, 0.1], [0.5, 0.5], [0.0, 1.0]]),
]


def positions(shape):
    """An image that says of each voxel where it is. Nowhere is it -1, the padding's value."""
    return torch.from_numpy(np.indices(shape).astype(np.float32))


def expected(image, whole, padding):
    """What the soft labels of the whole map say for the voxels that an image of positions shows."""
    at = image.numpy().astype(int)
    inside = (at >= 0).all(0)
    soft = np.broadcast_to(np.asarray(padding, whole.dtype), (len(whole), *inside.shape)).copy()
    soft[:, inside] = whole[(slice(None), *(one[inside] for one in at))]
    return soft


def random_case(rng, ignored):
    axes = int(rng.integers(2, 4))
    maps = [random_map(rng, 3, axes)]
    for _ in range(int(rng.integers(0, 3))):
        maps.append(np.where(rng.random(maps[0].shape) < 0.2, rng.integers(0, 3, maps[0].shape), maps[0]))
    if ignored:
        maps = [np.where(rng.random(one.shape) < 0.2, -1, one) for one in maps]
    kind = rng.choice(["<i8", ">i4", "<i2", "<f4"])
    return [np.asfortranarray(one.astype(kind)) if rng.random() < 0.3 else one.astype(kind) for one in maps]


@pytest.mark.parametrize("seed", range(60))
def test_windows_have_the_bits_of_the_whole_map(seed):
    rng = generator(seed)
    torch.manual_seed(seed)
    ignored = bool(rng.random() < 0.5)
    maps = random_case(rng, ignored)
    method, channels = METHODS[seed % len(METHODS)]
    classes = Classes(3, ignore=-1) if ignored else Classes(3)
    weights = list(rng.random(len(maps)) + 0.1) if rng.random() < 0.5 else None
    shape = maps[0].shape
    size = [int(rng.integers(1, length + 6)) for length in shape]
    padding = int(rng.integers(0, 3)) if not ignored or rng.random() < 0.3 else None
    dtype = [torch.float32, torch.float64, torch.float16][seed % 3]
    plain = {"channels": channels, "weights": weights, "dtype": str(dtype).removeprefix("torch.")}
    whole = encode(maps, classes, method, **plain)
    label = -1 if padding is None else padding
    outside = encode([np.full([1] * len(shape), label)] * len(maps), classes, method, **plain)
    collate = RandomWindows(
        size,
        classes,
        method,
        channels=channels,
        weights=weights,
        windows=3,
        foreground=float(rng.random()),
        padding=padding,
        image_padding=-1,
        dtype=dtype,
    )
    images, targets = collate([(positions(shape), maps), (positions(shape).numpy(), maps)])
    assert targets.dtype == dtype and images.shape[2:] == targets.shape[2:] == tuple(size) and len(images) == 6
    for image, target in zip(images, targets):
        np.testing.assert_array_equal(target.numpy(), expected(image, whole, outside))
        # Padding is the same on both sides, and none is taken where the map has voxels.
        for axis, (length, width) in enumerate(zip(shape, size)):
            assert len(np.unique(image[axis][image[axis] >= 0])) == min(length, width)
            line = image[axis].amax([other for other in range(len(shape)) if other != axis])
            assert int((line < 0).cumprod(0).sum()) == max(width - length, 0) // 2


def symmetries(axes):
    def flip(image, labels):
        over = [-1 - axis for axis in range(axes) if torch.rand(()) < 0.5]
        flipped = [one.flip(over) for one in labels] if isinstance(labels, list) else labels.flip(over)
        return image.flip(over), flipped

    return flip


@pytest.mark.parametrize("seed", range(40))
def test_what_is_augmented_has_no_border(seed):
    rng = generator(seed)
    torch.manual_seed(seed)
    maps = random_case(rng, ignored=False)
    method, channels = METHODS[seed % len(METHODS)]
    shape = maps[0].shape
    size = [int(rng.integers(1, length + 1)) for length in shape]
    reach = soft_labels._arguments.encoding_of(method).radius(len(shape))
    whole = encode(maps, 3, method, channels=channels)
    seen = []

    def augment(image, labels):
        several = labels if isinstance(labels, list) else [labels]
        seen.append(image.shape[1:])
        assert {one.shape for one in several} == {image.shape[1:]}
        assert not any(one.dtype.is_floating_point for one in several)
        image, labels = symmetries(len(shape))(image, labels)
        image += 0  # May be written to.
        return image, labels

    given = maps if len(maps) > 1 else maps[0]
    collate = RandomWindows(size, 3, method, channels=channels, windows=4, augment=augment, foreground=0.5)
    images, targets = collate([(positions(shape), given)])
    assert set(seen) == {tuple(length + 2 * more for length, more in zip(size, reach))}
    for image, target in zip(images, targets):
        np.testing.assert_array_equal(target.numpy(), expected(image, whole, 0))


def test_cases_are_not_changed_by_augment():
    image, labels = torch.zeros(1, 6, 6), torch.zeros(6, 6, dtype=torch.int64)

    def augment(image, labels):
        return image.add_(1), labels.add_(1)

    for method in ("svls", "one_hot"):
        images, targets = RandomWindows([6, 6], 2, method, augment=augment)([(image, labels)])
        assert (images == 1).all() and (targets[:, 1] == 1).all()
    assert not image.any() and not labels.any()


@pytest.mark.parametrize("ignore", [None, 7])
def test_the_padded_map_is_augmented(ignore):
    torch.manual_seed(0)
    labels = torch.from_numpy(np.indices((5, 9)).sum(0) // 3 % 2)
    classes = Classes(2, ignore=ignore)
    padding = {} if ignore else {"padding": 1}
    collate = RandomWindows([8, 4], classes, augment=lambda *both: both, image_padding=-1, windows=20, **padding)
    images, targets = collate([(positions((5, 9)), labels)])
    padded = np.pad(labels.numpy(), [(1, 2), (0, 0)], constant_values=ignore or 1)
    whole = encode(padded, classes)
    for image, target in zip(images, targets):
        start = int(image[1].max()) - 3
        np.testing.assert_array_equal(target.numpy(), whole[:, :, start : start + 4])
        assert (image[:, [0, 6, 7]] == -1).all() and (image[0, 1:6, 0] == torch.arange(5)).all()


@pytest.mark.parametrize("augment", [None, lambda *both: both])
def test_boxes_of_regions_leave_ignored_padding_out(augment):
    classes, regions = Classes(2, ignore=9), {"regions": [[1]]}
    case = (torch.zeros(1, 2, 2), torch.tensor([[1, 0], [1, 9]]))
    make = lambda **more: RandomWindows(
        [4, 2], classes, "one_hot", channels=regions, scales=[1, [2, 2], [4, 2]], augment=augment, **more
    )
    assert [one.flatten().tolist() for one in make()([case])[1][1:]] == [[0.5, 1.0], [pytest.approx(2 / 3)]]
    # The padding of a label counts.
    found = make(padding=0)([case])[1]
    assert [one.flatten().tolist() for one in found[1:]] == [[0.25, pytest.approx(1 / 3)], [pytest.approx(2 / 7)]]


def test_classes_of_foreground_are_drawn_evenly():
    torch.manual_seed(1)
    labels = torch.zeros(20, 30, 30, dtype=torch.uint8)
    labels[2, 3, 4] = 1
    labels[10:, 10:] = 2
    labels[4:9] = 255
    collate = RandomWindows([3, 3, 3], Classes(5, ignore=255), foreground=1.0, windows=400)
    images, _ = collate([(positions(labels.shape), labels)])
    centres = [tuple(int(x) for x in image[:, 1, 1, 1]) for image in images]
    found = Counter(int(labels[centre]) for centre in centres)
    # A voxel at the edge of the map is not in the centre, but in the window.
    edge = sum(19 in centre or 18 in centre or 28 in centre for centre in centres)
    assert found[1] + found[2] == 400 and edge > 0
    assert 150 < found[1] < 250, found


def test_voxels_of_a_class_are_drawn_evenly():
    torch.manual_seed(2)
    labels = np.zeros((9, 9), np.int64)
    marked = {(1, 1), (1, 7), (4, 4), (7, 2), (7, 3)}
    for voxel in marked:
        labels[voxel] = 3
    second = np.zeros_like(labels)
    second[4, 4] = 3
    types = ["f4", ">i4", "f2", "i1", ">u4"]
    for order in (
        lambda one: one,
        np.asfortranarray,
        *(lambda one, kind=kind: one[::-1].astype(kind)[::-1] for kind in types),
    ):
        collate = RandomWindows([1, 1], 4, foreground=1.0, windows=500)
        images, _ = collate([(positions((9, 9)), order(labels))])
        found = Counter(tuple(image.flatten().int().tolist()) for image in images)
        assert set(found) == marked and min(found.values()) > 60, found
        # Two raters mark one voxel, so it is drawn twice as often. A rater without weight has no part.
        images, _ = collate([(positions((9, 9)), [order(labels), second])])
        found = Counter(tuple(image.flatten().int().tolist()) for image in images)
        assert set(found) == marked and found[4, 4] > 1.4 * max(found[one] for one in marked - {(4, 4)})
    for kind in ("i8", ">i8", "f8"):
        collate = RandomWindows([1, 1], [0, 10**6], foreground=1.0, windows=50)
        images, _ = collate([(positions((9, 9)), labels.astype(kind) // 3 * 10**6)])
        assert {tuple(image.flatten().int().tolist()) for image in images} == marked
    collate = RandomWindows([1, 1], 4, foreground=1.0, windows=50, weights=[0.0, 1.0])
    images, _ = collate([(positions((9, 9)), [labels, second])])
    assert {tuple(image.flatten().int().tolist()) for image in images} == {(4, 4)}


@pytest.mark.parametrize(("share", "size"), [(0.33, 2), (0.33, 3), (0.5, 4), (1.0, 3), (0.0, 3)])
def test_share_of_foreground(share, size):
    torch.manual_seed(3)
    labels = torch.zeros(101, 101, dtype=torch.uint8)
    labels[50, 50] = 1
    collate = RandomWindows([1, 1], 2, "one_hot", foreground=share)
    counts = [int(collate([(labels[None], labels)] * size)[1][:, 1].sum()) for _ in range(300)]
    if share in (0.0, 1.0):
        assert set(counts) <= {int(size * share), int(size * share) + (share == 0)}
    assert abs(np.mean(counts) - share * size) < 0.12
    assert np.mean([count in (int(share * size), int(np.ceil(share * size))) for count in counts]) > 0.95


def test_a_case_without_foreground_has_windows_anywhere():
    torch.manual_seed(4)
    images, _ = RandomWindows([2, 2], 3, foreground=1.0, windows=40)([(positions((8, 8)), np.zeros((8, 8), np.uint8))])
    assert len({tuple(image[:, 0, 0].tolist()) for image in images}) > 20
    RandomWindows([2, 2], 1, foreground=1.0)([(positions((8, 8)), np.zeros((8, 8), np.uint8))])


def test_the_index_of_a_map_belongs_to_no_other(monkeypatch):
    counted = []
    original = np.count_nonzero
    monkeypatch.setattr(np, "count_nonzero", lambda values: counted.append(1) or original(values))
    collate = RandomWindows([1, 1], 3, foreground=1.0)

    def drawn(labels):
        counted.clear()
        images, _ = collate([(positions(labels.shape), labels)])
        voxel = tuple(images[0].flatten().int().tolist())
        return int(labels[voxel]), bool(counted)

    buffer = np.zeros((6, 6), np.int64)
    buffer[1, 1] = 1
    assert drawn(buffer) == (1, True) and drawn(buffer) == (1, False)
    # The same memory, other labels; a copy; a transposed map of the same bytes; other types.
    buffer[1, 1], buffer[2, 3] = 0, 2
    assert drawn(buffer) == (2, True)
    assert drawn(torch.from_numpy(buffer.copy())) == (2, False)
    assert drawn(buffer.copy().T) == (2, False) and drawn(np.ascontiguousarray(buffer.T)) == (2, True)
    # Memory of arrays that are gone is used again.
    for row in range(6):
        labels = np.zeros((6, 6), np.uint8)
        labels[row, 5 - row] = 1
        assert drawn(labels) == (1, True)
        del labels


def test_the_cache_is_bounded_and_not_copied():
    collate = RandomWindows([1, 1], 200, foreground=1.0)
    rng = np.random.default_rng(0)
    for _ in range(60):
        labels = rng.integers(0, 200, (400, 2)).astype(np.uint8)
        collate([(np.zeros((1, 400, 2), np.float32), labels)])
    cache = collate._foreground
    held = sum(one.nbytes for one in cache._kept.values())
    assert 10 << 20 < held <= cache._bytes <= 16 << 20
    assert len(pickle.dumps(collate)) < 10_000
    assert RandomWindows([1, 1], 3)._foreground.values == [1, 2]


def test_cases_that_are_dicts():
    torch.manual_seed(5)
    labels = torch.from_numpy(np.indices((8, 8)).sum(0) // 4 % 2)
    cases = [
        {"name": f"case {at}", "t2": positions((8, 8)), "seg": labels[None].float(), "age": 30 + at, "odd": object()}
        for at in range(2)
    ]
    for at, case in enumerate(cases):
        case["box"] = torch.zeros(at + 1)
    batch = RandomWindows([3, 3], 2, image="t2", label="seg", windows=2, scales=[1, 3])(cases)
    assert list(batch) == ["name", "t2", "seg", "age", "odd", "box"]
    assert batch["name"] == ["case 0", "case 0", "case 1", "case 1"]
    assert batch["age"].tolist() == [30, 30, 31, 31] and batch["t2"].shape == (4, 2, 3, 3)
    assert batch["odd"][2] is cases[1]["odd"] and [len(one) for one in batch["box"]] == [1, 1, 2, 2]
    assert [one.shape for one in batch["seg"]] == [(4, 2, 3, 3), (4, 2, 1, 1)]
    whole = encode(labels.numpy(), 2)
    for image, target in zip(batch["t2"], batch["seg"][0]):
        np.testing.assert_array_equal(target.numpy(), expected(image, whole, 0))
    raters = [{"t2": positions((8, 8)), "seg": [labels, labels.T]}]
    found = RandomWindows([8, 8], 2, image="t2", label="seg")(raters)["seg"][0]
    np.testing.assert_array_equal(found.numpy(), encode([labels.numpy(), labels.numpy().T], 2))
    with pytest.raises(TypeError, match=r"case 0 .*\['name', 't2'.*image= and label="):
        RandomWindows([3, 3], 2)(cases)
    with pytest.raises(ValueError, match=r"not \['image'\]"):
        RandomWindows([3, 3], 2, image="image", label="seg")(cases)
    with pytest.raises(TypeError, match="not a dict"):
        RandomWindows([3, 3], 2, image="t2", label="seg")([(labels[None], labels)])
    with pytest.raises(ValueError, match=r"case 1 .*'more'"):
        RandomWindows([3, 3], 2, image="t2", label="seg")([cases[0], {**cases[1], "more": 1}])
    for names in ({"image": "a"}, {"label": "a"}, {"image": "a", "label": "a"}):
        with pytest.raises(ValueError, match="name both"):
            RandomWindows([3, 3], 2, **names)


def test_tensors_of_monai_become_plain():
    monai = pytest.importorskip("monai")
    image = monai.data.MetaTensor(torch.rand(1, 6, 6), affine=torch.eye(4))
    case = {"image": image, "label": monai.data.MetaTensor(torch.ones(1, 6, 6)), "other": image}
    for augment in (None, lambda *both: both):
        batch = RandomWindows([4, 4], 2, image="image", label="label", augment=augment)([case, case])
        assert type(batch["image"]) is torch.Tensor and type(batch["label"]) is torch.Tensor
        assert batch["other"].shape == (2, 1, 6, 6)


def test_errors_say_the_case_and_what_to_change():
    labels = np.zeros((8, 8), np.uint8)
    case = (np.zeros((1, 8, 8), np.float32), labels)
    with pytest.raises(ValueError, match=r"case 1 .*smaller than the window \(9, 8\).*padding=LABEL.*ignore="):
        RandomWindows([9, 8], 2)([(np.zeros((1, 9, 9), "f4"), np.zeros((9, 9), "u1")), case])
    with pytest.raises(ValueError, match="case 0 .*other voxels"):
        RandomWindows([3, 3], 2)([(case[0], labels[1:])])
    with pytest.raises(ValueError, match="case 0 .*there is none"):
        RandomWindows([3, 3], 2)([(case[0], [])])
    with pytest.raises(ValueError, match="no voxels"):
        RandomWindows([3, 3], 2, padding=0)([(np.zeros((1, 0, 8), "f4"), labels[:0])])
    with pytest.raises(ValueError, match="give a size for each axis"):
        RandomWindows([3, 3, 3], 2)([case])
    wrong = labels.copy()
    wrong[7, 7] = 5
    with pytest.raises(ValueError, match=r"case 1 of the batch in its part from voxel \[[56], [56]\] on: label 5"):
        torch.manual_seed(0)
        while True:
            RandomWindows([1, 1], 2)([case, (case[0], wrong)])
    with pytest.raises(ValueError, match="case 0 .*0.5"):
        RandomWindows([1, 1], 2, foreground=1.0)([(case[0], labels + np.float32(0.5))])
    with pytest.raises(ValueError, match="at least one"):
        RandomWindows([1, 1], 2)([])
    for given, said in [
        ((*case, 1), "pair"),
        (labels, "pair"),
        ((None, labels), "NoneType"),
        ((case[0], None), "NoneType"),
    ]:
        with pytest.raises(TypeError, match=f"case 0 of the batch.*{said}"):
            RandomWindows([1, 1], 2)([given])
    with pytest.raises(ValueError, match="as many channels"):
        RandomWindows([1, 1], 2)([case, (np.zeros((2, 8, 8), np.float32), labels)])
    for arguments, error, said in [
        ({"padding": 2}, ValueError, "padding=2"),
        ({"foreground": 1.5}, ValueError, "share"),
        ({"foreground": float("nan")}, ValueError, "share"),
        ({"windows": 0}, ValueError, "windows"),
        ({"windows": 1.5}, TypeError, "windows"),
        ({"dtype": torch.int32}, TypeError, "float"),
    ]:
        with pytest.raises(error, match=said):
            RandomWindows([3, 3], 2, **arguments)
    for augment, said in [
        (lambda image, labels: image, "pair"),
        (lambda image, labels: (image[:, 1:], labels[1:]), r"keep the voxels \(5, 5\)"),
        (lambda image, labels: (image, labels[1:]), r"\(5, 5\).*halo of \[1, 1\]"),
        (lambda image, labels: (image[0], labels), "keep the voxels"),
        (lambda image, labels: (image, labels[None, None]), "keep the voxels"),
    ]:
        with pytest.raises((TypeError, ValueError), match=said):
            RandomWindows([3, 3], 2, augment=augment)([case])


class Cases(Dataset):
    """Of many voxels, so that the engine takes several threads if it may."""

    def __len__(self):
        return 4

    def __getitem__(self, at):
        torch.manual_seed(at)
        labels = torch.from_numpy(np.indices((40, 80, 80)).sum(0) // 20 % 3)
        return {"image": positions((40, 80, 80)), "label": labels.roll(at, 0), "number": at}


def flipped(image, labels):
    return image.flip(1), labels.flip(0)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_draw_the_same_windows(start):
    names = {"image": "image", "label": "label"}
    collate = RandomWindows([8, 12, 9], 3, **names, foreground=0.5, windows=3, augment=flipped, padding=0)
    alone = list(DataLoader(Cases(), 1, collate_fn=collate))
    loader = DataLoader(Cases(), 1, collate_fn=collate, num_workers=2, multiprocessing_context=start)
    for found, other in zip(alone, loader, strict=True):
        assert all(torch.equal(found[key], other[key]) for key in ("image", "label", "number"))


class Threads(Dataset):
    """How many threads there are, and how many more after a call that may use as many as it gets."""

    def __len__(self):
        return 2

    def __getitem__(self, at):
        labels = np.zeros((64, 64, 64), np.uint8)
        before = len(os.listdir("/proc/self/task"))
        encode(labels, 4)
        soft_labels.metrics.overlap(labels, labels, 4)
        return soft_labels.num_threads(), len(os.listdir("/proc/self/task")) - before


def three_threads(_):
    soft_labels.set_num_threads(3)


def two_of_torch(_):
    torch.set_num_threads(2)


def threads_of_a_worker(start, prepare):
    # The parent's pool, which forked children do not have.
    encode(np.zeros((64, 64, 64), np.uint8), 4)
    loader = DataLoader(Threads(), None, num_workers=1, worker_init_fn=prepare, multiprocessing_context=start)
    return [list(one) for one in loader]


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted on Linux")
@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.parametrize(("prepare", "threads"), [(None, 1), (two_of_torch, 2), (three_threads, 3)])
def test_a_worker_starts_no_more_threads_than_pytorch(start, prepare, threads):
    # A new process, since threads may have been set in this one.
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        found = process.submit(threads_of_a_worker, start, prepare).result(timeout=300)
    # Threads that were set are there before the first call.
    started = 0 if prepare is three_threads else threads
    assert found == [[threads, started], [threads, 0]]


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted on Linux")
def test_threads_that_were_set_are_inherited():
    before = soft_labels.num_threads()
    soft_labels.set_num_threads(4)
    try:
        assert [threads for threads, _ in threads_of_a_worker("fork", None)] == [4, 4]
    finally:
        soft_labels.set_num_threads(before)


@pytest.mark.parametrize("name", ["_windows", "_spans"])
def test_examples_of_docstrings(name):
    found = doctest.testmod(importlib.import_module(f"soft_labels.{name}"))
    assert found.attempted > 2 and found.failed == 0
