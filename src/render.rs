//! From the public calls to the engine: checks shapes and windows, and brings all maps to three axes.

use std::ops::Range;

use ndarray::{Array, ArrayRef, ArrayView, ArrayView3, ArrayViewMut, ArrayViewMut4, Axis, Dimension, Ix3, Slice};

use crate::arrays;
use crate::engine::{self, Frame, Maps, Recipe, UnknownLabel};
use crate::sparse::{Scribe, SparseLabels};
use crate::{Classes, Error, Label, Raters, Result, SoftFloat, SpatialDim};

/// The window that is all of a label map.
pub(crate) fn whole(shape: &[usize]) -> Vec<Range<usize>> {
    shape.iter().map(|&len| 0..len).collect()
}

/// Zeros for the soft labels of a window.
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

/// Lets the engine write the soft labels of a window to `out`.
pub(crate) fn render<L: Label, F: SoftFloat, D: SpatialDim>(
    recipe: &Recipe,
    raters: &Raters<'_, L, D>,
    classes: &Classes,
    window: &[Range<usize>],
    out: &mut ArrayRef<F, D::Larger>,
) -> Result<()> {
    let expected = soft_shape(raters.shape(), classes.len(), window)?;
    if out.shape() != expected {
        return Err(Error::OutputShape {
            expected,
            actual: out.shape().to_vec(),
        });
    }
    if out.is_empty() {
        return Ok(());
    }
    let maps = Maps {
        views: raters.maps().iter().map(volume).collect::<Result<_>>()?,
        weights: raters.weights(),
    };
    let out = volumes(out.view_mut(), window.len())?;
    engine::encode(recipe, &maps, classes, frame(window), out)
        .or_else(|UnknownLabel| name_unknown(recipe, raters, classes, window))
}

/// Lets the engine tell the soft labels of all voxels, without zeros.
pub(crate) fn render_sparse<L: Label, F: SoftFloat, D: SpatialDim>(
    recipe: &Recipe,
    raters: &Raters<'_, L, D>,
    classes: &Classes,
) -> Result<SparseLabels<F, D>> {
    let mut scribe = Scribe::new(raters.dim(), classes.len())?;
    let window = whole(raters.shape());
    if window.iter().all(|range| !range.is_empty()) {
        let maps = Maps {
            views: raters.maps().iter().map(volume).collect::<Result<_>>()?,
            weights: raters.weights(),
        };
        engine::scan(recipe, &maps, classes, frame(&window), &mut scribe)
            .or_else(|UnknownLabel| name_unknown(recipe, raters, classes, &window))?;
    }
    Ok(scribe.finish())
}

/// The window, which has been checked, on the axes D, H, W.
pub(crate) fn frame(window: &[Range<usize>]) -> Frame {
    let mut frame = Frame {
        start: [0; 3],
        size: [1; 3],
    };
    for (axis, range) in (3 - window.len()..).zip(window) {
        frame.start[axis] = range.start;
        frame.size[axis] = range.len();
    }
    frame
}

/// Soft labels of a map of `axes` axes on the axes C, D, H, W.
pub(crate) fn volumes<F, D: Dimension>(out: ArrayViewMut<'_, F, D>, axes: usize) -> Result<ArrayViewMut4<'_, F>> {
    let mut out = out.into_dyn();
    if axes == 2 {
        out = out.insert_axis(Axis(1));
    }
    out.into_dimensionality().map_err(|_| Error::LabelAxes { axes })
}

/// The error for the first unknown label among those that the soft labels of a window depend on.
fn name_unknown<L: Label, D: SpatialDim>(
    recipe: &Recipe,
    raters: &Raters<'_, L, D>,
    classes: &Classes,
    window: &[Range<usize>],
) -> Result<()> {
    let reach = &engine::reach(recipe, raters.len())[3 - window.len()..];
    let origin: Vec<usize> = window
        .iter()
        .zip(reach)
        .map(|(range, &r)| range.start.saturating_sub(r))
        .collect();
    for (rater, map) in raters.maps().iter().enumerate() {
        let mut part = map.view().into_dyn();
        for (axis, (range, r)) in window.iter().zip(reach).enumerate() {
            let end = (range.end + r).min(map.len_of(Axis(axis)));
            part.slice_axis_inplace(Axis(axis), Slice::from(origin[axis]..end));
        }
        classes.check(&part, &origin, rater, raters.len())?;
    }
    Ok(())
}

/// A label map on the axes D, H, W.
fn volume<'a, L: Label, D: SpatialDim>(map: &ArrayView<'a, L, D>) -> Result<ArrayView3<'a, L>> {
    let axes = map.ndim();
    let mut map = map.clone().into_dyn();
    if axes == 2 {
        map = map.insert_axis(Axis(0));
    }
    map.into_dimensionality::<Ix3>().map_err(|_| Error::LabelAxes { axes })
}

/// The shape of the soft labels of a window, which is checked.
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
