//! Training of one network.

use anyhow::Result;
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::{Array4, ArrayRef3, Axis, s};
use soft_labels_burn::SoftCrossEntropyLossConfig;

use super::data::Nodules;
use super::models::Model;
use super::sampler::{Crop, SIDE, Sampler};
use crate::initial::initialised;
use crate::unet::UNet;

/// What is the same for all models.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settings {
    pub(crate) steps: usize,
    pub(crate) batch_size: usize,
    pub(crate) learning_rate: f64,
}

/// The learning rate and the number of samples a step were chosen by `choose`, on one-hot labels of one rater alone.
pub(crate) const FULL: Settings = Settings {
    steps: 1500,
    batch_size: 16,
    learning_rate: 3e-3,
};
pub(crate) const QUICK: Settings = Settings { steps: 60, ..FULL };

/// Adam's ε of the paper's code.
pub(crate) const EPSILON: f32 = 1e-4;

fn network(seed: u64, device: &Device) -> UNet {
    initialised(seed, device, |device| UNet::new(2, device))
}

/// Trains a network on crops of some nodules. `step` is called after each step with its loss.
pub(crate) fn train(
    model: &Model,
    seed: u64,
    settings: Settings,
    nodules: &Nodules,
    images: &ArrayRef3<f32>,
    part: std::ops::Range<usize>,
    mut step: impl FnMut(f32),
) -> Result<UNet> {
    let device = Device::default().autodiff();
    let mut net = network(seed, &device);
    let mut adam = AdamConfig::new().with_epsilon(EPSILON).init();
    let loss = SoftCrossEntropyLossConfig::new().init(&device)?;
    let (_, height, width) = images.dim();
    let mut sampler = Sampler::new(part, [height, width], seed);
    for _ in 0..settings.steps {
        let crops = sampler.batch(settings.batch_size);
        let targets = model.targets(nodules, &crops, &device)?;
        let value = loss.forward(net.forward(inputs(images, &crops, &device)), targets)?;
        let gradients = GradientsParams::from_grads(value.backward(), &net);
        net = adam.step(settings.learning_rate, net, gradients);
        step(value.into_scalar());
    }
    Ok(net)
}

/// The crops of the images, (N, 1, H, W).
fn inputs(images: &ArrayRef3<f32>, crops: &[Crop], device: &Device) -> Tensor<4> {
    let mut values = Vec::<f32>::with_capacity(crops.len() * SIDE * SIDE);
    for crop in crops {
        let [rows, columns] = crop.window.clone();
        let image = crop.turned(images.index_axis(Axis(0), crop.nodule));
        values.extend(image.slice(s![rows, columns]));
    }
    Tensor::from_data(TensorData::new(values, [crops.len(), 1, SIDE, SIDE]), device)
}

/// The probabilities (N, C, H, W) that a network finds in whole images.
pub(crate) fn predict(net: &UNet, images: &ArrayRef3<f32>) -> Result<Array4<f32>> {
    let device = Device::default();
    let net = net.valid();
    let (count, height, width) = images.dim();
    let mut probabilities = Vec::with_capacity(2 * images.len());
    for batch in images.axis_chunks_iter(Axis(0), 16) {
        let shape = [batch.shape()[0], 1, height, width];
        let batch = Tensor::<4>::from_data(TensorData::new(batch.iter().copied().collect(), shape), &device);
        let batch = softmax(net.forward(batch), 1).into_data();
        probabilities.extend(
            batch
                .try_to_vec::<f32>()
                .map_err(|error| anyhow::anyhow!("{error:?}"))?,
        );
    }
    Ok(Array4::from_shape_vec((count, 2, height, width), probabilities)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::in_parallel;
    use crate::nodules::image::synthesise;
    use crate::nodules::models::MODELS;

    const SETTINGS: Settings = Settings {
        steps: 3,
        batch_size: 4,
        learning_rate: 1e-3,
    };

    fn losses(model: &Model, seed: u64, nodules: &Nodules, images: &ArrayRef3<f32>) -> Vec<f32> {
        let mut losses = Vec::new();
        train(model, seed, SETTINGS, nodules, images, 0..20, |loss| losses.push(loss)).unwrap();
        losses
    }

    /// Whatever else is trained at the same time.
    #[test]
    fn the_seed_decides_to_the_bit() {
        let nodules = Nodules::load().unwrap();
        let images = synthesise(&nodules).unwrap();
        let alone: Vec<_> = [1, 2].map(|seed| losses(&MODELS[7], seed, &nodules, &images)).into();
        let together = in_parallel(&[1, 2, 1, 2], 4, |seed| {
            Ok(losses(&MODELS[7], *seed, &nodules, &images))
        });
        assert_eq!(together.unwrap(), [&alone[..], &alone].concat());
        assert_ne!(alone[0], alone[1]);
    }

    #[test]
    fn the_seed_makes_the_network() {
        let nodules = Nodules::load().unwrap();
        let device = Device::default();
        let images = synthesise(&nodules).unwrap();
        let part = images.slice(s![..3, .., ..]);
        let of_seed = |seed| predict(&network(seed, &device), &part).unwrap();
        assert_eq!(of_seed(3), of_seed(3));
        assert_ne!(of_seed(3), of_seed(4));
    }

    #[test]
    fn probabilities_are_of_the_image_they_stand_beside() {
        let nodules = Nodules::load().unwrap();
        let images = synthesise(&nodules).unwrap();
        let net = network(1, &Device::default());
        let all = predict(&net, &images.slice(s![..20, .., ..])).unwrap();
        let last = predict(&net, &images.slice(s![19..20, .., ..])).unwrap();
        let apart = all.slice(s![19..20, .., .., ..]).to_owned() - &last;
        assert!(apart.iter().all(|difference| difference.abs() < 1e-6));
    }
}
