//! One-hot.

use std::ops::Range;

use ndarray::ArrayRef;

use crate::engine::{self, Smoothing};
use crate::{Classes, Label, Raters, Result, SoftEncoder, SoftFloat, SpatialDim};

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

impl OneHot {
    pub(crate) fn smoothing() -> Smoothing {
        Smoothing::pointwise(1.0, 0.0)
    }
}

impl<D: SpatialDim> SoftEncoder<D> for OneHot {
    fn encode_raters_window_into<L: Label, F: SoftFloat>(
        &self,
        raters: &Raters<'_, L, D>,
        classes: &Classes,
        window: &[Range<usize>],
        out: &mut ArrayRef<F, D::Larger>,
    ) -> Result<()> {
        engine::encode(&Self::smoothing(), raters, classes, window, out)
    }
}
