//! How far the surfaces of two masks are apart.

mod area;
pub(super) mod distance;
mod edge_voxels;
mod kind;
mod spacing;
mod summary;
mod surfels;

use ndarray::{ArrayRef, ArrayView3};

pub use self::kind::SurfaceKind;
pub(super) use self::spacing::grid_spacing;
pub use self::summary::SurfaceDistances;
use self::surfels::Surfels;
use super::overlap::or_empty;
use super::{EmptyRegion, Region};
use crate::common::arrays::{check_shape, in_order};
use crate::common::parallel;
use crate::error::allowed;
use crate::input::raters::{check_axes, label_axes};
use crate::{Classes, Error, Label, PerAxis, Result, SpatialDim};

/// The surfaces of a predicted mask and a reference mask, by DeepMind's definition (Nikolov et al., *Deep learning to
/// achieve clinically applicable segmentation*, [arXiv 1809.04430], and their package surface-distance).
///
/// Surface elements lie on the dual grid, whose points are the corners of voxels: there is one at each point around which
/// some voxels are inside and some are not. Its area is that of the marching-cubes triangles there (in 2D, the length of the
/// contour), with the voxel spacing in account. Outside of the array there is nothing, so a mask that touches the border is
/// closed there. Distances are those between grid points, in the unit of the spacing.
///
/// [`SurfaceKind`] has another definition, that of MONAI, and says what other packages compute. Rust has no default arguments.
/// Python and the command take surfels, a tolerance of 2, the percentile 95 and a spacing of 1, or that of the file's header.
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
    /// Of both masks.
    shape: Vec<usize>,
    /// On the axes D, H, W.
    spacing: [f64; 3],
    /// Whether all voxels of the predicted mask have the same value.
    constant: bool,
    kind: SurfaceKind,
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
        Self::find(SurfaceKind::Surfels, prediction, reference, spacing.into().values())
    }

    fn find<D: SpatialDim>(
        kind: SurfaceKind,
        prediction: &ArrayRef<bool, D>,
        reference: &ArrayRef<bool, D>,
        spacing: &[f64],
    ) -> Result<Self> {
        check_axes(reference.ndim())?;
        check_shape("prediction", reference.shape(), prediction.shape())?;
        let spacing = grid_spacing(spacing, reference.ndim())?;
        let (predicted, expected) = parallel::join(
            reference.len(),
            || surface(kind, prediction, spacing),
            || surface(kind, reference, spacing),
        );
        Ok(Self {
            prediction: predicted?,
            reference: expected?,
            shape: reference.shape().to_vec(),
            spacing,
            constant: !prediction.iter().any(|&inside| inside) || prediction.iter().all(|&inside| inside),
            kind,
        })
    }

    /// The surfaces of the same prediction and another reference, such as another rater's, without finding the first again.
    ///
    /// # Errors
    /// [`Error::Axes`], [`Error::Shape`], [`Error::TooLarge`].
    ///
    /// ```
    /// # use soft_labels::metrics::Surfaces;
    /// # use ndarray::array;
    /// let (found, first, second) = (array![[true, true]], array![[true, false]], array![[true, true]]);
    /// let surfaces = Surfaces::new(&found, &first, 1.0)?;
    /// assert!(surfaces.dice(0.0)? < 1.0);
    /// assert_eq!(surfaces.against(&second)?, Surfaces::new(&found, &second, 1.0)?);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn against<D: SpatialDim>(&self, reference: &ArrayRef<bool, D>) -> Result<Self> {
        check_axes(reference.ndim())?;
        check_shape("reference", &self.shape, reference.shape())?;
        Ok(Self {
            prediction: self.prediction.clone(),
            reference: surface(self.kind, reference, self.spacing)?,
            shape: self.shape.clone(),
            ..*self
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
        SurfaceKind::Surfels.between_labels(prediction, reference, classes, region, spacing)
    }

    /// The area of the reference's surface, in squares of the unit of the spacing; in 2D the length of its contour. Of edge
    /// voxels it is their number.
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

    /// Surface Dice: the share of both surfaces that lies within a tolerance of the other.
    ///
    /// ```text
    /// (A_ref[d ≤ τ] + A_pred[d ≤ τ]) / (A_ref + A_pred)
    /// ```
    ///
    /// A distance counts that is a millionth above the tolerance: three voxels of 0.1 mm, whose product in floating point is a
    /// little more than 0.3, are within 0.3 mm, also where a file rounds 0.1 to 32 bits. A mask and itself have exactly 1.
    ///
    /// 0 if one mask is empty (but 1 at an infinite tolerance) and NaN if both are, as DeepMind's package has it.
    /// [`dice_or`](Self::dice_or) takes another number for these.
    ///
    /// # Errors
    /// [`Error::Setting`] if it is negative or NaN.
    ///
    /// The example of [`Surfaces`] uses it.
    pub fn dice(&self, tolerance: f64) -> Result<f64> {
        self.dice_or(tolerance, EmptyRegion::Nan)
    }

    /// [`dice`](Self::dice), and a number for two empty masks.
    ///
    /// # Errors
    /// [`Error::Setting`].
    ///
    /// ```
    /// # use soft_labels::metrics::{EmptyRegion, Surfaces};
    /// let nothing = ndarray::Array2::from_elem((3, 3), false);
    /// let surfaces = Surfaces::new(&nothing, &nothing, 1.0)?;
    /// assert!(surfaces.dice(1.0)?.is_nan());
    /// assert_eq!(surfaces.dice_or(1.0, EmptyRegion::One)?, 1.0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn dice_or(&self, tolerance: f64, empty: EmptyRegion) -> Result<f64> {
        let [share, ..] = self.shares(tolerance)?;
        Ok(or_empty(share, empty))
    }

    /// [`dice`](Self::dice), [`overlap_reference`](Self::overlap_reference) and
    /// [`overlap_prediction`](Self::overlap_prediction) in half of the time.
    ///
    /// # Errors
    /// [`Error::Setting`].
    ///
    /// ```
    /// # use soft_labels::metrics::Surfaces;
    /// # use ndarray::array;
    /// let (dot, line) = (array![[true, false, false, false]], array![[true, true, true, true]]);
    /// let surfaces = Surfaces::new(&dot, &line, &[1.0; 2])?;
    /// let [dice, of_reference, of_prediction] = surfaces.shares(1.0)?;
    /// assert_eq!(dice, surfaces.dice(1.0)?);
    /// assert_eq!([of_reference, of_prediction], [surfaces.overlap_reference(1.0)?, 1.0]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn shares(&self, tolerance: f64) -> Result<[f64; 3]> {
        let reference = self.within(tolerance, &self.reference, &self.prediction)?;
        let prediction = self.within(tolerance, &self.prediction, &self.reference)?;
        let (of_reference, of_prediction) = (self.reference.area(), self.prediction.area());
        Ok([
            (reference + prediction) / (of_reference + of_prediction),
            reference / of_reference,
            prediction / of_prediction,
        ])
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
        SurfaceDistances::between(prediction, reference, self.spacing, self.kind)
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
        let most = match tolerance {
            f64::INFINITY => tolerance,
            _ => (tolerance * (1.0 + SLACK)).min(f64::MAX),
        };
        distance::area_within(most, from, to, self.spacing)
    }
}

/// By what share of the tolerance a distance may be above it. Spacings in files have 24 bits, so that products of them are wrong
/// by about 1e-7 of themselves.
pub(super) const SLACK: f64 = 1e-6;

/// The surface of a mask, (H, W) or (D, H, W).
fn surface<D: SpatialDim>(kind: SurfaceKind, mask: &ArrayRef<bool, D>, spacing: [f64; 3]) -> Result<Surfels> {
    let flat = mask.ndim() == 2;
    let voxels = in_order(mask)?;
    let volume = volume(&voxels, mask.shape())?;
    match (kind, spacing) {
        (SurfaceKind::EdgeVoxels, _) => edge_voxels::find(&volume, flat),
        (SurfaceKind::Surfels, [_, h, w]) if flat => Surfels::find(&volume, &area::of_flat_codes([h, w]), flat),
        (SurfaceKind::Surfels, all) => Surfels::find(&volume, &area::of_codes(all), flat),
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
}
