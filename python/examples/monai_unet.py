"""Trains MONAI's UNet twice on a few volumes that are drawn here, on a CPU: on one-hot labels, and on soft labels (SVLS).

pip install "soft-labels[monai]"
python monai_unet.py

Both trainings start from the same weights and see the same crops. The numbers are of new volumes of the same kind. Here, where
every label is exact, both have about the same Dice and the same calibration error. Compare them on your own data.
"""

import argparse
import time

import numpy as np
import torch
from monai.data import DataLoader, Dataset
from monai.networks.nets import UNet
from monai.transforms import Compose, EnsureChannelFirstd, EnsureTyped, RandFlipd, RandSpatialCropd
from monai.utils import set_determinism

from soft_labels.torch import CrossEntropyLoss, SegmentationMetrics

CLASSES = 3


def volume(seed):
    """Two nested ellipsoids in noise: an organ and a tumour in it."""
    rng = np.random.default_rng(seed)
    grid = np.indices((40, 48, 48)).astype(np.float32)
    centre = rng.uniform(18, 26, 3).reshape(3, 1, 1, 1)
    distance = np.sqrt((((grid - centre) / rng.uniform(0.8, 1.2, (3, 1, 1, 1))) ** 2).sum(0))
    labels = (distance < 14).astype(np.uint8) + (distance < rng.uniform(5, 8))
    image = labels + rng.normal(0, 0.7, labels.shape)
    return {"image": image.astype(np.float32), "label": labels}


def train(method, steps):
    """A network after so many steps, and the mean loss of the last ten."""
    set_determinism(1)
    keys = ["image", "label"]
    pipeline = Compose(
        [
            EnsureChannelFirstd(keys, channel_dim="no_channel"),
            EnsureTyped(keys),
            RandFlipd(keys, prob=0.5, spatial_axis=2),
            RandSpatialCropd(keys, roi_size=[32, 32, 32], random_size=False),
        ]
    )
    loader = DataLoader(Dataset([volume(seed) for seed in range(8)], pipeline), batch_size=2, shuffle=True)
    network = UNet(spatial_dims=3, in_channels=1, out_channels=CLASSES, channels=(8, 16, 32), strides=(2, 2))
    adam, loss, values = torch.optim.Adam(network.parameters(), 1e-2), CrossEntropyLoss(CLASSES, method), []
    while len(values) < steps:
        for batch in loader:
            value = loss(network(batch["image"]), batch["label"])  # the label map, as it is
            adam.zero_grad()
            value.backward()
            adam.step()
            values.append(value.item())
    return network.eval(), float(np.mean(values[-10:]))


def judge(network):
    metrics = SegmentationMetrics(CLASSES)
    for seed in range(100, 104):
        case = volume(seed)
        with torch.no_grad():
            logits = network(torch.from_numpy(case["image"])[None, None])
        metrics.update(logits, torch.from_numpy(case["label"])[None])
    return metrics.compute()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=200, help="of each training")
    steps = parser.parse_args().steps
    for method in ("one_hot", "svls"):
        start = time.time()
        network, value = train(method, steps)
        seconds, found = time.time() - start, judge(network)
        dice = ", ".join(f"{one:.3f}" for one in found["dice"].tolist())
        print(
            f"{method:8} loss {value:.3f}, Dice of classes 1 and 2: {dice}, ECE {float(found['ece']):.4f} ({seconds:.0f} s)"
        )


if __name__ == "__main__":
    main()
