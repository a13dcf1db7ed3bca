"""A U-Net of three levels as nnU-Net builds them: instance normalisation and leaky rectifiers."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

CONVOLUTION = {2: nn.Conv2d, 3: nn.Conv3d}
NORMALISATION = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
TRANSPOSED = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
POOLING = {2: functional.max_pool2d, 3: functional.max_pool3d}


class Block(nn.Sequential):
    """Two convolutions."""

    def __init__(self, axes: int, inputs: int, outputs: int) -> None:
        layers: list[nn.Module] = []
        for channels in (inputs, outputs):
            layers += [
                CONVOLUTION[axes](channels, outputs, 3, padding=1),
                NORMALISATION[axes](outputs, affine=True),
                nn.LeakyReLU(0.01),
            ]
        super().__init__(*layers)


class UNet(nn.Module):
    """From images (N, 1, [D,] H, W), whose sides are multiples of 4, to logits (N, C, [D,] H, W)."""

    def __init__(self, axes: int, classes: int, widths: tuple[int, int, int] = (8, 16, 32)) -> None:
        super().__init__()
        fine, middle, coarse = widths
        transposed = TRANSPOSED[axes]
        self.pool = POOLING[axes]
        self.down = nn.ModuleList([Block(axes, 1, fine), Block(axes, fine, middle), Block(axes, middle, coarse)])
        self.grow = nn.ModuleList([transposed(coarse, middle, 2, 2), transposed(middle, fine, 2, 2)])
        self.up = nn.ModuleList([Block(axes, 2 * middle, middle), Block(axes, 2 * fine, fine)])
        self.last = CONVOLUTION[axes](fine, classes, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        fine = self.down[0](images)
        middle = self.down[1](self.pool(fine, 2))
        x = self.down[2](self.pool(middle, 2))
        for grow, up, level in zip(self.grow, self.up, (middle, fine), strict=True):
            x = up(torch.cat([grow(x), level], 1))
        return self.last(x)


def kept(file: Path, network: UNet, train: Callable[[], UNet]) -> UNet:
    """`network` with the weights in `file`; if there is no such file, a network that is trained now, and kept there."""
    if file.exists():
        network.load_state_dict(torch.load(file, weights_only=True))
    else:
        network = train()
        unfinished = file.with_suffix(".part")
        torch.save(network.state_dict(), unfinished)
        unfinished.rename(file)
    return network.eval()
