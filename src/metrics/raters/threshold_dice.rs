//! Dice of a probability map against the share of raters, threshold by threshold.

use ndarray::{ArrayRef, ArrayView, Dimension};

use crate::common::arrays::{check_shape_of, in_order};
use crate::common::parallel;
use crate::common::parallel::total;
use crate::metrics::predictions::check_map;
use crate::metrics::{EmptyRegion, Overlap};
use crate::{Error, Place, Result, SoftFloat};

/// The thresholds of the QUBIQ challenge: 0.1, 0.2 and so on to 0.9. Other work takes 0.1, 0.3, 0.5, 0.7 and 0.9.
///
/// The example of [`threshold_dice`] uses it.
pub const QUBIQ_THRESHOLDS: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// Thresholds are decimal fractions, and 3 of 10 raters are not below 0.3.
const SLACK: f64 = 1e-9;

/// Voxels that are compared together.
const PIECE: usize = 1 << 14;

/// The mean over thresholds t of the Dice of `p >= t` and `share >= t`, from 0 to 1; `share` is the share of the raters whose
/// mask holds a voxel. This is what the [QUBIQ] challenge ranks by.
///
/// ```text
/// 1/|T| Σ_t Dice(p >= t, share >= t)
/// ```
///
/// Both sides may be 1e-9 below a threshold (the probabilities, for which the threshold is rounded to their type). Published
/// numbers are over nine or five thresholds and with `>=` or `>`, so say which. Dice is 1 where both sides are empty, as at
/// a threshold that neither reaches. The map and the masks have one shape, of any axes.
///
/// # Errors
/// [`Error::Empty`] without raters or thresholds, [`Error::Shape`], [`Error::Probability`] (as of class 1), [`Error::Setting`]
/// if a threshold is NaN, [`Error::TooLarge`].
///
/// [QUBIQ]: https://qubiq21.grand-challenge.org
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics::{QUBIQ_THRESHOLDS, threshold_dice};
///
/// let (first, second) = (array![[true, true, false]], array![[true, false, false]]);
/// let raters = [first.view(), second.view()];
/// assert_eq!(threshold_dice(&array![[1.0, 0.5, 0.0]], &raters, &QUBIQ_THRESHOLDS)?, 1.0);
/// assert_eq!(threshold_dice(&array![[1.0, 0.4, 0.0]], &raters, &[0.25, 0.5])?, (1.0 + 2.0 / 3.0) / 2.0);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn threshold_dice<F: SoftFloat, D: Dimension>(
    probabilities: &ArrayRef<F, D>,
    raters: &[ArrayView<'_, bool, D>],
    thresholds: &[f64],
) -> Result<f64> {
    if raters.is_empty() {
        return Err(Error::Empty { what: "raters" });
    }
    if thresholds.is_empty() {
        return Err(Error::Empty { what: "thresholds" });
    }
    if let Some(&value) = thresholds.iter().find(|threshold| threshold.is_nan()) {
        return Err(Error::Setting {
            what: "threshold",
            place: None,
            value,
            allowed: "a number",
        });
    }
    for (rater, mask) in raters.iter().enumerate() {
        check_shape_of("mask", Some(Place::Rater(rater)), probabilities.shape(), mask.shape())?;
    }
    let shape = probabilities.shape();
    let probabilities = in_order(probabilities)?;
    check_map(&probabilities, shape)?;
    let masks = raters.iter().map(|mask| in_order(mask)).collect::<Result<Vec<_>>>()?;

    let limits: Vec<_> = thresholds
        .iter()
        .map(|threshold| threshold - SLACK)
        .map(|limit| (F::round_from(limit), least_votes(limit, raters.len())))
        .collect();
    let work = probabilities.len().saturating_mul(masks.len() + limits.len());
    // At least 16 voxels for each threshold: the counts of all pieces take no more than 1.5 bytes a voxel.
    let piece = PIECE.max(16 * limits.len());
    let pieces = parallel::pieces(probabilities.len(), piece);
    let counted = parallel::map(work, pieces, |piece| {
        let mut votes = vec![0_usize; piece.len()];
        for mask in &masks {
            let inside = votes.iter_mut().zip(&mask[piece.clone()]);
            inside.for_each(|(votes, &inside)| *votes += usize::from(inside));
        }
        let overlap = |&(limit, least): &(F, usize)| {
            let voxels = probabilities[piece.clone()].iter().zip(&votes);
            voxels.fold(Overlap::default(), |overlap, (&p, &votes)| {
                let (found, drawn) = (p >= limit, votes >= least);
                Overlap {
                    prediction: overlap.prediction + u64::from(found),
                    reference: overlap.reference + u64::from(drawn),
                    both: overlap.both + u64::from(found && drawn),
                }
            })
        };
        limits.iter().map(overlap).collect::<Vec<_>>()
    });

    let mut overlaps = vec![Overlap::default(); limits.len()];
    for of_piece in counted {
        for (sum, part) in overlaps.iter_mut().zip(of_piece) {
            sum.prediction += part.prediction;
            sum.reference += part.reference;
            sum.both += part.both;
        }
    }
    let dice = overlaps.iter().map(|overlap| overlap.dice(EmptyRegion::One));
    Ok(total(dice) / limits.len() as f64)
}

/// The smallest number of raters whose share reaches a limit; one more than there are if none does.
fn least_votes(limit: f64, raters: usize) -> usize {
    let reaches = |votes: &usize| *votes as f64 / raters as f64 >= limit;
    (0..=raters).find(reaches).unwrap_or(raters + 1)
}
