//! Whether raters agree more than by chance.

use ndarray::{ArrayRef, Ix2};

use super::sums::Sums;
use crate::common::arrays::{in_order, zeros};
use crate::{Error, Label, Result};

/// Fleiss' kappa of a table (voxels, classes) of how many raters chose each class: 1 for full agreement, 0 for agreement
/// by chance, below 0 for less.
///
/// ```text
/// κ = (A - E) / (1 - E)      A = 1/N Σ_i (Σ_c n_ic² - n) / (n (n - 1))      E = Σ_c (Σ_i n_ic / (N n))²
/// ```
///
/// (Fleiss, *Measuring nominal scale agreement among many raters*, Psychological Bulletin 1971.) N is the number of voxels
/// and n that of raters, the same for every voxel.
///
/// It depends on the region. Four disputed voxels give -0.125 alone, 0.437 with four voxels of background on which all
/// agree, and 0.615 with a hundred. So state the region; a usual one is the voxels that any rater gave to a class other
/// than the background.
///
/// It is NaN where all raters chose one class everywhere, for one rater, and for a table without voxels or classes.
///
/// # Errors
/// [`Error::Setting`] if a count is negative, [`Error::UnequalRaters`], [`Error::TooLarge`].
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics::fleiss_kappa;
///
/// assert_eq!(fleiss_kappa(&array![[3, 0], [0, 3]])?, 1.0);
/// assert!((fleiss_kappa(&array![[0, 3], [1, 2], [2, 1], [1, 2]])? + 0.125).abs() < 1e-12);
/// assert!(fleiss_kappa(&array![[3, 0], [3, 0]])?.is_nan());
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn fleiss_kappa<L: Label>(counts: &ArrayRef<L, Ix2>) -> Result<f64> {
    let mut sums = Sums::new(zeros(counts.ncols(), counts.shape())?);
    let mut raters = None;
    for_each_voxel(counts, |row, of_voxel, values| {
        let first = *raters.get_or_insert(of_voxel);
        if of_voxel != first {
            return Err(Error::UnequalRaters {
                voxel: row,
                raters: of_voxel,
                expected: first,
            });
        }
        sums.add(values.iter().map(|count| count.value() as f64).enumerate(), 1.0);
        Ok(())
    })?;
    Ok(sums.fleiss_kappa(raters.map_or(f64::NAN, |raters| raters as f64)))
}

/// Krippendorff's alpha for nominal data of a table (voxels, classes) of how many raters chose each class: 1 for full
/// agreement, 0 for agreement by chance, below 0 for less.
///
/// ```text
/// α = 1 - D / E      D = 1/n Σ_i (m_i² - Σ_c n_ic²) / (m_i - 1)      E = (n² - Σ_c n_c²) / (n (n - 1))
/// ```
///
/// (Krippendorff, *Computing Krippendorff's alpha-reliability*, 2011.) `m_i` is the number of raters of voxel i, n the sum over
/// voxels, and `n_c` that of class c. Voxels may have different numbers of raters; those with fewer than two do not count. Like
/// [`fleiss_kappa`] it depends on the region.
///
/// It is NaN where no voxel has two raters, and where all raters chose one class everywhere.
///
/// # Errors
/// [`Error::Setting`] if a count is negative, [`Error::TooLarge`].
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics::krippendorff_alpha;
///
/// assert_eq!(krippendorff_alpha(&array![[3, 0], [0, 2], [1, 0]])?, 1.0);
/// assert!(krippendorff_alpha(&array![[1, 0], [0, 1]])?.is_nan()); // one rater alone
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn krippendorff_alpha<L: Label>(counts: &ArrayRef<L, Ix2>) -> Result<f64> {
    let mut sums = Sums::new(zeros(counts.ncols(), counts.shape())?);
    for_each_voxel(counts, |_, _, values| {
        sums.add(values.iter().map(|count| count.value() as f64).enumerate(), 1.0);
        Ok(())
    })?;
    Ok(sums.krippendorff_alpha())
}

/// Tells of each voxel its number, the sum of its counts, and the counts.
fn for_each_voxel<L: Label>(
    counts: &ArrayRef<L, Ix2>,
    mut tell: impl FnMut(usize, i128, &[L]) -> Result<()>,
) -> Result<()> {
    let in_order = in_order(counts)?;
    for (voxel, values) in in_order.chunks(counts.ncols().max(1)).enumerate() {
        if let Some(negative) = values.iter().find(|count| count.value() < 0) {
            return Err(Error::Setting {
                what: "count of raters",
                place: None,
                value: negative.value() as f64,
                allowed: "0 or more",
            });
        }
        tell(voxel, values.iter().map(|count| count.value()).sum(), values)?;
    }
    Ok(())
}
