//! The one idea: an encoder turns label maps into class probabilities.

pub(crate) mod channels;
#[cfg(feature = "serde")]
mod channels_serde;
pub(crate) mod encoding;
pub(crate) mod kernel;
pub(crate) mod kernel_builder;
pub(crate) mod label_smoothing;
pub(crate) mod one_hot;
#[cfg(feature = "serde")]
mod serde;
pub(crate) mod smooth;
pub(crate) mod with_channels;

use std::ops::Range;

use ndarray::{Array, ArrayRef};

use crate::engine;
use crate::input::raters::check_axes;
use crate::input::window::{self, Window};
use crate::{Channels, Classes, Label, Raters, Result, SoftFloat, SpatialDim, WithChannels};

pub(crate) mod sealed {
    use crate::engine::mixing::Mixing;
    use crate::engine::{Plan, Smoothing};
    use crate::{Classes, Result};

    /// What an encoder does: the one thing that it says itself. All else follows from it.
    #[diagnostic::on_unimplemented(
        message = "`SoftEncoder` is sealed, so `{Self}` cannot be an encoder",
        note = "the encoders are `OneHot`, `LabelSmoothing`, `Svls` and `Encoding`"
    )]
    pub trait Encoder: Send + Sync {
        /// What the engine has to do for so many classes and for label maps of so many axes, which are 2 or 3.
        #[doc(hidden)]
        fn smoothing(&self, classes: usize, axes: usize) -> Result<Smoothing>;

        /// What becomes of the classes, if they are not the channels of the result.
        #[doc(hidden)]
        fn mixing(&self, _classes: &Classes) -> Result<Option<Mixing>> {
            Ok(None)
        }

        /// Both.
        #[doc(hidden)]
        fn plan(&self, classes: &Classes, axes: usize) -> Result<Plan> {
            Plan::new(self.smoothing(classes.len(), axes)?, self.mixing(classes)?)
        }
    }
}

/// Turns one or several label maps into the probabilities of each class.
///
/// A label map is (H, W) or (D, H, W), of any [`Label`] type and any strides. Soft labels are (C, H, W) or
/// (C, D, H, W), classes first, of any [`SoftFloat`] type.
///
/// | | whole map | window |
/// |---|---|---|
/// | a new array in C order | [`encode`](Self::encode) | [`encode_window`](Self::encode_window) |
/// | a buffer of the caller with any strides | [`encode_into`](Self::encode_into) | [`encode_window_into`](Self::encode_window_into) |
/// | the mean of several raters, new | [`encode_raters`](Self::encode_raters) | [`encode_raters_window`](Self::encode_raters_window) |
/// | the mean of several raters, to a buffer | [`encode_raters_into`](Self::encode_raters_into) | [`encode_raters_window_into`](Self::encode_raters_window_into) |
///
/// [`multirater`](crate::multirater) averages over a slice of label maps in one call. [`sparse`](crate::sparse),
/// [`batch`](crate::batch), [`pool`](crate::pool) and [`quantize`](crate::quantize) take any encoder, too.
///
/// The crate's encoders are [`OneHot`](crate::OneHot), [`LabelSmoothing`](crate::LabelSmoothing),
/// [`Svls`](crate::Svls), and [`Encoding`](crate::Encoding), which is any of them. Their results have the same bits for any
/// window, any strides and any label type. One value encodes label maps of two and of three axes. The trait is sealed:
///
/// ```compile_fail,E0277
/// struct Mine;
/// impl soft_labels::SoftEncoder for Mine {} // it would have to say what the engine does
/// ```
///
/// # Errors
/// All methods return:
/// - [`Error::UnknownLabel`](crate::Error::UnknownLabel) if a label that they read is neither a class nor ignored. The
///   output is unspecified then; every other error leaves it untouched.
/// - [`Error::Axes`](crate::Error::Axes) unless a label map has two or three axes.
/// - [`Error::Count`](crate::Error::Count) if a setting of the encoder is a list for another number of axes, and
///   [`Error::KernelTooLarge`](crate::Error::KernelTooLarge) if its kernel is too large for so many axes.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Classes, LabelSmoothing, OneHot, SoftEncoder, Svls};
///
/// let labels = array![[0_u8, 0, 0], [0, 1, 0], [0, 0, 0]];
/// let classes = Classes::contiguous(2)?;
/// let one_hot: Array3<f32> = OneHot.encode(&labels, &classes)?;
/// let smoothed: Array3<f32> = LabelSmoothing::new(0.1)?.encode(&labels, &classes)?;
/// let svls: Array3<f32> = Svls::default().encode(&labels, &classes)?;
///
/// // The centre pixel is isolated. One-hot is certain of it, label smoothing treats it as any other, and SVLS sees a tie.
/// assert_eq!(one_hot[[1, 1, 1]], 1.0);
/// assert_eq!(smoothed[[1, 1, 1]], 0.95);
/// assert_eq!(svls[[1, 1, 1]], 0.5);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an encoder",
    label = "not an encoder",
    note = "the encoders are `OneHot`, `LabelSmoothing`, `Svls` and `Encoding`; pass a reference to one, such as `&Svls::default()`"
)]
pub trait SoftEncoder: sealed::Encoder {
    /// How far the encoder reaches on each axis of label maps of 2 or 3 axes, in voxels: the labels at most so far away
    /// decide over the soft labels of a voxel. 0 where it looks at nothing but the voxel itself.
    ///
    /// A block of a larger map needs so many more voxels around it to have the soft labels of the whole.
    ///
    /// # Errors
    /// [`Error::Axes`](crate::Error::Axes) unless `axes` is 2 or 3, [`Error::Count`](crate::Error::Count) and
    /// [`Error::KernelTooLarge`](crate::Error::KernelTooLarge).
    ///
    /// ```
    /// use soft_labels::{OneHot, SoftEncoder, Svls};
    ///
    /// assert_eq!(Svls::default().radius(3)?, [1, 1, 1]);
    /// assert_eq!(OneHot.radius(2)?, [0, 0]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    fn radius(&self, axes: usize) -> Result<Vec<usize>> {
        check_axes(axes)?;
        // The number of classes changes values, not the reach.
        let [depth, height, width] = self.smoothing(1, axes)?.radius();
        Ok(if axes == 2 {
            vec![height, width]
        } else {
            vec![depth, height, width]
        })
    }

    /// How many channels the soft labels have, which is the length of their first axis: one for each class, unless
    /// [`with_channels`](Self::with_channels) says otherwise.
    ///
    /// # Errors
    /// If the channels do not fit the classes; [`WithChannels`] lists how.
    ///
    /// ```
    /// use soft_labels::{Channels, Classes, SoftEncoder, Svls};
    ///
    /// let brats = Classes::from_values([0, 1, 2, 4])?;
    /// let regions = Svls::default().with_channels(Channels::regions([vec![1, 2, 4], vec![1, 4], vec![4]])?);
    /// assert_eq!((Svls::default().channel_count(&brats)?, regions.channel_count(&brats)?), (4, 3));
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    fn channel_count(&self, classes: &Classes) -> Result<usize> {
        Ok(self.mixing(classes)?.map_or(classes.len(), |mixing| mixing.channels()))
    }

    /// Whether the channels of every voxel sum to 1, unless it is ignored. True of classes, and of channels that mix them; those
    /// of regions and structures do not.
    ///
    /// # Errors
    /// Those of [`channel_count`](Self::channel_count).
    ///
    /// ```
    /// use soft_labels::{Channels, Classes, SoftEncoder, Svls};
    ///
    /// let classes = Classes::contiguous(3)?;
    /// let regions = Svls::default().with_channels(Channels::regions([[1, 2].as_slice(), &[2]])?);
    /// assert!(Svls::default().is_distribution(&classes)?);
    /// assert!(!regions.is_distribution(&classes)?);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    fn is_distribution(&self, classes: &Classes) -> Result<bool> {
        Ok(self.mixing(classes)?.is_none_or(|mixing| mixing.is_distribution()))
    }

    /// This encoder, with channels that are not the classes.
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::{Channels, Classes, OneHot, SoftEncoder};
    ///
    /// // Label 3 means "1 or 2".
    /// let unsure = Channels::matrix(&array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.5, 0.5]])?;
    /// let soft: Array3<f32> = OneHot.with_channels(unsure).encode(&array![[0_u8, 3]], &Classes::contiguous(4)?)?;
    /// assert_eq!(soft, array![[[1.0, 0.0]], [[0.0, 0.5]], [[0.0, 0.5]]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    fn with_channels(self, channels: Channels) -> WithChannels<Self>
    where
        Self: Sized,
    {
        WithChannels::new(self, channels)
    }

    /// Writes the average of the raters' soft labels within a window to `out`.
    ///
    /// Each rater's own soft labels are averaged with the raters' weights. A rater who ignores a voxel is left out there, and the weights of the others are divided by their sum.
    /// Where all raters ignore a voxel the result is all zero. `window` has a range for each spatial axis; `out` has the
    /// class axis first and then the lengths of the window.
    ///
    /// # Errors
    /// Those of the trait, [`Error::Count`](crate::Error::Count) unless the window has a range for each axis,
    /// [`Error::Window`](crate::Error::Window) if it does not lie within the label map, and
    /// [`Error::Shape`](crate::Error::Shape) for the output.
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::{Classes, OneHot, Raters, SoftEncoder};
    ///
    /// let (first, second) = (array![[0_u8, 1, 0]], array![[0_u8, 1, 1]]);
    /// let raters = Raters::weighted(&[first.view(), second.view()], &[3.0, 1.0])?;
    /// let mut out = Array3::<f32>::zeros((2, 1, 2));
    /// OneHot.encode_raters_window_into(&raters, &Classes::contiguous(2)?, &[0..1, 1..3], &mut out)?;
    /// assert_eq!(out, array![[[0.0, 0.75]], [[1.0, 0.25]]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    fn encode_raters_window_into<L: Label, F: SoftFloat, D: SpatialDim>(
        &self,
        raters: &Raters<'_, L, D>,
        classes: &Classes,
        window: &[Range<usize>],
        out: &mut ArrayRef<F, D::Larger>,
    ) -> Result<()> {
        let plan = self.plan(classes, raters.shape().len())?;
        engine::encode(&plan, raters, classes, window, out)
    }

    /// The average of the raters' soft labels within a window, newly allocated in C order.
    ///
    /// # Errors
    /// Those of [`encode_raters_window_into`](Self::encode_raters_window_into), and
    /// [`Error::TooLarge`](crate::Error::TooLarge).
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::{Classes, OneHot, Raters, SoftEncoder};
    ///
    /// let (first, second) = (array![[0_u8, 1, 0]], array![[0_u8, 1, 1]]);
    /// let raters = Raters::new(&[first.view(), second.view()])?;
    /// let soft: Array3<f32> = OneHot.encode_raters_window(&raters, &Classes::contiguous(2)?, &[0..1, 1..3])?;
    /// assert_eq!(soft, array![[[0.0, 0.5]], [[1.0, 0.5]]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    fn encode_raters_window<L: Label, F: SoftFloat, D: SpatialDim>(
        &self,
        raters: &Raters<'_, L, D>,
        classes: &Classes,
        window: &[Range<usize>],
    ) -> Result<Array<F, D::Larger>> {
        let mut out = window::allocate::<F, D>(raters.shape(), self.channel_count(classes)?, window)?;
        self.encode_raters_window_into(raters, classes, window, &mut out)?;
        Ok(out)
    }

    /// The average of the raters' soft labels, newly allocated in C order.
    ///
    /// # Errors
    /// Those of the trait, and [`Error::TooLarge`](crate::Error::TooLarge).
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::{Classes, OneHot, Raters, SoftEncoder};
    ///
    /// let (first, second) = (array![[0_u8, 1, 0]], array![[0_u8, 1, 1]]);
    /// let raters = Raters::weighted(&[first.view(), second.view()], &[3.0, 1.0])?;
    /// let soft: Array3<f32> = OneHot.encode_raters(&raters, &Classes::contiguous(2)?)?;
    /// assert_eq!(soft, array![[[1.0, 0.0, 0.75]], [[0.0, 1.0, 0.25]]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    fn encode_raters<L: Label, F: SoftFloat, D: SpatialDim>(
        &self,
        raters: &Raters<'_, L, D>,
        classes: &Classes,
    ) -> Result<Array<F, D::Larger>> {
        self.encode_raters_window(raters, classes, Window::whole(raters.shape()).ranges())
    }

    /// Writes the average of the raters' soft labels to `out`, which may have any strides.
    ///
    /// # Errors
    /// Those of the trait, and [`Error::Shape`](crate::Error::Shape).
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::{Classes, OneHot, Raters, SoftEncoder};
    ///
    /// let (first, second) = (array![[0_u8, 1, 0]], array![[0_u8, 1, 1]]);
    /// let raters = Raters::new(&[first.view(), second.view()])?;
    /// let mut out = Array3::<f32>::zeros((2, 1, 3));
    /// OneHot.encode_raters_into(&raters, &Classes::contiguous(2)?, &mut out)?;
    /// assert_eq!(out, array![[[1.0, 0.0, 0.5]], [[0.0, 1.0, 0.5]]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    fn encode_raters_into<L: Label, F: SoftFloat, D: SpatialDim>(
        &self,
        raters: &Raters<'_, L, D>,
        classes: &Classes,
        out: &mut ArrayRef<F, D::Larger>,
    ) -> Result<()> {
        self.encode_raters_window_into(raters, classes, Window::whole(raters.shape()).ranges(), out)
    }

    /// The soft labels of a label map, newly allocated in C order.
    ///
    /// # Errors
    /// Those of the trait, and [`Error::TooLarge`](crate::Error::TooLarge).
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::{Classes, OneHot, SoftEncoder};
    ///
    /// let soft: Array3<f32> = OneHot.encode(&array![[0_u8, 4]], &Classes::from_values([0, 1, 2, 4])?)?;
    /// assert_eq!(soft.shape(), [4, 1, 2]);
    /// assert_eq!(soft[[3, 0, 1]], 1.0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    fn encode<L: Label, F: SoftFloat, D: SpatialDim>(
        &self,
        labels: &ArrayRef<L, D>,
        classes: &Classes,
    ) -> Result<Array<F, D::Larger>> {
        self.encode_raters(&Raters::one(labels.view())?, classes)
    }

    /// Writes the soft labels of a label map to `out`, which may have any strides.
    ///
    /// # Errors
    /// Those of the trait, and [`Error::Shape`](crate::Error::Shape).
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::{Classes, OneHot, SoftEncoder};
    ///
    /// // Classes last, as some frameworks want them.
    /// let mut out = Array3::<f32>::zeros((1, 2, 3));
    /// let mut classes_first = out.view_mut().permuted_axes([2, 0, 1]);
    /// OneHot.encode_into(&array![[0_u8, 2]], &Classes::contiguous(3)?, &mut classes_first)?;
    /// assert_eq!(out, array![[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    fn encode_into<L: Label, F: SoftFloat, D: SpatialDim>(
        &self,
        labels: &ArrayRef<L, D>,
        classes: &Classes,
        out: &mut ArrayRef<F, D::Larger>,
    ) -> Result<()> {
        self.encode_raters_into(&Raters::one(labels.view())?, classes, out)
    }

    /// The soft labels of a window of a label map, newly allocated in C order.
    ///
    /// The values are those of the whole map, to the last bit: the encoder looks at neighbours outside the window, too.
    ///
    /// # Errors
    /// Those of [`encode_window_into`](Self::encode_window_into), and [`Error::TooLarge`](crate::Error::TooLarge).
    ///
    /// ```
    /// use ndarray::{Array3, Axis, Slice, array};
    /// use soft_labels::{Classes, SoftEncoder, Svls};
    ///
    /// let (labels, classes) = (array![[0_u8, 0, 1, 1, 0]], Classes::contiguous(2)?);
    /// let whole: Array3<f32> = Svls::default().encode(&labels, &classes)?;
    /// let part: Array3<f32> = Svls::default().encode_window(&labels, &classes, &[0..1, 1..4])?;
    /// assert_eq!(part, whole.slice_axis(Axis(2), Slice::from(1..4)));
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    fn encode_window<L: Label, F: SoftFloat, D: SpatialDim>(
        &self,
        labels: &ArrayRef<L, D>,
        classes: &Classes,
        window: &[Range<usize>],
    ) -> Result<Array<F, D::Larger>> {
        self.encode_raters_window(&Raters::one(labels.view())?, classes, window)
    }

    /// Writes the soft labels of a window of a label map to `out`, which may have any strides.
    ///
    /// `window` has a range for each spatial axis. The values are those of the whole map, to the last bit. Only the labels
    /// within the kernel's radius of the window are read.
    ///
    /// # Errors
    /// Those of the trait, [`Error::Count`](crate::Error::Count) and [`Error::Window`](crate::Error::Window) for the window,
    /// and [`Error::Shape`](crate::Error::Shape) for the output.
    ///
    /// ```
    /// use ndarray::{Array2, Array3};
    /// use soft_labels::{Classes, SoftEncoder, Svls};
    ///
    /// let labels = Array2::<u8>::zeros((512, 512));
    /// let mut patch = Array3::<f32>::zeros((2, 96, 96));
    /// Svls::default().encode_window_into(&labels, &Classes::contiguous(2)?, &[32..128, 400..496], &mut patch)?;
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    fn encode_window_into<L: Label, F: SoftFloat, D: SpatialDim>(
        &self,
        labels: &ArrayRef<L, D>,
        classes: &Classes,
        window: &[Range<usize>],
        out: &mut ArrayRef<F, D::Larger>,
    ) -> Result<()> {
        self.encode_raters_window_into(&Raters::one(labels.view())?, classes, window, out)
    }
}
