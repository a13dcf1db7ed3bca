//! Label maps and soft labels of two or three axes on the axes D, H, W, and the order in which these are walked.

use std::cmp::Reverse;

use ndarray::{ArrayView, ArrayView3, ArrayViewMut, ArrayViewMut4, Axis, Dimension, Ix3};

use super::Smoothing;
use super::tiles::Tile;
use crate::input::raters::label_axes;
use crate::{Result, SpatialDim};

/// A label map on the axes D, H, W.
pub(super) fn volume<'a, L, D: SpatialDim>(map: &ArrayView<'a, L, D>) -> Result<ArrayView3<'a, L>> {
    let axes = map.ndim();
    let mut map = map.clone().into_dyn();
    if axes == 2 {
        map = map.insert_axis(Axis(0));
    }
    map.into_dimensionality::<Ix3>().map_err(|_| label_axes(axes))
}

/// Soft labels of a map of `axes` axes on the axes C, D, H, W.
pub(crate) fn soft_volumes<F, D: Dimension>(out: ArrayViewMut<'_, F, D>, axes: usize) -> Result<ArrayViewMut4<'_, F>> {
    let mut out = out.into_dyn();
    if axes == 2 {
        out = out.insert_axis(Axis(1));
    }
    out.into_dimensionality().map_err(|_| label_axes(axes))
}

/// The axes D, H, W in the order of an output's memory, from the slowest to the fastest, and which of them run backwards.
///
/// Axes are exchanged and reversed in label maps, kernel and output together. Neighbours are counted in whole numbers, so
/// results have the same bits. A kernel is symmetric, so it need not be reversed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Orientation {
    order: [usize; 3],
    backwards: [bool; 3],
}

impl Orientation {
    pub(super) fn of<F>(out: &ArrayViewMut4<'_, F>) -> Self {
        let mut order = [0, 1, 2];
        // An axis of one voxel lies anywhere in memory; first, it leaves the rows long.
        order.sort_by_key(|&axis| {
            let axis = Axis(1 + axis);
            Reverse((out.len_of(axis) == 1, out.stride_of(axis).unsigned_abs()))
        });
        Self {
            order,
            backwards: order.map(|axis| out.stride_of(Axis(1 + axis)) < 0),
        }
    }

    pub(super) fn output<'a, F>(self, out: ArrayViewMut4<'a, F>) -> ArrayViewMut4<'a, F> {
        let [a, b, c] = self.order;
        let mut out = out.permuted_axes([0, 1 + a, 1 + b, 1 + c]);
        self.for_each_backwards(|axis| out.invert_axis(Axis(1 + axis)));
        out
    }

    pub(super) fn labels<'a, L>(self, labels: &ArrayView3<'a, L>) -> ArrayView3<'a, L> {
        let mut labels = labels.permuted_axes(self.order);
        self.for_each_backwards(|axis| labels.invert_axis(Axis(axis)));
        labels
    }

    /// A tile of a label map of a shape, both with the axes in their own order.
    pub(super) fn tile(self, tile: Tile, shape: [usize; 3]) -> Tile {
        let mut turned = Tile {
            start: self.order.map(|axis| tile.start[axis]),
            size: self.order.map(|axis| tile.size[axis]),
        };
        self.for_each_backwards(|axis| {
            turned.start[axis] = shape[self.order[axis]] - turned.start[axis] - turned.size[axis];
        });
        turned
    }

    pub(super) fn smoothing(self, smoothing: &Smoothing) -> Smoothing {
        let mut smoothing = smoothing.clone();
        smoothing.radius = self.order.map(|axis| smoothing.radius[axis]);
        for tap in &mut smoothing.taps {
            tap.offset = self.order.map(|axis| tap.offset[axis]);
        }
        smoothing
    }

    fn for_each_backwards(self, run: impl FnMut(usize)) {
        (0..3).filter(|&axis| self.backwards[axis]).for_each(run);
    }
}
