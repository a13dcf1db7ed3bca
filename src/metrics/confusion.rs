//! The confusion matrix.

use std::collections::HashMap;

use ndarray::ArrayRef;

use super::labels::check_against;
use super::{EmptyRegion, Overlap, Region};
use crate::common::arrays::{check_shape, in_order};
use crate::common::parallel;
use crate::common::runs::for_each_run_of_pairs;
use crate::input::raters::check_axes;
use crate::{Classes, Label, Result, SpatialDim};

/// Smallest number of voxels in a piece.
const PIECE: usize = 1 << 16;

/// The confusion matrix: the number of voxels for each pair of a predicted class and a reference class.
///
/// Counts of several volumes can be merged. Voxels that the reference ignores are in none, whatever the prediction holds there;
/// one that the prediction ignores was taken for no class.
///
/// ```
/// use ndarray::array;
/// use soft_labels::Classes;
/// use soft_labels::metrics::{Confusion, EmptyRegion, Region};
///
/// let classes = Classes::from_values([0, 1, 2, 4])?; // BraTS
/// let reference = array![[0_u8, 1, 2, 4, 4]];
/// let prediction = array![[0_u8, 1, 2, 1, 4]];
/// let confusion = Confusion::count(&prediction, &reference, &classes)?;
///
/// assert_eq!(confusion.dice(&Region::of_labels(&classes, [4])?, EmptyRegion::One), 2.0 / 3.0);
/// assert_eq!(confusion.dice(&Region::of_labels(&classes, [1, 4])?, EmptyRegion::One), 1.0); // the core as one
/// assert_eq!(confusion.voxels(1, 3), 1); // class 1 in the prediction, class 3 in the reference
/// # Ok::<(), soft_labels::Error>(())
/// ```
///
/// With feature `serde` it is `{"classes": 2, "counts": [[0, 0, 7], [null, 1, 2]]}` in JSON: a list of the class of the
/// prediction, that of the reference and the number of voxels. The prediction is `null` where it was taken for no class.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "super::serde::Counts", into = "super::serde::Counts")
)]
pub struct Confusion {
    /// By (class of the prediction, if it has one, class of the reference).
    pub(super) counts: HashMap<(Option<usize>, usize), u64>,
    pub(super) classes: usize,
}

impl Confusion {
    /// Counts the voxels of a prediction and a reference of the same shape, (H, W) or (D, H, W).
    ///
    /// # Errors
    /// [`Error::Axes`](crate::Error::Axes), [`Error::Shape`](crate::Error::Shape),
    /// [`Error::UnknownLabel`](crate::Error::UnknownLabel), [`Error::TooLarge`](crate::Error::TooLarge).
    ///
    /// The example of [`Confusion`] uses it.
    pub fn count<L: Label, M: Label, D: SpatialDim>(
        prediction: &ArrayRef<L, D>,
        reference: &ArrayRef<M, D>,
        classes: &Classes,
    ) -> Result<Self> {
        check_axes(reference.ndim())?;
        check_shape("prediction", reference.shape(), prediction.shape())?;
        let (predictions, references) = (in_order(prediction)?, in_order(reference)?);
        // Runs of pairs are found at about two voxels a nanosecond. Counts are whole numbers: any pieces give the same.
        let work = references.len() / 2;
        let piece = references.len().div_ceil(4 * parallel::threads(work)).max(PIECE);
        let pieces = predictions.chunks(piece).zip(references.chunks(piece));
        let counts = parallel::map(work, pieces, |(predicted, references)| {
            let mut pairs: HashMap<(i128, i128), u64> = HashMap::new();
            for_each_run_of_pairs(predicted, references, |(predicted, reference), voxels| {
                *pairs.entry((predicted.value(), reference.value())).or_default() += voxels as u64;
            });
            pairs
        });

        let mut confusion = Self {
            counts: HashMap::new(),
            classes: classes.len(),
        };
        let is_ignored = |value| classes.ignore() == Some(value);
        let (mut unknown_reference, mut unknown_prediction) = (false, false);
        for ((predicted, reference), voxels) in counts.into_iter().flatten() {
            let Some(reference_class) = classes.class_of_value(reference) else {
                unknown_reference |= !is_ignored(reference);
                continue;
            };
            let predicted_class = classes.class_of_value(predicted);
            unknown_prediction |= predicted_class.is_none() && !is_ignored(predicted);
            *confusion.counts.entry((predicted_class, reference_class)).or_default() += voxels;
        }
        if unknown_reference {
            classes.check(&reference.view().into_dyn(), &vec![0; reference.ndim()], 0, 1)?;
        }
        if unknown_prediction {
            check_against(prediction, reference, classes)?;
        }
        Ok(confusion)
    }

    /// A matrix of these entries: the class of the prediction, that of the reference, and how many voxels have both.
    pub(crate) fn of_entries(entries: impl Iterator<Item = (usize, usize, u64)>, classes: usize) -> Self {
        let mut counts = HashMap::new();
        for (predicted, reference, voxels) in entries {
            *counts.entry((Some(predicted), reference)).or_default() += voxels;
        }
        Self { counts, classes }
    }

    /// Adds the voxels of another volume.
    ///
    /// ```
    /// # use soft_labels::{Classes, metrics::Confusion};
    /// let map = ndarray::array![[0_u8, 1]];
    /// let mut both = Confusion::count(&map, &map, &Classes::contiguous(2)?)?;
    /// both.merge(&both.clone());
    /// assert_eq!(both.voxels(1, 1), 2);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn merge(&mut self, other: &Self) {
        self.classes = self.classes.max(other.classes);
        for (pair, voxels) in &other.counts {
            *self.counts.entry(*pair).or_default() += voxels;
        }
    }

    /// The entries that are not 0, in no order: the class in the prediction, that in the reference, and how many voxels have
    /// both. What the prediction ignores is of no class.
    ///
    /// ```
    /// # use soft_labels::{Classes, metrics::Confusion};
    /// let map = ndarray::array![[0_u8, 1]];
    /// let confusion = Confusion::count(&map, &map, &Classes::contiguous(500)?)?;
    /// assert!(confusion.entries().all(|(predicted, reference, voxels)| predicted == Some(reference) && voxels == 1));
    /// assert_eq!(confusion.entries().count(), 2);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn entries(&self) -> impl Iterator<Item = (Option<usize>, usize, u64)> {
        self.counts
            .iter()
            .map(|(&(predicted, reference), &voxels)| (predicted, reference, voxels))
    }

    /// How many voxels are of a class in the prediction and of a class in the reference.
    ///
    /// The example of [`Confusion`] uses it.
    pub fn voxels(&self, predicted: usize, reference: usize) -> u64 {
        self.counts.get(&(Some(predicted), reference)).copied().unwrap_or(0)
    }

    /// How many voxels of a region are in the prediction, in the reference and in both; `None` if the region contains a class
    /// that does not exist.
    ///
    /// ```
    /// # use soft_labels::{Classes, metrics::{Confusion, Region}};
    /// let (prediction, reference) = (ndarray::array![[0_u8, 1, 1, 1]], ndarray::array![[1_u8, 1, 1, 0]]);
    /// let confusion = Confusion::count(&prediction, &reference, &Classes::contiguous(2)?)?;
    /// let overlap = confusion.overlap(&Region::class(1)).unwrap();
    /// assert_eq!((overlap.prediction, overlap.reference, overlap.both), (3, 3, 2));
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn overlap(&self, region: &Region) -> Option<Overlap> {
        region.classes().last().filter(|&&class| class < self.classes)?;
        let mut overlap = Overlap::default();
        for (&(predicted, reference), &voxels) in &self.counts {
            let predicted = predicted.is_some_and(|class| region.contains(class));
            let reference = region.contains(reference);
            overlap.prediction += voxels * u64::from(predicted);
            overlap.reference += voxels * u64::from(reference);
            overlap.both += voxels * u64::from(predicted && reference);
        }
        Some(overlap)
    }

    /// The Dice similarity coefficient of a region; NaN if the region contains a class that does not exist.
    ///
    /// ```text
    /// 2 |P ∩ R| / (|P| + |R|)
    /// ```
    ///
    /// The example of [`Confusion`] uses it.
    pub fn dice(&self, region: &Region, empty: EmptyRegion) -> f64 {
        self.overlap(region).map_or(f64::NAN, |overlap| overlap.dice(empty))
    }
}
