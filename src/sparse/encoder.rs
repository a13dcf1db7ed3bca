//! The encoders that have a sparse form.

use ndarray::ArrayRef;

use super::{SparseLabels, builder};
use crate::encoder::encoding::svls;
use crate::{Classes, Encoding, Error, Label, OneHot, Raters, Result, SoftEncoder, SoftFloat, SpatialDim, Svls};

/// Encoders whose soft labels are zero almost everywhere, so that they can be made without the zeros.
///
/// The values have the bits of the dense ones. See [`sparse`](super).
///
/// # Errors
/// All methods return [`Error::UnknownLabel`], [`Error::LabelAxes`], [`Error::KernelAxes`] and [`Error::TooLarge`].
pub trait SparseEncoder<D: SpatialDim>: SoftEncoder<D> {
    /// The average of the raters' soft labels.
    ///
    /// # Errors
    /// Those of the trait.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::sparse::{SparseEncoder, SparseLabels};
    /// use soft_labels::{Classes, OneHot, Raters};
    ///
    /// let (first, second) = (array![[0_u8, 1, 0]], array![[0_u8, 1, 1]]);
    /// let raters = Raters::weighted(&[first.view(), second.view()], &[3.0, 1.0])?;
    /// let moh: SparseLabels<f32, _> = OneHot.encode_raters_sparse(&raters, &Classes::contiguous(2)?)?;
    /// assert_eq!(moh.distribution(&[0, 2]).unwrap().get(1), 0.25);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    fn encode_raters_sparse<L: Label, F: SoftFloat>(
        &self,
        raters: &Raters<'_, L, D>,
        classes: &Classes,
    ) -> Result<SparseLabels<F, D>>;

    /// The soft labels of a label map.
    ///
    /// # Errors
    /// Those of the trait.
    ///
    /// ```
    /// use soft_labels::sparse::{SparseEncoder, SparseLabels};
    /// use soft_labels::{Classes, Svls};
    ///
    /// let labels = ndarray::Array3::<u8>::zeros((8, 8, 8));
    /// let sparse: SparseLabels<f32, _> = Svls::default().encode_sparse(&labels, &Classes::contiguous(50)?)?;
    /// assert_eq!(sparse.uncertain_len(), 0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    fn encode_sparse<L: Label, F: SoftFloat>(
        &self,
        labels: &ArrayRef<L, D>,
        classes: &Classes,
    ) -> Result<SparseLabels<F, D>> {
        self.encode_raters_sparse(&Raters::one(labels.view())?, classes)
    }
}

impl<D: SpatialDim> SparseEncoder<D> for OneHot {
    fn encode_raters_sparse<L: Label, F: SoftFloat>(
        &self,
        raters: &Raters<'_, L, D>,
        classes: &Classes,
    ) -> Result<SparseLabels<F, D>> {
        builder::build(&Self::smoothing(), raters, classes)
    }
}

impl<D: SpatialDim> SparseEncoder<D> for Svls<D> {
    fn encode_raters_sparse<L: Label, F: SoftFloat>(
        &self,
        raters: &Raters<'_, L, D>,
        classes: &Classes,
    ) -> Result<SparseLabels<F, D>> {
        builder::build(&self.smoothing(raters.shape().len())?, raters, classes)
    }
}

/// Label smoothing is [`Error::NotSparse`].
impl<D: SpatialDim> SparseEncoder<D> for Encoding {
    fn encode_raters_sparse<L: Label, F: SoftFloat>(
        &self,
        raters: &Raters<'_, L, D>,
        classes: &Classes,
    ) -> Result<SparseLabels<F, D>> {
        match self {
            Self::OneHot => OneHot.encode_raters_sparse(raters, classes),
            Self::LabelSmoothing(_) => Err(Error::NotSparse),
            Self::Svls(settings) => svls(settings)?.encode_raters_sparse(raters, classes),
        }
    }
}
