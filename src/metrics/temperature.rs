//! The temperature that calibrates logits.

use ndarray::{ArrayRef, Dimension};

use super::scaling::Case;
use super::scaling::search::Search;
use super::scaling::sums::Scale;
use crate::{Classes, Error, Label, Result, SoftFloat};

/// Steps after which the search ends wherever it is. Few need more than 10.
const MOST_STEPS: usize = 200;

/// The temperature T for which softmax(z / T) has the least mean negative log-likelihood of the labels: the one parameter of
/// temperature scaling (Guo et al., *On Calibration of Modern Neural Networks*, [ICML 2017]). Above 1 the network was too
/// confident.
///
/// ```text
/// T = argmin -1/n Σ_i log softmax(z_i / T)[label(i)]
/// ```
///
/// Logits have the class axis first, (C, ..), beside the labels (..), of any axes; they are finite. From probabilities take
/// their logarithms, with the smallest positive number in the place of 0. The likelihood is convex in 1/T, so Newton's method
/// with bisection finds its minimum, to about 12 digits. T is at most 1000, which it is for logits that say nothing or the
/// wrong, and at least 0.001, which it is where each label has the largest logit. Ignored voxels do not count.
/// [`CalibrationFit`](super::CalibrationFit) does the same for many cases and for other parameters, and applies them.
///
/// # Errors
/// [`Error::Shape`], [`Error::UnknownLabel`], [`Error::Logit`] if a logit of a voxel that counts is not finite or beyond 1e100,
/// [`Error::NoVoxels`], [`Error::TooLarge`].
///
/// [ICML 2017]: https://arxiv.org/abs/1706.04599
///
/// ```
/// use ndarray::array;
/// use soft_labels::{Classes, metrics};
///
/// // It is sure of class 1 by a logit of 4, and right three times of four: 4 / T = ln 3.
/// let logits = array![[0.0, 0.0, 0.0, 0.0], [4.0, 4.0, 4.0, 4.0]];
/// let temperature = metrics::temperature(&logits, &array![1_u8, 1, 1, 0], &Classes::contiguous(2)?)?;
/// assert!((temperature - 4.0 / 3_f64.ln()).abs() < 1e-9);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn temperature<F: SoftFloat, L: Label, D: Dimension>(
    logits: &ArrayRef<F, D::Larger>,
    labels: &ArrayRef<L, D>,
    classes: &Classes,
) -> Result<f64> {
    let case = Case::of_logits(logits, labels, classes)?;
    if case.voxels() == 0 {
        return Err(Error::NoVoxels);
    }
    let mut search = Search::new();
    for _ in 0..MOST_STEPS {
        let sums = case.sums(&[&Scale::temperature(search.at(), classes.len())]);
        if sums.first().is_none_or(|sums| search.step(sums.slopes())) {
            break;
        }
    }
    Ok(1.0 / search.at())
}
