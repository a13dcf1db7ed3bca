//! How far the surfaces of two masks are apart.

mod area;
pub(super) mod distance;
mod surfels;

use std::ops::RangeInclusive;

use ndarray::{ArrayRef, ArrayView3};

use self::distance::Distances;
use self::surfels::Surfels;
use super::Region;
use crate::common::arrays::{check_shape, in_order};
use crate::common::parallel;
use crate::error::allowed;
use crate::input::raters::{check_axes, label_axes};
use crate::{Classes, Error, Label, PerAxis, Place, Result, SpatialDim};

/// The surfaces of a predicted mask and a reference mask, by DeepMind's definition (Nikolov et al., *Deep learning to
/// achieve clinically applicable segmentation*, [arXiv 1809.04430], and their package surface-distance).
///
/// Surface elements lie on the dual grid, whose points are the corners of voxels: there is one at each point around which
/// some voxels are inside and some are not. Its area is that of the marching-cubes triangles there (in 2D, the length of the
/// contour), with the voxel spacing in account. Outside of the array there is nothing, so a mask that touches the border is
/// closed there. Distances are those between grid points, in the unit of the spacing.
///
/// ```
/// use ndarray::Array3;
/// use soft_labels::metrics::Surfaces;
///
/// let ball = |z: usize, radius: f64| {
///     Array3::from_shape_fn((12, 24, 24), |(d, h, w)| {
///         let at = [d as f64 * 2.0 - z as f64, h as f64 - 12.0, w as f64 - 12.0]; // slices 2 mm apart
///         at.iter().map(|x| x * x).sum::<f64>().sqrt() < radius
///     })
/// };
/// let surfaces = Surfaces::new(&ball(12, 7.0), &ball(12, 8.0), &[2.0, 1.0, 1.0])?;
/// assert!(surfaces.dice(0.0)? < 0.5);
/// assert_eq!(surfaces.dice(2.0)?, 1.0); // nowhere more than 2 mm apart
/// let distances = surfaces.distances()?;
/// assert!(distances.hausdorff(100.0)? <= 2.0);
/// assert!(distances.average() > 0.5);
/// # Ok::<(), soft_labels::Error>(())
/// ```
///
/// [arXiv 1809.04430]: https://arxiv.org/abs/1809.04430
#[derive(Debug, Clone, PartialEq)]
pub struct Surfaces {
    prediction: Surfels,
    reference: Surfels,
    /// On the axes D, H, W.
    spacing: [f64; 3],
    /// Whether all voxels of the predicted mask have the same value.
    constant: bool,
}

impl Surfaces {
    /// Finds the surfaces of two masks of the same shape, (H, W) or (D, H, W), with the distance between voxels, one for all
    /// axes or one for each.
    ///
    /// # Errors
    /// [`Error::Axes`], [`Error::Shape`], [`Error::Count`] if the spacing has another number of axes, [`Error::Setting`] if it
    /// does not lie within 1e-30 and 1e30, [`Error::TooLarge`].
    ///
    /// The example of [`Surfaces`] uses it.
    pub fn new<D: SpatialDim>(
        prediction: &ArrayRef<bool, D>,
        reference: &ArrayRef<bool, D>,
        spacing: impl Into<PerAxis<f64>>,
    ) -> Result<Self> {
        check_axes(reference.ndim())?;
        check_shape("prediction", reference.shape(), prediction.shape())?;
        let flat = reference.ndim() == 2;
        let spacing = grid_spacing(spacing.into().values(), reference.ndim())?;
        let areas = match spacing {
            [_, h, w] if flat => area::of_flat_codes([h, w]).to_vec(),
            _ => area::of_codes(spacing).to_vec(),
        };
        let (predicted, expected) = (in_order(prediction)?, in_order(reference)?);
        let (predicted, expected) = (
            volume(&predicted, reference.shape())?,
            volume(&expected, reference.shape())?,
        );
        let (prediction, reference) = parallel::join(
            reference.len(),
            || Surfels::find(&predicted, &areas, flat),
            || Surfels::find(&expected, &areas, flat),
        );
        Ok(Self {
            prediction: prediction?,
            reference: reference?,
            spacing,
            constant: !predicted.iter().any(|&inside| inside) || predicted.iter().all(|&inside| inside),
        })
    }

    /// Finds the surfaces of a region in a predicted and a reference label map, (H, W) or (D, H, W).
    ///
    /// Voxels that the reference ignores are outside for both: where they cut the region, both have a surface there, if the
    /// prediction agrees with the reference beside it. Voxels that the prediction ignores are outside for the prediction.
    ///
    /// # Errors
    /// Those of [`Surfaces::new`], [`Error::UnknownLabel`] and [`Error::NoClass`].
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::Classes;
    /// use soft_labels::metrics::{Region, Surfaces};
    ///
    /// let (predicted, drawn) = (array![[0_u8, 1, 1, 1, 1]], array![[0_u8, 1, 1, 255, 255]]);
    /// let classes = Classes::contiguous(2)?.with_ignore(255)?;
    /// let surfaces = Surfaces::of_labels(&predicted, &drawn, &classes, &Region::class(1), 1.0)?;
    /// assert_eq!(surfaces.dice(0.0)?, 1.0); // the rest was not labelled
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn of_labels<L: Label, M: Label, D: SpatialDim>(
        prediction: &ArrayRef<L, D>,
        reference: &ArrayRef<M, D>,
        classes: &Classes,
        region: &Region,
        spacing: impl Into<PerAxis<f64>>,
    ) -> Result<Self> {
        check_axes(reference.ndim())?;
        check_shape("prediction", reference.shape(), prediction.shape())?;
        let [predicted, drawn] = region.masks(prediction, reference, classes)?;
        Self::new(&predicted, &drawn, spacing)
    }

    /// The area of the reference's surface, in squares of the unit of the spacing; in 2D the length of its contour.
    ///
    /// ```
    /// # use soft_labels::metrics::Surfaces;
    /// let voxel = ndarray::Array3::from_elem((1, 1, 1), true);
    /// let surfaces = Surfaces::new(&voxel, &voxel, &[1.0; 3])?;
    /// assert!((surfaces.reference_area() - 3_f64.sqrt()).abs() < 1e-15); // an octahedron
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn reference_area(&self) -> f64 {
        self.reference.area()
    }

    /// The area of the prediction's surface.
    ///
    /// ```
    /// # use soft_labels::metrics::Surfaces;
    /// let nothing = ndarray::Array2::from_elem((3, 3), false);
    /// assert_eq!(Surfaces::new(&nothing, &nothing, &[1.0; 2])?.prediction_area(), 0.0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn prediction_area(&self) -> f64 {
        self.prediction.area()
    }

    /// Surface Dice: the share of both surfaces that lies within a tolerance, inclusive, of the other.
    ///
    /// ```text
    /// (A_ref[d ≤ τ] + A_pred[d ≤ τ]) / (A_ref + A_pred)
    /// ```
    ///
    /// 0 if one mask is empty (but 1 at an infinite tolerance) and NaN if both are, as DeepMind's package has it.
    ///
    /// # Errors
    /// [`Error::Setting`] if it is negative or NaN.
    ///
    /// The example of [`Surfaces`] uses it.
    pub fn dice(&self, tolerance: f64) -> Result<f64> {
        let reference = self.within(tolerance, &self.reference, &self.prediction)?;
        let prediction = self.within(tolerance, &self.prediction, &self.reference)?;
        Ok((reference + prediction) / (self.reference.area() + self.prediction.area()))
    }

    /// The share of the reference's surface that lies within a tolerance of the prediction's; NaN if the reference is empty.
    ///
    /// # Errors
    /// [`Error::Setting`].
    ///
    /// ```
    /// # use soft_labels::metrics::Surfaces;
    /// # use ndarray::array;
    /// let (dot, line) = (array![[true, false, false, false]], array![[true, true, true, true]]);
    /// let surfaces = Surfaces::new(&dot, &line, &[1.0; 2])?;
    /// assert!(surfaces.overlap_reference(1.0)? < 1.0);
    /// assert_eq!(surfaces.overlap_prediction(1.0)?, 1.0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn overlap_reference(&self, tolerance: f64) -> Result<f64> {
        Ok(self.within(tolerance, &self.reference, &self.prediction)? / self.reference.area())
    }

    /// The share of the prediction's surface that lies within a tolerance of the reference's; NaN if the prediction is empty.
    ///
    /// # Errors
    /// [`Error::Setting`].
    ///
    /// The example of [`overlap_reference`](Self::overlap_reference) uses it.
    pub fn overlap_prediction(&self, tolerance: f64) -> Result<f64> {
        Ok(self.within(tolerance, &self.prediction, &self.reference)? / self.prediction.area())
    }

    /// What the SVLS paper's released code reports as surface Dice: [`overlap_prediction`](Self::overlap_prediction),
    /// since it passes the prediction where the reference belongs, and 0 where the prediction is constant.
    ///
    /// (The text cites the symmetric surface Dice at 2 mm. The released code leaves the spacing at 1 mm.)
    ///
    /// # Errors
    /// [`Error::Setting`].
    ///
    /// ```
    /// # use soft_labels::metrics::Surfaces;
    /// let full = ndarray::Array2::from_elem((3, 3), true);
    /// let surfaces = Surfaces::new(&full, &full, &[1.0; 2])?;
    /// assert_eq!((surfaces.dice(1.0)?, surfaces.svls_paper(1.0)?), (1.0, 0.0));
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn svls_paper(&self, tolerance: f64) -> Result<f64> {
        let overlap = self.overlap_prediction(tolerance)?;
        Ok(if self.constant { 0.0 } else { overlap })
    }

    /// The distance of every surface element to the other surface.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the box around both surfaces does not fit in memory.
    ///
    /// The example of [`Surfaces`] uses it.
    pub fn distances(&self) -> Result<SurfaceDistances> {
        let (prediction, reference) = (&self.prediction, &self.reference);
        Ok(SurfaceDistances {
            from_reference: Distances::new(reference, prediction, self.spacing)?,
            from_prediction: Distances::new(prediction, reference, self.spacing)?,
        })
    }

    /// The area of some surfels that lie within the tolerance of others.
    fn within(&self, tolerance: f64, from: &Surfels, to: &Surfels) -> Result<f64> {
        if tolerance.is_nan() || tolerance < 0.0 {
            return Err(Error::Setting {
                what: "tolerance",
                place: None,
                value: tolerance,
                allowed: allowed::TOLERANCE,
            });
        }
        distance::area_within(tolerance, from, to, self.spacing)
    }
}

/// How far each surface is from the other. See [`Surfaces::distances`].
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceDistances {
    from_reference: Distances,
    from_prediction: Distances,
}

impl SurfaceDistances {
    /// The average distance of the reference's surface to the prediction's, by area; NaN if the reference is empty,
    /// infinite if the prediction alone is.
    ///
    /// ```
    /// # use soft_labels::metrics::Surfaces;
    /// # use ndarray::array;
    /// let (dot, line) = (array![[true, false, false]], array![[true, true, true]]);
    /// let distances = Surfaces::new(&dot, &line, &[1.0; 2])?.distances()?;
    /// assert!(distances.average_from_reference() > distances.average_from_prediction());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn average_from_reference(&self) -> f64 {
        self.from_reference.sum() / self.from_reference.area()
    }

    /// The average distance of the prediction's surface to the reference's, by area.
    ///
    /// The example of [`average_from_reference`](Self::average_from_reference) uses it.
    pub fn average_from_prediction(&self) -> f64 {
        self.from_prediction.sum() / self.from_prediction.area()
    }

    /// The average symmetric surface distance: that of both surfaces together, by area. NaN if both are empty, infinite if
    /// one is.
    ///
    /// The example of [`Surfaces`] uses it.
    pub fn average(&self) -> f64 {
        let (a, b) = (&self.from_reference, &self.from_prediction);
        (a.sum() + b.sum()) / (a.area() + b.area())
    }

    /// The Hausdorff distance at a percentile of the area, 95 for the robust one and 100 for the largest distance: the larger
    /// of both directions. NaN if both masks are empty, infinite if one is.
    ///
    /// # Errors
    /// [`Error::Setting`] if it does not lie within 0 and 100.
    ///
    /// The example of [`Surfaces`] uses it.
    pub fn hausdorff(&self, percent: f64) -> Result<f64> {
        if !(0.0..=100.0).contains(&percent) {
            return Err(Error::Setting {
                what: "percentile",
                place: None,
                value: percent,
                allowed: "within 0 and 100",
            });
        }
        if self.from_reference.is_empty() && self.from_prediction.is_empty() {
            return Ok(f64::NAN);
        }
        Ok(f64::max(
            self.from_reference.percentile(percent),
            self.from_prediction.percentile(percent),
        ))
    }
}

/// Spacings within this range keep all squares and areas finite and above 0.
const SPACING: RangeInclusive<f64> = 1e-30..=1e30;

/// The spacing on the axes D, H, W, of which the first is 1 in 2D.
pub(super) fn grid_spacing(spacing: &[f64], axes: usize) -> Result<[f64; 3]> {
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

/// A mask in C order on the axes D, H, W.
fn volume<'a>(mask: &'a [bool], shape: &[usize]) -> Result<ArrayView3<'a, bool>> {
    let shape = match *shape {
        [height, width] => [1, height, width],
        [depth, height, width] => [depth, height, width],
        _ => return Err(label_axes(shape.len())),
    };
    ArrayView3::from_shape(shape, mask).map_err(|_| Error::TooLarge { shape: shape.to_vec() })
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    fn row(inside: std::ops::Range<usize>) -> Array2<bool> {
        Array2::from_shape_fn((1, 20), |(_, x)| inside.contains(&x))
    }

    /// With any tolerance, wide ones as well, which are looked up in another way.
    #[test]
    fn a_mask_agrees_with_itself_exactly() {
        let mask = Array2::from_shape_fn((60, 70), |(y, x)| (y * 7 + x * 13) % 11 < 4 || y * x % 17 == 3);
        let surfaces = Surfaces::new(&mask, &mask, [0.7, 1.3]).unwrap();
        for tolerance in [0.0, 1.0, 10.0, 40.0, 1e3, f64::INFINITY] {
            assert_eq!(surfaces.dice(tolerance), Ok(1.0), "{tolerance}");
        }
    }

    #[test]
    fn a_share_that_is_just_met_is_met() {
        let surfaces = Surfaces::new(&row(5..6), &row(10..13), 1.0).unwrap();
        let distances = surfaces.distances().unwrap();
        assert_eq!(distances.hausdorff(50.0), Ok(5.0));
        assert_eq!(distances.hausdorff(100.0), Ok(7.0));
    }

    #[test]
    fn nothing_has_no_distance_from_nothing() {
        let of = |a: &Array2<bool>, b: &Array2<bool>| {
            let distances = Surfaces::new(a, b, 1.0).unwrap().distances().unwrap();
            [
                distances.average(),
                distances.hausdorff(95.0).unwrap(),
                distances.hausdorff(100.0).unwrap(),
            ]
        };
        let (empty, mask) = (row(0..0), row(3..5));
        assert!(of(&empty, &empty).iter().all(|number| number.is_nan()));
        assert_eq!(of(&empty, &mask), [f64::INFINITY; 3]);
        assert_eq!(of(&mask, &empty), [f64::INFINITY; 3]);
    }
}
