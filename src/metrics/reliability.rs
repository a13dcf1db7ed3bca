//! Calibration of the top label: reliability diagram and expected calibration error.

use ndarray::ArrayRef;

use super::CalibrationReduction;
use super::predictions::{BLOCK, IGNORED, Predictions, blocks};
use super::scope::Scope;
use super::top::top_classes;
use crate::common::arrays::check_shape;
use crate::common::parallel;
use crate::{Classes, Error, Label, Result, SoftFloat, SpatialDim};

/// Confidence and accuracy of the top label, pooled in bins of confidence.
///
/// The confidence of a voxel is its largest probability and its prediction the (first) class that has it. Bin b of B
/// holds the confidences in (b/B, (b+1)/B]. Bins of several volumes can be merged, so that a data set is judged in one pass
/// without keeping it; the pooled result is not the mean of those of the volumes.
///
/// The SVLS paper's released code takes 10 bins and foreground voxels, pools within a batch and averages over batches,
/// with NaN for a batch without foreground; its diagram averages the bins of batches with zeros for empty ones, which
/// draws both axes towards 0.
///
/// torchmetrics 1.9.0 takes 15 bins [b/B, (b+1)/B), with a confidence of 1 in a bin of its own, in `f32`. The ECE is the same but for
/// confidences on an edge. MONAI's and `MetricsReloaded`'s errors are of one class; see [`ClassReliability`](super::ClassReliability).
///
/// ```
/// use ndarray::array;
/// use soft_labels::Classes;
/// use soft_labels::metrics::{Reliability, Scope};
///
/// let classes = Classes::contiguous(2)?;
/// let mut bins = Reliability::new(10)?;
/// bins.add(&array![[[0.75, 0.25]], [[0.25, 0.75]]], &array![[0_u8, 0]], &classes, Scope::All)?;
/// let bin = bins.bins()[7];
/// assert_eq!((bin.count, bin.accuracy, bin.confidence), (2, 0.5, 0.75));
/// assert_eq!(bins.ece(), 0.25);
/// # Ok::<(), soft_labels::Error>(())
/// ```
///
/// With feature `serde` it is `{"bins": [{"count": 2, "correct": 1, "confidence": 1.5}]}` in JSON, a bin with the sum of its
/// confidences; it can be merged after it was read.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "super::serde::Bins", into = "super::serde::Bins")
)]
pub struct Reliability {
    pub(super) bins: Vec<Sums>,
}

/// What is counted in a bin.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(super) struct Sums {
    pub(super) count: u64,
    pub(super) correct: u64,
    /// Their sum.
    pub(super) confidence: f64,
}

impl Sums {
    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.correct += other.correct;
        self.confidence += other.confidence;
    }

    pub(super) fn bin(&self, lower: f64, upper: f64) -> ReliabilityBin {
        ReliabilityBin {
            lower,
            upper,
            count: self.count,
            correct: self.correct,
            accuracy: self.correct as f64 / self.count as f64,
            confidence: self.confidence / self.count as f64,
        }
    }
}

/// One bin of a reliability diagram. With feature `serde` it can be written to JSON and the like.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ReliabilityBin {
    /// Confidences in the bin are above this.
    pub lower: f64,
    /// And at most this.
    pub upper: f64,
    /// Number of voxels.
    pub count: u64,
    /// Number of voxels whose prediction is right.
    pub correct: u64,
    /// The fraction of them whose prediction is right; NaN in an empty bin.
    pub accuracy: f64,
    /// Their mean confidence; NaN in an empty bin.
    pub confidence: f64,
}

impl Reliability {
    /// The largest number of bins.
    const MAX: usize = 1 << 20;

    /// Empty bins: 10 in the paper, 15 in much other work.
    ///
    /// # Errors
    /// [`Error::Empty`] if there are none, [`Error::TooMany`] if there are more than a million.
    ///
    /// ```
    /// use soft_labels::metrics::Reliability;
    /// assert!(Reliability::new(15)?.ece().is_nan()); // nothing counted yet
    /// assert!(Reliability::new(0).is_err());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn new(bins: usize) -> Result<Self> {
        check_bins(bins)?;
        Ok(Self {
            bins: vec![Sums::default(); bins],
        })
    }

    /// Counts a volume: probabilities (C, H, W) or (C, D, H, W) beside the labels (H, W) or (D, H, W).
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Axes`], [`Error::UnknownLabel`], [`Error::Probability`],
    /// [`Error::ProbabilitySum`], [`Error::TooLarge`]; nothing is counted then.
    ///
    /// The example of [`Reliability`] uses it.
    #[expect(clippy::needless_pass_by_value, reason = "a scope is made for the call")]
    pub fn add<F: SoftFloat, L: Label, D: SpatialDim>(
        &mut self,
        probabilities: &ArrayRef<F, D::Larger>,
        labels: &ArrayRef<L, D>,
        classes: &Classes,
        scope: Scope<'_, D>,
    ) -> Result<()> {
        let predictions = Predictions::new(probabilities, Some(classes.len()))?;
        let targets = scope.targets(&predictions, labels, classes)?;
        let places = Places::new(&self.edges());
        // At least 16 voxels for each bin: the bins of all pieces take no more than 1.5 bytes a voxel.
        let piece = predictions.piece().max(16 * self.bins.len()).next_multiple_of(BLOCK);
        let pieces = parallel::pieces(predictions.voxels, piece);
        let of_pieces = parallel::map(predictions.work(2), pieces, |piece| {
            let mut bins = vec![Sums::default(); self.bins.len()];
            let (mut run, mut sums) = (0, Sums::default());
            for block in blocks(piece) {
                let (most, best) = top_classes(&predictions, block.clone());
                for (i, voxel) in block.enumerate() {
                    let target = targets[voxel];
                    if target != IGNORED {
                        let confidence = most[i].widen();
                        let bin = places.of(confidence);
                        // Neighbouring voxels are mostly in the same bin. Their sums are added to the bin when it changes.
                        if bin != run {
                            bins[run].add(std::mem::take(&mut sums));
                            run = bin;
                        }
                        sums.count += 1;
                        sums.correct += u64::from(best[i] == u32::from(target));
                        sums.confidence += confidence;
                    }
                }
            }
            bins[run].add(sums);
            bins
        });
        of_pieces.into_iter().for_each(|of_piece| self.add_sums(&of_piece));
        Ok(())
    }

    pub(super) fn add_sums(&mut self, sums: &[Sums]) {
        self.bins.iter_mut().zip(sums).for_each(|(bin, sums)| bin.add(*sums));
    }

    /// Adds the bins of other volumes.
    ///
    /// # Errors
    /// [`Error::Shape`] if the numbers of bins differ.
    ///
    /// ```
    /// use soft_labels::metrics::Reliability;
    /// let mut bins = Reliability::new(10)?;
    /// assert!(bins.merge(&Reliability::new(10)?).is_ok());
    /// assert!(bins.merge(&Reliability::new(15)?).is_err());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        check_shape("other's bins", &[self.bins.len()], &[other.bins.len()])?;
        self.add_sums(&other.bins);
        Ok(())
    }

    /// The bins, ascending: a reliability diagram.
    ///
    /// ```
    /// let bins = soft_labels::metrics::Reliability::new(10)?.bins();
    /// assert_eq!((bins[3].lower, bins[3].upper), (0.30000000000000004, 0.4)); // as numpy.linspace has it
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn bins(&self) -> Vec<ReliabilityBin> {
        let edges = self.edges();
        self.bins
            .iter()
            .zip(edges.windows(2))
            .map(|(bin, edges)| bin.bin(edges[0], edges[1]))
            .collect()
    }

    /// How many voxels were counted.
    ///
    /// ```
    /// assert_eq!(soft_labels::metrics::Reliability::new(10)?.count(), 0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn count(&self) -> u64 {
        self.bins.iter().map(|bin| bin.count).sum()
    }

    /// How many of the voxels that were counted are right; of [`class_calibration`](super::class_calibration()) the hits.
    ///
    /// ```
    /// use ndarray::array;
    /// let bins = soft_labels::metrics::class_calibration(&array![0.1, 0.9], &array![false, true], 20)?;
    /// assert_eq!((bins.correct(), bins.count()), (1, 2));
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn correct(&self) -> u64 {
        self.bins.iter().map(|bin| bin.correct).sum()
    }

    /// One of the three errors, for which there are [`ece`](Self::ece), [`ace`](Self::ace) and [`mce`](Self::mce), too.
    ///
    /// The example of [`CalibrationReduction`] uses it.
    pub fn error(&self, reduction: CalibrationReduction) -> f64 {
        reduction.of(&self.bins)
    }

    /// The expected calibration error of the top label (Guo et al., *ICML* 2017), or NaN if nothing was counted.
    ///
    /// ```text
    /// ECE = Σ_b n_b / N |accuracy_b - confidence_b|
    /// ```
    ///
    /// The example of [`Reliability`] uses it.
    pub fn ece(&self) -> f64 {
        self.error(CalibrationReduction::Expected)
    }

    /// The average calibration error: the mean over bins that are not empty, all alike (Neumann et al. 2018), or NaN if nothing
    /// was counted.
    ///
    /// ```text
    /// ACE = 1/|B| Σ_b |accuracy_b - confidence_b|
    /// ```
    ///
    /// The example of [`class_calibration`](super::class_calibration()) uses it.
    pub fn ace(&self) -> f64 {
        self.error(CalibrationReduction::Average)
    }

    /// The maximum calibration error: that of the worst bin, or NaN if nothing was counted.
    ///
    /// ```text
    /// MCE = max_b |accuracy_b - confidence_b|
    /// ```
    ///
    /// The example of [`class_calibration`](super::class_calibration()) uses it.
    pub fn mce(&self) -> f64 {
        self.error(CalibrationReduction::Maximum)
    }

    /// The borders of the bins, as `numpy.linspace(0, 1, B + 1)` has them.
    pub(super) fn edges(&self) -> Vec<f64> {
        let step = 1.0 / self.bins.len() as f64;
        let mut edges: Vec<_> = (0..self.bins.len()).map(|b| b as f64 * step).collect();
        edges.push(1.0);
        edges
    }
}

pub(super) fn check_bins(count: usize) -> Result<()> {
    match count {
        0 => Err(Error::Empty { what: "bins" }),
        1..=Reliability::MAX => Ok(()),
        _ => Err(Error::TooMany {
            what: "bins",
            count,
            max: Reliability::MAX,
        }),
    }
}

/// Finds the bin of a confidence.
pub(super) struct Places {
    /// Of each bin, but all confidences are above the first's lower edge and at most the last's upper one.
    edges: Vec<[f64; 2]>,
    scale: f64,
}

impl Places {
    pub(super) fn new(edges: &[f64]) -> Self {
        let mut edges: Vec<_> = edges.windows(2).map(|pair| [pair[0], pair[1]]).collect();
        if let Some(first) = edges.first_mut() {
            first[0] = f64::NEG_INFINITY;
        }
        if let Some(last) = edges.last_mut() {
            last[1] = f64::INFINITY;
        }
        let scale = edges.len() as f64;
        Self { edges, scale }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a guess that is set right"
    )]
    #[inline]
    pub(super) fn of(&self, confidence: f64) -> usize {
        let guess = ((confidence * self.scale) as usize).min(self.edges.len() - 1);
        let [lower, upper] = self.edges[guess];
        guess + usize::from(confidence > upper) - usize::from(confidence <= lower)
    }
}
