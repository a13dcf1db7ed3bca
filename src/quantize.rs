//! Soft labels in 8 bits: whole numbers of 255ths that sum to exactly 255.
//!
//! Stored soft labels are four times smaller so than in `f32`, and compress well, because almost every voxel is 0 or 255. The
//! method is that of the largest remainder:
//!
//! ```text
//! n_c = ⌊255 p_c⌋, and the 255 - Σ_c n_c classes with the largest remainders 255 p_c - n_c get one more
//! ```
//!
//! Channels that need not sum to 1 ([`is_distribution`](crate::SoftEncoder::is_distribution)) are each rounded alone.
//!
//! Of equal remainders the lower class comes first. The most probable class stays the largest. If several are, and the only
//! rater's class is one of them, it is that class. No entry is off by 1/255 or more. Ignored voxels stay 0.

use std::ops::Range;

use ndarray::{ArrayRef, Axis, Dimension, RemoveAxis};

use crate::common::arrays::{self, in_order};
use crate::engine::parts::{Parts, nearest};
use crate::engine::{self, BLOCK};
use crate::{Classes, Label, Raters, Result, SoftEncoder, SpatialDim};

/// Writes the soft labels of a window (C, H, W) or (C, D, H, W) as 255ths.
///
/// On an error the contents of `out` are unspecified.
///
/// # Errors
/// Those of [`SoftEncoder::encode_raters_window_into`].
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Classes, Raters, Svls, quantize};
///
/// let labels = array![[0_u8, 0, 0, 1], [0, 0, 0, 1]];
/// let classes = Classes::contiguous(2)?;
/// let mut out = Array3::zeros((2, 2, 4));
/// quantize::encode_into(&Svls::default(), &Raters::one(labels.view())?, &classes, &[0..2, 0..4], &mut out)?;
/// assert_eq!(out, array![[[255, 255, 211, 44], [255, 255, 211, 44]], [[0, 0, 44, 211], [0, 0, 44, 211]]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn encode_into<E: SoftEncoder, L: Label, D: SpatialDim>(
    encoder: &E,
    raters: &Raters<'_, L, D>,
    classes: &Classes,
    window: &[Range<usize>],
    out: &mut ArrayRef<u8, D::Larger>,
) -> Result<()> {
    engine::encode(
        &encoder.plan(classes, raters.shape().len())?,
        raters,
        classes,
        window,
        out,
    )
}

/// Writes soft labels (C, ..) as 255ths: those of [`pool`](crate::pool), for example.
///
/// Each voxel's probabilities sum to 1, or all are 0; for others the sum of the 255ths is not specified.
///
/// # Errors
/// [`Shape`](crate::Error::Shape) and [`TooLarge`](crate::Error::TooLarge).
///
/// ```
/// use ndarray::{Array3, array};
/// let mut out = Array3::zeros((3, 1, 1));
/// soft_labels::quantize::soft_into(&array![[[0.25]], [[0.5]], [[0.25]]], &mut out)?;
/// assert_eq!(out, array![[[64]], [[127]], [[64]]]); // of 63.75, 127.5 and 63.75
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn soft_into<D: RemoveAxis>(soft: &ArrayRef<f64, D>, out: &mut ArrayRef<u8, D>) -> Result<()> {
    arrays::check_shape("output", soft.shape(), out.shape())?;
    if soft.ndim() == 0 {
        return Ok(());
    }
    write(soft, out)
}

/// The same for channels that need not sum to 1, such as those of regions and structures. Each is rounded alone, to the nearest;
/// one half is 128.
///
/// # Errors
/// [`Shape`](crate::Error::Shape).
///
/// ```
/// use ndarray::{Array3, array};
/// let mut out = Array3::zeros((2, 1, 1));
/// soft_labels::quantize::each_into(&array![[[0.5]], [[1.0]]], &mut out)?;
/// assert_eq!(out, array![[[128]], [[255]]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn each_into<D: Dimension>(soft: &ArrayRef<f64, D>, out: &mut ArrayRef<u8, D>) -> Result<()> {
    arrays::check_shape("output", soft.shape(), out.shape())?;
    out.zip_mut_with(soft, |out, &p| *out = nearest(p));
    Ok(())
}

/// Writes soft labels as 255ths.
fn write<D: RemoveAxis>(soft: &ArrayRef<f64, D>, out: &mut ArrayRef<u8, D>) -> Result<()> {
    let classes = soft.len_of(Axis(0));
    let voxels = soft.len().checked_div(classes).unwrap_or(0);
    let values = in_order(soft)?;
    let mut copy = arrays::zeros(soft.len(), soft.shape())?;
    let (mut buffer, mut last) = (Parts::default(), Vec::new());
    let mut parts = vec![[0; BLOCK]; classes];
    buffer.resize(classes);
    for start in (0..voxels).step_by(BLOCK) {
        let block = |class: usize| class * voxels + start..class * voxels + voxels.min(start + BLOCK);
        for (class, probabilities) in buffer.probabilities.iter_mut().enumerate() {
            let values = &values[block(class)];
            probabilities[..values.len()].copy_from_slice(values);
        }
        // Most blocks are alike: they have one class.
        if buffer.probabilities != last {
            buffer.write(&mut parts, |_| None);
            last.clone_from(&buffer.probabilities);
        }
        for (class, parts) in parts.iter().enumerate() {
            let copy = &mut copy[block(class)];
            copy.copy_from_slice(&parts[..copy.len()]);
        }
    }
    out.iter_mut().zip(copy).for_each(|(to, from)| *to = from);
    Ok(())
}
