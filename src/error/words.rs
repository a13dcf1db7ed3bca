//! Parts of messages.

use super::Place;

pub(super) fn of(place: Option<Place>) -> String {
    place.map(|place| format!(" {place}")).unwrap_or_default()
}

/// A number without rows of zeros.
pub(super) fn short(value: f64) -> String {
    if value == 0.0 || (1e-5..1e16).contains(&value.abs()) {
        value.to_string()
    } else {
        // With an exponent where there are many digits.
        format!("{value:?}")
    }
}

pub(super) fn of_rater(rater: usize, raters: usize) -> String {
    of((raters > 1).then_some(Place::Rater(rater)))
}

pub(super) fn voxels_hold(count: usize) -> String {
    let (voxels, hold, labels) = if count == 1 {
        ("voxel", "holds", "a label that is")
    } else {
        ("voxels", "hold", "labels that are")
    };
    format!("{count} {voxels} {hold} {labels} no class")
}
