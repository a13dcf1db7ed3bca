//! Training of one network, and its predictions.

use anyhow::{Result, anyhow};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::{Array3, ArrayView2, Axis, Ix2, s};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use soft_labels::batch::Sample;
use soft_labels::{Encoding, LabelSmoothing, Raters};
use soft_labels_burn::{SoftCrossEntropyLossConfig, soft_targets};

use super::data::{EXPERTS, Image, classes};
use crate::initial::initialised;
use crate::schedule::cosine;
use crate::unet::UNet;

/// The side of a crop in pixels.
const SIDE: usize = 64;

/// What is the same for all networks.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) steps: usize,
    pub(crate) batch_size: usize,
    pub(crate) learning_rate: f64,
}

/// One network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) targets: Targets,
    pub(crate) fold: usize,
    pub(crate) seed: u64,
}

impl Run {
    pub(crate) fn key(&self) -> String {
        let name = self.targets.name().replace([' ', ','], "_");
        format!("{name}_fold_{}_seed_{}", self.fold, self.seed)
    }
}

/// Whose labels a network learns from, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Targets {
    One,
    OneSmoothed,
    OneSvls,
    InTurn,
    Mean,
    MeanSvls,
    Majority,
    Staple,
}

impl Targets {
    pub(crate) const ALL: [Self; 8] = [
        Self::One,
        Self::OneSmoothed,
        Self::OneSvls,
        Self::InTurn,
        Self::Mean,
        Self::MeanSvls,
        Self::Majority,
        Self::Staple,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::One => "one-hot, one expert",
            Self::OneSmoothed => "LS 0.1, one expert",
            Self::OneSvls => "SVLS, one expert",
            Self::InTurn => "one-hot, experts in turn",
            Self::Mean => "mOH",
            Self::MeanSvls => "mSVLS",
            Self::Majority => "majority vote",
            Self::Staple => "STAPLE",
        }
    }

    fn encoding(self) -> Result<Encoding> {
        Ok(match self {
            Self::OneSmoothed => LabelSmoothing::new(0.1)?.into(),
            Self::OneSvls | Self::MeanSvls => Encoding::default(),
            _ => Encoding::OneHot,
        })
    }
}

/// A window of a flipped or transposed image.
struct Crop<'a> {
    image: &'a Image,
    /// Of those who are learned from in turn.
    expert: usize,
    start: [usize; 2],
    flipped: [bool; 2],
    transposed: bool,
}

impl<'a> Crop<'a> {
    /// Half of the crops are about a pixel that some expert marked.
    fn draw(rng: &mut ChaCha8Rng, images: &[&'a Image]) -> Self {
        let image = images[rng.random_range(0..images.len())];
        let (height, width) = image.pixels.dim();
        let about_marked: bool = rng.random();
        let marked = rng.random_range(0..image.marked.len().max(1));
        let anywhere = [height, width].map(|len| rng.random_range(0..=len - SIDE));
        let start = match image.marked.get(marked) {
            Some(&[y, x]) if about_marked => {
                [(y, height), (x, width)].map(|(at, len)| at.saturating_sub(SIDE / 2).min(len - SIDE))
            }
            _ => anywhere,
        };
        Self {
            image,
            expert: rng.random_range(0..EXPERTS),
            start,
            flipped: rng.random(),
            transposed: rng.random(),
        }
    }

    /// The map as this crop sees it, and the window in it. Nothing is copied.
    fn turned<'m, T>(&self, mut map: ArrayView2<'m, T>) -> (ArrayView2<'m, T>, [std::ops::Range<usize>; 2]) {
        let mut window = self.start.map(|start| start..start + SIDE);
        for (axis, range) in window.iter_mut().enumerate().filter(|(axis, _)| self.flipped[*axis]) {
            let len = map.len_of(Axis(axis));
            map.invert_axis(Axis(axis));
            *range = len - range.end..len - range.start;
        }
        if self.transposed {
            window.reverse();
            map = map.reversed_axes();
        }
        (map, window)
    }

    fn sample(&self, targets: Targets) -> soft_labels::Result<Sample<'a, u8, Ix2>> {
        let image = self.image;
        let views = match targets {
            Targets::One | Targets::OneSmoothed | Targets::OneSvls => vec![image.expert(0)],
            Targets::InTurn => vec![image.expert(self.expert)],
            Targets::Mean | Targets::MeanSvls => image.experts(),
            Targets::Majority => vec![image.majority.view()],
            Targets::Staple => vec![image.staple.view()],
        };
        let (views, windows): (Vec<_>, Vec<_>) = views.into_iter().map(|view| self.turned(view)).unzip();
        Ok(Sample::raters(Raters::new(&views)?).window(&windows[0]))
    }
}

/// Trains a network on crops of some images. The crops are the same for all targets with the same seed.
pub(crate) fn train(
    targets: Targets,
    seed: u64,
    settings: &Settings,
    images: &[&Image],
    step: &dyn Fn(),
) -> Result<UNet> {
    let (device, classes) = (Device::default().autodiff(), classes()?);
    let encoding = targets.encoding()?;
    let mut net = initialised(seed, &device, |device| UNet::new(2, device));
    let mut adam = AdamConfig::new().init();
    let loss = SoftCrossEntropyLossConfig::new().init(&device)?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for done in 0..settings.steps {
        let crops: Vec<_> = (0..settings.batch_size).map(|_| Crop::draw(&mut rng, images)).collect();
        let samples = crops
            .iter()
            .map(|crop| crop.sample(targets))
            .collect::<soft_labels::Result<Vec<_>>>()?;
        let targets = soft_targets(&encoding, &samples, &classes, &device)?;
        let mut values = Vec::<f32>::with_capacity(crops.len() * SIDE * SIDE);
        for crop in &crops {
            let (pixels, [rows, columns]) = crop.turned(crop.image.pixels.view());
            values.extend(pixels.slice(s![rows, columns]));
        }
        let inputs = Tensor::<4>::from_data(TensorData::new(values, [crops.len(), 1, SIDE, SIDE]), &device);
        let value = loss.forward(net.forward(inputs), targets)?;
        let gradients = GradientsParams::from_grads(value.backward(), &net);
        let rate = cosine(settings.learning_rate, done, settings.steps);
        net = adam.step(rate, net, gradients);
        step();
    }
    Ok(net)
}

/// The probabilities (C, H, W) that a network finds in a whole image, whose sides are multiples of 4.
pub(crate) fn predict(net: &UNet, image: &Image) -> Result<Array3<f32>> {
    let (height, width) = image.pixels.dim();
    let pixels = TensorData::new(image.pixels.iter().copied().collect(), [1, 1, height, width]);
    let logits = net.valid().forward(Tensor::<4>::from_data(pixels, &Device::default()));
    let values = softmax(logits, 1)
        .into_data()
        .try_to_vec()
        .map_err(|error| anyhow!("{error:?}"))?;
    Ok(Array3::from_shape_vec((2, height, width), values)?)
}
