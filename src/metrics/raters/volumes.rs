//! Volumes that several raters measured.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use super::erf::erf;
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
/// The challenge CURVAS fits a Gaussian to the raters instead: [`crps_of_volumes_gaussian`].
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

/// The continuous ranked probability score of a predicted volume against a Gaussian with the mean and the standard deviation σ
/// (with divisor R) of the volumes of R raters, in their unit: what the challenge CURVAS means.
///
/// ```text
/// CRPS = σ (z (2 Φ(z) - 1) + 2 φ(z) - 1/√π)      z = (v - mean) / σ
/// ```
///
/// (Gneiting & Raftery 2007, equation 5.) Where σ is 0, as for one rater, it is the absolute error. It is NaN if a volume is
/// NaN or a rater's is infinite.
///
/// The released code of CURVAS integrates three standard deviations about the mean alone: it scores 125, 500 and 5000 the same
/// against 90, 100 and 110, and NaN where raters agree. No option gives its numbers. [`crps_of_volumes`] fits no Gaussian.
///
/// # Errors
/// [`Error::Empty`] without raters.
///
/// ```
/// use soft_labels::metrics::crps_of_volumes_gaussian;
///
/// let raters = [90.0, 100.0, 110.0];
/// for (volume, expected) in [(125.0, 20.4), (500.0, 395.4), (5000.0, 4895.4)] {
///     assert!((crps_of_volumes_gaussian(volume, &raters)? - expected).abs() < 0.05);
/// }
/// assert_eq!(crps_of_volumes_gaussian(125.0, &[100.0, 100.0])?, 25.0);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn crps_of_volumes_gaussian(volume: f64, raters: &[f64]) -> Result<f64> {
    if raters.is_empty() {
        return Err(Error::Empty { what: "raters" });
    }
    let count = raters.len() as f64;
    let mean = total(raters.iter().copied()) / count;
    let variance = total(raters.iter().map(|rater| (rater - mean) * (rater - mean))) / count;
    let (deviation, error) = (variance.sqrt(), (volume - mean).abs());
    if deviation == 0.0 {
        return Ok(error);
    }
    // 2 Φ(z) - 1 = erf(z/√2) and 2 φ(z) = √(2/π) exp(-z²/2).
    let z = error / deviation;
    let density = FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * (-z * z / 2.0).exp();
    Ok(error * erf(z * FRAC_1_SQRT_2) + deviation * (density - FRAC_2_SQRT_PI / 2.0))
}
