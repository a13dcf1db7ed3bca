//! How raters perform, by STAPLE.

use ndarray::Array2;

/// How each rater performs, as [`Staple`](super::Staple) estimates it.
///
/// ```
/// # use soft_labels::{Classes, fusion::Staple};
/// let map = ndarray::array![[0_u8, 1]];
/// let fused = Staple::new().fuse::<_, f32, _>(&[map.view()], &Classes::contiguous(2)?)?;
/// assert_eq!(fused.performance().sensitivity(0, 1), Some(1.0));
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct StaplePerformance {
    pub(super) confusion: Vec<Array2<f64>>,
    /// For each rater, the posterior mass of each class where the rater voted.
    pub(super) mass: Vec<Vec<f64>>,
    pub(super) prior: Vec<f64>,
    pub(super) iterations: usize,
    pub(super) converged: bool,
}

impl StaplePerformance {
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

    /// A weight for each rater, for averages of soft labels; they sum to 1.
    ///
    /// ```text
    /// w_r = J_r / Σ_r J_r      J_r = mean over classes s of max(0, sensitivity_rs + specificity_rs - 1)
    /// ```
    ///
    /// Youden's index is 1 for a rater who is always right, and 0 for one whose votes say nothing about the truth. It does not
    /// depend on how common a class is, so that a large background, of which all raters are right, hides nobody. Classes that are
    /// the truth nowhere where the rater voted are left out. A rater without votes has weight 0. If all J are 0, all raters have
    /// the same weight.
    ///
    /// ```
    /// # use soft_labels::{Classes, fusion::Staple};
    /// let (careful, hasty) = (ndarray::array![[0_u8, 1, 1, 0]], ndarray::array![[0_u8, 0, 1, 0]]);
    /// let raters = [careful.view(), careful.view(), hasty.view()];
    /// let fused = Staple::new().fuse::<_, f32, _>(&raters, &Classes::contiguous(2)?)?;
    /// let weights = fused.performance().weights(); // J is 1, 1 and 1/2
    /// assert!(weights.iter().zip([0.4, 0.4, 0.2]).all(|(found, expected)| (found - expected).abs() < 1e-3));
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn weights(&self) -> Vec<f64> {
        let youden = |rater: usize| {
            let mass = self.mass.get(rater)?;
            let present = || (0..mass.len()).filter(|&class| mass.get(class).is_some_and(|&mass| mass > 0.0));
            let of_class =
                |class| Some((self.sensitivity(rater, class)? + self.specificity(rater, class)? - 1.0).max(0.0));
            let count = present().count();
            (count > 0).then(|| present().filter_map(of_class).sum::<f64>() / count as f64)
        };
        let of_raters: Vec<f64> = (0..self.confusion.len())
            .map(|rater| youden(rater).unwrap_or(0.0))
            .collect();
        let all: f64 = of_raters.iter().sum();
        let weight = |youden: &f64| {
            if all > 0.0 {
                youden / all
            } else {
                1.0 / of_raters.len() as f64
            }
        };
        of_raters.iter().map(weight).collect()
    }
}
