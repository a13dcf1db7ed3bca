//! Votes about the boundary of a structure.

use ndarray::{ArrayView, Zip};

use super::Votes;
use crate::common::arrays;
use crate::metrics::{Region, boundary_band};
use crate::{Classes, Label, PerAxis, Raters, Result, SpatialDim};

impl Votes {
    /// Counts the voxels within a distance of the boundary of the union, which is where at least one rater saw the structure: voxels
    /// of the union from which the nearest voxel outside of it is at most so far away, and voxels outside from which the nearest of
    /// the union is, from centre to centre. Voxels that all raters ignore are on neither side. [`boundary_band`] measures it.
    ///
    /// `spacing` is the distance between voxels, one for all axes or one for each, and `distance` has its unit.
    ///
    /// # Errors
    /// Those of [`count`](Self::count) and of [`boundary_band`].
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::Classes;
    /// use soft_labels::metrics::Region;
    /// use soft_labels::multirater::Votes;
    ///
    /// let (first, second) = (array![[0_u8, 0, 0, 1, 1, 1]], array![[0_u8, 0, 1, 1, 1, 1]]);
    /// let raters = [first.view(), second.view()];
    /// let votes = Votes::count_in_band(&raters, &Classes::contiguous(2)?, &Region::class(1), 0.5, 1.0)?;
    /// assert_eq!(votes.voxels(), 4); // two voxels of 0.5 mm on either side of the second rater's boundary
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn count_in_band<L: Label, D: SpatialDim>(
        raters: &[ArrayView<'_, L, D>],
        classes: &Classes,
        structure: &Region,
        spacing: impl Into<PerAxis<f64>>,
        distance: f64,
    ) -> Result<Self> {
        let checked = Raters::new(raters)?;
        checked.check(classes)?;
        let mut union = arrays::filled(checked.dim(), UNSEEN)?;
        for map in checked.maps() {
            Zip::from(&mut union).and(map).for_each(|union, &label| {
                if let Some(class) = classes.class_of(label) {
                    let side = u8::from(structure.contains(class));
                    *union = if *union == UNSEEN { side } else { *union | side };
                }
            });
        }
        let sides = Classes::contiguous(2)?.with_ignore(UNSEEN)?;
        let band = boundary_band(&union, &sides, spacing, distance)?;
        Self::count_within(raters, classes, &band)
    }
}

/// What all raters ignore.
const UNSEEN: u8 = 2;
