//! What a surface consists of.

use ndarray::ArrayRef;

use super::Surfaces;
use crate::common::arrays::check_shape;
use crate::input::raters::check_axes;
use crate::metrics::Region;
use crate::{Classes, Label, PerAxis, Result, SpatialDim};

/// What a surface consists of, on which its distances, its surface Dice and its percentiles depend.
///
/// On balls of radius 3 to 7 voxels surface Dice at 1 mm differs by up to 0.12 between both, and the Hausdorff distance at 95 %
/// by up to 0.6 mm. So state which it is.
///
/// ```
/// use ndarray::Array2;
/// use soft_labels::metrics::{SurfaceKind, Surfaces};
///
/// let square = |from: usize| Array2::from_shape_fn((12, 12), |(h, w)| h.min(w) >= from && h.max(w) < 9);
/// let edges = SurfaceKind::EdgeVoxels.between(&square(3), &square(2), 1.0)?;
/// assert_eq!((edges.prediction_area(), edges.reference_area()), (20.0, 24.0)); // numbers of voxels
/// assert_eq!(edges.dice(1.0)?, 43.0 / 44.0); // but the corner
/// assert_eq!(edges.distances()?.hausdorff(100.0)?, 2_f64.sqrt());
/// # Ok::<(), soft_labels::Error>(())
/// ```
///
/// # What other packages compute
///
/// Outside of the array there is nothing, here and in all of them, so a mask that touches the border has a surface there.
///
/// | | here | DeepMind's surface-distance 0.1 | MONAI 1.6 | `MetricsReloaded` | torchmetrics 1.9 |
/// |---|---|---|---|---|---|
/// | Surface | both | [`Surfels`](Self::Surfels) | [`EdgeVoxels`](Self::EdgeVoxels); surface Dice with `use_subvoxels=True`: `Surfels` | `EdgeVoxels` | `EdgeVoxels`, in 2D |
/// | A distance at the tolerance | agrees, and so does one a millionth above | agrees, in 64 bits | agrees, in 32 bits | agrees, in 64 bits | |
/// | Percentile | of area for `Surfels`; interpolated for `EdgeVoxels` | of area | interpolated | interpolated | the largest distance alone |
/// | Hausdorff distance | the larger of both directions, or one of them ([`hausdorff_from_prediction`]) | the larger | the larger; `directed=True`: from the prediction | the larger | the larger; `directed=True`: from the prediction |
/// | Average distance | of both surfaces together ([`average`]), or of one | of each | of the prediction's ([`average_from_prediction`]); `symmetric=True`: `average` | "ASSD": `average`; "MASD": the mean of both directions | |
/// | Surface Dice, both empty | NaN, or what [`dice_or`] is told | NaN | NaN | 1 ([`EmptyRegion::One`]) | |
/// | Surface Dice, one empty | 0 | 0 | 0 | 0, but for voxels near the origin | |
/// | Distances, both empty | NaN, or [`EmptyRegion::distance`] | average NaN, Hausdorff infinite | NaN | 0 ([`EmptyRegion::One`]) | an error |
/// | Distances, one empty | infinite | infinite; average from the empty one NaN | infinite, or NaN for a percentile, which means leave out | NaN | infinite |
///
/// torchmetrics 1.9 has other numbers, or an error, for masks that are not square.
///
/// [`average`]: super::SurfaceDistances::average
/// [`average_from_prediction`]: super::SurfaceDistances::average_from_prediction
/// [`hausdorff_from_prediction`]: super::SurfaceDistances::hausdorff_from_prediction
/// [`dice_or`]: Surfaces::dice_or
/// [`EmptyRegion::distance`]: crate::metrics::EmptyRegion::distance
/// [`EmptyRegion::One`]: crate::metrics::EmptyRegion::One
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SurfaceKind {
    /// Elements between voxels, each with its area. See [`Surfaces`].
    #[default]
    Surfels,
    /// The voxels of a mask that share a face with one outside (in 2D, an edge), which all count alike, whatever the spacing.
    /// Distances are those between their centres.
    EdgeVoxels,
}

impl SurfaceKind {
    /// Finds the surfaces of two masks. See [`Surfaces::new`].
    ///
    /// # Errors
    /// Those of [`Surfaces::new`].
    ///
    /// The example of [`SurfaceKind`] uses it.
    pub fn between<D: SpatialDim>(
        self,
        prediction: &ArrayRef<bool, D>,
        reference: &ArrayRef<bool, D>,
        spacing: impl Into<PerAxis<f64>>,
    ) -> Result<Surfaces> {
        Surfaces::find(self, prediction, reference, spacing.into().values())
    }

    /// Finds the surfaces of a region in two label maps. See [`Surfaces::of_labels`].
    ///
    /// # Errors
    /// Those of [`Surfaces::of_labels`].
    ///
    /// ```
    /// use soft_labels::Classes;
    /// use soft_labels::metrics::{Region, SurfaceKind};
    ///
    /// let (predicted, drawn) = (ndarray::array![[0_u8, 1, 1, 0]], ndarray::array![[0_u8, 0, 1, 0]]);
    /// let classes = Classes::contiguous(2)?;
    /// let surfaces = SurfaceKind::EdgeVoxels.between_labels(&predicted, &drawn, &classes, &Region::class(1), 1.0)?;
    /// assert_eq!(surfaces.dice(0.0)?, 2.0 / 3.0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn between_labels<L: Label, M: Label, D: SpatialDim>(
        self,
        prediction: &ArrayRef<L, D>,
        reference: &ArrayRef<M, D>,
        classes: &Classes,
        region: &Region,
        spacing: impl Into<PerAxis<f64>>,
    ) -> Result<Surfaces> {
        check_axes(reference.ndim())?;
        check_shape("prediction", reference.shape(), prediction.shape())?;
        let [predicted, drawn] = region.masks(prediction, reference, classes)?;
        self.between(&predicted, &drawn, spacing)
    }
}
