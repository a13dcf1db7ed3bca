"""Losses of label maps, by the engine and by tensor operations, against float64 PyTorch on naive soft labels."""

import copy
import io

import naive
import numpy as np
import pytest

import soft_labels
from soft_labels import Classes, Encoding

torch = pytest.importorskip("torch")
from soft_labels import _loss_ops  # noqa: E402
from soft_labels.torch import (  # noqa: E402
    CrossEntropyLoss,
    DiceCrossEntropyLoss,
    DiceLoss,
    JaccardLoss,
    SoftCrossEntropyLoss,
    encode,
    encode_batch,
)

VALUES = [0, 1, 2, 4]
IGNORE = 255


@pytest.fixture(params=["engine", "tensors"])
def path(request, monkeypatch):
    """Both ways to compute on the CPU."""
    if request.param == "tensors":
        monkeypatch.setattr(_loss_ops, "_on_engine", lambda logits, settings: False)
    return request.param


def case(rng, raters=1):
    """Label maps (N, R, ..) of one shape, with ignored voxels or without, and their naive soft labels (N, R, C, ..)."""
    first = naive.random_map(rng, classes=4)
    ignored = rng.random() < 0.6
    maps = []
    for _ in range(2 * raters):
        labels = np.roll(first, int(rng.integers(0, 4)), axis=-1)
        labels = np.array(VALUES)[labels]
        if ignored:
            labels = np.where(rng.random(labels.shape) < 0.15, IGNORE, labels)
        maps.append(labels)
    return np.stack(maps).reshape(2, raters, *first.shape)


def softened(maps, rater_weights=None, matrix=None, method=naive.svls, **settings):
    """(N, C, ..) in float64, and where anybody labelled a voxel."""
    items, valid = [], []
    for item in maps:
        soft = naive.mean([method(one, VALUES, IGNORE, **settings) for one in item], rater_weights)
        valid.append(soft.any(0))
        items.append(soft if matrix is None else np.tensordot(np.asarray(matrix, float), soft, axes=(0, 0)))
    return torch.from_numpy(np.stack(items)), torch.from_numpy(np.stack(valid))


def plain_one_hot(labels, values, ignore):
    return naive.one_hot(labels, values)


def drawn_logits(rng, channels, voxels):
    logits = torch.from_numpy(rng.normal(0, 3, (2, channels, *voxels)))
    return logits.requires_grad_()


def cross_entropy(logits, soft, counts, weight, divisor, reduction):
    """As the equation says."""
    weight = (
        torch.ones(soft.shape[1], dtype=torch.float64) if weight is None else torch.tensor(weight, dtype=torch.float64)
    )
    weighted = soft * weight.view(1, -1, *[1] * (soft.ndim - 2)) * counts.unsqueeze(1)
    losses = -(weighted * torch.log_softmax(logits, 1)).sum(1)
    return reduced(losses, reduction, counts.sum() if divisor == "voxels" else weighted.sum())


def binary(logits, soft, counts, weight, divisor, reduction):
    weight = (
        torch.ones(soft.shape[1], dtype=torch.float64) if weight is None else torch.tensor(weight, dtype=torch.float64)
    )
    weight = weight.view(1, -1, *[1] * (soft.ndim - 2))
    losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, soft, reduction="none") * weight
    losses = (losses * counts.unsqueeze(1)).sum(1)
    return reduced(losses, reduction, counts.sum() * (soft.shape[1] if divisor == "voxels" else weight.sum()))


def reduced(losses, reduction, divisor):
    return losses if reduction == "none" else losses.sum() / (divisor if reduction == "mean" else 1)


def region(logits, soft, counts, kind, form, sigmoid, batch, background, smooth, weight):
    x = torch.sigmoid(logits) if sigmoid else torch.softmax(logits, 1)
    keep = counts.unsqueeze(1)
    axes = [0, *range(2, x.ndim)] if batch else list(range(2, x.ndim))
    apart, both, product = (((part * keep).sum(axes)) for part in ((x - soft).abs(), x + soft, x * soft))
    below = {
        "dice": {"l1": both, "product": 2 * product + apart},
        "jaccard": {"l1": (both + apart) / 2, "product": product + apart},
    }[kind][form]
    # The first form of Jaccard has a 2 above; the constant is added to the whole denominator.
    terms = 2 * apart / (2 * below + smooth) if (kind, form) == ("jaccard", "l1") else apart / (below + smooth)
    terms = terms.reshape(1, -1) if batch else terms[counts.flatten(1).any(1)]
    weight = (
        torch.ones(soft.shape[1], dtype=torch.float64) if weight is None else torch.tensor(weight, dtype=torch.float64)
    )
    if not background:
        weight[0] = 0
    return (terms * weight).sum() / (weight.sum() * len(terms))


def assert_same(loss, expected, logits, atol=1e-11):
    torch.testing.assert_close(loss, expected, rtol=1e-11, atol=atol)
    slope = torch.linspace(0.5, 1.5, loss.numel(), dtype=torch.float64).reshape(loss.shape)
    (gradient,) = torch.autograd.grad(loss, logits, slope)
    (wanted,) = torch.autograd.grad(expected, logits, slope)
    torch.testing.assert_close(gradient, wanted, rtol=1e-10, atol=atol)


def one_of(rng, *choices):
    return choices[int(rng.integers(0, len(choices)))]


def test_cross_entropy_of_label_maps_is_that_of_their_soft_labels(path):
    rng = naive.generator(50)
    for _ in range(120):
        raters = int(rng.integers(1, 4))
        maps = case(rng, raters)
        rater_weights = one_of(rng, None, [0.0, 2.0, 1.0][:raters]) if raters > 1 else None
        settings = one_of(rng, {}, {"strength": 0.3}, {"sigma": 0.6, "radius": 2})
        method, named = one_of(rng, (naive.svls, Encoding("svls", **settings)), (plain_one_hot, "one_hot"))
        settings = settings if method is naive.svls else {}
        weight, divisor = one_of(rng, None, [0.5, 1.0, 3.0, 0.0]), one_of(rng, "voxels", "weight")
        reduction = one_of(rng, "mean", "sum", "none")
        soft, valid = softened(maps, rater_weights, method=method, **settings)
        mask = torch.from_numpy(rng.random(valid.shape) < 0.7) if rng.random() < 0.5 else None
        counts = valid if mask is None else valid & mask
        if not counts.any() or (divisor == "weight" and reduction == "mean" and weight is not None):
            divisor = "voxels"
        if not counts.any():
            continue
        logits = drawn_logits(rng, 4, maps.shape[2:])
        labels = torch.from_numpy(maps).to(one_of(rng, torch.int64, torch.int32, torch.uint8, torch.float32))
        options = {"ignore": IGNORE, "weight": weight, "divisor": divisor, "reduction": reduction}
        if raters > 1 or rng.random() < 0.2:
            loss = CrossEntropyLoss(VALUES, named, raters=rater_weights or True, **options)(logits, labels, mask)
        else:
            labels = labels[:, 0] if rng.random() < 0.5 else labels
            loss = CrossEntropyLoss(VALUES, named, **options)(logits, labels, mask)
        assert_same(loss, cross_entropy(logits, soft, counts, weight, divisor, reduction), logits)


def test_weights_of_classes_as_the_divisor(path):
    rng = naive.generator(51)
    for _ in range(20):
        maps = case(rng)
        soft, valid = softened(maps)
        if not valid.any():
            continue
        logits, weight = drawn_logits(rng, 4, maps.shape[2:]), [0.5, 1.0, 3.0, 0.2]
        loss = CrossEntropyLoss(VALUES, ignore=IGNORE, weight=weight, divisor="weight")(logits, torch.from_numpy(maps))
        assert_same(loss, cross_entropy(logits, soft, valid, weight, "weight", "mean"), logits)


def test_channels_have_a_sigmoid_each(path):
    rng = naive.generator(52)
    regions = [[1, 2, 4], [1, 4], [4]]
    matrix = [[float(value in region) for region in regions] for value in VALUES]
    for _ in range(60):
        maps = case(rng)
        soft, valid = softened(maps, matrix=matrix)
        if not valid.any():
            continue
        logits = drawn_logits(rng, 3, maps.shape[2:])
        weight, divisor = one_of(rng, None, [0.5, 1.0, 3.0]), one_of(rng, "voxels", "weight")
        reduction = one_of(rng, "mean", "sum", "none")
        loss = CrossEntropyLoss(
            VALUES,
            ignore=IGNORE,
            weight=weight,
            divisor=divisor,
            reduction=reduction,
            channels={"regions": regions},
        )
        expected = binary(logits, soft, valid, weight, divisor, reduction)
        assert_same(loss(logits, torch.from_numpy(maps)), expected, logits)


def test_region_losses_are_those_of_the_papers(path):
    rng = naive.generator(53)
    regions = [[1, 2, 4], [1, 4], [4]]
    matrix = [[float(value in region) for region in regions] for value in VALUES]
    for _ in range(80):
        maps = case(rng)
        by_regions = rng.random() < 0.4
        soft, valid = softened(maps, matrix=matrix if by_regions else None)
        if not valid.any():
            continue
        logits = drawn_logits(rng, soft.shape[1], maps.shape[2:])
        kind, form = one_of(rng, ("dice", DiceLoss), ("jaccard", JaccardLoss)), one_of(rng, "l1", "product")
        batch, background, smooth = one_of(rng, False, True), one_of(rng, False, True), one_of(rng, 0.0, 1.0)
        weight = one_of(rng, None, [0.5, 1.0, 3.0, 0.25][: soft.shape[1]])
        loss = kind[1](
            VALUES,
            ignore=IGNORE,
            weight=weight,
            batch=batch,
            background=background,
            smooth=smooth,
            form=form,
            channels={"regions": regions} if by_regions else None,
        )
        expected = region(logits, soft, valid, kind[0], form, by_regions, batch, background, smooth, weight)
        assert_same(loss(logits, torch.from_numpy(maps)), expected, logits, atol=1e-10)


def test_gradients_are_the_slopes(path):
    labels = torch.from_numpy(naive.random_map(naive.generator(54), axes=2))[None]
    logits = drawn_logits(naive.generator(55), 3, labels.shape[1:])[:1].detach().requires_grad_()
    for loss in (
        CrossEntropyLoss(3, weight=[1, 2, 3]),
        DiceLoss(3, batch=True, smooth=0.5),
        JaccardLoss(3, background=False, form="product"),
        DiceLoss(3, reduction="none"),
        CrossEntropyLoss(3, channels={"regions": [[0, 1], [2]]}, reduction="none"),
        DiceCrossEntropyLoss(3, dice_weight=0.75, ce_weight=0.25, overlap="jaccard"),
    ):
        z = logits[:, :2].detach().requires_grad_() if "regions" in repr(loss) else logits
        assert torch.autograd.gradcheck(lambda z, loss=loss: loss(z, labels), z)


def test_soft_labels_are_targets_too(path):
    rng = naive.generator(56)
    maps = case(rng)
    soft, valid = softened(maps)
    logits = drawn_logits(rng, 4, maps.shape[2:])
    for loss in (
        CrossEntropyLoss(VALUES, ignore=IGNORE),
        DiceLoss(VALUES, ignore=IGNORE),
        JaccardLoss(VALUES, ignore=IGNORE),
    ):
        assert_same(loss(logits, soft), loss(logits, torch.from_numpy(maps)), logits)
    assert_same(SoftCrossEntropyLoss()(logits, soft), CrossEntropyLoss(4)(logits, soft), logits)


def test_region_losses_are_least_at_the_soft_label(path):
    soft, _ = softened(np.array([[[[0, 0, 1, 1, 2, 4]]]]).repeat(2, 0))
    agreeing = soft.clamp(min=1e-200).log()
    for loss in (DiceLoss, JaccardLoss):
        for form in ("l1", "product"):
            for smooth in (0.0, 2.0):
                made = loss(VALUES, form=form, smooth=smooth)
                assert made(agreeing, soft) < 1e-12 < 1e-3 < made(agreeing * 2, soft)


def test_what_is_known_of_nothing_is_nothing(path):
    labels = torch.full((2, 3, 4), IGNORE)
    for kind in (CrossEntropyLoss, DiceLoss, JaccardLoss, DiceCrossEntropyLoss):
        logits = torch.randn(2, 3, 3, 4, requires_grad=True)
        value = kind(3, ignore=IGNORE)(logits, labels)
        (gradient,) = torch.autograd.grad(value, logits)
        assert value == 0 and not gradient.any()
        value = kind(3, ignore=IGNORE, empty="nan")(logits, labels)
        (gradient,) = torch.autograd.grad(value, logits)
        assert value.isnan() and gradient.isnan().all()
    # Ignored voxels have no part, whatever the network says there.
    labels[:, 0] = 1
    logits = torch.randn(2, 3, 3, 4)
    logits[:, :, 1:] = float("nan")
    logits.requires_grad_()
    (gradient,) = torch.autograd.grad(CrossEntropyLoss(3, ignore=IGNORE)(logits, labels), logits)
    assert gradient.isfinite().all() and not gradient[:, :, 1:].any() and gradient[:, :, 0].any()


def test_nothing_at_all_is_nothing(path):
    for shape in ((0, 3, 4, 5), (2, 3, 0, 5), (1, 3, 4, 0, 2)):
        for loss in (
            CrossEntropyLoss(3),
            DiceLoss(3),
            JaccardLoss(3, reduction="sum"),
            CrossEntropyLoss(3, reduction="none"),
        ):
            logits = torch.zeros(shape, requires_grad=True)
            value = loss(logits, torch.zeros(shape[0], *shape[2:], dtype=torch.long))
            value.sum().backward()
            assert not value.any() and logits.grad.shape == shape
    with pytest.raises(TypeError, match="complex"):
        CrossEntropyLoss(3)(torch.zeros(1, 3, 2, 2), torch.zeros(1, 2, 2, dtype=torch.complex64))


def test_wrong_labels_are_named(path):
    logits = torch.zeros(1, 3, 2, 2)
    for loss in (CrossEntropyLoss(3), DiceLoss(3), CrossEntropyLoss([0, 1, 5])):
        with pytest.raises(ValueError, match=r"7 at.*\[0, 1, 0\].*ignore"):
            loss(logits, torch.tensor([[[0, 1], [7, 0]]]))
        with pytest.raises(ValueError, match="0.5.*whole"):
            loss(logits, torch.tensor([[[0, 1], [0.5, 0]]]))


def test_masks_hold_nothing_but_zeros_and_ones(path):
    logits, labels = torch.randn(2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5))
    keep = torch.rand(2, 4, 5) < 0.6
    for loss in (CrossEntropyLoss(3), DiceLoss(3)):
        expected = loss(logits, labels, keep)
        for mask in (keep.float(), keep.long(), keep[:, None], (keep * 255).to(torch.uint8).view(torch.bool)):
            torch.testing.assert_close(loss(logits, labels, mask), expected)
        for wrong in (keep * 0.5, keep * 256, keep.float() - 1, keep.float() * float("nan")):
            with pytest.raises(ValueError, match="mask holds"):
                loss(logits, labels, wrong)
    soft = encode_batch(labels, 3)
    assert SoftCrossEntropyLoss()(logits, soft, keep) == CrossEntropyLoss(3)(logits, soft, keep)
    outputs = [logits, logits[:, :, ::2, :]]
    masks, targets = [keep, None], [labels, labels[:, ::2]]
    value = CrossEntropyLoss(3, scale_weights=[1, 1])(outputs, targets, masks)
    expected = CrossEntropyLoss(3)(logits, labels, keep) + CrossEntropyLoss(3)(outputs[1], targets[1])
    torch.testing.assert_close(value, expected)
    for target, mask in ((targets, keep), (labels, masks), (targets, masks[:1])):
        with pytest.raises((ValueError, TypeError), match="mask"):
            CrossEntropyLoss(3)(outputs, target, mask)


def test_other_derivatives_are_errors(path):
    logits, labels = torch.randn(1, 2, 3, 3), torch.ones(1, 3, 3, dtype=torch.long)
    loss = CrossEntropyLoss(2)
    for given in (logits, logits.clone().requires_grad_()):
        with pytest.raises(RuntimeError):
            torch.func.jvp(lambda z: loss(z, labels), (given,), (torch.ones_like(logits),))
    with torch.autograd.forward_ad.dual_level(), pytest.raises(RuntimeError):
        loss(torch.autograd.forward_ad.make_dual(logits, torch.ones_like(logits)), labels)
    soft = torch.softmax(logits, 1).requires_grad_()
    for one in (loss, SoftCrossEntropyLoss()):
        with pytest.raises(ValueError, match="detach"):
            one(logits, soft)
        with torch.no_grad():
            assert one(logits, soft) == one(logits, soft.detach())


def test_what_fits_two_ways_is_an_error():
    one, two = torch.zeros(1, 1, 3, 4), torch.zeros(1, 2, 3, 4)
    region = CrossEntropyLoss(2, channels={"regions": [[1]]})
    with pytest.raises(ValueError, match="soft=True"):
        region(one, torch.ones(1, 1, 3, 4))
    assert region(one, torch.ones(1, 1, 3, 4), soft=True) == region(one, torch.ones(1, 1, 3, 4, dtype=torch.long))
    assert region(one, torch.ones(1, 1, 3, 4), soft=False) == region(one, torch.ones(1, 1, 3, 4), soft=True)
    said = CrossEntropyLoss(2, channels={"regions": [[1]]}, soft=False)
    assert said(one, torch.ones(1, 1, 3, 4)) == region(one, torch.ones(1, 1, 3, 4), soft=False)
    raters = CrossEntropyLoss(2, raters=True)
    with pytest.raises(ValueError, match="soft=True"):
        raters(two, torch.ones(1, 2, 3, 4))
    assert raters(two, torch.ones(1, 2, 3, 4), soft=False) == raters(two, torch.ones(1, 2, 3, 4, dtype=torch.long))
    loss = CrossEntropyLoss(2)
    for target, message in (
        (torch.zeros(1, 2, 3, 4, dtype=torch.long), "raters=True"),
        (torch.zeros(1, 3, 3, 4), "raters=True"),
        (torch.zeros(3, 4, dtype=torch.long), r"\(1, 3, 4\)"),
    ):
        with pytest.raises(ValueError, match=message):
            loss(two, target)
    with pytest.raises(TypeError, match="255"):
        loss(two, torch.zeros(1, 2, 3, 4, dtype=torch.uint8), soft=True)
    for logits, message in ((two[0], r"logits\[None\]"), (torch.zeros(1, 3, 3, 4), "channels")):
        with pytest.raises(ValueError, match=message):
            loss(logits, torch.zeros(1, 3, 4, dtype=torch.long))
    with pytest.raises(ValueError, match="raters are"):
        CrossEntropyLoss(2, raters=True)(two, torch.zeros(1, 3, 4, dtype=torch.long))
    with pytest.raises(ValueError, match="mask"):
        loss(two, torch.zeros(1, 3, 4, dtype=torch.long), torch.ones(3, 4, dtype=torch.bool))


@pytest.mark.parametrize(
    "wrong",
    [
        {"reduction": "max"},
        {"divisor": "n"},
        {"activation": "relu"},
        {"weight": [1, 2]},
        {"weight": [0, 0, 0]},
        {"weight": [-1, 1, 1]},
        {"empty": "none"},
        {"channels": {"regions": [[1], [2]]}, "activation": "softmax"},
        {"classes": Classes(3, ignore=9), "ignore": 255},
        {"raters": [1, -1]},
    ],
)
def test_settings_are_checked(wrong):
    with pytest.raises(ValueError):
        CrossEntropyLoss(**{"classes": 3, **wrong})


def test_region_settings_are_checked():
    for wrong in (
        {"smooth": -1},
        {"smooth": float("nan")},
        {"form": "l2"},
        {"channels": {"regions": [[1]]}, "background": False},
    ):
        with pytest.raises(ValueError):
            DiceLoss(3, **wrong)
    with pytest.raises(ValueError):
        DiceCrossEntropyLoss(3, dice_weight=-1)


def test_deep_supervision(path):
    rng = naive.generator(57)
    for size in ((8, 12), (4, 8, 4)):
        labels = np.array([*VALUES, IGNORE])[rng.integers(0, 5, (2, *size))]
        soft, valid = softened(labels[:, None])
        outputs = [torch.from_numpy(rng.normal(size=(2, 4, *(n // k for n in size)))) for k in (1, 2, 4)]
        for loss in (CrossEntropyLoss(VALUES, ignore=IGNORE), DiceLoss(VALUES, ignore=IGNORE)):
            losses = []
            for output, box in zip(outputs, (1, 2, 4)):
                average = torch.nn.functional.avg_pool2d if len(size) == 2 else torch.nn.functional.avg_pool3d
                share = average(valid.double().unsqueeze(1), box)
                losses.append(loss(output, average(soft, box) / share.clamp(min=1e-9), soft=True))
            expected = (4 * losses[0] + 2 * losses[1] + losses[2]) / 7
            torch.testing.assert_close(loss(outputs, torch.from_numpy(labels)), expected, rtol=1e-6, atol=1e-7)
        # A label map for each output, as nnU-Net's loader makes them.
        loss = CrossEntropyLoss(VALUES, ignore=IGNORE, scale_weights=[1, 0.5, 0])
        lists = [torch.from_numpy(labels[(slice(None), None, *[slice(None, None, k)] * len(size))]) for k in (1, 2, 4)]
        expected = loss.__class__(VALUES, ignore=IGNORE)(outputs[0], lists[0])
        expected = expected + 0.5 * CrossEntropyLoss(VALUES, ignore=IGNORE)(outputs[1], lists[1])
        torch.testing.assert_close(loss(outputs, lists), expected)
    with pytest.raises(ValueError, match="whole fraction"):
        CrossEntropyLoss(4)([torch.zeros(1, 4, 8, 8), torch.zeros(1, 4, 3, 4)], torch.zeros(1, 8, 8, dtype=torch.long))
    with pytest.raises(ValueError, match="outputs"):
        CrossEntropyLoss(4, scale_weights=[1])([torch.zeros(1, 4, 8, 8)] * 2, torch.zeros(1, 8, 8, dtype=torch.long))
    # Regions and a mask are averaged over what counts, too.
    regions = CrossEntropyLoss(3, ignore=IGNORE, channels={"regions": [[1, 2], [2]]})
    labels = torch.tensor([[[0, 1, 2, 2], [255, 255, 255, 0]]])
    value = regions([torch.zeros(1, 2, 2, 4), torch.zeros(1, 2, 1, 2)], labels)
    torch.testing.assert_close(value, torch.tensor(np.log(2.0), dtype=torch.float32))


def test_autocast_half_and_memory_formats(path):
    labels = torch.from_numpy(naive.random_map(naive.generator(58), axes=3))[None]
    logits = torch.randn(1, 3, *labels.shape[1:])
    loss = CrossEntropyLoss(3)
    expected = loss(logits, labels)
    torch.testing.assert_close(loss(logits.bfloat16(), labels), loss(logits.bfloat16().float(), labels))
    assert loss(logits.half(), labels).dtype == torch.float32
    last = logits.contiguous(memory_format=torch.channels_last_3d).requires_grad_()
    turned = logits.transpose(2, 4).contiguous().transpose(2, 4).requires_grad_()
    plain = logits.clone().requires_grad_()
    gradients = [torch.autograd.grad(loss(z, labels), z)[0] for z in (plain, last, turned)]
    assert all(torch.equal(one, gradients[0]) for one in gradients[1:])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        z = torch.nn.functional.conv3d(logits, torch.ones(3, 3, 1, 1, 1))
        assert z.dtype == torch.bfloat16 and loss(z, labels).dtype == torch.float32
    half = logits.half().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(half, labels), half)
    assert gradient.dtype == torch.float16
    torch.testing.assert_close(loss(logits.flip(2), labels.flip(1)), expected)


def test_compiled_without_a_graph_break():
    labels, logits = torch.randint(0, 3, (2, 8, 8)), torch.randn(2, 3, 8, 8, requires_grad=True)
    outputs = [logits, torch.randn(2, 3, 4, 4)]
    for loss in (
        CrossEntropyLoss(3, ignore=255),
        DiceCrossEntropyLoss(3, batch=True),
        JaccardLoss(3, reduction="none"),
    ):
        torch._dynamo.reset()
        compiled = torch.compile(
            lambda z, labels, loss=loss: loss(z * 2, labels).sum(), fullgraph=True, backend="aot_eager"
        )
        for target in (labels, labels.float(), labels[:, None]):
            value, expected = compiled(logits, target), loss(logits * 2, labels).sum()
            torch.testing.assert_close(value, expected)
            torch.testing.assert_close(*(torch.autograd.grad(one, logits)[0] for one in (value, expected)))
    loss = CrossEntropyLoss(3)
    compiled = torch.compile(lambda z, labels: loss(z, labels), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(outputs, labels), loss(outputs, labels))


def test_a_second_derivative_is_an_error(path):
    logits = torch.randn(1, 2, 3, 3, requires_grad=True)
    value = CrossEntropyLoss(2)(logits, torch.ones(1, 3, 3, dtype=torch.long))
    (gradient,) = torch.autograd.grad(value, logits, create_graph=True)
    with pytest.raises(RuntimeError, match="no autograd formula"):
        (value + gradient.square().sum()).backward()


def test_a_gradient_is_right_each_time_it_is_asked_for(path):
    logits, labels = torch.randn(1, 3, 4, 5, requires_grad=True), torch.randint(0, 3, (1, 4, 5))
    for loss in (CrossEntropyLoss(3), DiceLoss(3)):
        value = loss(logits, labels)
        (first,) = torch.autograd.grad(3 * value, logits, retain_graph=True)
        kept = first.clone()
        (second,) = torch.autograd.grad(value, logits, retain_graph=True)
        first.zero_()
        (third,) = torch.autograd.grad(-value, logits)
        torch.testing.assert_close(kept, 3 * second)
        torch.testing.assert_close(third, -second)
        logits.grad = None
        (loss(logits, labels) + loss(logits, labels)).backward()
        torch.testing.assert_close(logits.grad, 2 * second)


def test_losses_are_copied_and_saved():
    loss = DiceCrossEntropyLoss(3, Encoding("svls", strength=0.5), weight=[1, 2, 3], ignore=9)
    logits, labels = torch.randn(1, 3, 4, 4), torch.randint(0, 3, (1, 4, 4))
    buffer = io.BytesIO()
    torch.save(loss, buffer)
    buffer.seek(0)
    for other in (copy.deepcopy(loss), torch.load(buffer, weights_only=False), loss.to("cpu")):
        assert torch.equal(other(logits, labels), loss(logits, labels)) and not other.state_dict()
    assert "strength=0.5" in repr(loss) and "weight=(1.0, 2.0, 3.0)" in repr(loss)


def test_encoding_by_tensor_operations():
    from soft_labels import _tensor_encode

    rng = naive.generator(59)
    matrix = [[1, 0], [0, 1], [0.5, 0.5], [0.25, 0.75]]
    for _ in range(60):
        raters = int(rng.integers(1, 4))
        maps = torch.from_numpy(case(rng, raters))
        method = one_of(
            rng,
            Encoding("svls"),
            Encoding("svls", sigma=0.6, radius=2, strength=0.4),
            Encoding("label_smoothing", alpha=0.2),
            Encoding("one_hot"),
            Encoding("svls", channels={"regions": [[1, 2], [4]]}),
            Encoding("svls", channels={"matrix": matrix}),
        )
        weights = one_of(rng, None, [0.0, 1.0, 2.0][-raters:])
        weights = None if weights is not None and not any(weights) else weights
        classes = Classes(values=VALUES, ignore=IGNORE)
        batches = list(maps.unbind(1))
        found = _tensor_encode.encode(batches, classes, method, weights, torch.float64)
        expected = encode_batch(batches, classes, method, weights=weights, dtype=torch.float64)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
        single = _tensor_encode.encode(batches, classes, method, weights, torch.float32)
        torch.testing.assert_close(single.double(), expected, rtol=0, atol=3e-7)
    # The largest labels of 64 bits.
    large = torch.from_numpy(np.array([[[0, 2**63, 2**64 - 1]]], np.uint64))
    found = _tensor_encode.encode(
        [large], Classes(values=[0, 2**63], ignore=2**64 - 1), Encoding("one_hot"), None, torch.float32
    )
    assert found.tolist() == [[[[1, 0, 0]], [[0, 1, 0]]]]


def test_bfloat16_is_rounded_once():
    labels = torch.from_numpy(naive.random_map(naive.generator(60), axes=3)).to(torch.uint8)
    assert torch.equal(encode(labels, 3, dtype=torch.bfloat16), encode(labels, 3).bfloat16())
    batch = encode_batch(labels[None], 3, dtype=torch.bfloat16)
    assert batch.dtype == torch.bfloat16 and torch.equal(batch[0], encode(labels, 3).bfloat16())


def test_no_soft_labels_of_the_whole_batch_are_in_memory():
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "getrusage") or soft_labels.num_threads() > 8:
        pytest.skip("memory cannot be measured, or many threads have many buffers")
    logits, labels = torch.randn(1, 12, 96, 96, 96, requires_grad=True), torch.zeros(1, 96, 96, 96, dtype=torch.uint8)
    loss = CrossEntropyLoss(12)
    loss(logits[:, :, :8], labels[:, :8]).backward()
    logits.grad = torch.zeros_like(logits)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (gradient,) = torch.autograd.grad(loss(logits, labels), logits)
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert used < 1.3 * logits.numel() * 4, "the gradient, and a part of the soft labels at a time"
    assert gradient.any()
