//! Windows: the part of a label map whose soft labels are asked for, a range of voxels on each axis.

use std::ops::Range;

use ndarray::{Array, Dimension};

use crate::common::arrays;
use crate::{Classes, Error, Result, SoftFloat, SpatialDim};

/// The window that is all of a label map.
pub(crate) fn whole(shape: &[usize]) -> Vec<Range<usize>> {
    shape.iter().map(|&len| 0..len).collect()
}

/// Checks a window of a label map of shape `labels`, and gives the shape of its soft labels: the classes, then its
/// lengths.
pub(crate) fn soft_shape(labels: &[usize], classes: usize, window: &[Range<usize>]) -> Result<Vec<usize>> {
    if window.len() != labels.len() {
        return Err(Error::WindowAxes {
            expected: labels.len(),
            actual: window.len(),
        });
    }
    for (axis, (range, &len)) in window.iter().zip(labels).enumerate() {
        if range.start > range.end || range.end > len {
            return Err(Error::Window {
                axis,
                start: range.start,
                end: range.end,
                len,
            });
        }
    }
    Ok(std::iter::once(classes)
        .chain(window.iter().map(ExactSizeIterator::len))
        .collect())
}

/// Checks a window, and the shape of the output for its soft labels.
pub(crate) fn check_output(labels: &[usize], classes: usize, window: &[Range<usize>], output: &[usize]) -> Result<()> {
    let expected = soft_shape(labels, classes, window)?;
    if output == expected {
        Ok(())
    } else {
        Err(Error::OutputShape {
            expected,
            actual: output.to_vec(),
        })
    }
}

/// Zeros for the soft labels of a window, which is checked.
pub(crate) fn allocate<F: SoftFloat, D: SpatialDim>(
    labels: &[usize],
    classes: &Classes,
    window: &[Range<usize>],
) -> Result<Array<F, D::Larger>> {
    let shape = soft_shape(labels, classes.len(), window)?;
    let mut dim = D::Larger::zeros(shape.len());
    dim.slice_mut().copy_from_slice(&shape);
    arrays::filled(dim, F::zero())
}
