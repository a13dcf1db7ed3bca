//! What STAPLE found.

use ndarray::{Array, Array2, Dimension};

use super::StaplePerformance;
use crate::{SoftFloat, Window};

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
    pub(super) performance: StaplePerformance,
    pub(super) window: Window,
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

    /// How each rater performs, and how the estimation ended.
    ///
    /// The example of [`StaplePerformance`] uses it.
    pub fn performance(&self) -> &StaplePerformance {
        &self.performance
    }

    /// The part of the label maps that this was estimated on: all of them, or what
    /// [`Staple::crop_to_disagreement`](super::Staple::crop_to_disagreement) leaves. Its example uses it.
    pub fn window(&self) -> &Window {
        &self.window
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
        self.performance.confusion()
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
        self.performance.sensitivity(rater, class)
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
        self.performance.specificity(rater, class)
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
        self.performance.prior()
    }

    /// Iterations of expectation maximisation that were made. The example of [`Staple::max_iterations`](super::Staple::max_iterations) uses it.
    pub fn iterations(&self) -> usize {
        self.performance.iterations()
    }

    /// Whether the last step was within the tolerance. The example of [`Staple::max_iterations`](super::Staple::max_iterations) uses it.
    pub fn converged(&self) -> bool {
        self.performance.converged()
    }
}
