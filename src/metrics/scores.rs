//! Proper scores: negative log-likelihood and Brier score.

use ndarray::ArrayRef;

use super::predictions::{IGNORED, Predictions};
use crate::common::arrays::check_shape;
use crate::common::parallel::total;
use crate::{Classes, Label, Result, SoftFloat, SpatialDim};

/// The mean negative log-likelihood of the labels, in nats; NaN if all are ignored, infinite if a label has probability 0.
///
/// ```text
/// -1/n Σ_i log p_i,label(i)
/// ```
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape), [`Error::Axes`](crate::Error::Axes),
/// [`Error::UnknownLabel`](crate::Error::UnknownLabel), [`Error::Probability`](crate::Error::Probability),
/// [`Error::ProbabilitySum`](crate::Error::ProbabilitySum), [`Error::TooLarge`](crate::Error::TooLarge).
///
/// ```
/// use ndarray::array;
/// use soft_labels::{Classes, metrics};
///
/// let probabilities = array![[[0.5, 0.75]], [[0.5, 0.25]]];
/// let nll = metrics::negative_log_likelihood(&probabilities, &array![[0_u8, 1]], &Classes::contiguous(2)?)?;
/// assert!((nll - (2_f64.ln() + 4_f64.ln()) / 2.0).abs() < 1e-15);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn negative_log_likelihood<F: SoftFloat, L: Label, D: SpatialDim>(
    probabilities: &ArrayRef<F, D::Larger>,
    labels: &ArrayRef<L, D>,
    classes: &Classes,
) -> Result<f64> {
    against_labels(probabilities, labels, classes, |p, t| {
        if t == 0.0 { 0.0 } else { -p.max(0.0).ln() }
    })
}

/// The mean Brier score of the labels, from 0 to 2; NaN if all are ignored.
///
/// ```text
/// 1/n Σ_i Σ_c (p_ic - [label(i) = c])²
/// ```
///
/// # Errors
/// Those of [`negative_log_likelihood`].
///
/// ```
/// use ndarray::array;
/// use soft_labels::{Classes, metrics};
///
/// let probabilities = array![[[0.5, 0.75]], [[0.5, 0.25]]];
/// let brier = metrics::brier(&probabilities, &array![[0_u8, 1]], &Classes::contiguous(2)?)?;
/// assert_eq!(brier, (0.5 + 2.0 * 0.5625) / 2.0);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn brier<F: SoftFloat, L: Label, D: SpatialDim>(
    probabilities: &ArrayRef<F, D::Larger>,
    labels: &ArrayRef<L, D>,
    classes: &Classes,
) -> Result<f64> {
    against_labels(probabilities, labels, classes, |p, t| (p - t) * (p - t))
}

/// The mean negative log-likelihood of soft labels, such as the raters' mean; voxels whose reference is all zero do not
/// count. Against one-hot labels it is [`negative_log_likelihood`].
///
/// ```text
/// -1/n Σ_i Σ_c t_ic log p_ic
/// ```
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape), [`Error::Axes`](crate::Error::Axes),
/// [`Error::Probability`](crate::Error::Probability), [`Error::ProbabilitySum`](crate::Error::ProbabilitySum).
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics;
///
/// let (probabilities, raters) = (array![[[0.5]], [[0.5]]], array![[[0.25]], [[0.75]]]);
/// assert_eq!(metrics::negative_log_likelihood_soft(&probabilities, &raters)?, 2_f64.ln());
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn negative_log_likelihood_soft<F: SoftFloat, G: SoftFloat, D: ndarray::RemoveAxis>(
    probabilities: &ArrayRef<F, D>,
    reference: &ArrayRef<G, D>,
) -> Result<f64> {
    against_soft(probabilities, reference, |p, t| {
        if t == 0.0 { 0.0 } else { -t * p.max(0.0).ln() }
    })
}

/// The mean Brier score of soft labels; voxels whose reference is all zero do not count.
///
/// ```text
/// 1/n Σ_i Σ_c (p_ic - t_ic)²
/// ```
///
/// # Errors
/// Those of [`negative_log_likelihood_soft`].
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics;
///
/// let (probabilities, raters) = (array![[[0.5]], [[0.5]]], array![[[0.25]], [[0.75]]]);
/// assert_eq!(metrics::brier_soft(&probabilities, &raters)?, 2.0 * 0.0625);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn brier_soft<F: SoftFloat, G: SoftFloat, D: ndarray::RemoveAxis>(
    probabilities: &ArrayRef<F, D>,
    reference: &ArrayRef<G, D>,
) -> Result<f64> {
    against_soft(probabilities, reference, |p, t| (p - t) * (p - t))
}

/// The mean over labelled voxels of a score summed over classes.
fn against_labels<F: SoftFloat, L: Label, D: SpatialDim>(
    probabilities: &ArrayRef<F, D::Larger>,
    labels: &ArrayRef<L, D>,
    classes: &Classes,
    score: impl Fn(f64, f64) -> f64 + Sync + Send,
) -> Result<f64> {
    let predictions = Predictions::new(probabilities, Some(classes.len()))?;
    let targets = predictions.targets(labels, classes)?;
    Ok(mean(predictions.map(COST, |piece| {
        let targets = &targets[piece.clone()];
        let mut sum = 0.0;
        for class in 0..predictions.classes {
            for (p, &target) in predictions.probabilities_of(class)[piece.clone()].iter().zip(targets) {
                if target != IGNORED {
                    sum += score(p.widen(), f64::from(u8::from(usize::from(target) == class)));
                }
            }
        }
        (sum, targets.iter().filter(|&&target| target != IGNORED).count())
    })))
}

/// The mean score over the voxels that have a soft reference.
fn against_soft<F: SoftFloat, G: SoftFloat, D: ndarray::RemoveAxis>(
    probabilities: &ArrayRef<F, D>,
    reference: &ArrayRef<G, D>,
    score: impl Fn(f64, f64) -> f64 + Sync + Send,
) -> Result<f64> {
    check_shape("reference", probabilities.shape(), reference.shape())?;
    let predictions = Predictions::new(probabilities, None)?;
    let reference = Predictions::new(reference, None)?;
    reference.check_or_zero()?;
    predictions.check(|voxel| reference.is_predicted(voxel))?;
    Ok(mean(predictions.map(COST, |piece| {
        let mut counts = vec![false; piece.len()];
        for class in 0..predictions.classes {
            let both = counts.iter_mut().zip(&reference.probabilities_of(class)[piece.clone()]);
            both.for_each(|(counts, t)| *counts |= *t != G::zero());
        }
        let mut sum = 0.0;
        for class in 0..predictions.classes {
            let p = &predictions.probabilities_of(class)[piece.clone()];
            let t = &reference.probabilities_of(class)[piece.clone()];
            for ((p, t), _) in p.iter().zip(t).zip(&counts).filter(|(_, counts)| **counts) {
                sum += score(p.widen(), t.widen());
            }
        }
        (sum, counts.iter().filter(|counts| **counts).count())
    })))
}

/// Nanoseconds that a probability takes.
const COST: usize = 2;

/// The mean from the sum of the scores of each piece and the number of its voxels.
fn mean(pieces: Vec<(f64, usize)>) -> f64 {
    let voxels: usize = pieces.iter().map(|(_, voxels)| voxels).sum();
    total(pieces.into_iter().map(|(sum, _)| sum)) / voxels as f64
}
