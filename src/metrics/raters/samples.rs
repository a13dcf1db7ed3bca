//! Several sampled masks against the masks of several raters.

use ndarray::{ArrayView, Dimension};

use super::assignment::cheapest;
use super::masks::{Masks, pack, pack_labels};
use crate::common::parallel::total;
use crate::metrics::{EmptyRegion, Overlap, Region};
use crate::{Classes, Error, Label, Result, SpatialDim};

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

/// The overlaps of sampled masks S and raters' masks Y, for several numbers of which each pair is compared once.
///
/// Two empty masks of a case are the same: they have similarity 1 and distance 0, or else the energy distance would be none.
/// What [`EmptyRegion`] says is for a case in which neither a sample nor a rater holds the structure.
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics::{EmptyRegion, MaskOverlaps, OwnPairs, Similarity};
///
/// let (all, half) = (array![[true, true]], array![[true, false]]);
/// let overlaps = MaskOverlaps::new(&[all.view(), half.view()], &[half.view()])?;
/// let distance = overlaps.energy_distance(Similarity::Iou, OwnPairs::All, EmptyRegion::One);
/// assert_eq!(distance, 2.0 * 0.25 - 0.25 - 0.0);
/// assert_eq!(overlaps.matched_iou(EmptyRegion::One)?, 0.75);
/// assert_eq!(overlaps.best_dice(EmptyRegion::One), 1.0);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskOverlaps {
    samples: usize,
    raters: usize,
    /// A row of raters for each sample.
    between: Vec<Overlap>,
    /// Of pairs of different masks.
    of_samples: Vec<Overlap>,
    of_raters: Vec<Overlap>,
}

impl MaskOverlaps {
    /// Compares masks of one shape, of any axes.
    ///
    /// # Errors
    /// [`Error::Empty`] without samples or raters, [`Error::Shape`], [`Error::TooLarge`].
    ///
    /// The example of [`MaskOverlaps`] uses it.
    pub fn new<D: Dimension>(samples: &[ArrayView<'_, bool, D>], raters: &[ArrayView<'_, bool, D>]) -> Result<Self> {
        let [samples, raters] = pack(samples, raters)?;
        Self::count(&samples, &raters)
    }

    /// Compares a region of label maps, (H, W) or (D, H, W).
    ///
    /// A voxel that a rater ignores does not count in the pairs of that rater, and one that all raters ignore in no pair. A
    /// voxel that a sample ignores is outside of its mask.
    ///
    /// # Errors
    /// Those of [`new`](Self::new), [`Error::UnknownLabel`], [`Error::NoClass`] and [`Error::Axes`].
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::Classes;
    /// use soft_labels::metrics::{EmptyRegion, MaskOverlaps, Region};
    ///
    /// let classes = Classes::contiguous(2)?.with_ignore(255)?;
    /// let (found, drawn) = (array![[0_u8, 1, 1]], array![[0_u8, 1, 255]]);
    /// let overlaps = MaskOverlaps::of_labels(&[found.view()], &[drawn.view()], &classes, &Region::class(1))?;
    /// assert_eq!(overlaps.best_dice(EmptyRegion::One), 1.0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn of_labels<L: Label, D: SpatialDim>(
        samples: &[ArrayView<'_, L, D>],
        raters: &[ArrayView<'_, L, D>],
        classes: &Classes,
        region: &Region,
    ) -> Result<Self> {
        let [samples, raters] = pack_labels(samples, raters, classes, region)?;
        Self::count(&samples, &raters)
    }

    fn count(samples: &Masks, raters: &Masks) -> Result<Self> {
        Ok(Self {
            of_samples: samples.own_overlaps()?,
            of_raters: raters.own_overlaps()?,
            ..Self::between(samples, raters)?
        })
    }

    /// Without the pairs of one list.
    fn between(samples: &Masks, raters: &Masks) -> Result<Self> {
        Ok(Self {
            samples: samples.len(),
            raters: raters.len(),
            between: samples.overlaps(raters)?,
            of_samples: Vec::new(),
            of_raters: Vec::new(),
        })
    }

    /// As [`energy_distance`](energy_distance()).
    ///
    /// The example of [`MaskOverlaps`] uses it.
    pub fn energy_distance(&self, similarity: Similarity, pairs: OwnPairs, empty: EmptyRegion) -> f64 {
        if self.is_empty() && empty == EmptyRegion::Nan {
            return f64::NAN;
        }
        let distance = |overlap: &Overlap| 1.0 - similarity.of(*overlap);
        let own = |overlaps: &[Overlap], count: usize| {
            let count = count as f64;
            let pairs = match pairs {
                OwnPairs::All => count * count,
                OwnPairs::Different => count * (count - 1.0),
            };
            2.0 * total(overlaps.iter().map(distance)) / pairs
        };
        let between = mean(self.between.iter().map(distance), self.between.len());
        2.0 * between - own(&self.of_samples, self.samples) - own(&self.of_raters, self.raters)
    }

    /// As [`matched_iou`](matched_iou()).
    ///
    /// # Errors
    /// [`Error::TooMany`].
    ///
    /// The example of [`MaskOverlaps`] uses it.
    pub fn matched_iou(&self, empty: EmptyRegion) -> Result<f64> {
        let (rows, columns) = (self.samples, self.raters);
        let count = pairs_to_match(rows, columns)?;
        if let Some(score) = self.of_nothing(empty) {
            return Ok(score);
        }
        let table: Vec<f64> = self
            .between
            .iter()
            .map(|&overlap| Similarity::Iou.of(overlap))
            .collect();
        let iou = |row: usize, column: usize| table[row % rows * columns + column % columns];
        let matched = cheapest(count, |row, column| -iou(row, column));
        Ok(mean((0..).zip(matched).map(|(column, row)| iou(row, column)), count))
    }

    /// As [`best_dice`](best_dice()).
    ///
    /// The example of [`MaskOverlaps`] uses it.
    pub fn best_dice(&self, empty: EmptyRegion) -> f64 {
        self.of_nothing(empty).unwrap_or_else(|| {
            let best = |rater: usize| {
                let samples = self.between.iter().skip(rater).step_by(self.raters);
                samples.map(|&overlap| Similarity::Dice.of(overlap)).fold(0.0, f64::max)
            };
            mean((0..self.raters).map(best), self.raters)
        })
    }

    /// Whether neither a sample nor a rater holds a voxel.
    fn is_empty(&self) -> bool {
        self.between
            .iter()
            .all(|overlap| overlap.prediction == 0 && overlap.reference == 0)
    }

    /// The score of a case in which nothing is to find and nothing was found.
    fn of_nothing(&self, empty: EmptyRegion) -> Option<f64> {
        self.is_empty().then(|| Overlap::default().dice(empty))
    }
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
/// empty one and another d = 1. Where all masks are empty it is NaN with [`EmptyRegion::Nan`], and otherwise 0.
///
/// # Errors
/// [`Error::Empty`] without samples or raters, [`Error::Shape`], [`Error::TooLarge`].
///
/// [NeurIPS 2018]: https://arxiv.org/abs/1806.05034
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics::{EmptyRegion, OwnPairs, Similarity, energy_distance};
///
/// let (all, none) = (array![[true, true]], array![[false, false]]);
/// let (samples, raters) = ([all.view()], [all.view(), none.view()]);
/// let distance = |pairs| energy_distance(&samples, &raters, Similarity::Iou, pairs, EmptyRegion::One);
/// assert_eq!(distance(OwnPairs::All)?, 2.0 * 0.5 - 0.0 - 0.5);
/// assert!(distance(OwnPairs::Different)?.is_nan()); // one sample alone makes no pair
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn energy_distance<D: Dimension>(
    samples: &[ArrayView<'_, bool, D>],
    raters: &[ArrayView<'_, bool, D>],
    similarity: Similarity,
    pairs: OwnPairs,
    empty: EmptyRegion,
) -> Result<f64> {
    let overlaps = MaskOverlaps::new(samples, raters)?;
    Ok(overlaps.energy_distance(similarity, pairs, empty))
}

/// For each rater the Dice of the sample that is most like it, averaged over raters: "Dice max", from 0 to 1.
///
/// ```text
/// 1/|Y| Σ_y max_s Dice(s, y)
/// ```
///
/// All masks have one shape, of any axes. An empty mask has Dice 1 with an empty one, and 0 with another. Where all masks are
/// empty, `empty` says what the score is.
///
/// # Errors
/// Those of [`energy_distance`].
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics::{EmptyRegion, best_dice};
///
/// let (all, half, none) = (array![[true, true]], array![[true, false]], array![[false, false]]);
/// let raters = [all.view(), none.view()];
/// assert_eq!(best_dice(&[all.view(), half.view()], &raters, EmptyRegion::One)?, 0.5);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn best_dice<D: Dimension>(
    samples: &[ArrayView<'_, bool, D>],
    raters: &[ArrayView<'_, bool, D>],
    empty: EmptyRegion,
) -> Result<f64> {
    let [samples, raters] = pack(samples, raters)?;
    Ok(MaskOverlaps::between(&samples, &raters)?.best_dice(empty))
}

/// The largest number of pairs that [`matched_iou`] matches.
const MOST_PAIRS: usize = 4096;

/// The mean intersection over union of samples and raters that are matched one to one, so that it is as large as possible
/// (Hungarian-matched IoU, Kohl et al., *A Hierarchical Probabilistic U-Net*, [2019]), from 0 to 1.
///
/// Both lists are repeated to their least common multiple before they are matched. So each mask counts equally often. All
/// masks have one shape, of any axes. Two empty masks have IoU 1. Where all masks are empty, `empty` says what the score is.
///
/// # Errors
/// Those of [`energy_distance`], and [`Error::TooMany`] if the least common multiple is above 4096. The time grows with its
/// third power.
///
/// [2019]: https://arxiv.org/abs/1905.13077
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics::{EmptyRegion, matched_iou};
///
/// let (all, half, none) = (array![[true, true]], array![[true, false]], array![[false, false]]);
/// // There are two copies of each sample. Those of `all` match the raters' `all`, and one of `none` is left for the half.
/// let raters = [none.view(), half.view(), all.view(), all.view()];
/// let iou = matched_iou(&[all.view(), none.view()], &raters, EmptyRegion::One)?;
/// assert_eq!(iou, (1.0 + 0.0 + 1.0 + 1.0) / 4.0);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn matched_iou<D: Dimension>(
    samples: &[ArrayView<'_, bool, D>],
    raters: &[ArrayView<'_, bool, D>],
    empty: EmptyRegion,
) -> Result<f64> {
    let [samples, raters] = pack(samples, raters)?;
    // Before the masks are compared.
    pairs_to_match(samples.len(), raters.len())?;
    MaskOverlaps::between(&samples, &raters)?.matched_iou(empty)
}

fn pairs_to_match(rows: usize, columns: usize) -> Result<usize> {
    let count = (rows / common_divisor(rows, columns)).saturating_mul(columns);
    if count > MOST_PAIRS {
        return Err(Error::TooMany {
            what: "pairs to match",
            count,
            max: MOST_PAIRS,
        });
    }
    Ok(count)
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

fn mean(numbers: impl Iterator<Item = f64>, count: usize) -> f64 {
    total(numbers) / count as f64
}
