//! Sets of classes.

use ndarray::{Array, ArrayRef};

use super::labels::{write_classes, write_classes_against};
use crate::common::arrays::{self, check_shape};
use crate::input::raters::check_axes;
use crate::{Classes, Error, Label, Result, SpatialDim};

/// A set of classes that is judged as one structure, such as the whole tumour of BraTS.
///
/// ```
/// use soft_labels::Classes;
/// use soft_labels::metrics::Region;
///
/// let brats = Classes::from_values([0, 1, 2, 4])?;
/// let core = Region::of_labels(&brats, [1, 4])?;
/// assert_eq!(core.classes(), [1, 3]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
///
/// With feature `serde` it is the list of its classes in JSON, such as `[1, 3]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "super::serde::ListOfClasses", into = "super::serde::ListOfClasses")
)]
pub struct Region {
    /// Ascending, each once.
    classes: Vec<usize>,
}

impl Region {
    /// One class alone.
    ///
    /// ```
    /// assert_eq!(soft_labels::metrics::Region::class(2).classes(), [2]);
    /// ```
    pub fn class(class: usize) -> Self {
        Self { classes: vec![class] }
    }

    /// The classes of some labels.
    ///
    /// # Errors
    /// [`Error::NoClass`] if a label is not a class, [`Error::Empty`] if the list is empty.
    ///
    /// ```
    /// # use soft_labels::{Classes, Error, metrics::Region};
    /// let wrong = Region::of_labels(&Classes::contiguous(3)?, [1, 3]);
    /// assert_eq!(wrong, Err(Error::NoClass { what: "label", value: 3, classes: 3 }));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn of_labels<L: Label>(classes: &Classes, labels: impl IntoIterator<Item = L>) -> Result<Self> {
        let class = |label: L| {
            classes.class_of(label).ok_or(Error::NoClass {
                what: "label",
                value: label.value(),
                classes: classes.len(),
            })
        };
        Self::of_classes(labels.into_iter().map(class).collect::<Result<_>>()?)
    }

    /// Classes in any order.
    pub(super) fn of_classes(mut classes: Vec<usize>) -> Result<Self> {
        if classes.is_empty() {
            return Err(Error::Empty { what: "classes" });
        }
        classes.sort_unstable();
        classes.dedup();
        Ok(Self { classes })
    }

    /// The classes, ascending.
    ///
    /// ```
    /// assert_eq!(soft_labels::metrics::Region::class(2).classes(), [2]);
    /// ```
    pub fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// Whether a class is in the region.
    ///
    /// ```
    /// assert!(soft_labels::metrics::Region::class(2).contains(2));
    /// ```
    pub fn contains(&self, class: usize) -> bool {
        self.classes.binary_search(&class).is_ok()
    }

    /// Where a label map holds a class of the region, in C order. Ignored voxels are outside.
    ///
    /// # Errors
    /// [`Error::NoClass`], [`Error::UnknownLabel`], [`Error::Axes`], [`Error::TooLarge`].
    ///
    /// ```
    /// # use ndarray::array;
    /// # use soft_labels::{Classes, metrics::Region};
    /// let classes = Classes::contiguous(3)?.with_ignore(255)?;
    /// let mask = Region::class(2).mask(&array![[0_u8, 2, 255]], &classes)?;
    /// assert_eq!(mask, array![[false, true, false]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn mask<L: Label, D: SpatialDim>(&self, labels: &ArrayRef<L, D>, classes: &Classes) -> Result<Array<bool, D>> {
        check_axes(labels.ndim())?;
        if let Some(&class) = self.classes.last().filter(|&&class| class >= classes.len()) {
            return Err(Error::NoClass {
                what: "class",
                value: class as i128,
                classes: classes.len(),
            });
        }
        let mut mask = arrays::filled(labels.raw_dim(), false)?;
        let inside = |class: Option<usize>| class.is_some_and(|class| self.contains(class));
        let voxels = mask.as_slice_mut().expect("a new array is in C order");
        write_classes(labels, classes, voxels, inside)?;
        Ok(mask)
    }

    /// The masks of a prediction and of its reference. A voxel that the reference ignores is in neither.
    pub(super) fn masks<L: Label, M: Label, D: SpatialDim>(
        &self,
        prediction: &ArrayRef<L, D>,
        reference: &ArrayRef<M, D>,
        classes: &Classes,
    ) -> Result<[Array<bool, D>; 2]> {
        check_shape("prediction", reference.shape(), prediction.shape())?;
        let referred = self.mask(reference, classes)?;
        let mut predicted = arrays::filled(prediction.raw_dim(), false)?;
        let inside = |class: Option<usize>| class.is_some_and(|class| self.contains(class));
        let voxels = predicted.as_slice_mut().expect("a new array is in C order");
        write_classes_against(prediction, reference, classes, voxels, inside)?;
        Ok([predicted, referred])
    }
}
