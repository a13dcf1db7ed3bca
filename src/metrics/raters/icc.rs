//! Whether raters measure the same volumes.

use ndarray::{ArrayRef, Ix2};

use super::f_distribution::quantile;
use crate::common::arrays::{in_order, reserved, zeros};
use crate::common::parallel::total;
use crate::{Error, Result};

/// The intraclass correlation ICC(2,1) of a table (cases, raters) of volumes, at most 1 and without unit: two-way random
/// effects, absolute agreement, a single rater.
///
/// ```text
/// (B - E) / (B + (k - 1) E + k (J - E) / n)
/// ```
///
/// (Shrout & Fleiss, *Intraclass correlations: uses in assessing rater reliability*, Psychological Bulletin 1979.) B, J and E
/// are the mean squares between n cases, between k raters, and of the rest. A rater who measures more than another everywhere
/// lowers it. [`icc_interval`] says how sure it is.
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
    Ok(MeanSquares::of(volumes)?.map_or(f64::NAN, |squares| squares.icc()))
}

/// The interval of [`icc_of_volumes`] at a level of confidence such as 0.95, from the lower to the upper bound, by the F
/// distribution.
///
/// ```text
/// lower = n (B - f E) / (f (k J + (k n - k - n) E) + n B)      f = F(1 - a/2; n - 1, v)
/// upper = n (g B - E) / (k J + (k n - k - n) E + n g B)        g = F(1 - a/2; v, n - 1)
/// v = (k - 1) (n - 1) (p + q)² / ((n - 1) p² + q²)             p = k r J      q = (n (1 + (k - 1) r) - k r) E
/// ```
///
/// with the mean squares B, J, E of n cases and k raters as there, r the correlation, a = 1 - level and F the quantile (Shrout &
/// Fleiss 1979; Wong & `McGraw`, *Forming inferences about some intraclass correlation coefficients*, Psychological Methods 1996,
/// case 2). It takes effects of cases, effects of raters and errors for normally distributed. Volumes are often skewed, and then it
/// is a rough guide.
///
/// Both bounds are NaN where the correlation is.
///
/// # Errors
/// [`Error::Setting`] if the level does not lie between 0 and 1, [`Error::TooLarge`].
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics::{icc_interval, icc_of_volumes};
///
/// // Shrout & Fleiss's table of six cases and four raters.
/// let table =
///     array![[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]].mapv(f64::from);
/// let [low, high] = icc_interval(&table, 0.95)?;
/// assert!((icc_of_volumes(&table)? - 0.29).abs() < 5e-3);
/// assert!((low - 0.019).abs() < 5e-4 && (high - 0.761).abs() < 5e-4);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn icc_interval(volumes: &ArrayRef<f64, Ix2>, level: f64) -> Result<[f64; 2]> {
    if !(level > 0.0 && level < 1.0) {
        return Err(Error::Setting {
            what: "level",
            place: None,
            value: level,
            allowed: "between 0 and 1",
        });
    }
    let interval = |squares: MeanSquares| squares.interval(level);
    Ok(MeanSquares::of(volumes)?.map_or([f64::NAN; 2], interval))
}

/// The mean squares between cases, between raters, and of the rest.
struct MeanSquares {
    cases: f64,
    raters: f64,
    rest: f64,
    /// The numbers of cases and raters.
    size: [f64; 2],
}

impl MeanSquares {
    /// Nothing for fewer than two cases or raters.
    fn of(volumes: &ArrayRef<f64, Ix2>) -> Result<Option<Self>> {
        let (cases, raters) = volumes.dim();
        if cases < 2 || raters < 2 {
            return Ok(None);
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
        let rest = values.chunks(raters).zip(&of_cases).map(|(row, case)| {
            let apart = row
                .iter()
                .zip(&of_raters)
                .map(|(value, rater)| value - case - rater + grand);
            total(apart.map(|apart| apart * apart))
        });
        Ok(Some(Self {
            cases: k * squares(&of_cases) / (n - 1.0),
            raters: n * squares(&of_raters) / (k - 1.0),
            rest: total(rest) / ((n - 1.0) * (k - 1.0)),
            size: [n, k],
        }))
    }

    fn icc(&self) -> f64 {
        let [n, k] = self.size;
        let below = self.cases + (k - 1.0) * self.rest + k * (self.raters - self.rest) / n;
        if below > 0.0 {
            (self.cases - self.rest) / below
        } else {
            f64::NAN
        }
    }

    fn interval(&self, level: f64) -> [f64; 2] {
        let icc = self.icc();
        if icc.is_nan() {
            return [f64::NAN; 2];
        }
        let [n, k] = self.size;
        // Relative to the largest: their squares may be infinite.
        let most = self.cases.max(self.raters).max(self.rest);
        let (b, j, e) = (self.cases / most, self.raters / most, self.rest / most);
        let (p, q) = (k * icc * j, (n * (1.0 + (k - 1.0) * icc) - k * icc) * e);
        let degrees = (k - 1.0) * (n - 1.0) * (p + q) * (p + q) / ((n - 1.0) * p * p + q * q);
        let others = k * j + (k * n - k - n) * e;
        if others == 0.0 {
            // Nothing but the cases differs, whatever the degrees of freedom are.
            return [1.0; 2];
        }
        let probability = 1.0 - (1.0 - level) / 2.0;
        let (f, g) = (
            quantile(probability, [n - 1.0, degrees]),
            quantile(probability, [degrees, n - 1.0]),
        );
        [
            n * (b - f * e) / (f * others + n * b),
            n * (g * b - e) / (others + n * g * b),
        ]
    }
}
