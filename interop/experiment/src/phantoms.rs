//! Several classes in 3D, on phantoms.

mod phantom;
mod unet;

use anyhow::{Result, anyhow};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use clap::Args;
use indicatif::ProgressBar;
use ndarray::{Array3, Array4, s};
use phantom::{Phantom, SHAPE, SPACING_MM};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use soft_labels::batch::Sample;
use soft_labels::metrics::{Confusion, Empty, Region, Reliability, Scope, Surfaces, Tace, top_labels};
use soft_labels::{Classes, Encoding, SvlsKernel};
use soft_labels_burn::{SoftCrossEntropyLossConfig, soft_targets};
use unet::UNet3d;

use crate::say;

/// Train a 3D network on phantoms of three nested classes, with one-hot labels and with SVLS.
#[derive(Args, Debug)]
pub(crate) struct Phantoms {
    /// Few steps: whether it runs at all.
    #[arg(long)]
    quick: bool,
}

const CROP: [usize; 3] = [16, 32, 32];
const BATCH: usize = 4;
const LEARNED: u64 = 48;
const HELD_OUT: u64 = 16;
const LEARNING_RATE: f64 = 3e-3;
/// Each holds the next.
const REGIONS: [(&str, &[u8]); 3] = [("whole", &[1, 2, 3]), ("body and core", &[2, 3]), ("core", &[3])];

pub(crate) fn compare(args: &Phantoms) -> Result<()> {
    let steps = if args.quick { 20 } else { 300 };
    let classes = Classes::contiguous(4)?;
    let phantoms = |seeds: std::ops::Range<u64>| seeds.map(Phantom::new).collect::<Result<Vec<_>>>();
    let (learned, held_out) = (phantoms(0..LEARNED)?, phantoms(LEARNED..LEARNED + HELD_OUT)?);
    say(&format!(
        "Synthetic phantoms {SHAPE:?} of {SPACING_MM:?} mm, {LEARNED} to learn from by {steps} steps of {BATCH} crops {CROP:?}, \
         {HELD_OUT} to be judged by; one seed.\n"
    ))?;
    // In millimetres: one slice away is as far as two pixels.
    let svls = SvlsKernel::builder()
        .sigma_mm(1.0)
        .spacing_mm(SPACING_MM)
        .radius([1, 2, 2]);
    let one_hot = predict(&train(&Encoding::OneHot, steps, &learned, &classes)?, &held_out)?;
    let svls = predict(&train(&Encoding::from(svls), steps, &learned, &classes)?, &held_out)?;
    let regions = REGIONS
        .map(|(name, _)| format!("DSC {name} | SD 2 mm {name}"))
        .join(" | ");
    say(&format!("| targets | {regions} | ECE | TACE |\n|{}", "---|".repeat(9)))?;
    for (name, probabilities) in [("one-hot", one_hot), ("SVLS", svls)] {
        judge(name, &probabilities, &held_out, &classes)?;
    }
    Ok(())
}

fn train(encoding: &Encoding, steps: usize, phantoms: &[Phantom], classes: &Classes) -> Result<UNet3d> {
    let device = Device::default().autodiff();
    device.seed(1);
    let mut net = UNet3d::new(classes.len(), &device);
    let mut adam = AdamConfig::new().init();
    let loss = SoftCrossEntropyLossConfig::new().init(&device);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let bar = ProgressBar::new(steps as u64);
    for _ in 0..steps {
        let (mut volumes, mut samples) = (Vec::new(), Vec::new());
        for _ in 0..BATCH {
            let phantom = &phantoms[rng.random_range(0..phantoms.len())];
            let window: [_; 3] = std::array::from_fn(|axis| {
                let start = rng.random_range(0..=SHAPE[axis] - CROP[axis]);
                start..start + CROP[axis]
            });
            samples.push(Sample::new(phantom.labels.view())?.window(&window));
            let [d, h, w] = window;
            volumes.extend(phantom.volume.slice(s![d, h, w]).iter().copied());
        }
        let [d, h, w] = CROP;
        let volumes = Tensor::<5>::from_data(TensorData::new(volumes, [BATCH, 1, d, h, w]), &device);
        let targets: Tensor<5> = soft_targets(encoding, &samples, classes, &device)?;
        let gradients = loss.forward(net.forward(volumes), targets).backward();
        let gradients = GradientsParams::from_grads(gradients, &net);
        net = adam.step(LEARNING_RATE, net, gradients);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(net)
}

/// Probabilities (C, D, H, W) of each phantom.
fn predict(net: &UNet3d, phantoms: &[Phantom]) -> Result<Vec<Array4<f32>>> {
    let net = net.valid();
    let [d, h, w] = SHAPE;
    let one = |phantom: &Phantom| {
        let volume = TensorData::new(phantom.volume.iter().copied().collect(), [1, 1, d, h, w]);
        let volume = Tensor::<5>::from_data(volume, &Device::default());
        let probabilities = softmax(net.forward(volume), 1).into_data();
        let values = probabilities.try_to_vec().map_err(|error| anyhow!("{error:?}"))?;
        Ok(Array4::from_shape_vec((values.len() / (d * h * w), d, h, w), values)?)
    };
    phantoms.iter().map(one).collect()
}

fn judge(name: &str, probabilities: &[Array4<f32>], phantoms: &[Phantom], classes: &Classes) -> Result<()> {
    let mut bins = Reliability::new(10)?;
    for (probabilities, phantom) in probabilities.iter().zip(phantoms) {
        bins.add(probabilities, &phantom.labels, classes, Scope::All)?;
    }
    let pairs: Vec<_> = probabilities
        .iter()
        .zip(phantoms)
        .map(|(probabilities, phantom)| (probabilities.view(), phantom.labels.view()))
        .collect();
    let tace = Tace::new().evaluate_all(&pairs, classes)?;
    let mut row = format!("| {name} ");
    for (_, labels) in REGIONS {
        let region = Region::of_labels(classes, labels.iter().copied())?;
        let (mut dice, mut surface) = (0.0, 0.0);
        for (probabilities, phantom) in probabilities.iter().zip(phantoms) {
            let predicted: Array3<u8> = top_labels(probabilities, classes)?;
            dice += Confusion::count(&predicted, &phantom.labels, classes)?.dice(&region, Empty::One);
            let [predicted, drawn] = [
                region.mask(&predicted, classes)?,
                region.mask(&phantom.labels, classes)?,
            ];
            let near = Surfaces::new(&predicted, &drawn, &SPACING_MM)?.dice(2.0)?;
            surface += if near.is_nan() { 1.0 } else { near };
        }
        let [dice, surface] = [dice, surface].map(|sum| sum / phantoms.len() as f64);
        row += &format!("| {dice:.4} | {surface:.4} ");
    }
    say(&format!("{row}| {:.4} | {tace:.4} |", bins.ece()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phantoms_are_nested_and_of_their_seed() {
        for seed in 0..10 {
            let Phantom { labels, volume } = Phantom::new(seed).unwrap();
            assert_eq!(labels, Phantom::new(seed).unwrap().labels);
            assert_eq!(volume, Phantom::new(seed).unwrap().volume);
            assert_ne!(labels, Phantom::new(seed + 1).unwrap().labels);
            let counts: Vec<_> = (0..4)
                .map(|label| labels.iter().filter(|&&l| l == label).count())
                .collect();
            assert!(counts.iter().all(|&count| count > 50), "{counts:?}");
            // Along every axis the core is left through the body, and that through the shell.
            for axis in 0..3 {
                for line in labels.lanes(ndarray::Axis(axis)) {
                    assert!(line.iter().zip(line.iter().skip(1)).all(|(a, b)| a.abs_diff(*b) <= 1));
                }
            }
        }
    }
}
