"""The loss of the trainer for nnU-Net, without its preprocessing."""

from types import SimpleNamespace

import numpy as np
import pytest

import soft_labels

torch = pytest.importorskip("torch")
pytest.importorskip("nnunetv2")
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer  # noqa: E402
from nnunetv2.utilities.label_handling.label_handling import LabelManager  # noqa: E402

from soft_labels import nnunet  # noqa: E402
from soft_labels.torch import DiceCrossEntropyLoss  # noqa: E402

LABELS = {"background": 0, "organ": 1, "tumour": 2}
REGIONS = {"background": 0, "organ": [1, 2], "tumour": [2]}


def trainer(labels, base=nnunet.nnUNetTrainerSoftLabels, batch_dice=True, deep=True, **settings):
    """A trainer as it is when it makes its loss."""
    made = object.__new__(type("Trainer", (base,), settings))
    made.label_manager = LabelManager(labels, [1, 2] if labels["organ"] != 1 else None)
    pools = [[1, 1, 1], [1, 2, 2], [2, 2, 2], [2, 2, 2]]
    made.configuration_manager = SimpleNamespace(batch_dice=batch_dice, pool_op_kernel_sizes=pools)
    made.enable_deep_supervision, made.is_ddp, made.device = deep, False, torch.device("cpu")
    return made


def batch(labels, shapes=((8, 16, 16), (8, 8, 8), (4, 4, 4))):
    """Outputs, and targets as nnU-Net's pipeline makes them: label maps, or masks of regions and of the ignored voxels."""
    torch.manual_seed(5)
    outputs, maps = [], []
    regions = [one for name, one in labels.items() if name != "background"]
    for shape in shapes:
        values = torch.randint(0, 4 if "ignore" in labels else 3, (2, 1, *shape))
        outputs.append(torch.randn(2, 3 if labels["organ"] == 1 else 2, *shape, requires_grad=True))
        if labels["organ"] != 1:
            values = torch.cat([torch.isin(values, torch.tensor(one)) for one in regions], 1)
        maps.append(values)
    return outputs, maps


@pytest.mark.parametrize("batch_dice", [True, False])
@pytest.mark.parametrize("labels", [LABELS, LABELS | {"ignore": 3}, REGIONS, REGIONS | {"ignore": 3}])
def test_one_hot_is_the_loss_of_nnunet(labels, batch_dice):
    # Of hard targets the Dice semimetric loss is 1 - Dice; nnU-Net has -Dice.
    theirs = nnUNetTrainer._build_loss(trainer(labels, nnUNetTrainer, batch_dice))
    # With regions and an ignore label nnU-Net sums the cross entropy over the regions.
    ce_weight = 2.0 if labels["organ"] != 1 and "ignore" in labels else 1.0
    one_hot = trainer(labels, batch_dice=batch_dice, method="one_hot", ce_weight=ce_weight)._build_loss()
    found = []
    for loss in (theirs, one_hot):
        outputs, maps = batch(labels)
        value = loss(outputs, maps)
        value.backward()
        found.append((value, [one.grad for one in outputs]))
    torch.testing.assert_close(found[1][0], found[0][0] + 1)
    # The output of the lowest resolution has weight 0.
    assert found[0][1][2] is None and found[1][1][2] is None
    for first, second in zip(found[0][1][:2], found[1][1][:2]):
        torch.testing.assert_close(second, first, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("batch_dice", [True, False])
@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("method", ["svls", soft_labels.Encoding("svls", radius=2, strength=0.5)])
def test_masks_of_regions_have_the_loss_of_their_label_map(method, ignored, batch_dice):
    labels = REGIONS | ({"ignore": 3} if ignored else {})
    loss = trainer(
        labels, batch_dice=batch_dice, deep=False, method=method, dice_weight=0.5, overlap="jaccard"
    )._build_loss()
    (logits,), (masks,) = batch(labels, [(6, 9, 10)])
    value = loss(logits, masks.float())
    value.backward()
    torch.manual_seed(5)
    drawn = torch.randint(0, 4 if ignored else 3, (2, 1, 6, 9, 10))
    of_labels = DiceCrossEntropyLoss(
        soft_labels.Classes(3, ignore=3 if ignored else None),
        method,
        channels={"regions": [[1, 2], [2]]},
        dice_weight=0.5,
        overlap="jaccard",
        batch=batch_dice,
        smooth=1e-5,
    )
    again = logits.detach().clone().requires_grad_()
    expected = of_labels(again, drawn)
    expected.backward()
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(logits.grad, again.grad, rtol=1e-4, atol=1e-8)
    # Soft labels are not those of hard masks.
    hard = trainer(labels, batch_dice=batch_dice, deep=False, method="one_hot", dice_weight=0.5, overlap="jaccard")
    assert abs(float(hard._build_loss()(logits, masks).detach() - value.detach())) > 1e-3


def with_spacing(self):
    return soft_labels.Encoding("svls", sigma_mm=2.0, spacing_mm=self.configuration_manager.spacing)


def test_labels_are_smoothed_with_the_settings_of_a_subclass():
    method = soft_labels.Encoding("svls", sigma_mm=2.0, spacing_mm=[3, 1, 1])
    # The page has such a property, for the spacing of the plans.
    made = trainer(LABELS, deep=False, ce_weight=2.0, dice_weight=0.0, method=property(with_spacing))
    made.configuration_manager.spacing = [3.0, 1.0, 1.0]
    loss = made._build_loss()
    (logits,), (maps,) = batch(LABELS, [(8, 16, 16)])
    soft = torch.stack([torch.from_numpy(soft_labels.encode(np.asarray(one), 3, method)) for one in maps[:, 0]])
    torch.testing.assert_close(loss(logits, maps.short()), 2 * torch.nn.functional.cross_entropy(logits, soft))


def test_masks_that_do_not_fit():
    logits, masks = torch.zeros(1, 2, 8, 8), torch.zeros(1, 2, 8, 8, dtype=torch.bool)
    with pytest.raises(ValueError, match="ignore=True"):
        nnunet.RegionsLoss(ignore=True)(logits, masks)
    with pytest.raises(ValueError, match="2 regions"):
        nnunet.RegionsLoss(ignore=False)(logits, masks[:, :1])
