//! Soft labels at coarser scales, for networks with outputs at several resolutions (deep supervision).
//!
//! Each output of such a network needs targets of its own resolution. Nearest-neighbour label maps lose small structures.
//! The mean of the soft labels over each box of voxels keeps them, and is still a distribution:
//!
//! ```text
//! q_c(b) = Σ_{v in b, counted} p_c(v) / n(b)      n(b) = how many voxels of the box b are counted
//! ```
//!
//! A voxel counts unless all its classes are 0, as those of an ignored voxel are. A box in which no voxel counts is all zero.
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

use ndarray::{Array, ArrayRef, ArrayView4, ArrayViewMut4, Axis, Dimension, Ix4};

use crate::common::{arrays, parallel};
use crate::engine::soft_volumes;
use crate::input::per_axis::per_axis;
use crate::input::raters::check_axes;
use crate::{Error, PerAxis, Result, SoftFloat};

/// The mean of soft labels (C, H, W) or (C, D, H, W) over boxes of voxels, newly allocated in standard order.
///
/// `boxes` is the length of a box in voxels: one number for all spatial axes, or one for each. An axis of length n has
/// n / box entries afterwards, rounded up. Sums run in `f64`, in the order of the voxels, and one division is rounded, so the
/// bits are the same for any strides and any number of threads.
///
/// # Errors
/// [`Error::LabelAxes`] unless there are two or three spatial axes, [`Error::KernelAxes`] if `boxes` has another number of
/// axes, [`Error::Box`] if one is 0, [`Error::TooLarge`].
///
/// The example of [`pool`](self) uses it.
pub fn average<F: SoftFloat, D: Dimension>(
    soft: &ArrayRef<F, D>,
    boxes: impl Into<PerAxis<usize>>,
) -> Result<Array<F, D>> {
    let (boxes, shape) = check(soft.shape(), &boxes.into())?;
    let mut dim = soft.raw_dim();
    dim.slice_mut().copy_from_slice(&shape);
    let mut out = arrays::filled(dim, F::zero())?;
    write(soft, boxes, &mut out)?;
    Ok(out)
}

/// Writes the mean of soft labels over boxes of voxels to `out`, which may have any strides.
///
/// # Errors
/// Those of [`average`], and [`Error::OutputShape`]. `out` is untouched then.
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
    boxes: impl Into<PerAxis<usize>>,
    out: &mut ArrayRef<F, D>,
) -> Result<()> {
    let (boxes, expected) = check(soft.shape(), &boxes.into())?;
    if out.shape() != expected {
        return Err(Error::OutputShape {
            expected,
            actual: out.shape().to_vec(),
        });
    }
    write(soft, boxes, out)
}

/// Checks the box size. Returns it on the axes D, H, W, and the shape of the pooled soft labels.
pub(crate) fn check(soft: &[usize], boxes: &PerAxis<usize>) -> Result<([usize; 3], Vec<usize>)> {
    let axes = soft.len().saturating_sub(1);
    check_axes(axes)?;
    let boxes = per_axis("box", boxes.values(), Some(axes))?;
    if let Some(axis) = boxes.iter().position(|&len| len == 0) {
        return Err(Error::Box { axis });
    }
    let mut shape = soft.to_vec();
    let mut of_volume = [1; 3];
    for ((len, of_volume), &size) in shape[1..].iter_mut().zip(&mut of_volume[3 - axes..]).zip(&boxes) {
        *len = len.div_ceil(size);
        *of_volume = size;
    }
    Ok((of_volume, shape))
}

fn write<F: SoftFloat, D: Dimension>(soft: &ArrayRef<F, D>, boxes: [usize; 3], out: &mut ArrayRef<F, D>) -> Result<()> {
    if out.is_empty() {
        return Ok(());
    }
    let axes = soft.ndim() - 1;
    let mut soft = soft.view().into_dyn();
    if axes == 2 {
        soft = soft.insert_axis(Axis(1));
    }
    let soft = soft
        .into_dimensionality::<Ix4>()
        .map_err(|_| Error::LabelAxes { axes })?;
    let mut out = soft_volumes(out.view_mut(), axes)?;

    // What `write_part` allocates is tried first, because a failed allocation aborts the process.
    let (classes, depth, height, width) = soft.dim();
    let counted = [boxes[0].min(depth), boxes[1].min(height), width];
    let counted = counted.iter().try_fold(1_usize, |len, &n| len.checked_mul(n));
    let summed = classes.checked_mul(width);
    let fits = counted.is_some_and(|len| Vec::<bool>::new().try_reserve_exact(len).is_ok())
        && summed.is_some_and(|len| Vec::<f64>::new().try_reserve_exact(len).is_ok());
    if !fits {
        return Err(Error::TooLarge {
            shape: soft.shape().to_vec(),
        });
    }

    // By planes, or by rows if there is one plane.
    let axis = if out.len_of(Axis(1)) > 1 { 1 } else { 2 };
    // Reading a value and adding it takes about a nanosecond.
    let len = out.len_of(Axis(axis)).div_ceil(parallel::threads(soft.len()));
    let parts = out.axis_chunks_iter_mut(Axis(axis), len).enumerate();
    parallel::for_each(soft.len(), parts, |(i, part)| {
        let mut first = [0, 0];
        first[axis - 1] = i * len;
        write_part(&soft, boxes, first, part);
    });
    Ok(())
}

/// Writes a part of the boxes, whose first plane and row are given.
fn write_part<F: SoftFloat>(
    soft: &ArrayView4<'_, F>,
    boxes: [usize; 3],
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
        let planes = extent(first[0] + d, boxes[0], depth);
        let rows = extent(first[1] + h, boxes[1], height);
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
                counts
                    .iter_mut()
                    .zip(values)
                    .for_each(|(counts, value)| *counts |= *value != F::zero());
                for (sum, values) in sums.iter_mut().zip(values.chunks(boxes[2])) {
                    *sum = values.iter().fold(*sum, |sum, value| sum + value.wide());
                }
            }
        }
        for w in 0..out_width {
            let columns = extent(w, boxes[2], width);
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
