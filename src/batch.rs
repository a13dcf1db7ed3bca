//! Batches of targets for a training step: (N, C, H, W) or (N, C, D, H, W), ready to become a tensor.
//!
//! Every sample is a window of a label map, or of those of several raters, and is encoded straight to its place in one
//! buffer. A window takes its labels' surroundings into account, so a random crop has the soft labels that the whole map
//! has there.
//!
//! ```
//! use ndarray::Array2;
//! use soft_labels::batch::{Batch, Sample, encode};
//! use soft_labels::{Classes, Svls};
//!
//! let (first, second) = (Array2::<u8>::zeros((64, 64)), Array2::<u8>::ones((80, 100)));
//! let samples = [
//!     Sample::new(first.view())?.window(&[0..32, 16..48]),
//!     Sample::new(second.view())?.window(&[40..72, 60..92]),
//! ];
//! let batch: Batch<f32> = encode(&Svls::default(), &samples, &Classes::contiguous(2)?)?;
//! assert_eq!(batch.shape, [2, 2, 32, 32]);
//! assert_eq!(batch.values.len(), 2 * 2 * 32 * 32); // in standard order, for the constructor of a tensor
//! # Ok::<(), soft_labels::Error>(())
//! ```

use std::ops::Range;

use ndarray::{ArrayView, ArrayViewMut, Dimension};

use crate::common::arrays::check_shape;
use crate::input::window;
use crate::{Classes, Error, Label, Raters, Result, SoftEncoder, SoftFloat, SpatialDim};

/// One sample of a batch: the label map of a rater or of several, and the window of it that is meant.
///
/// The example of [`batch`](self) uses it.
#[derive(Debug, Clone)]
pub struct Sample<'a, L, D: Dimension> {
    raters: Raters<'a, L, D>,
    window: Vec<Range<usize>>,
}

impl<'a, L: Label, D: SpatialDim> Sample<'a, L, D> {
    /// A whole label map.
    ///
    /// # Errors
    /// [`Error::LabelAxes`].
    pub fn new(labels: ArrayView<'a, L, D>) -> Result<Self> {
        Ok(Self::raters(Raters::one(labels)?))
    }

    /// The whole label maps of several raters.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::batch::{Sample, encode};
    /// use soft_labels::{Classes, OneHot, Raters};
    ///
    /// let (first, second) = (array![[0_u8]], array![[1_u8]]);
    /// let sample = Sample::raters(Raters::new(&[first.view(), second.view()])?);
    /// assert_eq!(encode::<_, f32, _>(&OneHot, &[sample], &Classes::contiguous(2)?)?.values, [0.5, 0.5]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn raters(raters: Raters<'a, L, D>) -> Self {
        Self {
            window: window::whole(raters.shape()),
            raters,
        }
    }

    /// The same for a window alone: a range for each axis of the label map. It is checked when the sample is encoded.
    #[must_use]
    pub fn window(self, window: &[Range<usize>]) -> Self {
        Self {
            window: window.to_vec(),
            ..self
        }
    }
}

/// The soft labels of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch<F> {
    /// In standard order.
    pub values: Vec<F>,
    /// (N, C, H, W) or (N, C, D, H, W).
    pub shape: Vec<usize>,
}

/// Encodes samples whose windows have the same shape, one after the other.
///
/// # Errors
/// Those of [`SoftEncoder::encode_raters_window_into`]; [`Error::ShapeMismatch`] if the windows differ in shape,
/// [`Error::NoSamples`] if there are none, [`Error::TooLarge`].
///
/// The example of [`batch`](self) uses it.
pub fn encode<L: Label, F: SoftFloat, D: SpatialDim>(
    encoder: &impl SoftEncoder<D>,
    samples: &[Sample<'_, L, D>],
    classes: &Classes,
) -> Result<Batch<F>> {
    let Some(first) = samples.first() else {
        return Err(Error::NoSamples);
    };
    let one = window::soft_shape(first.raters.shape(), classes.len(), &first.window)?;
    for sample in samples {
        let other = window::soft_shape(sample.raters.shape(), classes.len(), &sample.window)?;
        check_shape("window of a sample, with its classes,", &one, &other)?;
    }
    let shape = [&[samples.len()], &*one].concat();
    let too_large = || Error::TooLarge { shape: shape.clone() };
    let len = shape
        .iter()
        .try_fold(1_usize, |len, &axis| len.checked_mul(axis))
        .ok_or_else(too_large)?;
    let mut values = Vec::new();
    values.try_reserve_exact(len).map_err(|_| too_large())?;
    values.resize(len, F::zero());

    let mut dim = D::Larger::zeros(one.len());
    dim.slice_mut().copy_from_slice(&one);
    if len > 0 {
        for (sample, values) in samples.iter().zip(values.chunks_exact_mut(len / samples.len())) {
            let mut out = ArrayViewMut::from_shape(dim.clone(), values).map_err(|_| too_large())?;
            encoder.encode_raters_window_into(&sample.raters, classes, &sample.window, &mut out)?;
        }
    }
    Ok(Batch { values, shape })
}
