//! Which voxels calibration is measured on.

use ndarray::{ArrayRef, ArrayView, Dimension};

use super::predictions::{IGNORED, Predictions};
use crate::common::arrays::{check_shape, in_order};
use crate::{Classes, Label, Result, SoftFloat, SpatialDim};

/// Which voxels calibration is measured on. Ignored voxels never count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Scope<'a, D: Dimension> {
    /// All.
    #[default]
    All,
    /// Those whose label is not class 0: what the SVLS paper's released code takes for its ECE.
    Foreground,
    /// Those where a mask of the label map's shape is true, such as the [`boundary_band`](super::boundary_band()) of the labels.
    Mask(ArrayView<'a, bool, D>),
}

impl<D: SpatialDim> Scope<'_, D> {
    /// The class of each voxel that counts, and [`IGNORED`] for all others, in C order. Checks the probabilities of all voxels
    /// that the labels do not ignore.
    pub(super) fn targets<F: SoftFloat, L: Label>(
        &self,
        predictions: &Predictions<'_, F>,
        labels: &ArrayRef<L, D>,
        classes: &Classes,
    ) -> Result<Vec<u16>> {
        let mut targets = predictions.targets(labels, classes)?;
        match self {
            Self::All => {}
            Self::Foreground => {
                let background = targets.iter_mut().filter(|target| **target == 0);
                background.for_each(|target| *target = IGNORED);
            }
            Self::Mask(mask) => {
                check_shape("mask", labels.shape(), mask.shape())?;
                let inside = in_order(mask)?;
                let outside = targets.iter_mut().zip(inside.iter()).filter(|(_, inside)| !**inside);
                outside.for_each(|(target, _)| *target = IGNORED);
            }
        }
        Ok(targets)
    }
}
