//! Whether the grids of two arrays are one.

use super::{Affine, Geometry};

/// Grids that are further apart, in voxels, are not the same.
const NEAR: f64 = 0.1;

impl Geometry {
    /// How far the voxels of another array of the same shape lie from those of this one: the greatest distance at the
    /// corners of the grid, in voxels of this one. It is `None` if nothing is known of one of them. Where one has a spacing
    /// and no place, or their axes have other orders, the spacings are compared.
    ///
    /// ```
    /// use soft_labels_files::Geometry;
    ///
    /// let geometry = Geometry::from_spacing_mm(&[2.5, 1.0, 1.0]);
    /// let wider = Geometry::from_spacing_mm(&[2.5, 1.0, 1.1]);
    /// let voxels = geometry.distance_in_voxels(&wider, &[10, 20, 31]).unwrap();
    /// assert!((voxels - 3.0).abs() < 1e-9); // at the last of 31 columns
    /// assert_eq!(geometry.distance_in_voxels(&Geometry::unknown(), &[10, 20, 31]), None);
    /// ```
    pub fn distance_in_voxels(&self, other: &Self, shape: &[usize]) -> Option<f64> {
        if self.spacing.is_none() || other.spacing.is_none() {
            return None;
        }
        let placed = self.affine.is_some() && other.affine.is_some();
        let (a, b) = if placed && self.axes == other.axes {
            (self.place(), other.place())
        } else {
            let spaced = |geometry: &Self| Self {
                affine: None,
                ..geometry.clone()
            };
            (spaced(self).place(), spaced(other).place())
        };
        let last = |axis: usize| shape.get(axis).map_or(0.0, |&len| len.saturating_sub(1) as f64);
        let corners = (0..8).map(|corner: usize| {
            let at = |axis| if corner >> axis & 1 == 1 { last(axis) } else { 0.0 };
            let voxel = [at(0), at(1), at(2), 1.0];
            let apart = |row: usize| {
                (0..4)
                    .map(|column| (b[row][column] - a[row][column]) * voxel[column])
                    .sum()
            };
            in_voxels(&a, [apart(0), apart(1), apart(2)])
        });
        // Not a number is as far as can be.
        Some(corners.fold(0.0, |most: f64, far| if far <= most { most } else { far }))
    }

    /// Whether the voxels of two arrays of the same shape lie at the same places, within a tenth of a voxel. It is true if
    /// nothing is known of one of them.
    ///
    /// ```
    /// use soft_labels_files::Geometry;
    ///
    /// let geometry = Geometry::from_spacing_mm(&[2.5, 1.0, 1.0]);
    /// assert!(geometry.same_place(&Geometry::unknown(), &[10, 20, 30]));
    /// assert!(!geometry.same_place(&Geometry::from_spacing_mm(&[2.5, 1.0, 1.1]), &[10, 20, 30]));
    /// assert!(geometry.same_place(&Geometry::from_spacing_mm(&[2.5, 1.0, 1.00001]), &[10, 20, 30]));
    /// ```
    pub fn same_place(&self, other: &Self, shape: &[usize]) -> bool {
        self.distance_in_voxels(other, shape).is_none_or(|far| far <= NEAR)
    }
}

/// The length of a step in millimetres, in voxels.
fn in_voxels(affine: &Affine, step: [f64; 3]) -> f64 {
    if step == [0.0; 3] {
        return 0.0;
    }
    let column = |column: usize| affine.map(|row| row[column]);
    let [x, y, z] = [column(0), column(1), column(2)];
    let volume = dot(x, cross(y, z));
    // By Cramer's rule.
    let along = [cross(y, z), cross(z, x), cross(x, y)].map(|normal| dot(step, normal) / volume);
    length(along)
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

fn length(a: [f64; 3]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(affine: Affine) -> Geometry {
        Geometry {
            spacing: Some(vec![1.0; 3]),
            affine: Some(affine),
            ..Geometry::unknown()
        }
    }

    #[test]
    fn distances_are_in_voxels_of_any_direction() {
        // Sagittal, with slices 4 mm apart.
        let sagittal = [[0.0, 0.0, 4.0, 10.0], [0.5, 0.0, 0.0, -3.0], [0.0, -0.5, 0.0, 8.0]];
        let mut moved = sagittal;
        moved[0][3] += 1.0;
        let shape = [30, 30, 5];
        let far = at(sagittal).distance_in_voxels(&at(moved), &shape).unwrap();
        assert!((far - 0.25).abs() < 1e-12, "{far}");
        moved[0][3] = 10.3;
        assert!(at(sagittal).same_place(&at(moved), &shape));
        // What differs at the far corner alone.
        let mut stretched = sagittal;
        stretched[1][0] *= 1.01;
        assert!(!at(sagittal).same_place(&at(stretched), &shape));
        assert!(at(sagittal).same_place(&at(stretched), &[5, 30, 5]));
    }

    #[test]
    fn an_affine_of_nothing_is_far_from_any_other() {
        let nothing = at([[0.0; 4]; 3]);
        let one = at([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
        assert!(nothing.same_place(&nothing, &[3, 3, 3]));
        assert!(!nothing.same_place(&one, &[3, 3, 3]));
        assert!(!one.same_place(&at([[f64::NAN; 4]; 3]), &[3, 3, 3]));
    }
}
