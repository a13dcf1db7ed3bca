//! A data loader: label maps on disk, random crops as windows of the whole map, smoothed last, batched on worker threads.
//!
//! `cargo run --release --example burn_data_loader` reads the lung nodules of the main package, four radiologists each;
//! `cargo run --release --example burn_data_loader -- mine.npy ..` reads label maps of yours, `u8` (rater, D, H, W).

use std::error::Error;
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use burn::data::dataloader::DataLoaderBuilder;
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::{Dataset, DatasetError};
use burn::module::Module;
use burn::nn::PaddingConfig3d;
use burn::nn::conv::{Conv3d, Conv3dConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::{Array4, Axis, s};
use ndarray_npy::read_npy;
use rand::RngExt;
use soft_labels::batch::Sample;
use soft_labels::{Classes, OneHot, Raters, Svls};
use soft_labels_burn::{SoftCrossEntropyLossConfig, soft_targets};

const CLASSES: usize = 2;
const CROP: [usize; 3] = [8, 32, 32];
const BATCH: usize = 4;
const WORKERS: usize = 2;
const CROPS: usize = 48;

/// One item for each crop of an epoch.
struct Scans {
    files: Vec<PathBuf>,
}

/// What a worker reads: whole label maps, and which window of them is meant.
#[derive(Clone, Debug)]
struct Crop {
    /// (rater, D, H, W)
    labels: Array4<u8>,
    window: [Range<usize>; 3],
}

impl Dataset<Crop> for Scans {
    fn get(&self, index: usize) -> Result<Crop, DatasetError> {
        let file = &self.files[index % self.files.len()];
        let failed = |why: String| DatasetError::new(std::io::Error::other(format!("{}: {why}", file.display())));
        let labels: Array4<u8> = read_npy(file).map_err(|error| failed(error.to_string()))?;
        let shape = &labels.shape()[1..];
        if shape.iter().zip(CROP).any(|(&length, crop)| length < crop) {
            return Err(failed(format!("its maps {shape:?} are smaller than a crop {CROP:?}")));
        }
        let mut rng = rand::rng();
        let window = std::array::from_fn(|axis| {
            let start = rng.random_range(0..=shape[axis] - CROP[axis]);
            start..start + CROP[axis]
        });
        Ok(Crop { labels, window })
    }

    fn len(&self) -> usize {
        CROPS
    }
}

struct Crops {
    classes: Classes,
}

#[derive(Clone, Debug)]
struct Batch {
    /// (N, 1, D, H, W)
    images: Tensor<5>,
    /// (N, C, D, H, W)
    targets: Tensor<5>,
    /// How long the targets took.
    svls: Duration,
    /// How long they would have taken as one-hot labels.
    one_hot: Duration,
}

impl Batcher<Crop, soft_labels::Result<Batch>> for Crops {
    fn batch(&self, crops: Vec<Crop>, device: &Device) -> soft_labels::Result<Batch> {
        let views: Vec<Vec<_>> = crops.iter().map(|crop| crop.labels.outer_iter().collect()).collect();
        let samples: Vec<_> = crops
            .iter()
            .zip(&views)
            .map(|(crop, views)| Ok(Sample::raters(Raters::new(views)?).window(&crop.window)))
            .collect::<soft_labels::Result<_>>()?;
        let now = Instant::now();
        let targets = soft_targets(&Svls::default(), &samples, &self.classes, device)?;
        let svls = now.elapsed();
        // What hard targets would take, to compare.
        let now = Instant::now();
        soft_targets(&OneHot, &samples, &self.classes, device)?;
        let one_hot = now.elapsed();

        // There are no scans here: the raters' mean stands for one, with noise.
        let mut rng = rand::rng();
        let mut values = Vec::new();
        for crop in &crops {
            let [d, h, w] = crop.window.clone();
            let seen = crop.labels.slice(s![.., d, h, w]).map(|&marked| f32::from(marked));
            let mean = seen.mean_axis(Axis(0)).unwrap_or_default();
            values.extend(mean.iter().map(|value| value + rng.random_range(-0.5..0.5)));
        }
        let [d, h, w] = CROP;
        Ok(Batch {
            images: Tensor::from_data(TensorData::new(values, [crops.len(), 1, d, h, w]), device),
            targets,
            svls,
            one_hot,
        })
    }
}

#[derive(Module, Debug)]
struct Network {
    layers: Vec<Conv3d>,
    head: Conv3d,
}

impl Network {
    fn new(device: &Device) -> Self {
        let layer = |channels| {
            Conv3dConfig::new(channels, [3, 3, 3])
                .with_padding(PaddingConfig3d::Explicit(1, 1, 1))
                .init(device)
        };
        Self {
            layers: vec![layer([1, 8]), layer([8, 8])],
            head: Conv3dConfig::new([8, CLASSES], [1, 1, 1]).init(device),
        }
    }

    fn forward(&self, images: Tensor<5>) -> Tensor<5> {
        let features = self.layers.iter().fold(images, |x, layer| relu(layer.forward(x)));
        self.head.forward(features)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data");
        files = ["lidc_0001_4raters_native.npy", "lidc_0179_4raters_native.npy"]
            .map(|name| PathBuf::from(data).join(name))
            .into();
    }
    let device = Device::default().autodiff();
    let loader = DataLoaderBuilder::new(Crops {
        classes: Classes::contiguous(CLASSES)?,
    })
    .batch_size(BATCH)
    .shuffle(1)
    .num_workers(WORKERS)
    .set_device(device.clone())
    .build(Scans { files });

    let mut network = Network::new(&device);
    let mut adam = AdamConfig::new().init();
    let loss = SoftCrossEntropyLossConfig::new().init(&device)?;
    println!("batch    loss      one-hot         SVLS  training step");
    for (number, batch) in loader.iter().enumerate() {
        let batch = batch??;
        let now = Instant::now();
        let value = loss.forward(network.forward(batch.images), batch.targets)?;
        let gradients = GradientsParams::from_grads(value.backward(), &network);
        network = adam.step(1e-2, network, gradients);
        let (value, step) = (value.into_scalar::<f32>(), now.elapsed());
        println!(
            "{number:5}  {value:.4}  {:8.2} ms  {:8.2} ms  {:10.2} ms",
            batch.one_hot.as_secs_f64() * 1e3,
            batch.svls.as_secs_f64() * 1e3,
            step.as_secs_f64() * 1e3
        );
    }
    Ok(())
}
