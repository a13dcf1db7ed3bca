//! The network: a small U-Net for images (N, 1, H, W).

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

/// Three levels with 8, 16 and 32 channels; height and width must be multiples of 4.
#[derive(Module, Debug)]
pub(crate) struct UNet {
    down: Vec<Block>,
    bottom: Block,
    up: Vec<ConvTranspose2d>,
    merge: Vec<Block>,
    head: Conv2d,
    pool: MaxPool2d,
}

const CHANNELS: [usize; 3] = [8, 16, 32];

impl UNet {
    pub(crate) fn new(classes: usize, device: &Device) -> Self {
        let [first, second, third] = CHANNELS;
        let up = |from, to| {
            ConvTranspose2dConfig::new([from, to], [2, 2])
                .with_stride([2, 2])
                .init(device)
        };
        Self {
            down: vec![Block::new(1, first, device), Block::new(first, second, device)],
            bottom: Block::new(second, third, device),
            up: vec![up(third, second), up(second, first)],
            merge: vec![
                Block::new(2 * second, second, device),
                Block::new(2 * first, first, device),
            ],
            head: Conv2dConfig::new([first, classes], [1, 1]).init(device),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
        }
    }

    /// Logits (N, C, H, W).
    pub(crate) fn forward(&self, image: Tensor<4>) -> Tensor<4> {
        let mut x = image;
        let mut skipped = Vec::new();
        for block in &self.down {
            x = block.forward(x);
            skipped.push(x.clone());
            x = self.pool.forward(x);
        }
        x = self.bottom.forward(x);
        for ((up, merge), skip) in self.up.iter().zip(&self.merge).zip(skipped.into_iter().rev()) {
            x = merge.forward(Tensor::cat(vec![skip, up.forward(x)], 1));
        }
        self.head.forward(x)
    }
}

/// Two convolutions, each normalised over the batch and rectified.
#[derive(Module, Debug)]
struct Block {
    convolutions: Vec<Conv2d>,
    norms: Vec<BatchNorm>,
}

impl Block {
    fn new(from: usize, to: usize, device: &Device) -> Self {
        let convolution = |from| {
            Conv2dConfig::new([from, to], [3, 3])
                .with_padding(PaddingConfig2d::Same)
                .with_bias(false)
                .init(device)
        };
        Self {
            convolutions: vec![convolution(from), convolution(to)],
            norms: (0..2).map(|_| BatchNormConfig::new(to).init(device)).collect(),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.convolutions
            .iter()
            .zip(&self.norms)
            .fold(x, |x, (convolution, norm)| relu(norm.forward(convolution.forward(x))))
    }
}
