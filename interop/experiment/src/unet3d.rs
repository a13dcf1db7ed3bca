//! A small U-Net for volumes (N, 1, D, H, W).
//!
//! A convolution in 3D is the sum of three in 2D: of the slice before, of the slice itself and of the slice after. In burn's CPU
//! backend that is faster than its own 3D convolution. So tensors inside are of shape (N D, C, H, W).

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

const CHANNELS: [usize; 3] = [8, 16, 32];

/// Three levels with 8, 16 and 32 channels; depth, height and width must be multiples of 4.
#[derive(Module, Debug)]
pub(crate) struct UNet3d {
    down: Vec<Block>,
    up: Vec<ConvTranspose2d>,
    merge: Vec<Block>,
    head: Conv2d,
    half_head: Conv2d,
}

impl UNet3d {
    pub(crate) fn new(classes: usize, device: &Device) -> Self {
        let [first, second, third] = CHANNELS;
        let head = |from| Conv2dConfig::new([from, classes], [1, 1]).init(device);
        // Two slices of channels, one after the other.
        let up = |from: usize, to: usize| {
            ConvTranspose2dConfig::new([from, 2 * to], [2, 2])
                .with_stride([2, 2])
                .init(device)
        };
        Self {
            down: vec![
                // One layer at the full resolution, which takes most of the time.
                Block::new(&[1, first], 1, device),
                Block::new(&[first, second, second], 2, device),
                Block::new(&[second, third, third], 2, device),
            ],
            up: vec![up(third, second), up(second, first)],
            merge: vec![
                Block::new(&[2 * second, second, second], 1, device),
                Block::new(&[2 * first, first], 1, device),
            ],
            head: head(first),
            half_head: head(second),
        }
    }

    /// Logits (N, C, D, H, W).
    pub(crate) fn forward(&self, volume: Tensor<5>) -> Tensor<5> {
        self.forward_scales(volume).0
    }

    /// Logits (N, C, D, H, W), and those at half the resolution.
    pub(crate) fn forward_scales(&self, volume: Tensor<5>) -> (Tensor<5>, Tensor<5>) {
        let [samples, _, depth, height, width] = volume.dims();
        let mut slices = volume.reshape([samples * depth, 1, height, width]);
        let mut levels = Vec::new();
        for block in &self.down {
            slices = block.forward(slices, samples);
            levels.push(slices.clone());
        }
        let mut half = slices.clone();
        // The last level is where the way up begins.
        for ((up, merge), skipped) in self.up.iter().zip(&self.merge).zip(levels.into_iter().rev().skip(1)) {
            half = slices;
            let doubled = up.forward(half.clone()).reshape(skipped.dims());
            slices = merge.forward(Tensor::cat(vec![skipped, doubled], 1), samples);
        }
        (
            volumes(self.head.forward(slices), samples),
            volumes(self.half_head.forward(half), samples),
        )
    }
}

/// One layer or two; the first may have a stride.
#[derive(Module, Debug)]
struct Block {
    layers: Vec<Layer>,
}

impl Block {
    fn new(channels: &[usize], stride: usize, device: &Device) -> Self {
        let strides = std::iter::once(stride).chain(std::iter::repeat(1));
        let layers = channels.windows(2).zip(strides);
        Self {
            layers: layers
                .map(|(channels, stride)| Layer::new(channels[0], channels[1], stride, device))
                .collect(),
        }
    }

    fn forward(&self, slices: Tensor<4>, samples: usize) -> Tensor<4> {
        self.layers
            .iter()
            .fold(slices, |slices, layer| layer.forward(slices, samples))
    }
}

/// From (N D, C, H, W) to (N, C, D, H, W).
fn volumes(slices: Tensor<4>, samples: usize) -> Tensor<5> {
    let [slices_of_all, channels, height, width] = slices.dims();
    slices
        .reshape([samples, slices_of_all / samples, channels, height, width])
        .swap_dims(1, 2)
}

/// A convolution of 3x3x3 voxels, padded with zeros, normalised over the batch and rectified.
#[derive(Module, Debug)]
struct Layer {
    convolution: Conv2d,
    norm: BatchNorm,
    stride: usize,
}

impl Layer {
    fn new(from: usize, to: usize, stride: usize, device: &Device) -> Self {
        let convolution = Conv2dConfig::new([from, 3 * to], [3, 3])
            .with_stride([stride; 2])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .with_bias(false)
            // Burn's own choice for 3x3x3 weights.
            .with_initializer(Initializer::KaimingUniform {
                gain: 1.0 / 3.0,
                fan_out_only: false,
            });
        Self {
            convolution: convolution.init(device),
            norm: BatchNormConfig::new(to).init(device),
            stride,
        }
    }

    fn forward(&self, slices: Tensor<4>, samples: usize) -> Tensor<4> {
        let taps = self.convolution.forward(slices);
        let [of_all, channels, height, width] = taps.dims();
        let (depth, pixels) = (of_all / samples, channels / 3 * height * width);
        let taps = taps.reshape([samples, depth, 3, pixels]);
        let tap = |tap, first, slices| taps.clone().narrow(2, tap, 1).narrow(1, first, slices);
        // Outside of the volume there is nothing.
        let outside = Tensor::<4>::zeros([samples, 1, 1, pixels], &taps.device());
        let before = Tensor::cat(vec![outside.clone(), tap(0, 0, depth - 1)], 1);
        let after = Tensor::cat(vec![tap(2, 1, depth - 1), outside], 1);
        let sums = before + tap(1, 0, depth) + after;
        let slices = sums
            .reshape([samples, depth / self.stride, self.stride, pixels])
            .narrow(2, 0, 1)
            .reshape([of_all / self.stride, channels / 3, height, width]);
        relu(self.norm.forward(slices))
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::PaddingConfig3d;
    use burn::nn::conv::Conv3dConfig;
    use burn::tensor::Distribution;

    use super::*;

    /// The layer's convolution is that of burn in 3D with the same weights.
    #[test]
    fn three_slices_are_a_convolution_in_3d() {
        let device = Device::default();
        for stride in [1, 2] {
            let layer = Layer::new(3, 4, stride, &device);
            let mut conv = Conv3dConfig::new([3, 4], [3, 3, 3])
                .with_stride([stride; 3])
                .with_padding(PaddingConfig3d::Explicit(1, 1, 1))
                .with_bias(false)
                .init(&device);
            // (3 taps x to, from, 3, 3) to (to, from, 3 taps, 3, 3).
            let weight = layer.convolution.weight.val().reshape([3, 4, 3, 3, 3]);
            let weight = weight.permute([1, 2, 0, 3, 4]);
            conv.weight = conv.weight.map(|_| weight.clone());
            let volume = Tensor::<5>::random([2, 3, 6, 8, 4], Distribution::Normal(0.0, 1.0), &device);
            let slices = volume.clone().swap_dims(1, 2).reshape([12, 3, 8, 4]);
            let ours = volumes(layer.forward(slices, 2), 2);
            let expected = {
                let out = conv.forward(volume);
                let [n, c, d, h, w] = out.dims();
                let normed = layer.norm.forward(out.swap_dims(1, 2).reshape([n * d, c, h, w]));
                relu(volumes(normed, n))
            };
            let apart = (ours - expected).abs().max().into_scalar::<f32>();
            assert!(apart < 1e-5, "{apart}");
        }
    }

    #[test]
    fn logits_stand_at_their_voxels() {
        let device = Device::default();
        let net = UNet3d::new(3, &device);
        let volume = Tensor::<5>::random([2, 1, 8, 12, 4], Distribution::Normal(0.0, 1.0), &device);
        let (full, half) = net.forward_scales(volume.clone());
        assert_eq!((full.dims(), half.dims()), ([2, 3, 8, 12, 4], [2, 3, 4, 6, 2]));
        // The second volume's logits do not depend on the first: normalisation is by running statistics here.
        let alone = net.forward(volume.narrow(0, 1, 1));
        assert!((full.narrow(0, 1, 1) - alone).abs().max().into_scalar::<f32>() < 1e-5);
    }
}
