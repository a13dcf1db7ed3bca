//! A small U-Net for volumes (N, 1, D, H, W).

use burn::module::Module;
use burn::nn::conv::{Conv3d, Conv3dConfig, ConvTranspose3d, ConvTranspose3dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig3d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

/// Two levels with 8 and 16 channels; depth, height and width must be even.
#[derive(Module, Debug)]
pub(crate) struct UNet3d {
    down: Layer,
    halve: Layer,
    bottom: Layer,
    up: ConvTranspose3d,
    merge: Layer,
    head: Conv3d,
}

impl UNet3d {
    pub(crate) fn new(classes: usize, device: &Device) -> Self {
        Self {
            down: Layer::new(1, 8, 1, device),
            halve: Layer::new(8, 16, 2, device),
            bottom: Layer::new(16, 16, 1, device),
            up: ConvTranspose3dConfig::new([16, 8], [2, 2, 2])
                .with_stride([2, 2, 2])
                .init(device),
            merge: Layer::new(16, 8, 1, device),
            head: Conv3dConfig::new([8, classes], [1, 1, 1]).init(device),
        }
    }

    /// Logits (N, C, D, H, W).
    pub(crate) fn forward(&self, volume: Tensor<5>) -> Tensor<5> {
        let skipped = self.down.forward(volume);
        let x = self.bottom.forward(self.halve.forward(skipped.clone()));
        let x = Tensor::cat(vec![skipped, self.up.forward(x)], 1);
        self.head.forward(self.merge.forward(x))
    }
}

/// A convolution, normalised over the batch and rectified.
#[derive(Module, Debug)]
struct Layer {
    convolution: Conv3d,
    norm: BatchNorm,
}

impl Layer {
    fn new(from: usize, to: usize, stride: usize, device: &Device) -> Self {
        let convolution = Conv3dConfig::new([from, to], [3, 3, 3])
            .with_stride([stride; 3])
            .with_padding(PaddingConfig3d::Explicit(1, 1, 1))
            .with_bias(false);
        Self {
            convolution: convolution.init(device),
            norm: BatchNormConfig::new(to).init(device),
        }
    }

    fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        relu(self.norm.forward(self.convolution.forward(x)))
    }
}
