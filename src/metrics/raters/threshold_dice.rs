//! Dice of a probability map against the share of raters, threshold by threshold.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{Array, ArrayRef, ArrayView, Dimension};

use super::masks::whose;
use crate::common::arrays::{check_shape_of, in_order};
use crate::common::parallel;
use crate::common::parallel::total;
use crate::metrics::predictions::check_map;
use crate::metrics::{EmptyRegion, Overlap, Region};
use crate::{Classes, Error, Label, Place, Result, SoftFloat, SpatialDim};

/// The thresholds of the QUBIQ challenge: 0.1, 0.2 and so on to 0.9. Other work takes 0.1, 0.3, 0.5, 0.7 and 0.9.
///
/// The example of [`threshold_dice`] uses it.
pub const QUBIQ_THRESHOLDS: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// Thresholds are decimal fractions, and 3 of 10 raters are not below 0.3.
const SLACK: f64 = 1e-9;

/// Voxels that are compared together.
const PIECE: usize = 1 << 14;

/// Voxels of a piece that are left out together where nothing is.
const BLOCK: usize = 256;

/// The mean over thresholds t of the Dice of `p >= t` and `share >= t`, from 0 to 1; `share` is the share of the raters whose
/// mask holds a voxel. This is what the [QUBIQ] challenge ranks by.
///
/// ```text
/// 1/|T| Σ_t Dice(p >= t, share >= t)
/// ```
///
/// Both sides may be 1e-9 below a threshold (the probabilities, for which the threshold is rounded to their type). Shares are
/// compared as whole numbers of raters. Published numbers are over nine or five thresholds and with `>=` or `>`, so say which.
/// A threshold that neither side reaches counts as 1: both sides agree that nothing is there. Where neither side reaches any
/// threshold, neither holds the structure, and `empty` says what that is. The map and the masks have one shape, of any axes.
///
/// # Errors
/// [`Error::Empty`] without raters or thresholds, [`Error::Shape`], [`Error::Probability`] (as of class 1), [`Error::Setting`]
/// if a threshold is NaN, [`Error::TooLarge`].
///
/// [QUBIQ]: https://qubiq21.grand-challenge.org
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics::{EmptyRegion, QUBIQ_THRESHOLDS, threshold_dice};
///
/// let (first, second) = (array![[true, true, false]], array![[true, false, false]]);
/// let raters = [first.view(), second.view()];
/// let nine = threshold_dice(&array![[1.0, 0.5, 0.0]], &raters, &QUBIQ_THRESHOLDS, EmptyRegion::One)?;
/// assert_eq!(nine, 1.0);
/// let two = threshold_dice(&array![[1.0, 0.4, 0.0]], &raters, &[0.25, 0.5], EmptyRegion::One)?;
/// assert_eq!(two, (1.0 + 2.0 / 3.0) / 2.0);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn threshold_dice<F: SoftFloat, D: Dimension>(
    probabilities: &ArrayRef<F, D>,
    raters: &[ArrayView<'_, bool, D>],
    thresholds: &[f64],
    empty: EmptyRegion,
) -> Result<f64> {
    check(probabilities.shape(), raters, thresholds)?;
    let votes = Votes {
        masks: raters.iter().map(|mask| in_order(mask)).collect::<Result<_>>()?,
        counted: Vec::new(),
    };
    mean_dice(probabilities, &votes, thresholds, empty)
}

/// The [`threshold_dice`] of a region in the raters' label maps, (H, W) or (D, H, W), and a map of its probabilities of the
/// same shape.
///
/// The share at a voxel is that of the raters who did not ignore it. A voxel that all ignore does not count, and its
/// probability may be anything.
///
/// # Errors
/// Those of [`threshold_dice`], [`Error::UnknownLabel`], [`Error::NoClass`] and [`Error::Axes`].
///
/// ```
/// use ndarray::array;
/// use soft_labels::Classes;
/// use soft_labels::metrics::{EmptyRegion, QUBIQ_THRESHOLDS, Region, threshold_dice_of_labels};
///
/// let classes = Classes::contiguous(2)?.with_ignore(255)?;
/// let (first, second) = (array![[1_u8, 1, 255]], array![[1_u8, 255, 255]]);
/// let raters = [first.view(), second.view()];
/// let p = array![[1.0, 1.0, f64::NAN]]; // of two raters one marked the second voxel, and one did not look
/// let dice =
///     threshold_dice_of_labels(&p, &raters, &classes, &Region::class(1), &QUBIQ_THRESHOLDS, EmptyRegion::One)?;
/// assert_eq!(dice, 1.0);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn threshold_dice_of_labels<F: SoftFloat, L: Label, D: SpatialDim>(
    probabilities: &ArrayRef<F, D>,
    raters: &[ArrayView<'_, L, D>],
    classes: &Classes,
    region: &Region,
    thresholds: &[f64],
    empty: EmptyRegion,
) -> Result<f64> {
    check(probabilities.shape(), raters, thresholds)?;
    let owned = |mask: Array<bool, D>| Cow::<[bool]>::Owned(mask.into_raw_vec_and_offset().0);
    let (mut masks, mut counted) = (Vec::new(), Vec::new());
    for (rater, map) in raters.iter().enumerate() {
        let mask = region.mask(map, classes);
        masks.push(owned(mask.map_err(|error| whose(error, rater, raters.len()))?));
        if classes.ignore().is_some() {
            counted.push(owned(classes.valid_mask(map)?));
        }
    }
    if counted.iter().all(|counted| counted.iter().all(|&counts| counts)) {
        counted.clear();
    }
    let votes = Votes { masks, counted };
    mean_dice(probabilities, &votes, thresholds, empty)
}

fn check<T, D: Dimension>(shape: &[usize], raters: &[ArrayView<'_, T, D>], thresholds: &[f64]) -> Result<()> {
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
    let mut maps = raters.iter().enumerate();
    maps.try_for_each(|(rater, map)| check_shape_of("mask", Some(Place::Rater(rater)), shape, map.shape()))
}

/// The masks of raters in C order.
struct Votes<'a> {
    masks: Vec<Cow<'a, [bool]>>,
    /// The voxels of each rater that count; none if all do.
    counted: Vec<Cow<'a, [bool]>>,
}

impl Votes<'_> {
    /// At each voxel of a block, how many masks hold it.
    fn of(masks: &[Cow<'_, [bool]>], block: Range<usize>) -> [u32; BLOCK] {
        let mut votes = [0; BLOCK];
        for mask in masks {
            let inside = votes.iter_mut().zip(&mask[block.clone()]);
            inside.for_each(|(votes, &inside)| *votes += u32::from(inside));
        }
        votes
    }

    /// At each voxel of a block, how many raters did not ignore it.
    fn raters(&self, block: Range<usize>) -> [u32; BLOCK] {
        if self.counted.is_empty() {
            return [u32::try_from(self.masks.len()).unwrap_or(u32::MAX); BLOCK];
        }
        Self::of(&self.counted, block)
    }
}

/// A threshold, less the slack.
struct Limit<F> {
    p: F,
    /// How many of no, of one, of two raters and so on have to mark a voxel.
    least: Vec<u32>,
}

fn mean_dice<F: SoftFloat, D: Dimension>(
    probabilities: &ArrayRef<F, D>,
    votes: &Votes<'_>,
    thresholds: &[f64],
    empty: EmptyRegion,
) -> Result<f64> {
    let shape = probabilities.shape();
    let probabilities = in_order(probabilities)?;
    let counts = |voxel: usize| votes.counted.is_empty() || votes.counted.iter().any(|counted| counted[voxel]);
    check_map(&probabilities, shape, counts)?;

    let limits = thresholds.iter().map(|threshold| threshold - SLACK).map(|limit| Limit {
        p: F::round_from(limit),
        least: least_votes(limit, votes.masks.len()),
    });
    let limits: Vec<_> = limits.collect();
    let work = probabilities.len().saturating_mul(votes.masks.len() + limits.len());
    // At least 16 voxels for each threshold: the counts of all pieces take no more than 1.5 bytes a voxel.
    let piece = PIECE.max(16 * limits.len());
    let pieces = parallel::pieces(probabilities.len(), piece);
    let counted = parallel::map(work, pieces, |piece| {
        let mut overlaps = vec![Overlap::default(); limits.len()];
        for block in parallel::pieces(piece.len(), BLOCK) {
            let block = piece.start + block.start..piece.start + block.end;
            add_block(&mut overlaps, &probabilities[block.clone()], votes, block, &limits);
        }
        overlaps
    });

    let mut overlaps = vec![Overlap::default(); limits.len()];
    for of_piece in counted {
        for (sum, part) in overlaps.iter_mut().zip(of_piece) {
            sum.prediction += part.prediction;
            sum.reference += part.reference;
            sum.both += part.both;
        }
    }
    if overlaps
        .iter()
        .all(|overlap| overlap.prediction == 0 && overlap.reference == 0)
    {
        return Ok(empty.score());
    }
    let dice = overlaps.iter().map(|overlap| overlap.dice(EmptyRegion::One));
    Ok(total(dice) / overlaps.len() as f64)
}

/// Counts the voxels of a block for each threshold.
fn add_block<F: SoftFloat>(
    overlaps: &mut [Overlap],
    probabilities: &[F],
    votes: &Votes<'_>,
    block: Range<usize>,
    limits: &[Limit<F>],
) {
    let raters = votes.raters(block.clone());
    let votes = Votes::of(&votes.masks, block);
    let any = votes.iter().any(|&votes| votes > 0);
    for (overlap, limit) in overlaps.iter_mut().zip(limits) {
        // In most blocks of a volume there is nothing.
        let none_reaches = limit.least.iter().all(|&least| least > 0);
        if !any && none_reaches && !probabilities.iter().any(|&p| p >= limit.p) {
            continue;
        }
        for ((&p, &votes), &raters) in probabilities.iter().zip(&votes).zip(&raters) {
            let counts = raters > 0;
            let found = counts && p >= limit.p;
            let drawn = counts && votes >= limit.least[raters as usize];
            overlap.prediction += u64::from(found);
            overlap.reference += u64::from(drawn);
            overlap.both += u64::from(found && drawn);
        }
    }
}

/// For no rater, one rater and so on, the smallest number of them whose share reaches a limit; one more than there are if none
/// does.
fn least_votes(limit: f64, most: usize) -> Vec<u32> {
    let mut least = 0;
    let of_raters = (1..=most).map(|raters| {
        // Among more raters it takes no fewer.
        let reaches = |votes: &usize| *votes as f64 / raters as f64 >= limit;
        least = (least..=raters).find(reaches).unwrap_or(raters + 1);
        u32::try_from(least).unwrap_or(u32::MAX)
    });
    std::iter::once(1).chain(of_raters).collect()
}
