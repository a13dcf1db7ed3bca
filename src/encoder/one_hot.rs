//! One-hot.

use super::sealed::Encoder;
use crate::engine::Smoothing;
use crate::{Result, SoftEncoder};

/// One-hot: the annotated class is certain.
///
/// ```text
/// p_c(v) = [label(v) = c]
/// ```
///
/// Averaged over raters ([`multirater`](crate::multirater)) this is mOH, each class's share of the votes.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Classes, OneHot, SoftEncoder};
///
/// let soft: Array3<f32> = OneHot.encode(&array![[0_u8, 1]], &Classes::contiguous(2)?)?;
/// assert_eq!(soft, array![[[1.0, 0.0]], [[0.0, 1.0]]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OneHot;

impl Encoder for OneHot {
    fn smoothing(&self, _classes: usize, _axes: usize) -> Result<Smoothing> {
        Ok(Smoothing::pointwise(1.0, 0.0))
    }
}

impl SoftEncoder for OneHot {}
