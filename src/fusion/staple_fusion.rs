//! What STAPLE found.

use ndarray::{Array, Array2, Dimension};

use crate::SoftFloat;

/// What [`Staple`](super::Staple) found.
///
/// ```
/// # use soft_labels::{Classes, fusion::Staple};
/// let map = ndarray::array![[0_u8, 1]];
/// let fused = Staple::new().fuse::<_, f32, _>(&[map.view()], &Classes::contiguous(2)?)?;
/// assert_eq!(fused.into_posterior(), ndarray::array![[[1.0, 0.0]], [[0.0, 1.0]]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct StapleFusion<F, D: Dimension> {
    pub(super) posterior: Array<F, D>,
    pub(super) confusion: Vec<Array2<f64>>,
    /// For each rater, the posterior mass of each class where the rater voted.
    pub(super) mass: Vec<Vec<f64>>,
    pub(super) prior: Vec<f64>,
    pub(super) iterations: usize,
    pub(super) converged: bool,
}

impl<F: SoftFloat, D: Dimension> StapleFusion<F, D> {
    /// The probability of each class at each voxel: (C, H, W) or (C, D, H, W), soft labels as any other.
    ///
    /// ```
    /// # use soft_labels::{Classes, fusion::Staple};
    /// # let map = ndarray::array![[0_u8, 1]];
    /// # let fused = Staple::new().fuse::<_, f32, _>(&[map.view()], &Classes::contiguous(2)?)?;
    /// assert_eq!(fused.posterior().shape(), [2, 1, 2]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn posterior(&self) -> &Array<F, D> {
        &self.posterior
    }

    /// The posterior alone. The example of [`StapleFusion`] uses it.
    pub fn into_posterior(self) -> Array<F, D> {
        self.posterior
    }

    /// The confusion matrix of each rater. Entry `[j, s]` is the probability that the rater votes for class j where the truth
    /// is class s; columns sum to 1.
    ///
    /// ```
    /// # use soft_labels::{Classes, fusion::Staple};
    /// # let map = ndarray::array![[0_u8, 1]];
    /// # let fused = Staple::new().fuse::<_, f32, _>(&[map.view()], &Classes::contiguous(2)?)?;
    /// assert_eq!(fused.confusion()[0], ndarray::array![[1.0, 0.0], [0.0, 1.0]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn confusion(&self) -> &[Array2<f64>] {
        &self.confusion
    }

    /// The probability that a rater votes for a class where it is the truth, or `None` without such a rater or class.
    ///
    /// ```
    /// # use soft_labels::{Classes, fusion::Staple};
    /// # let map = ndarray::array![[0_u8, 1]];
    /// # let fused = Staple::new().fuse::<_, f32, _>(&[map.view()], &Classes::contiguous(2)?)?;
    /// assert_eq!(fused.sensitivity(0, 1), Some(1.0));
    /// assert_eq!(fused.sensitivity(1, 1), None);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn sensitivity(&self, rater: usize, class: usize) -> Option<f64> {
        self.confusion.get(rater)?.get([class, class]).copied()
    }

    /// The probability that a rater does not vote for a class where it is not the truth, or `None` without such a rater or
    /// class. 1 where everything is of the class.
    ///
    /// ```
    /// # use soft_labels::{Classes, fusion::Staple};
    /// # let map = ndarray::array![[0_u8, 1]];
    /// # let fused = Staple::new().fuse::<_, f32, _>(&[map.view()], &Classes::contiguous(2)?)?;
    /// assert_eq!(fused.specificity(0, 1), Some(1.0));
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn specificity(&self, rater: usize, class: usize) -> Option<f64> {
        let (confusion, mass) = (self.confusion.get(rater)?, self.mass.get(rater)?);
        let votes = confusion.rows().into_iter().nth(class)?;
        let others = || {
            votes
                .iter()
                .zip(mass)
                .enumerate()
                .filter(|(truth, _)| *truth != class)
                .map(|(_, pair)| pair)
        };
        let all: f64 = others().map(|(_, mass)| mass).sum();
        let wrong: f64 = others().map(|(theta, mass)| theta * mass).sum();
        Some(if all == 0.0 { 1.0 } else { 1.0 - wrong / all })
    }

    /// The prior probability of each class.
    ///
    /// ```
    /// # use soft_labels::{Classes, fusion::Staple};
    /// # let map = ndarray::array![[0_u8, 1]];
    /// # let fused = Staple::new().fuse::<_, f32, _>(&[map.view()], &Classes::contiguous(2)?)?;
    /// assert_eq!(fused.prior(), [0.5, 0.5]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn prior(&self) -> &[f64] {
        &self.prior
    }

    /// Iterations of expectation maximisation that were made. The example of [`Staple::max_iterations`](super::Staple::max_iterations) uses it.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// Whether the last step was within the tolerance. The example of [`Staple::max_iterations`](super::Staple::max_iterations) uses it.
    pub fn converged(&self) -> bool {
        self.converged
    }
}
