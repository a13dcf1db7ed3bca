//! A data loader: label maps on disk, random crops as windows of the whole map, smoothed last, batched on worker threads.
//!
//! `cargo run --release --example candle_data_loader` reads the lung nodules of the main package, four radiologists each;
//! `cargo run --release --example candle_data_loader -- mine.npy ..` reads label maps of yours, `u8` (rater, D, H, W), and goes
//! through their slices.

use std::error::Error;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use candle_core::{DType, Device, Tensor};
use candle_nn::{AdamW, Conv2d, Conv2dConfig, Module, Optimizer, VarBuilder, VarMap, conv2d};
use ndarray::{Array3, Array4, Axis, s};
use ndarray_npy::read_npy;
use rand::RngExt;
use soft_labels::batch::Sample;
use soft_labels::{Classes, OneHot, Raters, Svls};
use soft_labels_candle::{soft_cross_entropy, soft_targets};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const CLASSES: usize = 2;
const CROP: [usize; 2] = [32, 32];
const BATCH: usize = 8;
const BATCHES: usize = 12;
const WORKERS: usize = 2;

/// What a worker reads: whole label maps of one slice, and which window of them is meant.
struct Crop {
    /// (rater, H, W)
    labels: Array3<u8>,
    window: [Range<usize>; 2],
}

impl Crop {
    fn read(file: &PathBuf) -> Result<Self> {
        let labels: Array4<u8> = read_npy(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let (_, slices, height, width) = labels.dim();
        let shape = [height, width];
        if slices == 0 || shape.iter().zip(CROP).any(|(&length, crop)| length < crop) {
            return Err(format!("{}: slices {shape:?} are smaller than a crop {CROP:?}", file.display()).into());
        }
        let mut rng = rand::rng();
        let window = std::array::from_fn(|axis| {
            let start = rng.random_range(0..=shape[axis] - CROP[axis]);
            start..start + CROP[axis]
        });
        Ok(Self {
            labels: labels.index_axis_move(Axis(1), rng.random_range(0..slices)),
            window,
        })
    }
}

struct Batch {
    /// (N, 1, H, W)
    images: Tensor,
    /// (N, C, H, W)
    targets: Tensor,
    /// How long the targets took.
    svls: Duration,
    /// How long they would have taken as one-hot labels.
    one_hot: Duration,
}

impl Batch {
    fn new(crops: &[Crop], classes: &Classes, device: &Device) -> Result<Self> {
        let views: Vec<Vec<_>> = crops.iter().map(|crop| crop.labels.outer_iter().collect()).collect();
        let samples: Vec<_> = crops
            .iter()
            .zip(&views)
            .map(|(crop, views)| Ok(Sample::raters(Raters::new(views)?).window(&crop.window)))
            .collect::<soft_labels::Result<_>>()?;
        let now = Instant::now();
        let targets = soft_targets(&Svls::default(), &samples, classes, device)?;
        let svls = now.elapsed();
        // What hard targets would take, to compare.
        let now = Instant::now();
        soft_targets(&OneHot, &samples, classes, device)?;
        let one_hot = now.elapsed();

        // There are no scans here: the raters' mean stands for one, with noise.
        let mut rng = rand::rng();
        let mut values: Vec<f32> = Vec::new();
        for crop in crops {
            let [h, w] = crop.window.clone();
            let seen = crop.labels.slice(s![.., h, w]).map(|&marked| f32::from(marked));
            let mean = seen.mean_axis(Axis(0)).unwrap_or_default();
            values.extend(mean.iter().map(|value| value + rng.random_range(-0.5..0.5)));
        }
        let [height, width] = CROP;
        Ok(Self {
            images: Tensor::from_vec(values, (crops.len(), 1, height, width), device)?,
            targets,
            svls,
            one_hot,
        })
    }
}

struct Network {
    layers: Vec<Conv2d>,
    head: Conv2d,
}

impl Network {
    fn new(variables: &VarBuilder<'_>) -> Result<Self> {
        let same = Conv2dConfig {
            padding: 1,
            ..Conv2dConfig::default()
        };
        Ok(Self {
            layers: vec![
                conv2d(1, 8, 3, same, variables.pp("first"))?,
                conv2d(8, 8, 3, same, variables.pp("second"))?,
            ],
            head: conv2d(8, CLASSES, 1, Conv2dConfig::default(), variables.pp("head"))?,
        })
    }

    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let mut features = images.clone();
        for layer in &self.layers {
            features = layer.forward(&features)?.relu()?;
        }
        Ok(self.head.forward(&features)?)
    }
}

fn main() -> Result<()> {
    let mut files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data");
        files = ["lidc_0001_4raters_native.npy", "lidc_0179_4raters_native.npy"]
            .map(|name| PathBuf::from(data).join(name))
            .into();
    }
    let (classes, device) = (Classes::contiguous(CLASSES)?, Device::Cpu);
    let variables = VarMap::new();
    let network = Network::new(&VarBuilder::from_varmap(&variables, DType::F32, &device))?;
    let mut adam = AdamW::new_lr(variables.all_vars(), 1e-2)?;

    // Each worker makes every WORKERS-th batch; two are ready at any time.
    let (sender, receiver) = sync_channel(2);
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (sender, files, classes, device) = (sender.clone(), &files, &classes, &device);
            scope.spawn(move || {
                for number in (worker..BATCHES).step_by(WORKERS) {
                    let crops = (0..BATCH).map(|crop| Crop::read(&files[(number * BATCH + crop) % files.len()]));
                    let batch = crops
                        .collect::<Result<Vec<_>>>()
                        .and_then(|crops| Batch::new(&crops, classes, device));
                    // Nobody listens any more if training has failed.
                    if sender.send(batch).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);

        println!("batch    loss      one-hot         SVLS  training step");
        for (number, batch) in receiver.into_iter().enumerate() {
            let batch = batch?;
            let now = Instant::now();
            let loss = soft_cross_entropy(&network.forward(&batch.images)?, &batch.targets, None, None)?;
            adam.backward_step(&loss)?;
            let (value, step) = (loss.to_scalar::<f32>()?, now.elapsed());
            println!(
                "{number:5}  {value:.4}  {:8.2} ms  {:8.2} ms  {:10.2} ms",
                batch.one_hot.as_secs_f64() * 1e3,
                batch.svls.as_secs_f64() * 1e3,
                step.as_secs_f64() * 1e3
            );
        }
        Ok(())
    })
}
