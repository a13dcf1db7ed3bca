//! Calibration of every class, each against all others.

use ndarray::ArrayRef;

use super::class_calibration::count_class;
use super::predictions::{IGNORED, Predictions};
use super::reliability::{Reliability, Sums};
use super::scope::Scope;
use crate::common::arrays::{check_count, check_room, check_shape};
use crate::input::classes;
use crate::{Classes, Error, Label, Result, SoftFloat, SpatialDim};

/// The bins of every class, each against all others: the probability of the class against where the reference has it.
///
/// The calibration of the top label ([`Reliability::add`]) hides rare classes; the [mean over classes](Self::mean) does not.
/// Bins of several cases are merged, which gives the pooled numbers. The mean of the numbers of cases is another number; say
/// which one is meant.
///
/// What other packages compute differs:
///
/// | | bins | of what | over classes and cases |
/// |---|---|---|---|
/// | MONAI 1.6.1, `CalibrationErrorMetric` | 20, of equal width; a value on an edge is in the lower bin | the same as here | errors of each image and class, then the mean of all, classes that an image lacks included |
/// | `MetricsReloaded` | of equal width | the second of two classes alone | each image |
/// | torchmetrics 1.9.0 | 15; a value on an edge is in the upper bin, and 1 in a bin of its own | the top label ([`Reliability::add`]), or one class | pooled |
///
/// The number for one image that MONAI gives a class is [`classes`](Self::classes)`()[class].`[`error`](Reliability::error)`(reduction)`
/// with 20 bins; its mean is the mean of those.
///
/// ```
/// use ndarray::array;
/// use soft_labels::Classes;
/// use soft_labels::metrics::{ClassReliability, Reliability, Scope};
///
/// let probabilities = array![[[0.75, 0.75, 0.0, 0.0]], [[0.25, 0.25, 1.0, 1.0]], [[0.0, 0.0, 0.0, 0.0]]];
/// let mut bins = ClassReliability::new(3, 20)?;
/// bins.add(&probabilities, &array![[0_u8, 0, 1, 1]], &Classes::contiguous(3)?, Scope::All)?;
/// assert_eq!(bins.classes()[0].ece(), 0.125);
/// assert_eq!(bins.classes()[0].mce(), 0.25);
/// assert_eq!(bins.classes()[2].ece(), 0.0); // it does not occur, so it is not in the mean
/// assert_eq!(bins.mean(Reliability::ece), 0.125);
/// # Ok::<(), soft_labels::Error>(())
/// ```
///
/// With feature `serde` it is the list of its classes in JSON, `{"classes": [{"bins": [..]}, ..]}`.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "super::serde::BinsOfClasses", into = "super::serde::BinsOfClasses")
)]
pub struct ClassReliability {
    /// Of as many bins each.
    pub(super) classes: Vec<Reliability>,
}

impl ClassReliability {
    /// Empty bins for so many classes, all of which count: 20 each in MONAI.
    ///
    /// # Errors
    /// [`Error::Empty`] and [`Error::TooMany`] for classes or bins, [`Error::TooLarge`].
    ///
    /// ```
    /// use soft_labels::metrics::{ClassReliability, Reliability};
    /// assert!(ClassReliability::new(3, 20)?.mean(Reliability::ece).is_nan()); // nothing counted yet
    /// assert!(ClassReliability::new(0, 20).is_err());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn new(classes: usize, bins: usize) -> Result<Self> {
        classes::check_count("classes", classes)?;
        let empty = Reliability::new(bins)?;
        check_room::<Sums>(classes.saturating_mul(bins), || Error::TooLarge {
            shape: vec![classes, bins],
        })?;
        Ok(Self {
            classes: vec![empty; classes],
        })
    }

    /// Counts a volume: probabilities (C, H, W) or (C, D, H, W) beside the labels (H, W) or (D, H, W).
    ///
    /// # Errors
    /// [`Error::Count`] if there are other classes, [`Error::Shape`], [`Error::Axes`], [`Error::UnknownLabel`],
    /// [`Error::Probability`], [`Error::ProbabilitySum`], [`Error::TooLarge`]; nothing is counted then.
    ///
    /// The example of [`ClassReliability`] uses it.
    #[expect(clippy::needless_pass_by_value, reason = "a scope is made for the call")]
    pub fn add<F: SoftFloat, L: Label, D: SpatialDim>(
        &mut self,
        probabilities: &ArrayRef<F, D::Larger>,
        labels: &ArrayRef<L, D>,
        classes: &Classes,
        scope: Scope<'_, D>,
    ) -> Result<()> {
        check_count("bins", "classes", classes.len(), self.classes.len())?;
        let predictions = Predictions::new(probabilities, Some(classes.len()))?;
        let targets = scope.targets(&predictions, labels, classes)?;
        // Of an array without voxels there are no classes to read.
        let counted = 0..predictions.classes;
        for (class, bins) in counted.zip(&mut self.classes) {
            let hit = |voxel: usize| (targets[voxel] != IGNORED).then(|| usize::from(targets[voxel]) == class);
            count_class(predictions.probabilities_of(class), hit, bins);
        }
        Ok(())
    }

    /// Adds the bins of other volumes.
    ///
    /// # Errors
    /// [`Error::Shape`] if the numbers of classes or bins differ.
    ///
    /// ```
    /// use soft_labels::metrics::ClassReliability;
    /// let mut bins = ClassReliability::new(3, 20)?;
    /// assert!(bins.merge(&ClassReliability::new(3, 20)?).is_ok());
    /// assert!(bins.merge(&ClassReliability::new(2, 20)?).is_err());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        check_shape("other's bins", &self.shape(), &other.shape())?;
        for (bins, other) in self.classes.iter_mut().zip(&other.classes) {
            bins.merge(other)?;
        }
        Ok(())
    }

    fn shape(&self) -> [usize; 2] {
        [
            self.classes.len(),
            self.classes.first().map_or(0, |class| class.bins.len()),
        ]
    }

    /// The bins of each class: [`Reliability::ece`], [`ace`](Reliability::ace), [`mce`](Reliability::mce) and
    /// [`equal_mass`](Reliability::equal_mass) of the class. A bin's `confidence` is the mean probability of the class in it, and
    /// its `accuracy` the share of voxels that have the class.
    ///
    /// The example of [`ClassReliability`] uses it.
    pub fn classes(&self) -> &[Reliability] {
        &self.classes
    }

    /// How many voxels were counted.
    ///
    /// ```
    /// assert_eq!(soft_labels::metrics::ClassReliability::new(3, 20)?.count(), 0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn count(&self) -> u64 {
        self.classes.first().map_or(0, Reliability::count)
    }

    /// The mean of a number over the classes that occur: those that the reference has at a voxel that was counted. NaN if
    /// none does.
    ///
    /// A class that does not occur would bring the mean nearer to 0, since its probabilities are mostly 0. MONAI takes it in.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::Classes;
    /// use soft_labels::metrics::{ClassReliability, Scope};
    ///
    /// let mut bins = ClassReliability::new(2, 5100)?;
    /// let probabilities = array![[[0.75, 0.0]], [[0.25, 1.0]]];
    /// bins.add(&probabilities, &array![[0_u8, 1]], &Classes::contiguous(2)?, Scope::All)?;
    /// let adaptive = bins.mean(|class| class.equal_mass(2).map_or(f64::NAN, |bins| bins.ace()));
    /// assert_eq!(adaptive, 0.125);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn mean(&self, number: impl Fn(&Reliability) -> f64) -> f64 {
        let occurring = || self.classes.iter().filter(|class| class.correct() > 0);
        occurring().map(number).sum::<f64>() / occurring().count() as f64
    }
}
