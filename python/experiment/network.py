"""A U-Net of three levels as nnU-Net builds them: instance normalisation and leaky rectifiers."""

import torch
from torch import nn
from torch.nn import functional


class Block(nn.Sequential):
    """Two convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        layers: list[nn.Module] = []
        for channels in (inputs, outputs):
            layers += [
                nn.Conv3d(channels, outputs, 3, padding=1),
                nn.InstanceNorm3d(outputs, affine=True),
                nn.LeakyReLU(0.01),
            ]
        super().__init__(*layers)


class UNet(nn.Module):
    """From images (N, 1, D, H, W), whose sides are multiples of 4, to logits (N, C, D, H, W)."""

    def __init__(self, classes: int, widths: tuple[int, int, int] = (8, 16, 32)) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.down = nn.ModuleList([Block(1, fine), Block(fine, middle), Block(middle, coarse)])
        self.grow = nn.ModuleList([nn.ConvTranspose3d(coarse, middle, 2, 2), nn.ConvTranspose3d(middle, fine, 2, 2)])
        self.up = nn.ModuleList([Block(2 * middle, middle), Block(2 * fine, fine)])
        self.last = nn.Conv3d(fine, classes, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        fine = self.down[0](images)
        middle = self.down[1](functional.max_pool3d(fine, 2))
        x = self.down[2](functional.max_pool3d(middle, 2))
        for grow, up, level in zip(self.grow, self.up, (middle, fine), strict=True):
            x = up(torch.cat([grow(x), level], 1))
        return self.last(x)
