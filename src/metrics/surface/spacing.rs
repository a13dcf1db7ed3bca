//! The distance between voxels on each axis.

use std::ops::RangeInclusive;

use crate::{Error, Place, Result};

/// Spacings within this range keep all squares and areas finite and above 0.
const SPACING: RangeInclusive<f64> = 1e-30..=1e30;

/// The spacing on the axes D, H, W, of which the first is 1 in 2D.
pub(in crate::metrics) fn grid_spacing(spacing: &[f64], axes: usize) -> Result<[f64; 3]> {
    if let Some((axis, &value)) = spacing.iter().enumerate().find(|(_, mm)| !SPACING.contains(*mm)) {
        return Err(Error::Setting {
            what: "spacing",
            place: Some(Place::Axis(axis)),
            value,
            allowed: "within 1e-30 and 1e30",
        });
    }
    match (spacing, axes) {
        (&[h, w], 2) => Ok([1.0, h, w]),
        (&[all], 2) => Ok([1.0, all, all]),
        (&[d, h, w], 3) => Ok([d, h, w]),
        (&[all], 3) => Ok([all; 3]),
        _ => Err(Error::Count {
            what: "spacing",
            per: "axes",
            expected: axes,
            actual: spacing.len(),
        }),
    }
}
