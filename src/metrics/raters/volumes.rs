//! Volumes that several raters measured.

use crate::common::arrays::reserved;
use crate::common::parallel::total;
use crate::{Error, Result};

/// The continuous ranked probability score of a predicted volume against the volumes of raters, in their unit.
///
/// ```text
/// CRPS = E|V - v| - 1/2 E|V - V'|      V and V' over the raters, a rater with itself included
/// ```
///
/// (Gneiting & Raftery, *Strictly proper scoring rules, prediction, and estimation*, 2007, equation 21.) It is 0 only if all
/// raters agree with the prediction, and for one rater the absolute error. It is NaN if a volume is NaN or a rater's is
/// infinite.
///
/// The challenge CURVAS fits a Gaussian to the raters instead, so that its numbers differ, most of all far away: its released
/// code integrates three standard deviations about their mean.
///
/// # Errors
/// [`Error::Empty`] without raters, [`Error::TooLarge`].
///
/// ```
/// use soft_labels::metrics::crps_of_volumes;
///
/// let millilitres = crps_of_volumes(125.0, &[90.0, 100.0, 110.0])?;
/// assert!((millilitres - (25.0 - 40.0 / 9.0)).abs() < 1e-12);
/// assert_eq!(crps_of_volumes(125.0, &[100.0])?, 25.0);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn crps_of_volumes(volume: f64, raters: &[f64]) -> Result<f64> {
    if raters.is_empty() {
        return Err(Error::Empty { what: "raters" });
    }
    let count = raters.len() as f64;
    let mut sorted = reserved(raters.len(), || vec![raters.len()])?;
    sorted.extend_from_slice(raters);
    sorted.sort_unstable_by(f64::total_cmp);
    // Of all pairs, k (R - k) lie on both sides of the gap above the k lowest volumes.
    let gaps = (1..).zip(sorted.windows(2)).map(|(below, pair)| {
        let below = f64::from(below);
        (pair[1] - pair[0]) * below * (count - below)
    });
    let error = total(raters.iter().map(|rater| (rater - volume).abs())) / count;
    Ok(error - total(gaps) / (count * count))
}
