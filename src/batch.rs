//! Batches of targets for a training step: (N, C, H, W) or (N, C, D, H, W), ready to become a tensor.
//!
//! Every sample is a window of a label map, or of several raters' label maps. It is encoded straight to its place in one
//! array in C order. A window has the soft labels that the whole map has there, so take random crops as windows. [`encode_scales`]
//! makes the targets of several resolutions.
//!
//! ```
//! use ndarray::{Array2, Array4};
//! use soft_labels::batch::{Sample, encode};
//! use soft_labels::{Classes, Svls};
//!
//! let (first, second) = (Array2::<u8>::zeros((64, 64)), Array2::<u8>::ones((80, 100)));
//! let samples = [
//!     Sample::new(first.view())?.window(&[0..32, 16..48]),
//!     Sample::new(second.view())?.window(&[40..72, 60..92]),
//! ];
//! let batch: Array4<f32> = encode(&Svls::default(), &samples, &Classes::contiguous(2)?)?;
//! assert_eq!(batch.shape(), [2, 2, 32, 32]);
//! let (values, _) = batch.into_raw_vec_and_offset(); // for the constructor of a tensor
//! assert_eq!(values.len(), 2 * 2 * 32 * 32);
//! # Ok::<(), soft_labels::Error>(())
//! ```

use std::ops::Range;

use ndarray::{Array, ArrayRef, ArrayView, Axis, Dimension};

use crate::common::arrays::{self, check_shape_of};
use crate::input::window::Window;
use crate::{Classes, Error, Label, PerAxis, Place, Raters, Result, SoftEncoder, SoftFloat, SpatialDim, pool};

/// The dimension of a batch: one axis more than the soft labels of a sample, which have one more than the label map.
type Batched<D> = <<D as Dimension>::Larger as Dimension>::Larger;

/// One sample of a batch: a window of the label map of one rater, or of those of several.
///
/// The example of [`batch`](self) uses it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a, L, D: Dimension> {
    raters: Raters<'a, L, D>,
    window: Vec<Range<usize>>,
}

impl<'a, L: Label, D: SpatialDim> Sample<'a, L, D> {
    /// A whole label map.
    ///
    /// # Errors
    /// [`Error::Axes`].
    pub fn new(labels: ArrayView<'a, L, D>) -> Result<Self> {
        Ok(Self::raters(Raters::one(labels)?))
    }

    /// The whole label maps of several raters.
    ///
    /// ```
    /// use ndarray::{Array4, array};
    /// use soft_labels::batch::{Sample, encode};
    /// use soft_labels::{Classes, OneHot, Raters};
    ///
    /// let (first, second) = (array![[0_u8]], array![[1_u8]]);
    /// let sample = Sample::raters(Raters::new(&[first.view(), second.view()])?);
    /// let batch: Array4<f32> = encode(&OneHot, &[sample], &Classes::contiguous(2)?)?;
    /// assert_eq!(batch, array![[[[0.5]], [[0.5]]]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn raters(raters: Raters<'a, L, D>) -> Self {
        Self {
            window: Window::whole(raters.shape()).ranges().to_vec(),
            raters,
        }
    }

    /// Takes a window alone: a range for each axis of the label map. It is checked when the sample is encoded.
    #[must_use]
    pub fn window(self, window: &[Range<usize>]) -> Self {
        Self {
            window: window.to_vec(),
            ..self
        }
    }

    fn encode_into<F: SoftFloat>(
        &self,
        encoder: &impl SoftEncoder,
        classes: &Classes,
        out: &mut ArrayRef<F, D::Larger>,
    ) -> Result<()> {
        encoder.encode_raters_window_into(&self.raters, classes, &self.window, out)
    }

    fn checked_window(&self) -> Result<Window> {
        Window::new(self.raters.shape(), &self.window)
    }
}

/// Encodes samples whose windows have the same shape, one after the other: (N, C, H, W) or (N, C, D, H, W) in C order.
///
/// # Errors
/// Those of [`SoftEncoder::encode_raters_window_into`]; [`Error::Shape`] if the windows differ in shape,
/// [`Error::Empty`] if there are none, [`Error::TooLarge`].
///
/// The example of [`batch`](self) uses it.
pub fn encode<L: Label, F: SoftFloat, D: SpatialDim>(
    encoder: &impl SoftEncoder,
    samples: &[Sample<'_, L, D>],
    classes: &Classes,
) -> Result<Array<F, Batched<D>>> {
    let one = shape_of_each(encoder, samples, classes)?;
    let mut batch = zeros::<F, D>(samples.len(), &one)?;
    for (sample, mut out) in samples.iter().zip(batch.axis_iter_mut(Axis(0))) {
        sample.encode_into(encoder, classes, &mut out)?;
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
/// use ndarray::{Array3, Array5};
/// use soft_labels::batch::{Sample, encode_scales};
/// use soft_labels::{Classes, Svls};
///
/// let labels = Array3::<u8>::zeros((12, 64, 64));
/// let samples = [Sample::new(labels.view())?.window(&[4..12, 0..32, 16..48])];
/// let classes = Classes::contiguous(3)?;
/// let scales: Vec<Array5<f32>> =
///     encode_scales(&Svls::default(), &samples, &classes, &[[1, 1, 1], [1, 2, 2], [2, 4, 4]])?;
/// assert_eq!(scales[0].shape(), [1, 3, 8, 32, 32]);
/// assert_eq!(scales[1].shape(), [1, 3, 8, 16, 16]);
/// assert_eq!(scales[2].shape(), [1, 3, 4, 8, 8]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn encode_scales<L: Label, F: SoftFloat, D: SpatialDim>(
    encoder: &impl SoftEncoder,
    samples: &[Sample<'_, L, D>],
    classes: &Classes,
    scales: &[impl Into<PerAxis<usize>> + Clone],
) -> Result<Vec<Array<F, Batched<D>>>> {
    let one = shape_of_each(encoder, samples, classes)?;
    let scales: Vec<PerAxis<usize>> = scales.iter().map(|box_size| box_size.clone().into()).collect();
    let mut batches = Vec::with_capacity(scales.len());
    for box_size in &scales {
        let shape = pool::shape_of(&one, box_size)?;
        for sample in samples {
            sample.checked_window()?.at_scale(box_size.clone())?;
        }
        batches.push(zeros::<F, D>(samples.len(), &shape)?);
    }

    let mut full: Array<F, D::Larger> = arrays::filled(dim_of(&one), F::zero())?;
    for (i, sample) in samples.iter().enumerate() {
        sample.encode_into(encoder, classes, &mut full)?;
        let valid = match encoder.is_distribution(classes)? {
            true => None,
            false => Some(pool::valid(&sample.raters, classes, &sample.window)?),
        };
        for (box_size, batch) in scales.iter().zip(&mut batches) {
            let mut out = batch.index_axis_mut(Axis(0), i);
            match &valid {
                None => pool::average_into(&full, box_size.clone(), &mut out)?,
                Some(valid) => pool::average_memberships_into(&full, box_size.clone(), valid, &mut out)?,
            }
        }
    }
    Ok(batches)
}

/// The shape of every sample's soft labels, which has to be the same.
fn shape_of_each<L: Label, D: SpatialDim>(
    encoder: &impl SoftEncoder,
    samples: &[Sample<'_, L, D>],
    classes: &Classes,
) -> Result<Vec<usize>> {
    let Some(first) = samples.first() else {
        return Err(Error::Empty { what: "samples" });
    };
    let channels = encoder.channel_count(classes)?;
    let one = first.checked_window()?.soft_shape(channels);
    for (i, sample) in samples.iter().enumerate() {
        let other = sample.checked_window()?.soft_shape(channels);
        check_shape_of("target", Some(Place::Sample(i)), &one, &other)?;
    }
    Ok(one)
}

/// Zeros for so many samples, each of this shape.
fn zeros<F: SoftFloat, D: SpatialDim>(samples: usize, one: &[usize]) -> Result<Array<F, Batched<D>>> {
    arrays::filled(dim_of(&[&[samples], one].concat()), F::zero())
}

fn dim_of<D: Dimension>(shape: &[usize]) -> D {
    let mut dim = D::zeros(shape.len());
    dim.slice_mut().copy_from_slice(shape);
    dim
}
