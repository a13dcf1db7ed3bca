//! Several raters of the same image: the mean of their soft labels, and how much they disagree.
//!
//! Any encoding can be averaged: the mean of [`OneHot`](crate::OneHot) is mOH, of
//! [`LabelSmoothing`](crate::LabelSmoothing) mLS, and of [`Svls`](crate::Svls) mSVLS. This is equation 4 of Islam & Glocker
//! 2021 in the words of its text: first every rater's own soft labels, then their mean.
//!
//! ```text
//! p(v) = Σ_r w_r p_r(v) / Σ_r w_r      over the raters r who labelled voxel v
//! ```
//!
//! (The printed equation sums up to `D_c` where it means the number of raters. Read literally, the probabilities would not
//! sum to 1.) A rater who ignores a voxel is left out there. Where all raters ignore it, the result is all zero.
//!
//! ```
//! use ndarray::{Array3, array};
//! use soft_labels::{Classes, OneHot, Svls, multirater};
//!
//! let first = array![[0_u8, 1, 0], [1, 1, 1], [0, 1, 0]];
//! let second = array![[0_u8, 1, 0], [1, 1, 2], [0, 1, 0]];
//! let (raters, classes) = ([first.view(), second.view()], Classes::contiguous(3)?);
//!
//! let moh: Array3<f32> = multirater::average(&OneHot, &raters, &classes)?;
//! let msvls: Array3<f32> = multirater::average(&Svls::default(), &raters, &classes)?;
//! assert_eq!(moh[[2, 1, 1]], 0.0); // at the centre nobody saw class 2,
//! assert!(msvls[[2, 1, 1]] > 0.0); // but one of them saw it beside
//! # Ok::<(), soft_labels::Error>(())
//! ```

mod disagreement;
mod votes;

use ndarray::{Array, ArrayRef, ArrayView};

pub use disagreement::{Disagreement, disagreement};
pub(crate) use votes::Vote;
pub use votes::Votes;

use crate::common::arrays;
use crate::{Classes, Label, Raters, Result, SoftEncoder, SoftFloat, SpatialDim};

/// The mean of the raters' soft labels, all raters alike: (C, H, W) or (C, D, H, W) in C order.
///
/// With one rater the result has the same bits as [`encode`](SoftEncoder::encode).
///
/// # Errors
/// [`Error::Empty`](crate::Error::Empty) without raters, [`Error::Shape`](crate::Error::Shape) if their label maps differ in
/// shape, and those of the encoder.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Classes, LabelSmoothing, multirater};
///
/// let (first, second) = (array![[0_u8, 0]], array![[0_u8, 1]]);
/// let mls: Array3<f64> = multirater::average(
///     &LabelSmoothing::new(0.5)?,
///     &[first.view(), second.view()],
///     &Classes::contiguous(2)?,
/// )?;
/// assert_eq!(mls, array![[[0.75, 0.5]], [[0.25, 0.5]]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn average<L: Label, F: SoftFloat, D: SpatialDim>(
    encoder: &impl SoftEncoder,
    raters: &[ArrayView<'_, L, D>],
    classes: &Classes,
) -> Result<Array<F, D::Larger>> {
    let raters = Raters::new(raters)?;
    encoder.encode_raters(&raters, classes)
}

/// The weighted mean of the raters' soft labels: (C, H, W) or (C, D, H, W) in C order.
///
/// There is a weight for each rater, finite and not negative; they are divided by their sum. With equal weights the result
/// has the same bits as [`average`].
///
/// # Errors
/// Those of [`average`], [`Error::Count`](crate::Error::Count) unless there is a weight for each rater,
/// [`Error::Setting`](crate::Error::Setting) if one is negative or not finite, and
/// [`Error::AllZero`](crate::Error::AllZero).
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Classes, OneHot, multirater};
///
/// let (senior, junior) = (array![[0_u8, 0]], array![[0_u8, 1]]);
/// let moh: Array3<f64> = multirater::weighted_average(
///     &OneHot,
///     &[senior.view(), junior.view()],
///     &[3.0, 1.0],
///     &Classes::contiguous(2)?,
/// )?;
/// assert_eq!(moh, array![[[1.0, 0.75]], [[0.0, 0.25]]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn weighted_average<L: Label, F: SoftFloat, D: SpatialDim>(
    encoder: &impl SoftEncoder,
    raters: &[ArrayView<'_, L, D>],
    weights: &[f64],
    classes: &Classes,
) -> Result<Array<F, D::Larger>> {
    let raters = Raters::weighted(raters, weights)?;
    encoder.encode_raters(&raters, classes)
}

/// Writes the mean of the raters' soft labels to `out`, which may have any strides.
///
/// # Errors
/// Those of [`average`], and [`Error::Shape`](crate::Error::Shape).
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Classes, OneHot, multirater};
///
/// let (first, second) = (array![[0_u8, 0]], array![[0_u8, 1]]);
/// let mut out = Array3::<f32>::zeros((2, 1, 2));
/// multirater::average_into(&OneHot, &[first.view(), second.view()], &Classes::contiguous(2)?, &mut out)?;
/// assert_eq!(out, array![[[1.0, 0.5]], [[0.0, 0.5]]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn average_into<L: Label, F: SoftFloat, D: SpatialDim>(
    encoder: &impl SoftEncoder,
    raters: &[ArrayView<'_, L, D>],
    classes: &Classes,
    out: &mut ArrayRef<F, D::Larger>,
) -> Result<()> {
    let raters = Raters::new(raters)?;
    encoder.encode_raters_into(&raters, classes, out)
}

/// Writes the weighted mean of the raters' soft labels to `out`, which may have any strides.
///
/// # Errors
/// Those of [`weighted_average`], and [`Error::Shape`](crate::Error::Shape).
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Classes, OneHot, multirater};
///
/// let (first, second) = (array![[0_u8, 0]], array![[0_u8, 1]]);
/// let (raters, classes) = ([first.view(), second.view()], Classes::contiguous(2)?);
/// let mut out = Array3::<f32>::zeros((2, 1, 2));
/// multirater::weighted_average_into(&OneHot, &raters, &[1.0, 3.0], &classes, &mut out)?;
/// assert_eq!(out, array![[[1.0, 0.25]], [[0.0, 0.75]]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn weighted_average_into<L: Label, F: SoftFloat, D: SpatialDim>(
    encoder: &impl SoftEncoder,
    raters: &[ArrayView<'_, L, D>],
    weights: &[f64],
    classes: &Classes,
    out: &mut ArrayRef<F, D::Larger>,
) -> Result<()> {
    let raters = Raters::weighted(raters, weights)?;
    encoder.encode_raters_into(&raters, classes, out)
}

/// The mask of voxels that at least one rater labelled: (H, W) or (D, H, W), in C order.
///
/// # Errors
/// [`Empty`](crate::Error::Empty), [`Shape`](crate::Error::Shape), [`Axes`](crate::Error::Axes),
/// [`UnknownLabel`](crate::Error::UnknownLabel) and [`TooLarge`](crate::Error::TooLarge).
///
/// ```
/// use ndarray::array;
/// use soft_labels::{Classes, multirater};
///
/// let (first, second) = (array![[0_u8, 255, 255]], array![[0_u8, 1, 255]]);
/// let classes = Classes::contiguous(2)?.with_ignore(255)?;
/// let mask = multirater::valid_mask(&[first.view(), second.view()], &classes)?;
/// assert_eq!(mask, array![[true, true, false]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn valid_mask<L: Label, D: SpatialDim>(
    raters: &[ArrayView<'_, L, D>],
    classes: &Classes,
) -> Result<Array<bool, D>> {
    let raters = Raters::new(raters)?;
    let mut mask = arrays::filled(raters.dim(), false)?;
    raters.check(classes)?;
    for map in raters.maps() {
        ndarray::Zip::from(&mut mask)
            .and(map)
            .for_each(|valid, &label| *valid |= !classes.is_ignored(label));
    }
    Ok(mask)
}
