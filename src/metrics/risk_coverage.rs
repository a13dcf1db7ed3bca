//! What is left to be wrong when a prediction may leave out the voxels that it is least sure of.

use ndarray::ArrayRef;

use super::predictions::{BLOCK, IGNORED, Predictions, blocks};
use super::reliability::Reliability;
use super::scope::Scope;
use super::top::top_classes;
use crate::common::{arrays, parallel};
use crate::{Classes, Label, Result, SoftFloat, SpatialDim};

/// The risk-coverage curve of selective prediction: voxels are covered from the highest confidence to the lowest, and the risk
/// is the share of wrong ones among those covered (El-Yaniv & Wiener, *JMLR* 2010).
///
/// [`risk_coverage`](risk_coverage()) makes it of a map. [`Reliability::risk_coverage`] makes it of bins, which can be of many
/// cases.
///
/// ```
/// use ndarray::array;
/// use soft_labels::Classes;
/// use soft_labels::metrics::{Scope, risk_coverage};
///
/// let probabilities = array![[[0.9, 0.75, 0.75, 0.4]], [[0.1, 0.25, 0.25, 0.6]]];
/// let curve = risk_coverage(&probabilities, &array![[0_u8, 0, 1, 0]], &Classes::contiguous(2)?, Scope::All)?;
/// let steps: Vec<_> = curve.steps().iter().map(|step| (step.confidence, step.covered, step.wrong)).collect();
/// assert_eq!(steps, [(0.9, 1, 0), (0.75, 3, 1), (0.6, 4, 2)]);
/// assert!((curve.aurc() - (0.0 + 2.0 / 3.0 + 0.5) / 4.0).abs() < 1e-15);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RiskCoverage {
    steps: Vec<RiskStep>,
}

/// One step of a [`RiskCoverage`]: the voxels of one confidence are covered together. With feature `serde` it can be written to
/// JSON and the like.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RiskStep {
    /// The confidence of the voxels that the step adds; their mean if they are a bin.
    pub confidence: f64,
    /// How many voxels are covered after the step.
    pub covered: u64,
    /// How many of them are wrong.
    pub wrong: u64,
}

impl RiskStep {
    /// The share of wrong voxels among those covered.
    ///
    /// ```
    /// # let step = soft_labels::metrics::class_calibration(&ndarray::array![0.5, 0.5], &ndarray::array![true, false], 2)?
    /// #     .risk_coverage()
    /// #     .steps()[0];
    /// assert_eq!((step.covered, step.wrong, step.risk()), (2, 1, 0.5));
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn risk(&self) -> f64 {
        self.wrong as f64 / self.covered as f64
    }
}

/// The risk-coverage curve of one map: probabilities (C, H, W) or (C, D, H, W) beside the labels (H, W) or (D, H, W).
///
/// The confidence is the largest probability, and a voxel is wrong if the first class that has it is not its label. Voxels of
/// the same confidence are covered in one step. It holds 24 bytes for each different confidence; for many maps count fine bins
/// with [`Reliability::add`] instead, which can be merged.
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape), [`Error::Axes`](crate::Error::Axes),
/// [`Error::UnknownLabel`](crate::Error::UnknownLabel), [`Error::Probability`](crate::Error::Probability),
/// [`Error::ProbabilitySum`](crate::Error::ProbabilitySum), [`Error::TooLarge`](crate::Error::TooLarge).
///
/// The example of [`RiskCoverage`] uses it.
#[expect(clippy::needless_pass_by_value, reason = "a scope is made for the call")]
pub fn risk_coverage<F: SoftFloat, L: Label, D: SpatialDim>(
    probabilities: &ArrayRef<F, D::Larger>,
    labels: &ArrayRef<L, D>,
    classes: &Classes,
    scope: Scope<'_, D>,
) -> Result<RiskCoverage> {
    let predictions = Predictions::new(probabilities, Some(classes.len()))?;
    let targets = scope.targets(&predictions, labels, classes)?;
    let mut samples: Vec<u64> = arrays::zeros(predictions.voxels, predictions.shape())?;
    let piece = predictions.piece();
    let pieces = parallel::pieces(predictions.voxels, piece).zip(samples.chunks_mut(piece));
    parallel::for_each(predictions.work(2), pieces, |(piece, out)| {
        for (block, out) in blocks(piece).zip(out.chunks_mut(BLOCK)) {
            let (most, best) = top_classes(&predictions, block.clone());
            for (((out, &target), most), best) in out.iter_mut().zip(&targets[block]).zip(most).zip(best) {
                *out = match target {
                    IGNORED => LEFT_OUT,
                    _ => sample(most.widen(), best != u32::from(target)),
                };
            }
        }
    });
    parallel::sort(&mut samples, u64::cmp);
    samples.truncate(samples.partition_point(|&sample| sample != LEFT_OUT));

    let groups = || samples.chunk_by(|a, b| a >> 1 == b >> 1).rev();
    let mut steps = arrays::reserved(groups().count(), || predictions.shape().to_vec())?;
    let (mut covered, mut wrong) = (0, 0);
    for group in groups() {
        covered += group.len() as u64;
        wrong += group.iter().map(|sample| sample & 1).sum::<u64>();
        let confidence = group.first().map_or(f64::NAN, |sample| f64::from_bits(sample >> 1));
        steps.push(RiskStep {
            confidence,
            covered,
            wrong,
        });
    }
    Ok(RiskCoverage { steps })
}

/// Sorts behind all confidences.
const LEFT_OUT: u64 = u64::MAX;

/// A confidence, which is not negative, so that its bits are ordered as the numbers and the first is 0; and whether it is wrong.
fn sample(confidence: f64, wrong: bool) -> u64 {
    confidence.to_bits() << 1 | u64::from(wrong)
}

impl Reliability {
    /// The risk-coverage curve of the bins, in which each bin is one step.
    ///
    /// Coverages and risks are exact at the borders of bins. Count in many bins for it, such as 5100: what it does not see is the
    /// order of voxels within a bin, of which most networks have many in the last one.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::Classes;
    /// use soft_labels::metrics::{Reliability, Scope};
    ///
    /// let mut bins = Reliability::new(5100)?;
    /// let probabilities = array![[[0.9, 0.7, 0.6, 0.4]], [[0.1, 0.3, 0.4, 0.6]]];
    /// bins.add(&probabilities, &array![[0_u8, 0, 1, 0]], &Classes::contiguous(2)?, Scope::All)?;
    /// let curve = bins.risk_coverage(); // two voxels of confidence 0.6 are wrong
    /// assert_eq!(curve.aurc(), (0.0 + 0.0 + 2.0 * 0.5) / 4.0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn risk_coverage(&self) -> RiskCoverage {
        let (mut covered, mut wrong) = (0, 0);
        let held = self.bins.iter().rev().filter(|bin| bin.count > 0);
        let steps = held.map(|bin| {
            covered += bin.count;
            wrong += bin.count - bin.correct;
            RiskStep {
                confidence: bin.confidence / bin.count as f64,
                covered,
                wrong,
            }
        });
        RiskCoverage { steps: steps.collect() }
    }
}

impl RiskCoverage {
    /// The steps, from the highest confidence to the lowest, at which all voxels are covered.
    ///
    /// The example of [`RiskCoverage`] uses it.
    pub fn steps(&self) -> &[RiskStep] {
        &self.steps
    }

    /// How many voxels there are in all.
    ///
    /// ```
    /// assert_eq!(soft_labels::metrics::RiskCoverage::default().count(), 0);
    /// ```
    pub fn count(&self) -> u64 {
        self.steps.last().map_or(0, |step| step.covered)
    }

    /// The area under the curve, AURC: the mean over voxels of the risk when the voxel is covered. NaN if there are no voxels.
    ///
    /// ```text
    /// AURC = 1/N Σ_steps (voxels that the step adds) · (wrong / covered after the step)
    /// ```
    ///
    /// Without equal confidences this is the mean over k of the risk of the k most confident voxels (Geifman, Uziel & El-Yaniv,
    /// *ICLR* 2019). Trapezoids between the steps, which some packages take, give another number. It is the smaller the better,
    /// and no prediction with any error reaches 0.
    ///
    /// The example of [`RiskCoverage`] uses it.
    pub fn aurc(&self) -> f64 {
        let before = std::iter::once(0).chain(self.steps.iter().map(|step| step.covered));
        let areas = self.steps.iter().zip(before);
        let area = areas.map(|(step, before)| (step.covered - before) as f64 * step.risk());
        parallel::total(area) / self.count() as f64
    }
}
