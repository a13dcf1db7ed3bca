//! Volumes that several raters measured.

use ndarray::{ArrayRef, Ix2};

use crate::common::arrays::{in_order, reserved, zeros};
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

/// The intraclass correlation ICC(2,1) of a table (cases, raters) of volumes, at most 1 and without unit: two-way random
/// effects, absolute agreement, a single rater.
///
/// ```text
/// (B - E) / (B + (k - 1) E + k (J - E) / n)
/// ```
///
/// (Shrout & Fleiss, *Intraclass correlations: uses in assessing rater reliability*, Psychological Bulletin 1979.) B, J and E
/// are the mean squares between n cases, between k raters, and of the rest. A rater who measures more than another everywhere
/// lowers it.
///
/// It is NaN for fewer than two cases or raters, where all volumes are the same, and where one is not finite.
///
/// # Errors
/// [`Error::TooLarge`].
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics::icc_of_volumes;
///
/// assert_eq!(icc_of_volumes(&array![[1.0, 1.0], [3.0, 3.0], [8.0, 8.0]])?, 1.0);
/// assert!(icc_of_volumes(&array![[1.0, 1.0]])?.is_nan());
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn icc_of_volumes(volumes: &ArrayRef<f64, Ix2>) -> Result<f64> {
    let (cases, raters) = volumes.dim();
    if cases < 2 || raters < 2 {
        return Ok(f64::NAN);
    }
    let (n, k) = (cases as f64, raters as f64);
    let values = in_order(volumes)?;
    let mut of_cases = reserved(cases, || vec![cases])?;
    of_cases.extend(values.chunks(raters).map(|row| total(row.iter().copied()) / k));
    let mut of_raters: Vec<f64> = zeros(raters, &[raters])?;
    for row in values.chunks(raters) {
        of_raters.iter_mut().zip(row).for_each(|(sum, value)| *sum += value / n);
    }
    let grand = total(of_cases.iter().copied()) / n;
    let squares = |means: &[f64]| total(means.iter().map(|mean| (mean - grand) * (mean - grand)));
    let between_cases = k * squares(&of_cases) / (n - 1.0);
    let between_raters = n * squares(&of_raters) / (k - 1.0);
    let rest = values.chunks(raters).zip(&of_cases).map(|(row, case)| {
        let apart = row
            .iter()
            .zip(&of_raters)
            .map(|(value, rater)| value - case - rater + grand);
        total(apart.map(|apart| apart * apart))
    });
    let rest = total(rest) / ((n - 1.0) * (k - 1.0));
    let below = between_cases + (k - 1.0) * rest + k * (between_raters - rest) / n;
    Ok(if below > 0.0 {
        (between_cases - rest) / below
    } else {
        f64::NAN
    })
}
