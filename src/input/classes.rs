//! Which labels are classes, and which value is ignored.

use ndarray::{Array, ArrayRef, ArrayViewD, Dimension};

use crate::common::arrays;
use crate::input::label::ClassValue;
use crate::input::raters::check_axes;
use crate::{Error, Label, Result, SpatialDim};

/// The classes of a label map. The caller states them; they are never guessed from the data.
///
/// The class axis of soft labels has one entry for each class, in the order given here. The ignore value marks voxels that
/// nobody labelled: their soft labels are all zero and they are left out of the sums of their neighbours. Any other value
/// in a label map is [`Error::UnknownLabel`].
///
/// ```
/// use soft_labels::Classes;
///
/// let brats = Classes::from_values([0, 1, 2, 4])?; // label 4 is class 3
/// let cityscapes = Classes::contiguous(19)?.with_ignore(255)?;
/// assert_eq!(brats.len(), 4);
/// assert_eq!(brats.class_of(4_u8), Some(3));
/// assert_eq!(cityscapes.class_of(255_u8), None);
/// # Ok::<(), soft_labels::Error>(())
/// ```
///
/// With feature `serde`, classes are `{"count": 4}` or `{"values": [0, 1, 2, 4], "ignore": 255}` in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "super::serde::Fields", into = "super::serde::Fields")
)]
pub struct Classes {
    values: Values,
    ignore: Option<i128>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Values {
    /// Label `c` is class `c`.
    Contiguous(usize),
    /// (label, class), ascending by label.
    Listed(Vec<(i128, usize)>),
}

impl Classes {
    /// The largest number of classes that can be indexed.
    pub(crate) const MAX: usize = u16::MAX as usize;

    /// Labels `0..count`, where label `c` is class `c`.
    ///
    /// # Errors
    /// [`Error::Empty`] if `count` is 0, [`Error::TooMany`] if it is above 65535.
    ///
    /// ```
    /// # use soft_labels::{Classes, Error};
    /// assert_eq!(Classes::contiguous(4)?.class_of(3_i64), Some(3));
    /// assert_eq!(Classes::contiguous(0), Err(Error::Empty { what: "classes" }));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn contiguous(count: usize) -> Result<Self> {
        check_count("classes", count)?;
        Ok(Self {
            values: Values::Contiguous(count),
            ignore: None,
        })
    }

    /// Each listed label is the class of its position in the list. The values are of any integer type but `u128`.
    ///
    /// # Errors
    /// [`Error::Empty`] if the list is empty, [`Error::TooMany`] if it has more than 65535 values,
    /// [`Error::DuplicateValue`] if a value occurs twice.
    ///
    /// ```
    /// # use soft_labels::{Classes, Error};
    /// assert_eq!(Classes::from_values([0, 1, 2, 4])?.class_of(4_u8), Some(3));
    /// assert_eq!(
    ///     Classes::from_values([0, 7, 7]),
    ///     Err(Error::DuplicateValue { value: 7, first: 1, second: 2 }),
    /// );
    /// # Ok::<(), Error>(())
    /// ```
    pub fn from_values<V: ClassValue>(values: impl IntoIterator<Item = V>) -> Result<Self> {
        let values = values.into_iter().map(V::value).enumerate();
        let mut listed: Vec<(i128, usize)> = values.map(|(class, value)| (value, class)).collect();
        check_count("classes", listed.len())?;
        listed.sort_unstable();
        for pair in listed.windows(2) {
            if let [(value, first), (next, second)] = *pair
                && value == next
            {
                return Err(Error::DuplicateValue { value, first, second });
            }
        }
        let contiguous = (0..)
            .zip(&listed)
            .all(|(class, entry)| *entry == (class as i128, class));
        let values = if contiguous {
            Values::Contiguous(listed.len())
        } else {
            Values::Listed(listed)
        };
        Ok(Self { values, ignore: None })
    }

    /// Marks voxels that nobody labelled by `value` (255 in many 2D sets, -1 in some).
    ///
    /// A value that the label map's element type cannot hold, such as -1 beside `u8`, simply never occurs.
    ///
    /// # Errors
    /// [`Error::IgnoredClass`] if the value is a class.
    ///
    /// ```
    /// # use soft_labels::{Classes, Error};
    /// let classes = Classes::contiguous(19)?.with_ignore(255)?;
    /// assert!(classes.is_ignored(255_u8));
    /// assert_eq!(classes.with_ignore(3), Err(Error::IgnoredClass { value: 3, class: 3 }));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn with_ignore<V: ClassValue>(self, value: V) -> Result<Self> {
        let value = value.value();
        match self.class_of_value(value) {
            Some(class) => Err(Error::IgnoredClass { value, class }),
            None => Ok(Self {
                ignore: Some(value),
                ..self
            }),
        }
    }

    /// Number of classes: the length of the class axis.
    ///
    /// ```
    /// # use soft_labels::Classes;
    /// assert_eq!(Classes::contiguous(4)?.with_ignore(255)?.len(), 4);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[expect(clippy::len_without_is_empty, reason = "there is always at least one class")]
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Contiguous(count) => *count,
            Values::Listed(listed) => listed.len(),
        }
    }

    /// The class of a label, or `None` if it is ignored or unknown.
    ///
    /// ```
    /// # use soft_labels::Classes;
    /// let classes = Classes::from_values([0, 100])?;
    /// assert_eq!(classes.class_of(100_u8), Some(1));
    /// assert_eq!(classes.class_of(-1_i8), None);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn class_of<L: Label>(&self, label: L) -> Option<usize> {
        self.class_of_value(label.value())
    }

    /// The class of a label's value.
    pub(crate) fn class_of_value(&self, label: i128) -> Option<usize> {
        match &self.values {
            Values::Contiguous(count) => usize::try_from(label).ok().filter(|class| class < count),
            Values::Listed(listed) => {
                let at = listed.binary_search_by_key(&label, |&(value, _)| value).ok()?;
                listed.get(at).map(|&(_, class)| class)
            }
        }
    }

    /// The labels of the classes, in the order of the class axis.
    ///
    /// ```
    /// # use soft_labels::Classes;
    /// assert_eq!(Classes::from_values([4, 0])?.values(), [4, 0]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn values(&self) -> Vec<i128> {
        match &self.values {
            Values::Contiguous(count) => (0..).take(*count).collect(),
            Values::Listed(listed) => {
                let mut by_class: Vec<_> = listed.iter().map(|&(value, class)| (class, value)).collect();
                by_class.sort_unstable();
                by_class.into_iter().map(|(_, value)| value).collect()
            }
        }
    }

    /// The ignore value, if there is one.
    ///
    /// ```
    /// # use soft_labels::Classes;
    /// assert_eq!(Classes::contiguous(19)?.with_ignore(255)?.ignore(), Some(255));
    /// assert_eq!(Classes::contiguous(19)?.ignore(), None);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn ignore(&self) -> Option<i128> {
        self.ignore
    }

    /// Whether a label is the ignore value.
    ///
    /// ```
    /// # use soft_labels::Classes;
    /// assert!(Classes::contiguous(2)?.with_ignore(-1)?.is_ignored(-1_i16));
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn is_ignored<L: Label>(&self, label: L) -> bool {
        self.ignore == Some(label.value())
    }

    /// The mask of voxels that hold a class, `false` where the label is ignored: (H, W) or (D, H, W), in C order.
    ///
    /// # Errors
    /// [`Error::UnknownLabel`], [`Error::Axes`] and [`Error::TooLarge`], as for encoding.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use soft_labels::Classes;
    /// let classes = Classes::contiguous(2)?.with_ignore(255)?;
    /// assert_eq!(classes.valid_mask(&array![[0_u8, 255, 1]])?, array![[true, false, true]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn valid_mask<L: Label, D: SpatialDim>(&self, labels: &ArrayRef<L, D>) -> Result<Array<bool, D>> {
        check_axes(labels.ndim())?;
        let mut mask = arrays::filled(labels.raw_dim(), false)?;
        let mut unknown = false;
        ndarray::Zip::from(&mut mask).and(labels).for_each(|valid, &label| {
            *valid = self.class_of(label).is_some();
            unknown |= !*valid && !self.is_ignored(label);
        });
        if unknown {
            self.check(&labels.view().into_dyn(), &vec![0; labels.ndim()], 0, 1)?;
        }
        Ok(mask)
    }

    /// Names the first unknown label of a part of a rater's label map that starts at voxel `origin`.
    pub(crate) fn check<L: Label>(
        &self,
        part: &ArrayViewD<'_, L>,
        origin: &[usize],
        rater: usize,
        raters: usize,
    ) -> Result<()> {
        let unknown = |label: L| self.class_of(label).is_none() && !self.is_ignored(label);
        let count = part.iter().filter(|&&label| unknown(label)).count();
        match part.indexed_iter().find(|&(_, &label)| unknown(label)) {
            Some((at, label)) => Err(Error::UnknownLabel {
                value: label.value(),
                index: at.slice().iter().zip(origin).map(|(a, o)| a + o).collect(),
                count,
                classes: self.len(),
                rater,
                raters,
            }),
            None => Ok(()),
        }
    }

    /// The values of the classes as (label, class) if they are not simply `0..len`.
    pub(crate) fn listed(&self) -> Option<&[(i128, usize)]> {
        match &self.values {
            Values::Contiguous(_) => None,
            Values::Listed(listed) => Some(listed),
        }
    }
}

/// Returns an error unless so many of something can be indexed, and there is at least one.
pub(crate) fn check_count(what: &'static str, count: usize) -> Result<()> {
    match count {
        0 => Err(Error::Empty { what }),
        1..=Classes::MAX => Ok(()),
        _ => Err(Error::TooMany {
            what,
            count,
            max: Classes::MAX,
        }),
    }
}
