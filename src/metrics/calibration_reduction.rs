//! How the errors of bins become one number.

use super::reliability::Sums;

/// How the errors of the bins of a [`Reliability`](super::Reliability) become one number, by the names of MONAI's
/// `CalibrationReduction`.
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics::{CalibrationReduction, class_calibration};
///
/// let bins = class_calibration(&array![1.0, 1.0, 1.0, 1.0, 0.0], &array![false, false, true, true, true], 2)?;
/// let errors = CalibrationReduction::ALL.map(|reduction| bins.error(reduction));
/// assert_eq!(errors, [0.6, 0.75, 1.0]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum CalibrationReduction {
    /// ECE: the mean over voxels.
    #[default]
    Expected,
    /// ACE: the mean over bins that hold voxels, all alike.
    Average,
    /// MCE: the largest.
    Maximum,
}

impl CalibrationReduction {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Expected, Self::Average, Self::Maximum];

    /// The error of some bins; NaN if none holds voxels.
    pub(super) fn of(self, bins: &[Sums]) -> f64 {
        let apart = |bin: &Sums| (bin.correct as f64 - bin.confidence).abs();
        let gaps = || {
            let counted = bins.iter().filter(|bin| bin.count > 0);
            counted.map(|bin| apart(bin) / bin.count as f64)
        };
        match self {
            Self::Expected => {
                bins.iter().map(apart).sum::<f64>() / bins.iter().map(|bin| bin.count).sum::<u64>() as f64
            }
            Self::Average => gaps().sum::<f64>() / gaps().count() as f64,
            Self::Maximum => gaps().fold(f64::NAN, f64::max),
        }
    }
}
