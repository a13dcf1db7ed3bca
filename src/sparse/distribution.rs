//! What is known of one voxel.

use crate::SoftFloat;

/// The probabilities of one voxel: those that are not zero, ascending by class. Empty if nobody labelled the voxel.
///
/// ```
/// # use ndarray::array;
/// # use soft_labels::sparse::{self, SparseLabels};
/// # use soft_labels::{Classes, OneHot};
/// let sparse: SparseLabels<f32, _> = sparse::encode(&OneHot, &array![[0_u8, 1]], &Classes::contiguous(2)?)?;
/// let distribution = sparse.distribution(&[0, 1]).unwrap();
/// assert_eq!(distribution.iter().collect::<Vec<_>>(), [(1, 1.0)]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distribution<'a, F> {
    pub(super) classes: &'a [u16],
    pub(super) probabilities: &'a [F],
}

impl<'a, F: SoftFloat> Distribution<'a, F> {
    /// Classes with their probabilities.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use soft_labels::sparse::{self, SparseLabels};
    /// # use soft_labels::{Classes, Svls};
    /// let sparse: SparseLabels<f64, _> = sparse::encode(&Svls::default(), &array![[0_u8, 1]], &Classes::contiguous(9)?)?;
    /// let sum: f64 = sparse.distribution(&[0, 1]).unwrap().iter().map(|(_, p)| p).sum();
    /// assert!((sum - 1.0).abs() < 1e-12);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (usize, F)> + use<'a, F> {
        self.classes
            .iter()
            .map(|&class| usize::from(class))
            .zip(self.probabilities.iter().copied())
    }

    /// The probability of a class, 0 if it is not among them.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use soft_labels::sparse::{self, SparseLabels};
    /// # use soft_labels::{Classes, OneHot};
    /// let sparse: SparseLabels<f32, _> = sparse::encode(&OneHot, &array![[0_u8, 1]], &Classes::contiguous(9)?)?;
    /// assert_eq!(sparse.distribution(&[0, 1]).unwrap().get(8), 0.0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn get(&self, class: usize) -> F {
        self.iter()
            .find(|&(other, _)| other == class)
            .map_or(F::zero(), |(_, probability)| probability)
    }

    /// How many classes have a probability above zero.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use soft_labels::sparse::{self, SparseLabels};
    /// # use soft_labels::{Classes, OneHot};
    /// let sparse: SparseLabels<f32, _> = sparse::encode(&OneHot, &array![[0_u8, 1]], &Classes::contiguous(9)?)?;
    /// assert_eq!(sparse.distribution(&[0, 1]).unwrap().len(), 1);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether nobody labelled the voxel.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use soft_labels::sparse::{self, SparseLabels};
    /// # use soft_labels::{Classes, OneHot};
    /// let classes = Classes::contiguous(2)?.with_ignore(255)?;
    /// let sparse: SparseLabels<f32, _> = sparse::encode(&OneHot, &array![[0_u8, 255]], &classes)?;
    /// assert!(sparse.distribution(&[0, 1]).unwrap().is_empty());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }
}
