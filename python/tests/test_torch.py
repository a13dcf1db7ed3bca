"""Tensors, the loss, batches and MONAI's transform."""

import numpy as np
import pytest

import soft_labels

torch = pytest.importorskip("torch")
from soft_labels import torch as soft_labels_torch  # noqa: E402
from soft_labels.torch import RandomWindows, SoftCrossEntropyLoss  # noqa: E402

LABELS = torch.from_numpy((np.indices((20, 24, 28)).sum(0) // 9 % 4).astype(np.uint8))


def test_tensors_are_not_copied():
    out = torch.zeros(4, 28, 24, 20).permute(0, 3, 2, 1)
    assert soft_labels_torch.encode(LABELS, 4, out=out) is out
    np.testing.assert_array_equal(out.numpy(), soft_labels.encode(LABELS.numpy(), 4))
    half = soft_labels_torch.encode([LABELS, LABELS.flip(0)], 4, dtype=torch.float16)
    assert half.dtype == torch.float16 and half.shape == (4, 20, 24, 28)
    with pytest.raises(ValueError, match="cpu"):
        soft_labels_torch.encode(torch.zeros(3, 3, dtype=torch.uint8, device="meta"), 2)
    with pytest.raises(TypeError, match="int32"):
        soft_labels_torch.encode(LABELS, 4, dtype=torch.int32)


def targets_with_ignored(dtype=torch.float64):
    labels = LABELS[:4, :5, :6].long().clone()
    labels[0] = 9
    return soft_labels_torch.encode(labels, soft_labels.Classes(4, ignore=9), dtype=dtype)[None]


@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 0.5, 0.0]])
def test_loss_is_the_equation(weight):
    targets, logits = targets_with_ignored(), torch.randn(1, 4, 4, 5, 6, dtype=torch.float64)
    w = torch.tensor(weight or [1.0] * 4, dtype=torch.float64).view(1, 4, 1, 1, 1)
    sums = -(w * targets * logits.log_softmax(1)).sum()
    valid = targets.any(1)
    divisors = {"voxels": valid.sum(), "weight": (w * targets).sum()}
    for divisor, by in divisors.items():
        torch.testing.assert_close(SoftCrossEntropyLoss(weight, divisor)(logits, targets), sums / by)
    torch.testing.assert_close(SoftCrossEntropyLoss(weight, reduction="sum")(logits, targets), sums)
    per_voxel = SoftCrossEntropyLoss(weight, reduction="none")(logits, targets)
    assert per_voxel.shape == valid.shape and not per_voxel[~valid].any()
    mask = torch.rand(1, 4, 5, 6) < 0.5
    masked = SoftCrossEntropyLoss(weight)(logits, targets, mask)
    torch.testing.assert_close(masked, per_voxel[mask].sum() / (valid & mask).sum())


def test_loss_agrees_with_pytorch_where_nothing_is_ignored():
    targets, logits = soft_labels_torch.encode(LABELS, 4)[None], torch.randn(1, 4, 20, 24, 28)
    expected = torch.nn.CrossEntropyLoss()(logits, targets)
    torch.testing.assert_close(SoftCrossEntropyLoss()(logits, targets), expected)


def test_gradients():
    targets = targets_with_ignored()
    logits = torch.randn(1, 4, 4, 5, 6, dtype=torch.float64, requires_grad=True)
    for loss in (SoftCrossEntropyLoss([1, 2, 3, 4], "weight"), SoftCrossEntropyLoss()):
        assert torch.autograd.gradcheck(lambda z, loss=loss: loss(z, targets), logits)
    # Ignored voxels have no part, whatever the network says there; nor has a class of target 0.
    wild = torch.randn(1, 4, 4, 5, 6)
    wild[:, :, 0], wild[:, 3] = float("nan"), -float("inf")
    wild.requires_grad_()
    targets = targets_with_ignored(torch.float32)
    targets[:, 3], targets[:, :3] = 0, 1 / 3 * targets.any(1, keepdim=True)
    value = SoftCrossEntropyLoss()(wild, targets)
    value.backward()
    assert value.isfinite() and wild.grad[:, :3].isfinite().all() and not wild.grad[:, :, 0].any()


def test_loss_in_half_precision_and_its_errors():
    targets, logits = targets_with_ignored(torch.float32), torch.randn(1, 4, 4, 5, 6).half()
    assert SoftCrossEntropyLoss()(logits, targets).dtype == torch.float32
    assert SoftCrossEntropyLoss()(logits[:, :, :0], targets[:, :, :0]) == 0
    assert SoftCrossEntropyLoss(empty="nan")(logits[:, :, :0], targets[:, :, :0]).isnan()
    for one in (torch.zeros(4, 5, 6), torch.zeros(4, 5), torch.zeros(1, 1, 4, 5, 6, 7)):
        with pytest.raises(ValueError, match=r"logits\[None\]"):
            SoftCrossEntropyLoss()(one, one)
    with pytest.raises(ValueError, match="must be the same"):
        SoftCrossEntropyLoss()(logits, targets[:, :3])
    for arguments in ({"divisor": "n"}, {"reduction": "max"}, {"weight": [-1.0]}, {"weight": [[1.0]]}):
        with pytest.raises(ValueError):
            SoftCrossEntropyLoss(**arguments)
    with pytest.raises(ValueError, match="weights"):
        SoftCrossEntropyLoss([1, 2])(logits, targets)


class Cases(torch.utils.data.Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, at):
        torch.manual_seed(at)
        return LABELS[None].float(), [LABELS, LABELS.flip(1)]


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_of_a_loader_have_the_bits_of_none(start):
    collate = RandomWindows([8, 12, 9], 4, scales=[1, 2])
    alone = list(torch.utils.data.DataLoader(Cases(), 1, collate_fn=collate))
    loader = torch.utils.data.DataLoader(Cases(), 1, collate_fn=collate, num_workers=4, multiprocessing_context=start)
    for (images, targets), (other_images, other_targets) in zip(alone, loader, strict=True):
        assert torch.equal(images, other_images)
        assert all(torch.equal(*pair) for pair in zip(targets, other_targets, strict=True))


def test_windows_are_those_of_the_whole_map():
    torch.manual_seed(3)
    images, targets = RandomWindows([8, 12, 9], 4)([(soft_labels_torch.encode(LABELS, 4), LABELS)] * 3)
    # Here the image is the soft labels of the whole.
    assert torch.equal(images, targets) and targets.shape == (3, 4, 8, 12, 9)
    with pytest.raises(ValueError, match="pad"):
        RandomWindows([30, 12, 9], 4)([(LABELS[None], LABELS)])


def test_monai():
    monai = pytest.importorskip("monai")
    from monai.transforms import Compose, RandFlipd, Spacingd

    from soft_labels.monai import SoftLabelsd

    image = monai.data.MetaTensor(LABELS[None].float(), affine=torch.diag(torch.tensor([2.0, 1, 1, 1])))
    case = {"image": image, "label": image.clone()}
    resample = Spacingd(["image", "label"], [2, 2, 1], mode=["bilinear", "nearest"])
    flip = RandFlipd(["image", "label"], prob=1.0, spatial_axis=2)
    for lazy in (False, True):
        settings = {"lazy": lazy, "overrides": {"label": {"mode": "nearest"}}}
        found = Compose([resample, flip, SoftLabelsd("label", 4)], **settings)(case)["label"]
        before = Compose([resample, flip], **settings)(case)["label"]
        expected = soft_labels.encode(before[0].numpy().astype(np.uint8), 4)
        np.testing.assert_array_equal(found.numpy(), expected)
        assert torch.equal(found.affine, before.affine) and not found.pending_operations
    raters = torch.stack([LABELS, LABELS.flip(0)])
    found = SoftLabelsd("label", 4, raters=True)({"label": raters})["label"]
    np.testing.assert_array_equal(found.numpy(), soft_labels.encode(list(raters.numpy()), 4))
    with pytest.raises(ValueError, match="nearest"):
        SoftLabelsd("label", 4)({"label": LABELS[None].float() + 0.5})


def test_255ths_are_no_targets():
    bytes_ = torch.from_numpy(soft_labels.encode(LABELS.numpy(), 4, dtype="uint8"))[None]
    with pytest.raises(TypeError, match="255"):
        SoftCrossEntropyLoss()(torch.zeros(1, 4, 20, 24, 28), bytes_)


def test_windows_of_arrays_of_any_strides():
    image = np.random.default_rng(0).random((1, 24, 20, 28)).astype(">f4").transpose(0, 2, 1, 3)[:, ::-1]
    labels = LABELS.numpy()[::-1]
    images, targets = RandomWindows([4, 5, 6], 4)([(image, labels), (image, [labels, labels])])
    assert images.shape == (2, 1, 4, 5, 6) and targets.shape == (2, 4, 4, 5, 6) and images.dtype == torch.float32
    with pytest.raises(ValueError, match="other voxels"):
        RandomWindows([4, 4], 4)([(np.zeros((1, 8, 8), "f4"), np.zeros((20, 20), "u1"))])
    with pytest.raises(ValueError, match="size"):
        RandomWindows([-1, 4], 4)


def test_monai_applies_what_is_pending():
    monai = pytest.importorskip("monai")
    from monai.transforms import Spacingd

    from soft_labels.monai import SoftLabelsd

    image = monai.data.MetaTensor(LABELS[None].float(), affine=torch.eye(4))
    resample = lambda lazy: Spacingd("label", [2, 2, 2], mode="nearest", lazy=lazy)({"label": image.clone()})
    now, later = (SoftLabelsd("label", 4)(resample(lazy))["label"] for lazy in (False, True))
    assert now.shape == later.shape == (4, 10, 12, 14) and not later.pending_operations
    reversed_ = np.zeros((1, 4, 4), ">i2")[:, ::-1]
    assert SoftLabelsd("label", 2)({"label": reversed_})["label"].shape == (2, 4, 4)
