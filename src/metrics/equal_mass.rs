//! Bins that hold equally many voxels.

use super::CalibrationReduction;
use super::reliability::{Reliability, ReliabilityBin, Sums, check_bins};
use crate::Result;

/// Bins that hold about equally many voxels each, which [`Reliability::equal_mass`] makes of many fine ones.
///
/// Voxels of a segmentation mostly have probabilities next to 0 or 1. Of bins of equal width nearly all are then empty but for
/// the first and the last; these bins are narrow where voxels are many.
#[derive(Debug, Clone, PartialEq)]
pub struct EqualMassBins {
    /// With the upper border of each.
    bins: Vec<(f64, Sums)>,
}

impl Reliability {
    /// Regroups the bins into so many of about equal mass.
    ///
    /// Whole bins are taken from the lowest on; a new bin is complete when the share of voxels up to its end reaches the next
    /// multiple of 1/B, which is compared in whole numbers. A bin is never divided, so equal probabilities stay in one bin, and
    /// a bin that holds more than 1/B of the voxels makes the result shorter than B. Empty bins do not exist.
    ///
    /// Counts, accuracies and mean confidences of the new bins are exact. Their borders are borders of the fine bins, so a new
    /// bin holds more than 1/B of the voxels by less than what its last fine bin holds. Count in many fine bins for this, such
    /// as 5100: probabilities in 255ths then have a bin each, and bins of cases are merged before they are regrouped.
    ///
    /// [`Tace`](super::Tace) sorts the probabilities of whole volumes instead and separates equal ones.
    ///
    /// # Errors
    /// [`Error::Empty`](crate::Error::Empty) and [`Error::TooMany`](crate::Error::TooMany) for the bins.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::metrics::class_calibration;
    ///
    /// let p = array![0.01, 0.02, 0.03, 0.04, 0.05, 0.9];
    /// let fine = class_calibration(&p, &array![false, false, false, true, true, true], 5100)?;
    /// let counts: Vec<_> = fine.equal_mass(3)?.bins().iter().map(|bin| bin.count).collect();
    /// assert_eq!(counts, [2, 2, 2]);
    /// assert!((fine.equal_mass(3)?.ece() - (0.03 + 0.93 + 1.05) / 6.0).abs() < 1e-12);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn equal_mass(&self, bins: usize) -> Result<EqualMassBins> {
        check_bins(bins)?;
        let all = u128::from(self.count());
        let (mut regrouped, mut held) = (Vec::new(), Sums::default());
        let (mut below, mut next) = (0_u128, 1_u128);
        for (sums, upper) in self.bins.iter().zip(self.edges().into_iter().skip(1)) {
            held.add(*sums);
            below += u128::from(sums.count);
            let parts = below * bins as u128;
            if held.count > 0 && parts >= next * all {
                regrouped.push((upper, std::mem::take(&mut held)));
                next = parts / all + 1;
            }
        }
        if let Some((upper, _)) = regrouped.last_mut() {
            *upper = 1.0;
        }
        Ok(EqualMassBins { bins: regrouped })
    }
}

impl EqualMassBins {
    /// The bins, ascending. There are none if nothing was counted.
    ///
    /// The example of [`Reliability::equal_mass`] uses it.
    pub fn bins(&self) -> Vec<ReliabilityBin> {
        let lower = std::iter::once(0.0).chain(self.bins.iter().map(|(upper, _)| *upper));
        let bins = self.bins.iter().zip(lower);
        bins.map(|((upper, sums), lower)| sums.bin(lower, *upper)).collect()
    }

    /// The expected calibration error, or NaN if nothing was counted. With bins of equal mass it is close to [`ace`](Self::ace).
    ///
    /// The example of [`Reliability::equal_mass`] uses it.
    pub fn ece(&self) -> f64 {
        self.error(CalibrationReduction::Expected)
    }

    /// The average calibration error, or NaN if nothing was counted: the adaptive calibration error of Nixon et al., *Measuring
    /// Calibration in Deep Learning*, 2019.
    ///
    /// ```
    /// assert!(soft_labels::metrics::Reliability::new(5100)?.equal_mass(15)?.ace().is_nan());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn ace(&self) -> f64 {
        self.error(CalibrationReduction::Average)
    }

    /// The maximum calibration error, or NaN if nothing was counted.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::metrics::class_calibration;
    ///
    /// let fine = class_calibration(&array![0.25, 0.75], &array![false, false], 5100)?;
    /// assert_eq!(fine.equal_mass(2)?.mce(), 0.75);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn mce(&self) -> f64 {
        self.error(CalibrationReduction::Maximum)
    }

    /// One of the three.
    ///
    /// ```
    /// use soft_labels::metrics::{CalibrationReduction, Reliability};
    ///
    /// let bins = Reliability::new(5100)?.equal_mass(15)?;
    /// assert!(bins.error(CalibrationReduction::Expected).is_nan()); // nothing was counted
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn error(&self, reduction: CalibrationReduction) -> f64 {
        let sums: Vec<_> = self.bins.iter().map(|(_, sums)| *sums).collect();
        reduction.of(&sums)
    }
}
