//! Several sampled masks against the masks of several raters.

use ndarray::{ArrayView, Dimension};

use super::assignment::cheapest;
use super::masks::{Masks, pack};
use crate::common::parallel::total;
use crate::metrics::{EmptyRegion, Overlap};
use crate::{Error, Result};

/// How alike two masks are, from 0 to 1. Two empty masks are the same.
///
/// The example of [`energy_distance`] uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Similarity {
    /// Intersection over union. So do Kohl et al. and PHiSeg.
    #[default]
    Iou,
    /// The Dice similarity coefficient. So does ValUES.
    Dice,
}

impl Similarity {
    fn of(self, overlap: Overlap) -> f64 {
        match self {
            Self::Iou => overlap.jaccard(EmptyRegion::One),
            Self::Dice => overlap.dice(EmptyRegion::One),
        }
    }
}

/// Which pairs of one list the means of [`energy_distance`] are over.
///
/// The example of [`energy_distance`] uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OwnPairs {
    /// All ordered pairs, a mask with itself included: the V-statistic. The distance is not below 0, except by rounding.
    #[default]
    All,
    /// Pairs of different masks: the U-statistic, without bias. The distance may be below 0. It is NaN for a list of one mask.
    Different,
}

/// The generalised energy distance between sampled masks S and raters' masks Y, squared, with d = 1 - similarity. It has no
/// unit.
///
/// ```text
/// 2 E d(S, Y) - E d(S, S') - E d(Y, Y')
/// ```
///
/// This is what Kohl et al. (*A Probabilistic U-Net*, [NeurIPS 2018]) report with intersection over union and all pairs. All
/// masks have one shape, of any axes. It is 0 if both lists hold the same masks equally often. Two empty masks have d = 0, an
/// empty one and another d = 1.
///
/// # Errors
/// [`Error::Empty`] without samples or raters, [`Error::Shape`], [`Error::TooLarge`].
///
/// [NeurIPS 2018]: https://arxiv.org/abs/1806.05034
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics::{OwnPairs, Similarity, energy_distance};
///
/// let (all, none) = (array![[true, true]], array![[false, false]]);
/// let (samples, raters) = ([all.view()], [all.view(), none.view()]);
/// let distance = |pairs| energy_distance(&samples, &raters, Similarity::Iou, pairs);
/// assert_eq!(distance(OwnPairs::All)?, 2.0 * 0.5 - 0.0 - 0.5);
/// assert!(distance(OwnPairs::Different)?.is_nan()); // one sample alone makes no pair
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn energy_distance<D: Dimension>(
    samples: &[ArrayView<'_, bool, D>],
    raters: &[ArrayView<'_, bool, D>],
    similarity: Similarity,
    pairs: OwnPairs,
) -> Result<f64> {
    let [samples, raters] = pack(samples, raters)?;
    let distance = |overlap| 1.0 - similarity.of(overlap);
    let own = |masks: &Masks| -> Result<f64> {
        let count = masks.len() as f64;
        let pairs = match pairs {
            OwnPairs::All => count * count,
            OwnPairs::Different => count * (count - 1.0),
        };
        Ok(2.0 * total(masks.own_scores(distance)?) / pairs)
    };
    let between = mean(&samples.scores(&raters, distance)?);
    Ok(2.0 * between - own(&samples)? - own(&raters)?)
}

/// For each rater the Dice of the sample that is most like it, averaged over raters: "Dice max", from 0 to 1.
///
/// ```text
/// 1/|Y| Σ_y max_s Dice(s, y)
/// ```
///
/// All masks have one shape, of any axes. An empty mask has Dice 1 with an empty one, and 0 with another.
///
/// # Errors
/// Those of [`energy_distance`].
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics::best_dice;
///
/// let (all, half, none) = (array![[true, true]], array![[true, false]], array![[false, false]]);
/// assert_eq!(best_dice(&[all.view(), half.view()], &[all.view(), none.view()])?, 0.5);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn best_dice<D: Dimension>(samples: &[ArrayView<'_, bool, D>], raters: &[ArrayView<'_, bool, D>]) -> Result<f64> {
    let [samples, raters] = pack(samples, raters)?;
    let scores = raters.scores(&samples, |overlap| overlap.dice(EmptyRegion::One))?;
    let best = |scores: &[f64]| scores.iter().copied().fold(0.0, f64::max);
    let best: Vec<f64> = scores.chunks(samples.len()).map(best).collect();
    Ok(mean(&best))
}

/// The largest number of pairs that [`matched_iou`] matches.
const MOST_PAIRS: usize = 4096;

/// The mean intersection over union of samples and raters that are matched one to one, so that it is as large as possible
/// (Hungarian-matched IoU, Kohl et al., *A Hierarchical Probabilistic U-Net*, [2019]), from 0 to 1.
///
/// Both lists are repeated to their least common multiple before they are matched. So each mask counts equally often. All
/// masks have one shape, of any axes. Two empty masks have IoU 1.
///
/// # Errors
/// Those of [`energy_distance`], and [`Error::TooMany`] if the least common multiple is above 4096. The time grows with its
/// third power.
///
/// [2019]: https://arxiv.org/abs/1905.13077
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics::matched_iou;
///
/// let (all, half, none) = (array![[true, true]], array![[true, false]], array![[false, false]]);
/// // There are two copies of each sample. Those of `all` match the raters' `all`, and one of `none` is left for the half.
/// let iou = matched_iou(&[all.view(), none.view()], &[none.view(), half.view(), all.view(), all.view()])?;
/// assert_eq!(iou, (1.0 + 0.0 + 1.0 + 1.0) / 4.0);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn matched_iou<D: Dimension>(samples: &[ArrayView<'_, bool, D>], raters: &[ArrayView<'_, bool, D>]) -> Result<f64> {
    let [samples, raters] = pack(samples, raters)?;
    let (rows, columns) = (samples.len(), raters.len());
    let count = (rows / common_divisor(rows, columns)).saturating_mul(columns);
    if count > MOST_PAIRS {
        return Err(Error::TooMany {
            what: "pairs to match",
            count,
            max: MOST_PAIRS,
        });
    }
    let table = samples.scores(&raters, |overlap| overlap.jaccard(EmptyRegion::One))?;
    let iou = |row: usize, column: usize| table[row % rows * columns + column % columns];
    let matched = cheapest(count, |row, column| -iou(row, column));
    let matched: Vec<f64> = (0..).zip(matched).map(|(column, row)| iou(row, column)).collect();
    Ok(mean(&matched))
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

fn mean(numbers: &[f64]) -> f64 {
    total(numbers.iter().copied()) / numbers.len() as f64
}
