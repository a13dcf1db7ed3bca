"""Trains MONAI's UNet on soft labels of a few volumes that are drawn here, on a CPU.

pip install "soft-labels[monai]"
python monai_unet.py
"""

import argparse
import time

import numpy as np
import torch
from monai.data import DataLoader, Dataset
from monai.networks.nets import UNet
from monai.transforms import Compose, EnsureChannelFirstd, EnsureTyped, RandFlipd, RandSpatialCropd

from soft_labels import metrics
from soft_labels.monai import SoftLabelsd
from soft_labels.torch import SoftCrossEntropyLoss

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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=200)
    steps = parser.parse_args().steps
    torch.manual_seed(1)
    keys = ["image", "label"]
    pipeline = Compose(
        [
            EnsureChannelFirstd(keys, channel_dim="no_channel"),
            EnsureTyped(keys),
            RandFlipd(keys, prob=0.5, spatial_axis=2),
            RandSpatialCropd(keys, roi_size=[34, 34, 34], random_size=False),
            SoftLabelsd("label", CLASSES, margin=1, crop_keys="image"),  # last; 32 voxels are left
        ]
    )
    loader = DataLoader(Dataset([volume(seed) for seed in range(8)], pipeline), batch_size=2, shuffle=True)
    net = UNet(spatial_dims=3, in_channels=1, out_channels=CLASSES, channels=(8, 16, 32), strides=(2, 2))
    adam, loss = torch.optim.Adam(net.parameters(), 1e-2), SoftCrossEntropyLoss()
    start, step = time.time(), 0
    while step < steps:
        for batch in loader:
            value = loss(net(batch["image"]), batch["label"])
            adam.zero_grad()
            value.backward()
            adam.step()
            step += 1
    print(f"{step} steps in {time.time() - start:.0f} s, loss {float(value):.3f}")

    case = volume(100)
    with torch.no_grad():
        probabilities = net(torch.from_numpy(case["image"])[None, None]).softmax(1)[0].numpy()
    found = metrics.judge(probabilities, case["label"], CLASSES, tolerance=1.0)
    for row in found["regions"]:
        print(f"class {row['labels'][0]}: Dice {row['dice']:.3f}, surface Dice at 1 voxel {row['surface_dice']:.3f}")
    print(f"ECE {found['calibration']['ece']:.4f}")


if __name__ == "__main__":
    main()
