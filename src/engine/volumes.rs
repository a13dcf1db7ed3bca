//! Label maps and soft labels of two or three axes on the axes D, H, W.

use std::ops::Range;

use ndarray::{ArrayView, ArrayView3, ArrayViewMut, ArrayViewMut4, Axis, Dimension, Ix3, Slice};

use super::Smoothing;
use super::stencil::Stencil;
use crate::{Classes, Error, Label, Raters, Result, SpatialDim};

/// Some label map holds a label that is neither a class nor ignored.
#[derive(Debug)]
pub(super) struct UnknownLabel;

/// The raters' label maps on the axes D, H, W, with the raters' weights.
#[derive(Debug)]
pub(super) struct LabelVolumes<'a, L> {
    pub(super) views: Vec<ArrayView3<'a, L>>,
    pub(super) weights: &'a [f64],
}

impl<'a, L: Label> LabelVolumes<'a, L> {
    pub(super) fn new<D: SpatialDim>(raters: &'a Raters<'_, L, D>) -> Result<Self> {
        Ok(Self {
            views: raters.maps().iter().map(volume).collect::<Result<_>>()?,
            weights: raters.weights(),
        })
    }
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

/// Soft labels of a map of `axes` axes on the axes C, D, H, W.
pub(crate) fn soft_volumes<F, D: Dimension>(out: ArrayViewMut<'_, F, D>, axes: usize) -> Result<ArrayViewMut4<'_, F>> {
    let mut out = out.into_dyn();
    if axes == 2 {
        out = out.insert_axis(Axis(1));
    }
    out.into_dimensionality().map_err(|_| Error::LabelAxes { axes })
}

/// The error for the first unknown label among those that the soft labels of a window depend on.
pub(super) fn name_unknown<L: Label, D: SpatialDim>(
    smoothing: &Smoothing,
    raters: &Raters<'_, L, D>,
    classes: &Classes,
    window: &[Range<usize>],
) -> Result<()> {
    let radius = &Stencil::new(smoothing, raters.len()).radius[3 - window.len()..];
    let origin: Vec<usize> = window
        .iter()
        .zip(radius)
        .map(|(range, &r)| range.start.saturating_sub(r))
        .collect();
    for (rater, map) in raters.maps().iter().enumerate() {
        let mut part = map.view().into_dyn();
        for (axis, (range, r)) in window.iter().zip(radius).enumerate() {
            let end = (range.end + r).min(map.len_of(Axis(axis)));
            part.slice_axis_inplace(Axis(axis), Slice::from(origin[axis]..end));
        }
        classes.check(&part, &origin, rater, raters.len())?;
    }
    Ok(())
}
