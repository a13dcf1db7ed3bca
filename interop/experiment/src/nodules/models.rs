//! What is compared: ten ways to make targets of the same masks.

use burn::tensor::{Device, Tensor};
use ndarray::Ix2;
use soft_labels::batch::Sample;
use soft_labels::{LabelSmoothing, OneHot, Raters, Result, Svls};
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

/// How labels become targets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Labelling {
    OneHot,
    LabelSmoothing(f64),
    Svls,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Model {
    pub(crate) name: &'static str,
    /// For file names.
    pub(crate) key: &'static str,
    pub(crate) source: Source,
    labelling: Labelling,
}

pub(crate) const MODELS: [Model; 10] = {
    use Labelling::{LabelSmoothing, OneHot, Svls};
    [
        Model::new("one-hot, one rater", "one_hot", Source::One, OneHot),
        Model::new("LS 0.1, one rater", "ls_1", Source::One, LabelSmoothing(0.1)),
        Model::new("LS 0.2, one rater", "ls_2", Source::One, LabelSmoothing(0.2)),
        Model::new("LS 0.3, one rater", "ls_3", Source::One, LabelSmoothing(0.3)),
        Model::new("SVLS, one rater", "svls", Source::One, Svls),
        Model::new("one-hot, raters in turn", "in_turn", Source::InTurn, OneHot),
        Model::new("mOH", "moh", Source::All, OneHot),
        Model::new("mSVLS", "msvls", Source::All, Svls),
        Model::new("majority vote", "majority", Source::Majority, OneHot),
        Model::new("STAPLE", "staple", Source::Staple, OneHot),
    ]
};

impl Model {
    const fn new(name: &'static str, key: &'static str, source: Source, labelling: Labelling) -> Self {
        Self {
            name,
            key,
            source,
            labelling,
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
        match self.labelling {
            Labelling::OneHot => soft_targets(&OneHot, &samples, &nodules.classes, device),
            Labelling::LabelSmoothing(alpha) => {
                soft_targets(&LabelSmoothing::new(alpha)?, &samples, &nodules.classes, device)
            }
            Labelling::Svls => soft_targets(&Svls::default(), &samples, &nodules.classes, device),
        }
    }
}
