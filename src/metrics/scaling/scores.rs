//! How good calibrated probabilities are, over many cases.

use ndarray::{Array, ArrayRef};

use super::input::Case;
use super::sums::Scale;
use super::{Calibration, Outputs};
use crate::common::arrays;
use crate::metrics::{ClassReliability, Reliability, Scope, brier};
use crate::{Classes, Label, Result, SoftFloat, SpatialDim};

/// Scores of calibrated probabilities, pooled over the voxels of all cases: negative log-likelihood, Brier score, and the
/// expected calibration errors of the top label and of the classes.
///
/// Scores of several cases can be merged. For the scores before a calibration take that of [`Calibration::temperature`] 1: so
/// zeros count there as they do afterwards (see [`Outputs`]), and the likelihood of a label whose probability is 0 is a
/// number. For scores that were not fitted take [`CalibrationFit::without`](super::CalibrationFit::without).
///
/// ```
/// use ndarray::array;
/// use soft_labels::Classes;
/// use soft_labels::metrics::{Calibration, CalibrationScores, Outputs};
///
/// let (logits, labels) = (array![[[0.0, 0.0]], [[4.0, 4.0]]], array![[1_u8, 0]]);
/// let mut scores = CalibrationScores::new(2, 10)?;
/// let none = Calibration::temperature(1.0, 2)?;
/// scores.add(&none, &logits, Outputs::Logits, &labels, &Classes::contiguous(2)?)?;
/// assert_eq!(scores.voxels(), 2);
/// let right = 1.0 / (1.0 + (-4_f64).exp());
/// assert!((scores.ece() - (right - 0.5)).abs() < 1e-12);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationScores {
    /// Sums over voxels.
    likelihood: f64,
    squares: f64,
    top: Reliability,
    of_classes: ClassReliability,
}

impl CalibrationScores {
    /// No voxels yet. `bins` is the number of bins of the calibration errors.
    ///
    /// # Errors
    /// [`Error::Empty`](crate::Error::Empty) and [`Error::TooMany`](crate::Error::TooMany) for the classes and the bins.
    ///
    /// The example of [`CalibrationScores`] uses it.
    pub fn new(classes: usize, bins: usize) -> Result<Self> {
        Ok(Self {
            likelihood: 0.0,
            squares: 0.0,
            top: Reliability::new(bins)?,
            of_classes: ClassReliability::new(classes, bins)?,
        })
    }

    /// Adds the voxels of a case, whose outputs (C, H, W) or (C, D, H, W) are calibrated first.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape), [`Axes`](crate::Error::Axes), [`UnknownLabel`](crate::Error::UnknownLabel),
    /// [`OtherOutputs`](crate::Error::OtherOutputs), [`Logit`](crate::Error::Logit),
    /// [`Probability`](crate::Error::Probability), [`ProbabilitySum`](crate::Error::ProbabilitySum),
    /// [`NoPrediction`](crate::Error::NoPrediction), [`TooLarge`](crate::Error::TooLarge); nothing is added then.
    ///
    /// The example of [`CalibrationScores`] uses it.
    pub fn add<F: SoftFloat, L: Label, D: SpatialDim>(
        &mut self,
        calibration: &Calibration,
        values: &ArrayRef<F, D::Larger>,
        outputs: Outputs,
        labels: &ArrayRef<L, D>,
        classes: &Classes,
    ) -> Result<()> {
        let mut added = Self::new(self.of_classes.classes().len(), self.top.bins.len())?;
        calibration.check(values.shape(), outputs)?;
        let case = Case::new(values, outputs, labels, classes)?;
        let voxels = case.voxels();
        if voxels == 0 {
            return Ok(());
        }
        let sums = case.sums(&[&Scale::of(calibration)]);
        added.likelihood = sums.iter().map(|sums| sums.likelihood).sum();
        let mut probabilities: Array<f64, D::Larger> = arrays::filled(values.raw_dim(), 0.0)?;
        calibration.write(&case.input, |voxel| case.target(voxel).is_some(), &mut probabilities)?;
        added.squares = brier(&probabilities, labels, classes)? * voxels as f64;
        added.top.add(&probabilities, labels, classes, Scope::All)?;
        added.of_classes.add(&probabilities, labels, classes, Scope::All)?;
        self.merge(&added)
    }

    /// Adds the voxels of other cases.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the numbers of classes or bins differ.
    ///
    /// ```
    /// use soft_labels::metrics::CalibrationScores;
    /// let mut scores = CalibrationScores::new(2, 10)?;
    /// assert!(scores.merge(&CalibrationScores::new(2, 10)?).is_ok());
    /// assert!(scores.merge(&CalibrationScores::new(3, 10)?).is_err());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.of_classes.merge(&other.of_classes)?;
        self.top.merge(&other.top)?;
        self.likelihood += other.likelihood;
        self.squares += other.squares;
        Ok(())
    }

    /// How many voxels count.
    pub fn voxels(&self) -> u64 {
        self.top.count()
    }

    /// The mean negative log-likelihood of the labels, in nats, or NaN without voxels.
    pub fn nll(&self) -> f64 {
        self.likelihood / self.voxels() as f64
    }

    /// The mean Brier score, from 0 to 2, or NaN without voxels.
    pub fn brier(&self) -> f64 {
        self.squares / self.voxels() as f64
    }

    /// The expected calibration error of the top label, or NaN without voxels.
    pub fn ece(&self) -> f64 {
        self.top.ece()
    }

    /// The mean over the classes that occur, the first among them, of the expected calibration errors of their probabilities, or
    /// NaN without voxels.
    pub fn class_ece(&self) -> f64 {
        self.of_classes.mean(Reliability::ece)
    }

    /// The reliability diagram of the top label.
    pub fn reliability(&self) -> &Reliability {
        &self.top
    }

    /// The reliability diagram of each class.
    pub fn of_classes(&self) -> &ClassReliability {
        &self.of_classes
    }
}
