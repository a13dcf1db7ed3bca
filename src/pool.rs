//! Soft labels at coarser scales, for networks with outputs at several resolutions (deep supervision).
//!
//! Each output of such a network needs targets of its own resolution. Nearest-neighbour label maps lose small structures.
//! The mean of the soft labels over each box of voxels keeps them, and is still a distribution:
//!
//! ```text
//! q_c(b) = Σ_{v in b, counted} p_c(v) / n(b)      n(b) = how many voxels of the box b are counted
//! ```
//!
//! A voxel counts unless all its classes are 0, as those of an ignored voxel are. Channels of regions and structures are 0 outside,
//! too; [`average_memberships`] is for them, and calls that get an encoder know what its channels are. A box in which no voxel counts is all zero.
//! The last box of an axis may stick out; it averages the voxels that it has. Without ignored voxels this is PyTorch's
//! `avg_pool` with `ceil_mode=True, count_include_pad=False`.
//!
//! Pool each scale from the full resolution, not from the scale before: boxes that stick out, and boxes with ignored
//! voxels, would get another weight. [`batch::encode_scales`](crate::batch::encode_scales) does this for a training step.
//!
//! ```
//! use ndarray::{Array3, array};
//! use soft_labels::{Classes, SoftEncoder, Svls, pool};
//!
//! let labels = array![[0_u8, 0, 0, 0, 0], [0, 1, 0, 0, 0]]; // one pixel of class 1
//! let soft: Array3<f32> = Svls::default().encode(&labels, &Classes::contiguous(2)?)?;
//! let half = pool::average(&soft, &[2, 2])?;
//! assert_eq!(half.shape(), [2, 1, 3]); // the last box has one column
//! assert!(half[[1, 0, 0]] > 0.2); // class 1 is still there
//! # Ok::<(), soft_labels::Error>(())
//! ```

use std::ops::Range;

use ndarray::{Array, ArrayD, ArrayRef, ArrayView3, ArrayView4, ArrayViewMut4, Axis, Dimension, Ix4, Slice};

use crate::common::{arrays, parallel};
use crate::engine::soft_volumes;
use crate::input::raters::{check_soft_axes, label_axes};
use crate::input::window::{Window, check_box_size};
use crate::{Classes, Error, Label, PerAxis, Raters, Result, SoftEncoder, SoftFloat, SpatialDim};

/// The mean of soft labels (C, H, W) or (C, D, H, W) over boxes of voxels, newly allocated in C order.
///
/// `box_size` is the length of a box in voxels: one number for all spatial axes, or one for each. An axis of length n has
/// n / box entries afterwards, rounded up. Sums run in `f64`, in the order of the voxels, and one division is rounded, so the
/// bits are the same for any strides and any number of threads.
///
/// # Errors
/// [`Error::Axes`] unless there are two or three spatial axes, [`Error::Count`] if `box_size` has another number of axes,
/// [`Error::Setting`] if one is 0, [`Error::TooLarge`].
///
/// The example of [`pool`](self) uses it.
pub fn average<F: SoftFloat, D: Dimension>(
    soft: &ArrayRef<F, D>,
    box_size: impl Into<PerAxis<usize>>,
) -> Result<Array<F, D>> {
    let box_size = box_size.into();
    let mut out = zeros(soft, &box_size)?;
    average_into(soft, box_size, &mut out)?;
    Ok(out)
}

fn zeros<F: SoftFloat, D: Dimension>(soft: &ArrayRef<F, D>, box_size: &PerAxis<usize>) -> Result<Array<F, D>> {
    let shape = shape_of(soft.shape(), box_size)?;
    let mut dim = soft.raw_dim();
    dim.slice_mut().copy_from_slice(&shape);
    arrays::filled(dim, F::zero())
}

/// Writes the mean of soft labels over boxes of voxels to `out`, which may have any strides.
///
/// # Errors
/// Those of [`average`], and [`Error::Shape`]. `out` is untouched then.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::pool;
///
/// let soft = array![[[1.0_f32, 0.5, 0.0]], [[0.0, 0.5, 0.0]]]; // the last pixel is ignored
/// let mut out = Array3::zeros((2, 1, 2));
/// pool::average_into(&soft, 2, &mut out)?;
/// assert_eq!(out, array![[[0.75, 0.0]], [[0.25, 0.0]]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn average_into<F: SoftFloat, D: Dimension>(
    soft: &ArrayRef<F, D>,
    box_size: impl Into<PerAxis<usize>>,
    out: &mut ArrayRef<F, D>,
) -> Result<()> {
    let box_size = box_size.into();
    let expected = shape_of(soft.shape(), &box_size)?;
    arrays::check_shape("output", &expected, out.shape())?;
    let of_volume = of_volume(soft, &box_size)?;
    write(soft, of_volume, None, out)
}

/// The same for channels that need not sum to 1, such as those of regions and structures: a voxel that is 0 in all of them is
/// outside, and counts. `valid`, (H, W) or (D, H, W), is true where a voxel counts; [`multirater::valid_mask`] or
/// [`Classes::valid_mask`] make it of label maps that ignore voxels.
///
/// [`multirater::valid_mask`]: crate::multirater::valid_mask
///
/// # Errors
/// Those of [`average`], and [`Error::Shape`] for the mask.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Channels, Classes, OneHot, SoftEncoder, pool};
///
/// let (labels, classes) = (array![[1_u8, 0, 0, 0]], Classes::contiguous(2)?);
/// let region = OneHot.with_channels(Channels::regions([[1]])?);
/// let soft: Array3<f32> = region.encode(&labels, &classes)?;
/// let pooled = pool::average_memberships(&soft, 2, &classes.valid_mask(&labels)?)?;
/// assert_eq!(pooled, array![[[0.5, 0.0]]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn average_memberships<F: SoftFloat, D: Dimension, V: Dimension>(
    soft: &ArrayRef<F, D>,
    box_size: impl Into<PerAxis<usize>>,
    valid: &ArrayRef<bool, V>,
) -> Result<Array<F, D>> {
    let box_size = box_size.into();
    let mut out = zeros(soft, &box_size)?;
    average_memberships_into(soft, box_size, valid, &mut out)?;
    Ok(out)
}

/// Writes the same to `out`, which may have any strides.
///
/// # Errors
/// Those of [`average_memberships`], and [`Error::Shape`] for the output. `out` is untouched then.
///
/// The example of [`average_memberships`] shows what is written.
pub fn average_memberships_into<F: SoftFloat, D: Dimension, V: Dimension>(
    soft: &ArrayRef<F, D>,
    box_size: impl Into<PerAxis<usize>>,
    valid: &ArrayRef<bool, V>,
    out: &mut ArrayRef<F, D>,
) -> Result<()> {
    let box_size = box_size.into();
    let expected = shape_of(soft.shape(), &box_size)?;
    arrays::check_shape("output", &expected, out.shape())?;
    arrays::check_shape("mask", &soft.shape()[1..], valid.shape())?;
    let of_volume = of_volume(soft, &box_size)?;
    let mut valid = valid.view().into_dyn();
    let axes = valid.ndim();
    if axes == 2 {
        valid = valid.insert_axis(Axis(0));
    }
    let valid = valid.into_dimensionality().map_err(|_| label_axes(axes))?;
    write(soft, of_volume, Some(valid), out)
}

/// The lengths of a box on the axes D, H and W.
fn of_volume<F, D: Dimension>(soft: &ArrayRef<F, D>, box_size: &PerAxis<usize>) -> Result<[usize; 3]> {
    let axes = soft.ndim() - 1;
    let mut of_volume = [1; 3];
    of_volume[3 - axes..].copy_from_slice(&check_box_size(axes, box_size)?);
    Ok(of_volume)
}

/// The average of the raters' soft labels within a window at a coarser scale: (C, H, W) or (C, D, H, W) in C order.
///
/// The window is in voxels of the label maps. It must begin at a multiple of every box length, and end at a multiple or at
/// the end of the label maps. Then the result has the bits of that part of the whole. The soft labels of the window are held
/// in memory at full resolution meanwhile.
///
/// # Errors
/// Those of [`SoftEncoder::encode_raters_window`] and [`average`], and [`Error::BoxWindow`] if the window does not hold
/// whole boxes.
///
/// ```
/// use ndarray::{Array2, Array3, Axis, Slice};
/// use soft_labels::{Classes, Raters, SoftEncoder, Svls, pool};
///
/// let (labels, classes, svls) = (Array2::<u8>::eye(64), Classes::contiguous(2)?, Svls::default());
/// let raters = Raters::one(labels.view())?;
/// let part: Array3<f32> = pool::encode_window(&svls, &raters, &classes, &[0..64, 32..48], 4)?;
/// let whole = pool::average(&svls.encode::<_, f32, _>(&labels, &classes)?, 4)?;
/// assert_eq!(part, whole.slice_axis(Axis(2), Slice::from(8..12)));
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn encode_window<L: Label, F: SoftFloat, D: SpatialDim>(
    encoder: &impl SoftEncoder,
    raters: &Raters<'_, L, D>,
    classes: &Classes,
    window: &[Range<usize>],
    box_size: impl Into<PerAxis<usize>>,
) -> Result<Array<F, D::Larger>> {
    let box_size = box_size.into();
    Window::new(raters.shape(), window)?.at_scale(box_size.clone())?;
    let soft = encoder.encode_raters_window(raters, classes, window)?;
    if encoder.is_distribution(classes)? {
        average(&soft, box_size)
    } else {
        average_memberships(&soft, box_size, &valid(raters, classes, window)?)
    }
}

/// Writes the average of the raters' soft labels within a window at a coarser scale to `out`, which may have any strides.
///
/// # Errors
/// Those of [`encode_window`], and [`Error::Shape`].
///
/// ```
/// use ndarray::{Array2, Array3};
/// use soft_labels::{Classes, Raters, Svls, pool};
///
/// let labels = Array2::<u8>::zeros((64, 64));
/// let mut out = Array3::<f32>::zeros((2, 16, 4));
/// let raters = Raters::one(labels.view())?;
/// pool::encode_window_into(&Svls::default(), &raters, &Classes::contiguous(2)?, &[0..64, 32..48], 4, &mut out)?;
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn encode_window_into<L: Label, F: SoftFloat, D: SpatialDim>(
    encoder: &impl SoftEncoder,
    raters: &Raters<'_, L, D>,
    classes: &Classes,
    window: &[Range<usize>],
    box_size: impl Into<PerAxis<usize>>,
    out: &mut ArrayRef<F, D::Larger>,
) -> Result<()> {
    let box_size = box_size.into();
    let expected = Window::new(raters.shape(), window)?
        .at_scale(box_size.clone())?
        .soft_shape(encoder.channel_count(classes)?);
    arrays::check_shape("output", &expected, out.shape())?;
    let soft = encoder.encode_raters_window(raters, classes, window)?;
    if encoder.is_distribution(classes)? {
        average_into(&soft, box_size, out)
    } else {
        average_memberships_into(&soft, box_size, &valid(raters, classes, window)?, out)
    }
}

/// The voxels of a window that some rater with a weight did not ignore. The window was checked.
pub(crate) fn valid<L: Label, D: SpatialDim>(
    raters: &Raters<'_, L, D>,
    classes: &Classes,
    window: &[Range<usize>],
) -> Result<ArrayD<bool>> {
    let shape: Vec<usize> = window.iter().map(ExactSizeIterator::len).collect();
    let mut valid = arrays::filled(ndarray::IxDyn(&shape), false)?;
    for (map, _) in raters
        .maps()
        .iter()
        .zip(raters.weights())
        .filter(|(_, weight)| **weight > 0.0)
    {
        let mut part = map.view().into_dyn();
        for (axis, range) in window.iter().enumerate() {
            part.slice_axis_inplace(Axis(axis), Slice::from(range.clone()));
        }
        ndarray::Zip::from(&mut valid)
            .and(&part)
            .for_each(|valid, &label| *valid |= !classes.is_ignored(label));
    }
    Ok(valid)
}

/// The shape of pooled soft labels. The size of the boxes is checked.
pub(crate) fn shape_of(soft: &[usize], box_size: &PerAxis<usize>) -> Result<Vec<usize>> {
    check_soft_axes(soft.len())?;
    let box_size = check_box_size(soft.len() - 1, box_size)?;
    let pooled = soft[1..].iter().zip(box_size).map(|(len, size)| len.div_ceil(size));
    Ok(soft[..1].iter().copied().chain(pooled).collect())
}

fn write<F: SoftFloat, D: Dimension>(
    soft: &ArrayRef<F, D>,
    box_size: [usize; 3],
    valid: Option<ArrayView3<'_, bool>>,
    out: &mut ArrayRef<F, D>,
) -> Result<()> {
    if out.is_empty() {
        return Ok(());
    }
    let axes = soft.ndim() - 1;
    let mut soft = soft.view().into_dyn();
    if axes == 2 {
        soft = soft.insert_axis(Axis(1));
    }
    let soft = soft.into_dimensionality::<Ix4>().map_err(|_| label_axes(axes))?;
    let mut out = soft_volumes(out.view_mut(), axes)?;

    // What `write_part` allocates is tried first, because a failed allocation aborts the process.
    let (classes, depth, height, width) = soft.dim();
    let counted = [box_size[0].min(depth), box_size[1].min(height), width];
    let counted = counted.iter().try_fold(1_usize, |len, &n| len.checked_mul(n));
    let summed = classes.checked_mul(width);
    let too_large = || Error::TooLarge {
        shape: soft.shape().to_vec(),
    };
    arrays::check_room::<bool>(counted.ok_or_else(too_large)?, too_large)?;
    arrays::check_room::<f64>(summed.ok_or_else(too_large)?, too_large)?;

    // By planes, or by rows if there is one plane.
    let axis = if out.len_of(Axis(1)) > 1 { 1 } else { 2 };
    // Reading a value and adding it takes about a nanosecond.
    let len = out.len_of(Axis(axis)).div_ceil(parallel::threads(soft.len()));
    let parts = out.axis_chunks_iter_mut(Axis(axis), len).enumerate();
    parallel::for_each(soft.len(), parts, |(i, part)| {
        let mut first = [0, 0];
        first[axis - 1] = i * len;
        write_part(&soft, box_size, valid.as_ref(), first, part);
    });
    Ok(())
}

/// Writes a part of the boxes, whose first plane and row are given.
fn write_part<F: SoftFloat>(
    soft: &ArrayView4<'_, F>,
    box_size: [usize; 3],
    valid: Option<&ArrayView3<'_, bool>>,
    first: [usize; 2],
    mut out: ArrayViewMut4<'_, F>,
) {
    let (classes, depth, height, width) = soft.dim();
    let (_, out_depth, out_height, out_width) = out.dim();
    // Of one row of boxes: the sums of all classes, and which voxels count, as far as is known.
    let mut sums = vec![0.0; classes * out_width];
    let mut counts: Vec<bool> = Vec::new();
    let mut row = vec![F::zero(); width];
    for (d, h) in (0..out_depth).flat_map(|d| (0..out_height).map(move |h| (d, h))) {
        let planes = extent(first[0] + d, box_size[0], depth);
        let rows = extent(first[1] + h, box_size[1], height);
        sums.fill(0.0);
        counts.clear();
        counts.resize(planes.len() * rows.len() * width, false);
        for (class, sums) in sums.chunks_exact_mut(out_width).enumerate() {
            let lines = planes.clone().flat_map(|d| rows.clone().map(move |h| (d, h)));
            for ((d, h), counts) in lines.zip(counts.chunks_exact_mut(width)) {
                let line = soft.index_axis(Axis(0), class);
                let line = line.index_axis(Axis(0), d);
                let line = line.index_axis(Axis(0), h);
                let values = match line.as_slice() {
                    Some(values) => values,
                    None => {
                        row.iter_mut().zip(&line).for_each(|(to, from)| *to = *from);
                        &row
                    }
                };
                if valid.is_none() {
                    let both = counts.iter_mut().zip(values);
                    both.for_each(|(counts, value)| *counts |= *value != F::zero());
                }
                for (sum, values) in sums.iter_mut().zip(values.chunks(box_size[2])) {
                    *sum = values.iter().fold(*sum, |sum, value| sum + value.widen());
                }
            }
        }
        if let Some(valid) = valid {
            let lines = planes.clone().flat_map(|d| rows.clone().map(move |h| (d, h)));
            for ((d, h), counts) in lines.zip(counts.chunks_exact_mut(width)) {
                let line = valid.index_axis(Axis(0), d);
                let line = line.index_axis(Axis(0), h);
                counts.iter_mut().zip(line).for_each(|(counts, valid)| *counts = *valid);
            }
        }
        for w in 0..out_width {
            let columns = extent(w, box_size[2], width);
            let count: usize = counts
                .chunks_exact(width)
                .map(|counts| counts[columns.clone()].iter().filter(|&&counts| counts).count())
                .sum();
            for class in 0..classes {
                let sum = sums[class * out_width + w];
                out[[class, d, h, w]] = if count == 0 {
                    F::zero()
                } else {
                    F::round_from(sum / count as f64)
                };
            }
        }
    }
}

/// The voxels of a box on an axis.
fn extent(index: usize, size: usize, len: usize) -> Range<usize> {
    let start = index * size;
    start..start.saturating_add(size).min(len)
}
