//! What an image of OME-Zarr says of its voxels.

use super::unit::length_in_mm;
use super::{Affine, Geometry};

/// The axes of space of an image of OME-Zarr. A result is written with them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ome {
    pub(crate) version: Version,
    pub(crate) axes: Vec<Axis>,
    /// Whether the place of the first voxel is told.
    pub(crate) is_placed: bool,
}

/// That of the metadata, which says how a group is stored, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// 0.4 and before: Zarr 2.
    V04,
    /// Zarr 3.
    V05,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    pub(crate) name: String,
    pub(crate) unit: Option<String>,
    /// The step from voxel to voxel in the unit.
    pub(crate) scale: f64,
    /// The place of the first voxel in the unit.
    pub(crate) translation: f64,
}

impl Ome {
    /// Moves to boxes of `size` voxels, of which the first begins at voxel `start`, along each axis.
    pub(super) fn window(&mut self, boxes: &[(usize, usize)]) {
        for (axis, &(start, size)) in self.axes.iter_mut().zip(boxes) {
            let voxels = start as f64 + (size as f64 - 1.0) / 2.0;
            self.is_placed |= voxels != 0.0;
            axis.translation += axis.scale * voxels;
            axis.scale *= size as f64;
        }
    }

    /// Stretches the axes to another spacing in millimetres.
    pub(super) fn respace(&mut self, spacing: &[f64]) {
        for (axis, &step) in self.axes.iter_mut().zip(spacing) {
            axis.scale = match axis.unit.as_deref().and_then(length_in_mm) {
                Some(unit) => step / unit,
                None => {
                    axis.unit = Some("millimeter".to_owned());
                    step
                }
            };
        }
    }
}

impl Geometry {
    pub(crate) fn of_ome(ome: Ome) -> Self {
        let in_mm = |length: fn(&Axis) -> f64| -> Option<Vec<f64>> {
            let length = |axis: &Axis| Some(length(axis) * length_in_mm(axis.unit.as_deref()?)?);
            let lengths = ome.axes.iter().map(length);
            lengths
                .map(|length| length.filter(|length| length.is_finite()))
                .collect()
        };
        let spacing = in_mm(|axis| axis.scale).filter(|steps| steps.iter().all(|&step| step > 0.0));
        let spaced = spacing.map_or_else(Self::unknown, |spacing| Self::from_spacing_mm(&spacing));
        let places = in_mm(|axis| axis.translation).filter(|_| ome.is_placed && spaced.spacing.is_some());
        let affine = places.map(|places| {
            let mut affine: Affine = spaced.place();
            affine.iter_mut().zip(places).for_each(|(row, place)| row[3] = place);
            affine
        });
        Self {
            affine,
            ome: Some(Box::new(ome)),
            ..spaced
        }
    }

    /// The image of OME-Zarr that it comes from.
    pub(crate) fn ome(&self) -> Option<&Ome> {
        self.ome.as_deref()
    }
}
