//! Where NRRD says that voxels are, as NIfTI has it: x to the right, y to the front, z upwards, in millimetres.

use crate::formats::detached::numbers;
use crate::geometry::{Geometry, length_in_mm};

/// Where a step along an axis leads.
pub(super) type Direction = Vec<f64>;

/// `(1,0,0) none (0,0,2)`
pub(super) fn directions(text: &str) -> Option<Vec<Option<Direction>>> {
    let mut rest = text.trim();
    let mut directions = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("none") {
            directions.push(None);
            rest = after.trim_start();
        } else {
            let (vector, after) = rest.strip_prefix('(')?.split_once(')')?;
            let vector = numbers::<f64>(&vector.replace(',', " "))?;
            if vector.is_empty() || vector.len() > 3 {
                return None;
            }
            // A direction of no numbers is none, as some programs write it.
            directions.push(Some(vector).filter(|vector| !vector.iter().any(|step| step.is_nan())));
            rest = after.trim_start();
        }
    }
    Some(directions)
}

/// Millimetres of the unit of all axes, such as `"mm" "mm" "mm"`.
pub(super) fn unit(text: Option<&str>) -> f64 {
    let mut names = text.unwrap_or_default().split('"').skip(1).step_by(2);
    names.find_map(length_in_mm).unwrap_or(1.0)
}

/// The geometry of axes with these directions. Without a patient's directions only the spacing is known.
pub(super) fn geometry(space: Option<&str>, directions: &[Direction], origin: Option<&str>, unit: f64) -> Geometry {
    let flips = match space.map(str::to_lowercase).as_deref() {
        Some("left-posterior-superior" | "lps") => Some([-1.0, -1.0, 1.0]),
        Some("right-anterior-superior" | "ras") => Some([1.0, 1.0, 1.0]),
        Some("left-anterior-superior" | "las") => Some([-1.0, 1.0, 1.0]),
        _ => None,
    };
    let origin = origin.and_then(|text| numbers::<f64>(text.trim_matches(['(', ')']).replace(',', " ").as_str()));
    let origin = origin
        .filter(|origin| origin.len() == 3)
        .unwrap_or_else(|| vec![0.0; 3]);
    if let (Some(flips), [x, y, z]) = (flips, directions)
        && directions.iter().all(|direction| direction.len() == 3)
    {
        let row = |row: usize| [x[row], y[row], z[row], origin[row]].map(|value| flips[row] * value * unit);
        return Geometry::from_affine(&[row(0), row(1), row(2)]);
    }
    let length = |direction: &Direction| direction.iter().map(|step| step * step).sum::<f64>().sqrt() * unit;
    Geometry::from_spacing_mm(&directions.iter().map(length).collect::<Vec<_>>()).x_first()
}
