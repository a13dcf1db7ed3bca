//! Batches of targets for a training step: (N, C, H, W) or (N, C, D, H, W), ready to become a tensor.
//!
//! Every sample is a window of a label map, or of several raters' label maps. It is encoded straight to its place in one
//! buffer. A window has the soft labels that the whole map has there, so take random crops as windows. [`encode_scales`]
//! makes the targets of several resolutions.
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

use ndarray::{Array, ArrayRef, ArrayView, ArrayViewMut, Dimension};

use crate::common::arrays::{self, check_shape};
use crate::input::window;
use crate::{Classes, Error, Label, PerAxis, Raters, Result, SoftEncoder, SoftFloat, SpatialDim, pool};

/// One sample of a batch: a window of the label map of one rater, or of those of several.
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

    fn encode_into<F: SoftFloat>(
        &self,
        encoder: &impl SoftEncoder<D>,
        classes: &Classes,
        out: &mut ArrayRef<F, D::Larger>,
    ) -> Result<()> {
        encoder.encode_raters_window_into(&self.raters, classes, &self.window, out)
    }

    /// Checks that the window holds whole boxes of the label map.
    fn check_boxes(&self, boxes: &[usize]) -> Result<()> {
        let axes = self.window.iter().zip(self.raters.shape()).zip(boxes);
        for (axis, ((range, &len), &size)) in axes.enumerate() {
            let whole = range.start % size == 0 && (range.end % size == 0 || range.end == len);
            if !whole && !range.is_empty() {
                return Err(Error::BoxWindow {
                    axis,
                    start: range.start,
                    end: range.end,
                    size,
                    len,
                });
            }
        }
        Ok(())
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
    let one = shape_of_each(samples, classes)?;
    let mut batch = Batch::zeros(samples.len(), &one)?;
    for (sample, values) in samples.iter().zip(batch.each()) {
        sample.encode_into(encoder, classes, &mut view_of(&one, values)?)?;
    }
    Ok(batch)
}

/// Encodes samples at several scales, for networks with outputs at several resolutions: one batch for each scale.
///
/// A scale is the length of the boxes over which [`pool::average`] averages, in voxels of the full resolution: one number for
/// all axes, or one for each. A scale of 1 is the full resolution. Every sample is encoded once. Its full resolution is kept
/// until its scales are made, and no longer.
///
/// A window must begin at a multiple of every box size, and end at a multiple or at the end of the label map. Then its
/// targets have the same bits as those of the whole label map.
///
/// # Errors
/// Those of [`encode`] and [`pool::average`], and [`Error::BoxWindow`] if a window does not hold whole boxes.
///
/// ```
/// use ndarray::Array3;
/// use soft_labels::batch::{Batch, Sample, encode_scales};
/// use soft_labels::{Classes, Svls};
///
/// let labels = Array3::<u8>::zeros((12, 64, 64));
/// let samples = [Sample::new(labels.view())?.window(&[4..12, 0..32, 16..48])];
/// let classes = Classes::contiguous(3)?;
/// let scales: Vec<Batch<f32>> =
///     encode_scales(&Svls::default(), &samples, &classes, &[[1, 1, 1], [1, 2, 2], [2, 4, 4]])?;
/// assert_eq!(scales[0].shape, [1, 3, 8, 32, 32]);
/// assert_eq!(scales[1].shape, [1, 3, 8, 16, 16]);
/// assert_eq!(scales[2].shape, [1, 3, 4, 8, 8]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn encode_scales<L: Label, F: SoftFloat, D: SpatialDim>(
    encoder: &impl SoftEncoder<D>,
    samples: &[Sample<'_, L, D>],
    classes: &Classes,
    scales: &[impl Into<PerAxis<usize>> + Clone],
) -> Result<Vec<Batch<F>>> {
    let one = shape_of_each(samples, classes)?;
    let scales: Vec<PerAxis<usize>> = scales.iter().map(|boxes| boxes.clone().into()).collect();
    let mut batches = Vec::with_capacity(scales.len());
    let mut shapes = Vec::with_capacity(scales.len());
    for boxes in &scales {
        let (of_volume, shape) = pool::check(&one, boxes)?;
        for sample in samples {
            sample.check_boxes(&of_volume[3 - sample.window.len()..])?;
        }
        batches.push(Batch::zeros(samples.len(), &shape)?);
        shapes.push(shape);
    }

    let mut full: Array<F, D::Larger> = arrays::filled(dim_of(&one), F::zero())?;
    let mut outputs: Vec<_> = batches.iter_mut().map(Batch::each).collect();
    for sample in samples {
        sample.encode_into(encoder, classes, &mut full)?;
        for ((boxes, shape), values) in scales.iter().zip(&shapes).zip(&mut outputs) {
            if let Some(values) = values.next() {
                pool::average_into(&full, boxes.clone(), &mut view_of(shape, values)?)?;
            }
        }
    }
    Ok(batches)
}

/// The shape of every sample's soft labels, which has to be the same.
fn shape_of_each<L: Label, D: SpatialDim>(samples: &[Sample<'_, L, D>], classes: &Classes) -> Result<Vec<usize>> {
    let Some(first) = samples.first() else {
        return Err(Error::NoSamples);
    };
    let one = window::soft_shape(first.raters.shape(), classes.len(), &first.window)?;
    for sample in samples {
        let other = window::soft_shape(sample.raters.shape(), classes.len(), &sample.window)?;
        check_shape("window of a sample, with its classes,", &one, &other)?;
    }
    Ok(one)
}

fn dim_of<D: Dimension>(shape: &[usize]) -> D {
    let mut dim = D::zeros(shape.len());
    dim.slice_mut().copy_from_slice(shape);
    dim
}

fn view_of<'v, F, D: Dimension>(shape: &[usize], values: &'v mut [F]) -> Result<ArrayViewMut<'v, F, D>> {
    ArrayViewMut::from_shape(dim_of::<D>(shape), values).map_err(|_| Error::TooLarge { shape: shape.to_vec() })
}

impl<F: SoftFloat> Batch<F> {
    /// A batch of so many samples, each of this shape.
    fn zeros(samples: usize, one: &[usize]) -> Result<Self> {
        let shape = [&[samples], one].concat();
        let too_large = || Error::TooLarge { shape: shape.clone() };
        let len = shape
            .iter()
            .try_fold(1_usize, |len, &axis| len.checked_mul(axis))
            .ok_or_else(too_large)?;
        let mut values = Vec::new();
        values.try_reserve_exact(len).map_err(|_| too_large())?;
        values.resize(len, F::zero());
        Ok(Self { values, shape })
    }

    /// The values of each sample; none if they have no values.
    fn each(&mut self) -> std::slice::ChunksExactMut<'_, F> {
        let samples = self.shape.first().copied().unwrap_or(1).max(1);
        let len = (self.values.len() / samples).max(1);
        self.values.chunks_exact_mut(len)
    }
}
