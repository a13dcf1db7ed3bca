//! What is said of the distances between two surfaces.

use super::SurfaceKind;
use super::distance::Distances;
use super::surfels::Surfels;
use crate::{Error, Result};

/// How far each surface is from the other. See [`Surfaces::distances`](super::Surfaces::distances).
///
/// Without any element in one surface every distance is infinite. Without any in both it is NaN;
/// [`EmptyRegion::distance`](crate::metrics::EmptyRegion::distance) has other numbers for these.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceDistances {
    from_reference: Distances,
    from_prediction: Distances,
    kind: SurfaceKind,
}

impl SurfaceDistances {
    pub(super) fn between(
        prediction: &Surfels,
        reference: &Surfels,
        spacing: [f64; 3],
        kind: SurfaceKind,
    ) -> Result<Self> {
        Ok(Self {
            from_reference: Distances::new(reference, prediction, spacing)?,
            from_prediction: Distances::new(prediction, reference, spacing)?,
            kind,
        })
    }

    /// The average distance of the reference's surface to the prediction's, by area.
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
        self.if_both(|| self.from_reference.sum() / self.from_reference.area())
    }

    /// The average distance of the prediction's surface to the reference's, by area.
    ///
    /// The example of [`average_from_reference`](Self::average_from_reference) uses it.
    pub fn average_from_prediction(&self) -> f64 {
        self.if_both(|| self.from_prediction.sum() / self.from_prediction.area())
    }

    /// The average symmetric surface distance: that of both surfaces together, by area.
    ///
    /// The example of [`Surfaces`](super::Surfaces) uses it.
    pub fn average(&self) -> f64 {
        let (a, b) = (&self.from_reference, &self.from_prediction);
        self.if_both(|| (a.sum() + b.sum()) / (a.area() + b.area()))
    }

    /// The Hausdorff distance at a percentile, 95 for the robust one and 100 for the largest distance: the larger of both
    /// directions.
    ///
    /// Of surfels it is the least distance within which so many percent of the area lie, or all but 1e-12 of that share. Of edge
    /// voxels it is that percentile of their distances, between two of them in proportion.
    ///
    /// # Errors
    /// [`Error::Setting`] if it does not lie within 0 and 100.
    ///
    /// The example of [`Surfaces`](super::Surfaces) uses it.
    pub fn hausdorff(&self, percent: f64) -> Result<f64> {
        Ok(f64::max(
            self.hausdorff_from_prediction(percent)?,
            self.hausdorff_from_reference(percent)?,
        ))
    }

    /// The same of the prediction's surface to the reference's alone.
    ///
    /// # Errors
    /// [`Error::Setting`].
    ///
    /// ```
    /// # use soft_labels::metrics::SurfaceKind;
    /// # use ndarray::array;
    /// let (dot, line) = (array![[true, false, false]], array![[true, true, true]]);
    /// let distances = SurfaceKind::EdgeVoxels.between(&dot, &line, 1.0)?.distances()?;
    /// assert_eq!(distances.hausdorff_from_prediction(100.0)?, 0.0);
    /// assert_eq!(distances.hausdorff_from_reference(100.0)?, 2.0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn hausdorff_from_prediction(&self, percent: f64) -> Result<f64> {
        self.percentile(&self.from_prediction, percent)
    }

    /// The same of the reference's surface to the prediction's alone.
    ///
    /// # Errors
    /// [`Error::Setting`].
    ///
    /// The example of [`hausdorff_from_prediction`](Self::hausdorff_from_prediction) uses it.
    pub fn hausdorff_from_reference(&self, percent: f64) -> Result<f64> {
        self.percentile(&self.from_reference, percent)
    }

    fn percentile(&self, distances: &Distances, percent: f64) -> Result<f64> {
        if !(0.0..=100.0).contains(&percent) {
            return Err(Error::Setting {
                what: "percentile",
                place: None,
                value: percent,
                allowed: "within 0 and 100",
            });
        }
        Ok(self.if_both(|| match self.kind {
            SurfaceKind::Surfels => distances.percentile_of_area(percent),
            SurfaceKind::EdgeVoxels => distances.percentile(percent),
        }))
    }

    /// A distance, if both surfaces have elements.
    fn if_both(&self, distance: impl FnOnce() -> f64) -> f64 {
        match (self.from_reference.is_empty(), self.from_prediction.is_empty()) {
            (false, false) => distance(),
            (true, true) => f64::NAN,
            _ => f64::INFINITY,
        }
    }
}
