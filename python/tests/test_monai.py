"""MONAI's transforms: margins, raters, what is refused, and lazy resampling."""

import pickle

import numpy as np
import pytest
from naive import generator, random_map

from soft_labels import Classes, Encoding, encode

torch = pytest.importorskip("torch")
monai = pytest.importorskip("monai")
from monai.data import MetaTensor  # noqa: E402
from monai.transforms import Compose  # noqa: E402
from monai.utils import OptionalImportError  # noqa: E402

from soft_labels.monai import SoftLabels, SoftLabelsD, SoftLabelsd, SoftLabelsDict  # noqa: E402

AFFINE = torch.tensor([[0, 2.0, 0, 5], [-1, 0, 0, 7], [0, 0, 3, 1], [0, 0, 0, 1]], dtype=torch.float64)
LABELS = (np.indices((20, 24, 28)).sum(0) // 9 % 4).astype(np.float32)
KEYS = ["image", "label"]


def case(labels=LABELS):
    """A label map and an image that says of each voxel where it is."""
    at = torch.from_numpy(np.indices(labels.shape).astype(np.float32))
    maps = torch.from_numpy(labels.astype(np.float32))[None]
    return {"image": MetaTensor(at, affine=AFFINE), "label": MetaTensor(maps.clone(), affine=AFFINE)}


def of_whole(whole, image):
    return whole[(slice(None), *image.numpy().astype(int))]


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("seed", range(25))
def test_a_margin_gives_the_bits_of_the_whole_map(seed, lazy):
    rng = generator(seed)
    labels = random_map(rng, 3, 3)
    while min(labels.shape) < 4:
        labels = random_map(rng, 3, 3)
    labels = np.where(rng.random(labels.shape) < 0.05, 7, labels)
    classes, method = (
        Classes(3, ignore=7),
        [Encoding("svls", radius=[1, 1, 1]), Encoding("svls", radius=[1, 0, 1])][seed % 2],
    )
    margin = [1, [1, 0, 1]][seed % 2]
    size = [int(rng.integers(3, length + 1)) for length in labels.shape]
    crop = monai.transforms.RandSpatialCropd(KEYS, size, random_size=False)
    pipeline = Compose([crop, SoftLabelsd("label", classes, method, margin=margin, crop_keys="image")], lazy=lazy)
    pipeline.set_random_state(seed)
    found = pipeline(case(labels))
    inner = [n - 2 * m for n, m in zip(size, np.broadcast_to(margin, 3))]
    assert list(found["image"].shape[1:]) == inner and list(found["label"].shape) == [3, *inner]
    whole = encode(labels, classes, method)
    np.testing.assert_array_equal(found["label"].numpy(), of_whole(whole, found["image"]))
    # The first voxel is where the image says.
    first = torch.ones(4, dtype=torch.float64)
    first[:3] = found["image"][:, 0, 0, 0].as_tensor()
    for key in KEYS:
        assert torch.equal(found[key].affine[:, 3], AFFINE @ first) and not found[key].pending_operations
        assert torch.equal(found[key].affine[:, :3], AFFINE[:, :3])


def test_without_a_margin_a_crop_is_the_whole_map():
    crop = monai.transforms.SpatialCropd(KEYS, roi_start=[3, 3, 3], roi_end=[12, 12, 12])
    whole = encode(LABELS, 4)
    plain = Compose([crop, SoftLabelsd("label", 4)])(case())
    cut = Compose([crop, SoftLabelsd("label", 4, margin=1, crop_keys=["image"])])(case())
    assert not np.array_equal(plain["label"].numpy(), of_whole(whole, plain["image"]))
    np.testing.assert_array_equal(cut["label"].numpy(), of_whole(whole, cut["image"]))
    # A margin may be larger than the encoder reaches; an image that is not named stays.
    found = Compose([crop, SoftLabelsd("label", 4, margin=[3, 2, 1])])(case())
    assert found["label"].shape == (4, 3, 5, 7) and found["image"].shape == (3, 9, 9, 9)
    # The edge of the map: what BorderPad repeats is what the encoder assumes.
    pad = monai.transforms.BorderPadd(KEYS, 1, mode="edge")
    found = Compose([pad, SoftLabelsd("label", 4, margin=1, crop_keys="image")])(case())
    np.testing.assert_array_equal(found["label"].numpy(), whole)
    assert torch.equal(found["label"].affine, AFFINE) and torch.equal(found["image"].affine, AFFINE)


def test_margins_of_arrays_and_plain_tensors():
    data = {"image": np.indices(LABELS.shape), "label": torch.from_numpy(LABELS)[None]}
    found = SoftLabelsd("label", 4, margin=1, crop_keys="image")(data)
    assert type(found["image"]) is np.ndarray and type(found["label"]) is torch.Tensor
    whole = encode(LABELS, 4)
    np.testing.assert_array_equal(found["label"].numpy(), whole[:, 1:-1, 1:-1, 1:-1])
    np.testing.assert_array_equal(found["image"], data["image"][:, 1:-1, 1:-1, 1:-1])
    np.testing.assert_array_equal(SoftLabels(4, margin=1)(data["label"]).numpy(), whole[:, 1:-1, 1:-1, 1:-1])


def test_margins_that_are_wrong():
    labels = torch.zeros(1, 6, 6)
    for settings, said in [
        ({"margin": 3}, r"leaves nothing of \(6, 6\)"),
        ({"margin": [1, 1, 1]}, "3 axes"),
        ({"margin": 1, "method": Encoding("svls", radius=2)}, r"margin=\[2, 2\]"),
        ({"margin": -1}, "-1"),
    ]:
        with pytest.raises(ValueError, match=said):
            SoftLabels(2, **settings)(labels)
    with pytest.raises(ValueError, match=r"\(5, 5\).*\n.*alike"):
        SoftLabelsd("label", 2, margin=1, crop_keys="image")({"label": labels, "image": torch.zeros(1, 5, 5)})
    with pytest.raises(KeyError, match="crop_keys"):
        SoftLabelsd("label", 2, margin=1, crop_keys="image")({"label": labels})
    SoftLabelsd("label", 2, margin=1, crop_keys="image", allow_missing_keys=True)({"label": labels})
    with pytest.raises(ValueError, match="crop_keys"):
        SoftLabelsd(["label"], 2, margin=1, crop_keys="label")


def test_raters_are_channels_keys_or_a_list():
    maps = [LABELS, LABELS[::-1].copy(), LABELS[:, ::-1].copy()]
    tensors = [MetaTensor(torch.from_numpy(one)[None], affine=AFFINE) for one in maps]
    weights = [0.5, 2.0, 1.0]
    mean = encode(maps, 4, weights=weights)
    keys = ["r1", "r2", "r3"]
    data = dict(zip(keys, tensors))
    found = SoftLabelsd(keys, 4, raters="label", weights=weights)(data)
    assert list(found) == [*keys, "label"] and found["r2"] is tensors[1]
    assert torch.equal(found["label"].affine, AFFINE)
    np.testing.assert_array_equal(found["label"].numpy(), mean)
    np.testing.assert_array_equal(SoftLabels(4, weights=weights)(tensors).numpy(), mean)
    channels = torch.cat([one.as_tensor() for one in tensors])
    np.testing.assert_array_equal(SoftLabels(4, weights=weights, raters=True)(channels).numpy(), mean)
    found = SoftLabelsd("label", 4, weights=weights, raters=True)({"label": channels})["label"]
    np.testing.assert_array_equal(found.numpy(), mean)
    # The raters' own maps may be cut, too.
    found = SoftLabelsd(keys, 4, raters="label", margin=1, crop_keys=keys[:2])(data)
    assert {found[key].shape[1:] for key in ("label", "r1", "r2")} == {(18, 22, 26)} and found["r3"] is tensors[2]
    np.testing.assert_array_equal(found["label"].numpy(), encode(maps, 4)[:, 1:-1, 1:-1, 1:-1])
    # Without one, the weights of the others are theirs.
    del data["r1"]
    with pytest.raises(KeyError, match="r1"):
        SoftLabelsd(keys, 4, raters="label", weights=weights)(data)
    transform = SoftLabelsd(keys, 4, raters="r2", weights=weights, allow_missing_keys=True)
    np.testing.assert_array_equal(transform(data)["r2"].numpy(), encode(maps[1:], 4, weights=weights[1:]))
    assert transform({"other": 1}) == {"other": 1}
    # Keys without raters= are label maps of their own.
    found = SoftLabelsd(["r2", "r3"], 4)(data)
    np.testing.assert_array_equal(found["r3"].numpy(), encode(maps[2], 4))
    with pytest.raises(ValueError, match="2 weights and 3 raters"):
        SoftLabelsd(keys, 4, raters="label", weights=[1.0, 1.0])
    with pytest.raises(ValueError, match="'r3' has 2 channels"):
        SoftLabelsd(keys[1:], 4, raters="label")({**data, "r3": channels[:2]})
    with pytest.raises(ValueError, match="at least one"):
        SoftLabels(4)([])


def test_what_is_no_label_map_is_refused():
    labels = torch.from_numpy(LABELS)[None]
    whole = torch.from_numpy(encode(LABELS, 4))
    brats = monai.transforms.ConvertToMultiChannelBasedOnBratsClasses()(labels)
    one_hot = monai.transforms.AsDiscrete(to_onehot=4)(labels)
    for channels in (brats, one_hot, whole, labels.expand(2, -1, -1, -1), labels[:0]):
        with pytest.raises(ValueError, match=r"(?s)has \d channels.*before.*one-hot.*raters=True"):
            SoftLabels(4)(channels)
    for soft in (whole[1:2], whole[1:2].double(), whole[1:2].bfloat16(), whole[1:2].half(), labels / 0, labels + 0.5):
        with pytest.raises(ValueError, match="(?s)is no label map: label .* at voxel.*mode='nearest'"):
            SoftLabels(4)(soft)
        with pytest.raises(ValueError, match="'seg' is no label map"):
            SoftLabelsd("seg", 4)({"seg": soft.numpy() if soft.dtype != torch.bfloat16 else soft})
    with pytest.raises(TypeError, match="complex"):
        SoftLabels(4)(labels.to(torch.complex64))
    with pytest.raises(ValueError, match="label 6 at voxel"):
        SoftLabels(4)(labels + 6)
    # What is whole is a label map in any type.
    for dtype in (torch.float16, torch.bfloat16, torch.float64, torch.uint8, torch.int64):
        assert torch.equal(SoftLabels(4)(labels.to(dtype)), whole)
    assert torch.equal(SoftLabels(4)(LABELS[None].astype(">f8")[:, ::-1][:, ::-1]), whole)


def transforms(mode):
    """MONAI's spatial transforms, as a mode of resampling is set for each key or left out."""
    t, size = monai.transforms, [16, 16, 16]
    m = {} if mode is None else {"mode": mode}
    return [
        lambda: t.Affined(KEYS, rotate_params=[0.2, 0.1, 0.3], **m),
        lambda: t.BorderPadd(KEYS, 2),
        lambda: t.CenterScaleCropd(KEYS, 0.7),
        lambda: t.CenterSpatialCropd(KEYS, size),
        lambda: t.CropForegroundd(KEYS, source_key="label"),
        lambda: t.DivisiblePadd(KEYS, 32),
        lambda: t.Flipd(KEYS, 1),
        lambda: t.Orientationd(KEYS, "PLS"),
        lambda: t.RandAffined(KEYS, prob=1, rotate_range=0.3, scale_range=0.2, **m),
        lambda: t.RandAxisFlipd(KEYS, prob=1),
        lambda: t.RandCropByLabelClassesd(KEYS, "label", spatial_size=size, num_classes=4, num_samples=2),
        lambda: t.RandCropByPosNegLabeld(KEYS, "label", spatial_size=size, num_samples=2),
        lambda: t.RandFlipd(KEYS, prob=1, spatial_axis=0),
        lambda: t.RandRotate90d(KEYS, prob=1),
        lambda: t.RandRotated(KEYS, prob=1, range_x=0.4, **m),
        lambda: t.RandScaleCropd(KEYS, 0.6, random_size=False),
        lambda: t.RandSpatialCropSamplesd(KEYS, size, num_samples=2, random_size=False),
        lambda: t.RandSpatialCropd(KEYS, size, random_size=False),
        lambda: t.RandWeightedCropd(KEYS, w_key="label", spatial_size=size, num_samples=2),
        lambda: t.RandZoomd(KEYS, prob=1, min_zoom=1.3, max_zoom=1.5, **m),
        lambda: t.Resized(KEYS, [30, 20, 25], **m),
        lambda: t.ResizeWithPadOrCropd(KEYS, [30, 16, 25]),
        lambda: t.Rotate90d(KEYS),
        lambda: t.Rotated(KEYS, [0.2, 0.3, 0.4], **m),
        lambda: t.Spacingd(KEYS, [1.5, 0.8, 1.3], **m),
        lambda: t.SpatialCropd(KEYS, roi_start=[1, 2, 3], roi_end=[12, 13, 14]),
        lambda: t.SpatialPadd(KEYS, [30, 30, 30]),
        lambda: t.Zoomd(KEYS, 1.4, **m),
    ]


def made(steps, lazy, seed=3, **settings):
    overrides = {"label": {"mode": "nearest"}} if lazy else None
    try:
        pipeline = Compose(steps, lazy=lazy, overrides=settings.get("overrides", overrides))
        pipeline.set_random_state(seed)
        found = pipeline(case())
    except (OptionalImportError, RuntimeError) as error:
        if isinstance(error, OptionalImportError) or isinstance(error.__cause__, OptionalImportError):
            pytest.skip(str(error.__cause__ or error))
        raise
    return found if isinstance(found, list) else [found]


def check_is_encoded(steps, lazy):
    """Soft labels are those of the label map that MONAI has in the end, with its affine."""
    expected = made(steps, lazy)
    found = made([*steps, SoftLabelsd("label", 4)], lazy, overrides=None)
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        np.testing.assert_array_equal(one["label"].numpy(), encode(other["label"][0].numpy(), 4))
        assert torch.equal(one["label"].affine, other["label"].affine) and not one["label"].pending_operations
        assert one["image"].shape == other["image"].shape


@pytest.mark.parametrize("mode", [None, "bilinear", ("bilinear", "nearest")])
@pytest.mark.parametrize("at", range(len(transforms(None))))
def test_lazy_transforms_need_no_overrides(at, mode):
    check_is_encoded([transforms(mode)[at]()], lazy=True)


@pytest.mark.parametrize("at", range(len(transforms(None))))
def test_transforms_that_are_not_lazy(at):
    check_is_encoded([transforms(("bilinear", "nearest"))[at]()], lazy=False)


@pytest.mark.parametrize("seed", range(10))
def test_pipelines_of_several_lazy_transforms(seed):
    rng = generator(seed)
    listed = transforms(("bilinear", "nearest"))
    # CropForegroundd and crops by labels look at the labels, and have what is pending applied before.
    chosen = [listed[at] for at in rng.permutation([0, 1, 6, 8, 12, 14, 17, 19, 20, 24])[:4]]
    check_is_encoded([make() for make in chosen], lazy=True)


@pytest.mark.parametrize("lazy", [False, True])
def test_the_last_line_of_an_error_is_what_to_do(lazy):
    t = monai.transforms
    resample = t.Spacingd(KEYS, [1.5, 0.8, 1.3])
    # A transform that is not lazy has what is pending applied, and MONAI interpolates.
    steps = [resample, t.Lambdad("label", lambda one: one)]
    transform = SoftLabelsd("label", 4)
    with pytest.raises(RuntimeError) as caught:
        Compose([*steps, transform], lazy=lazy)(case())
    last = str(caught.value).splitlines()[-1]
    assert "mode='nearest'" in last and "overrides={KEY: {'mode': 'nearest'}}" in last
    assert str(caught.value).startswith("applying transform SoftLabelsd(keys=['label']")
    # It is forgotten by what goes well.
    transform(case())
    assert str(transform) == repr(transform)
    with pytest.raises(RuntimeError, match="raters=True$"):
        Compose([t.AsDiscreted("label", to_onehot=4), SoftLabelsd("label", 4)], lazy=lazy)(case())
    with pytest.raises(RuntimeError, match="raters=True$"):
        Compose([t.AsDiscrete(to_onehot=4), SoftLabels(4)], lazy=lazy)(case()["label"])


def test_what_is_pending_stays_with_what_was_passed():
    spacing = monai.transforms.Spacingd("label", [2, 2, 2], mode="nearest", lazy=True)
    pending = spacing(case())["label"]
    first, second = (SoftLabels(4)(pending) for _ in range(2))
    assert torch.equal(first, second) and len(pending.pending_operations) == 1 and pending.shape == (1, *LABELS.shape)
    now = monai.transforms.Spacingd("label", [2, 2, 2], mode="nearest")(case())["label"]
    assert first.shape[1:] == now.shape[1:] and torch.equal(first.affine, now.affine)


def test_padding_of_what_is_pending():
    shift = monai.transforms.Affined("label", translate_params=[8, 0, 0], lazy=True)
    pending = shift(case(np.full((12, 12, 12), 2.0)))["label"]
    edge, zeros = (SoftLabels(4, "one_hot", padding_mode=mode)(pending) for mode in ("border", "zeros"))
    assert set(edge.argmax(0).flatten().tolist()) == {2} and set(zeros.argmax(0).flatten().tolist()) == {0, 2}


def test_names_and_what_is_printed():
    assert SoftLabelsD is SoftLabelsd and SoftLabelsDict is SoftLabelsd
    assert repr(SoftLabels(3)) == "SoftLabels(classes=Classes(3), method=Encoding('svls'))"
    shown = repr(
        SoftLabelsd(
            ["a", "b"],
            3,
            "one_hot",
            raters="label",
            weights=np.array([1, 2]),
            margin=1,
            crop_keys="image",
            padding_mode="zeros",
        )
    )
    names = {"SoftLabelsd": SoftLabelsd, "Classes": Classes, "Encoding": Encoding}
    assert repr(eval(shown, names)) == shown and "crop_keys=['image']" in shown and "weights=[1.0, 2.0]" in shown
    assert repr(SoftLabels(3, raters=True, margin=[1, 2])).endswith("raters=True, margin=[1, 2])")
    copied = pickle.loads(pickle.dumps(SoftLabelsd("label", 3)))
    assert repr(copied) == repr(SoftLabelsd("label", 3))


@pytest.mark.parametrize("lazy", [False, True])
def test_a_pipeline_may_be_undone(lazy):
    crop = monai.transforms.RandSpatialCropd(KEYS, [9, 8, 7], random_size=False)
    for settings in ({}, {"margin": 1, "crop_keys": "image"}):
        pipeline = Compose([crop, SoftLabelsd("label", 4, **settings)], lazy=lazy)
        found = pipeline(case())
        undone = pipeline.inverse(found)
        for key in KEYS:
            assert undone[key].shape[1:] == LABELS.shape and torch.equal(undone[key].affine, AFFINE)
            assert not undone[key].applied_operations
        at = tuple(found["image"][:, 2, 3, 4].int().tolist())
        assert undone["image"][(slice(None), *at)].tolist() == list(at)
        assert torch.equal(undone["label"][(slice(None), *at)], found["label"][:, 2, 3, 4])
        soft = {"label": SoftLabels(4, margin=1)(found["image"][:1].int() * 0), "plain": torch.zeros(1, 3)}
        assert SoftLabelsd("plain", 4, margin=1).inverse(soft)["plain"] is soft["plain"]


def test_channels_of_regions():
    found = SoftLabels(4, channels={"regions": [[1, 2], [3]]})(torch.from_numpy(LABELS)[None])
    np.testing.assert_array_equal(found.numpy(), encode(LABELS, 4, channels={"regions": [[1, 2], [3]]}))
