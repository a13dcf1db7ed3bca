//! Training of one network, and its predictions.

use std::time::Instant;

use anyhow::{Result, anyhow};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::{Array4, Array5, Ix3, s};
use soft_labels::batch::{Sample, encode_scales};
use soft_labels::{Classes, Encoding};
use soft_labels_burn::{SoftCrossEntropyLoss, SoftCrossEntropyLossConfig};

use super::data::{CROP, Case};
use super::run::{Run, Scales};
use super::sampler::{Crop, Sampler};
use crate::initial::initialised;
use crate::schedule::cosine;
use crate::unet3d::UNet3d;

/// Crops to a step.
pub(crate) const BATCH: usize = 2;

/// The share of the half resolution in the loss, as in nnU-Net: half of that of the full one.
const HALF_SHARE: f32 = 1.0 / 3.0;

pub(crate) fn classes() -> Result<Classes> {
    Ok(Classes::contiguous(3)?)
}

/// Trains a network. `step` is called after each step.
pub(crate) fn train(run: &Run, cases: &[Case], step: &dyn Fn()) -> Result<UNet3d> {
    let mut training = Training::new(run, cases)?;
    for done in 0..run.steps {
        let crops = training.sampler.batch(BATCH);
        let targets = training.targets(&crops)?;
        training = training.step(done, &crops, targets)?;
        step();
    }
    Ok(training.net)
}

/// Milliseconds for the targets of a step and for the whole of it, each the median of all steps.
pub(crate) fn time(run: &Run, cases: &[Case]) -> Result<[f64; 2]> {
    let mut training = Training::new(run, cases)?;
    let (mut of_targets, mut of_steps) = (Vec::new(), Vec::new());
    for done in 0..run.steps {
        let start = Instant::now();
        let crops = training.sampler.batch(BATCH);
        let targets = training.targets(&crops)?;
        of_targets.push(start.elapsed().as_secs_f64() * 1e3);
        training = training.step(done, &crops, targets)?;
        of_steps.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok([of_targets, of_steps].map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    }))
}

/// A network while it learns.
struct Training<'a> {
    run: &'a Run,
    cases: &'a [Case],
    sampler: Sampler<'a>,
    encoding: Encoding,
    classes: Classes,
    net: UNet3d,
    adam: ModuleOptimizer,
    loss: SoftCrossEntropyLoss,
    device: Device,
}

impl<'a> Training<'a> {
    fn new(run: &'a Run, cases: &'a [Case]) -> Result<Self> {
        let device = Device::default().autodiff();
        Ok(Self {
            run,
            cases,
            sampler: Sampler::new(cases, run.volumes, run.seed),
            encoding: run.targets.encoding()?,
            classes: classes()?,
            net: initialised(run.seed, &device, |device| UNet3d::new(3, device)),
            adam: AdamConfig::new().init(),
            loss: SoftCrossEntropyLossConfig::new().init(&device)?,
            device,
        })
    }

    fn targets(&self, crops: &[Crop]) -> Result<[Array5<f32>; 2]> {
        targets(&self.encoding, self.run.scales, crops, self.cases, &self.classes)
    }

    fn step(mut self, done: usize, crops: &[Crop], targets: [Array5<f32>; 2]) -> Result<Self> {
        let [full, half] = targets.map(|batch| tensor(batch, &self.device));
        let logits = self.net.forward_scales(inputs(crops, self.cases, &self.device));
        let value = if self.run.scales == Scales::Full {
            self.loss.forward(logits.0, full)?
        } else {
            self.loss.forward(logits.0, full)? * (1.0 - HALF_SHARE) + self.loss.forward(logits.1, half)? * HALF_SHARE
        };
        let gradients = GradientsParams::from_grads(value.backward(), &self.net);
        let rate = cosine(self.run.learning_rate, done, self.run.steps);
        self.net = self.adam.step(rate, self.net, gradients);
        Ok(self)
    }
}

/// The targets of crops at the full and at half the resolution. The crops are windows of whole label maps.
pub(crate) fn targets(
    encoding: &Encoding,
    scales: Scales,
    crops: &[Crop],
    cases: &[Case],
    classes: &Classes,
) -> Result<[Array5<f32>; 2]> {
    let samples = |every: usize| {
        let sample = |crop: &Crop| {
            let labels = cases[crop.case].labels.slice(s![..;every, ..;every, ..;every]);
            let window = crop.window.clone().map(|range| range.start / every..range.end / every);
            Ok(Sample::new(labels)?.window(&window))
        };
        crops
            .iter()
            .map(sample)
            .collect::<soft_labels::Result<Vec<Sample<'_, u8, Ix3>>>>()
    };
    let boxes: &[usize] = if scales == Scales::Pooled { &[1, 2] } else { &[1] };
    let mut batches = encode_scales(encoding, &samples(1)?, classes, boxes)?.into_iter();
    let mut next = || batches.next();
    let full = next().ok_or_else(|| anyhow!("no scale"))?;
    let half = match (scales, next()) {
        (_, Some(half)) => half,
        (Scales::Nearest, None) => soft_labels::batch::encode(encoding, &samples(2)?, classes)?,
        _ => full.clone(),
    };
    Ok([full, half])
}

fn tensor(batch: Array5<f32>, device: &Device) -> Tensor<5> {
    let shape = batch.shape().to_vec();
    Tensor::from_data(TensorData::new(batch.into_raw_vec_and_offset().0, shape), device)
}

/// The crops of the images, (N, 1, D, H, W).
fn inputs(crops: &[Crop], cases: &[Case], device: &Device) -> Tensor<5> {
    let [depth, height, width] = CROP;
    let mut values = Vec::<f32>::with_capacity(crops.len() * depth * height * width);
    for crop in crops {
        let [d, h, w] = crop.window.clone();
        values.extend(cases[crop.case].image.slice(s![d, h, w]));
    }
    Tensor::from_data(TensorData::new(values, [crops.len(), 1, depth, height, width]), device)
}

/// The logits (C, D, H, W) that a network finds in a whole volume.
pub(crate) fn predict(net: &UNet3d, case: &Case) -> Result<Array4<f32>> {
    let (depth, height, width) = case.image.dim();
    let padded_shape = [depth, height, width].map(|len| len.next_multiple_of(4));
    let mut padded = ndarray::Array3::zeros(padded_shape);
    padded.slice_mut(s![..depth, ..height, ..width]).assign(&case.image);
    let [d, h, w] = padded_shape;
    let volume = TensorData::new(padded.into_raw_vec_and_offset().0, [1, 1, d, h, w]);
    let logits = net.valid().forward(Tensor::from_data(volume, &Device::default()));
    let values = logits.into_data().try_to_vec().map_err(|error| anyhow!("{error:?}"))?;
    let logits = Array4::from_shape_vec((3, d, h, w), values)?;
    Ok(logits.slice(s![.., ..depth, ..height, ..width]).to_owned())
}

/// The softmax of logits divided by a temperature.
pub(crate) fn probabilities(logits: &Array4<f32>, temperature: f64) -> Array4<f32> {
    let mut all = logits.map(|&logit| f64::from(logit) / temperature);
    for mut voxel in all.lanes_mut(ndarray::Axis(0)) {
        let most = voxel.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        voxel.mapv_inplace(|logit| (logit - most).exp());
        let sum = voxel.sum();
        voxel /= sum;
    }
    all.map(|&p| p as f32)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, Axis};
    use soft_labels::{SoftEncoder, Svls, pool};

    use super::*;

    /// Labels and an image without any order.
    fn case(name: &str, shape: [usize; 3]) -> Case {
        let hash = |(d, h, w): (usize, usize, usize)| (d * 7919 + h * 104_729 + w * 1_299_709) / 13;
        Case {
            name: name.into(),
            image: Array3::from_shape_fn(shape, |at| (hash(at) % 100) as f32),
            labels: Array3::from_shape_fn(shape, |at| (hash(at) % 3) as u8),
        }
    }

    #[test]
    fn targets_are_windows_of_whole_maps() {
        let cases = [case("a", [31, 40, 24]), case("b", [26, 33, 30])];
        let crops = Sampler::new(&cases, 2, 1).batch(6);
        let (svls, classes) = (Svls::default(), classes().unwrap());
        let of = |scales| targets(&Encoding::default(), scales, &crops, &cases, &classes).unwrap();
        let ([full, pooled], [_, nearest]) = (of(Scales::Pooled), of(Scales::Nearest));
        assert_eq!(full, of(Scales::Full)[0]);
        assert_eq!(pooled.shape(), [6, 3, 12, 16, 8]);
        assert_ne!(pooled, nearest);
        for (i, crop) in crops.iter().enumerate() {
            let labels = &cases[crop.case].labels;
            let [d, h, w] = crop.window.clone();
            let [half_d, half_h, half_w] = crop.window.clone().map(|range| range.start / 2..range.end / 2);
            let whole: Array4<f32> = svls.encode(labels, &classes).unwrap();
            assert_eq!(whole.slice(s![.., d, h, w]), full.index_axis(Axis(0), i));
            let expected = pool::average(&whole, 2).unwrap();
            let expected = expected.slice(s![.., half_d.clone(), half_h.clone(), half_w.clone()]);
            assert_eq!(expected, pooled.index_axis(Axis(0), i));
            let expected: Array4<f32> = svls.encode(&labels.slice(s![..;2, ..;2, ..;2]), &classes).unwrap();
            let expected = expected.slice(s![.., half_d, half_h, half_w]);
            assert_eq!(expected, nearest.index_axis(Axis(0), i));
        }
    }

    #[test]
    fn predictions_stand_at_their_voxels() {
        let net = initialised(1, &Device::default(), |device| UNet3d::new(3, device));
        let case = case("a", [25, 33, 18]);
        let logits = predict(&net, &case).unwrap();
        assert_eq!(logits.shape(), [3, 25, 33, 18]);
        let sums = probabilities(&logits, 2.0).sum_axis(Axis(0));
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6));
        // Far from the change and its halo the prediction is the same.
        let mut other = case.clone();
        other.image[[24, 32, 17]] += 100.0;
        let changed = predict(&net, &other).unwrap() - &logits;
        assert!(changed[[0, 24, 32, 17]].abs() > 1e-3);
        assert!(changed[[0, 0, 0, 0]].abs() < 1e-5);
    }
}
