//! What is compared: ten ways to make targets of the same masks.

use burn::tensor::{Device, Tensor};
use ndarray::Ix2;
use soft_labels::batch::Sample;
use soft_labels::{Encoding, LabelSmoothing, Raters, Result};
use soft_labels_burn::soft_targets;

use super::data::{Nodules, RATERS};
use super::sampler::Crop;

/// Whose labels a model learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The first rater's.
    One,
    /// Each epoch another rater's.
    InTurn,
    /// The mean of all raters'.
    All,
    Majority,
    Staple,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Model {
    pub(crate) name: &'static str,
    /// For file names.
    pub(crate) key: &'static str,
    pub(crate) source: Source,
    /// How labels become targets.
    encoding: fn() -> Result<Encoding>,
}

pub(crate) const MODELS: [Model; 10] = [
    Model::new("one-hot, one rater", "one_hot", Source::One, one_hot),
    Model::new("LS 0.1, one rater", "ls_1", Source::One, || smoothed(0.1)),
    Model::new("LS 0.2, one rater", "ls_2", Source::One, || smoothed(0.2)),
    Model::new("LS 0.3, one rater", "ls_3", Source::One, || smoothed(0.3)),
    Model::new("SVLS, one rater", "svls", Source::One, svls),
    Model::new("one-hot, raters in turn", "in_turn", Source::InTurn, one_hot),
    Model::new("mOH", "moh", Source::All, one_hot),
    Model::new("mSVLS", "msvls", Source::All, svls),
    Model::new("majority vote", "majority", Source::Majority, one_hot),
    Model::new("STAPLE", "staple", Source::Staple, one_hot),
];

fn one_hot() -> Result<Encoding> {
    Ok(Encoding::OneHot)
}

fn smoothed(alpha: f64) -> Result<Encoding> {
    LabelSmoothing::new(alpha).map(Encoding::from)
}

fn svls() -> Result<Encoding> {
    Ok(Encoding::default())
}

impl Model {
    /// The name of the model with a key.
    pub(crate) fn named(key: &str) -> &'static str {
        MODELS
            .iter()
            .find(|model| model.key == key)
            .map_or("", |model| model.name)
    }

    const fn new(name: &'static str, key: &'static str, source: Source, encoding: fn() -> Result<Encoding>) -> Self {
        Self {
            name,
            key,
            source,
            encoding,
        }
    }

    /// The targets of a batch, (N, C, H, W): crops are windows of the whole label maps, and smoothing comes last.
    pub(crate) fn targets(&self, nodules: &Nodules, crops: &[Crop], device: &Device) -> Result<Tensor<4>> {
        let sample = |crop: &Crop| {
            let one = |labels| Sample::new(crop.turned(labels));
            let sample = match self.source {
                Source::One => one(nodules.rater(crop.nodule, 0)),
                Source::InTurn => one(nodules.rater(crop.nodule, crop.epoch % RATERS)),
                Source::Majority => one(nodules.majority(crop.nodule)),
                Source::Staple => one(nodules.staple(crop.nodule)),
                Source::All => {
                    let masks: Vec<_> = (0..RATERS)
                        .map(|rater| crop.turned(nodules.rater(crop.nodule, rater)))
                        .collect();
                    Raters::new(&masks).map(Sample::raters)
                }
            };
            Ok(sample?.window(&crop.window))
        };
        let samples: Vec<Sample<'_, u8, Ix2>> = crops.iter().map(sample).collect::<Result<_>>()?;
        soft_targets(&(self.encoding)()?, &samples, &nodules.classes, device)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, Axis, s};
    use soft_labels::{OneHot, SoftEncoder, Svls, multirater};

    use super::*;
    use crate::nodules::sampler::{SIDE, Sampler};

    /// What each model shall learn of a whole label map, (C, H, W).
    fn whole(model: &Model, nodules: &Nodules, crop: &Crop) -> Array3<f32> {
        let rater = |rater| crop.turned(nodules.rater(crop.nodule, rater));
        let all: Vec<_> = (0..RATERS).map(rater).collect();
        let (svls, classes) = (Svls::default(), &nodules.classes);
        match model.key {
            "one_hot" => OneHot.encode(&rater(0), classes),
            "ls_1" => LabelSmoothing::new(0.1).unwrap().encode(&rater(0), classes),
            "ls_2" => LabelSmoothing::new(0.2).unwrap().encode(&rater(0), classes),
            "ls_3" => LabelSmoothing::new(0.3).unwrap().encode(&rater(0), classes),
            "svls" => svls.encode(&rater(0), classes),
            "in_turn" => OneHot.encode(&rater(crop.epoch % 4), classes),
            "moh" => multirater::average(&OneHot, &all, classes),
            "msvls" => multirater::average(&svls, &all, classes),
            "majority" => OneHot.encode(&crop.turned(nodules.majority(crop.nodule)), classes),
            "staple" => OneHot.encode(&crop.turned(nodules.staple(crop.nodule)), classes),
            other => panic!("{other}"),
        }
        .unwrap()
    }

    #[test]
    fn targets_are_windows_of_whole_maps() {
        let nodules = Nodules::load().unwrap();
        // Three epochs of a few large nodules.
        let crops = Sampler::new(20..26, [64, 64], 5).batch(18);
        for model in MODELS {
            let targets = model.targets(&nodules, &crops, &Device::default()).unwrap();
            assert_eq!(targets.dims(), [18, 2, SIDE, SIDE]);
            let values: Vec<f32> = targets.into_data().try_to_vec().unwrap();
            for (values, crop) in values.chunks(2 * SIDE * SIDE).zip(&crops) {
                let [rows, columns] = crop.window.clone();
                let expected = whole(&model, &nodules, crop);
                assert!(
                    expected.slice(s![.., rows, columns]).iter().eq(values),
                    "{}",
                    model.name
                );
            }
        }
    }

    #[test]
    fn no_two_models_learn_the_same() {
        let nodules = Nodules::load().unwrap();
        // Twice all nodules to learn from: majority and STAPLE differ in a few pixels of a few nodules alone.
        let part = nodules.split().train;
        let crops = Sampler::new(part.clone(), [64, 64], 5).batch(2 * part.len());
        let targets = MODELS.map(|model| {
            let targets = model.targets(&nodules, &crops, &Device::default()).unwrap();
            targets.into_data().try_to_vec::<f32>().unwrap()
        });
        for (at, one) in targets.iter().enumerate() {
            assert!(targets[..at].iter().all(|other| other != one), "{}", MODELS[at].name);
        }
    }

    #[test]
    fn majority_and_staple_lie_within_the_raters() {
        let nodules = Nodules::load().unwrap();
        for nodule in 0..897 {
            let union = nodules
                .raters(nodule)
                .fold_axis(Axis(0), 0, |seen, marked| seen | marked);
            for fused in [nodules.majority(nodule), nodules.staple(nodule)] {
                assert!(fused.iter().zip(&union).all(|(fused, seen)| fused <= seen));
            }
        }
    }
}
