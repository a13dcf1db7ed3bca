//! Masks that are compared pair by pair, a bit for each voxel.

use ndarray::{ArrayView, Dimension};

use crate::common::arrays::{check_room, check_shape_of, in_order, reserved};
use crate::common::parallel;
use crate::metrics::Overlap;
use crate::{Error, Place, Result};

/// Several masks of one shape.
pub(super) struct Masks(Vec<Mask>);

struct Mask {
    /// The voxels in C order, the rest of the last word is 0.
    words: Vec<u64>,
    /// How many of them are true.
    voxels: u64,
}

/// Words of two masks that are compared in a nanosecond.
const WORDS_A_NANOSECOND: usize = 2;

/// The masks of samples and of raters, at least one of each, and all of one shape.
pub(super) fn pack<D: Dimension>(
    samples: &[ArrayView<'_, bool, D>],
    raters: &[ArrayView<'_, bool, D>],
) -> Result<[Masks; 2]> {
    let first = samples.first().ok_or(Error::Empty { what: "samples" })?;
    if raters.is_empty() {
        return Err(Error::Empty { what: "raters" });
    }
    Ok([
        Masks::new(samples, first.shape(), Place::Sample)?,
        Masks::new(raters, first.shape(), Place::Rater)?,
    ])
}

impl Masks {
    fn new<D: Dimension>(
        masks: &[ArrayView<'_, bool, D>],
        shape: &[usize],
        place: impl Fn(usize) -> Place,
    ) -> Result<Self> {
        let packed = masks.iter().enumerate().map(|(at, mask)| {
            check_shape_of("mask", Some(place(at)), shape, mask.shape())?;
            Mask::new(mask)
        });
        packed.collect::<Result<_>>().map(Self)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// A score of each mask (rows) with each of others (columns), row by row.
    pub(super) fn scores(&self, others: &Self, score: impl Fn(Overlap) -> f64 + Sync + Send) -> Result<Vec<f64>> {
        let pairs = self.0.iter().flat_map(|a| others.0.iter().map(move |b| (a, b)));
        self.map(others, pairs, score)
    }

    /// A score of each pair of different masks.
    pub(super) fn own_scores(&self, score: impl Fn(Overlap) -> f64 + Sync + Send) -> Result<Vec<f64>> {
        let others = |at: usize| self.0.iter().skip(at + 1);
        let pairs = self
            .0
            .iter()
            .enumerate()
            .flat_map(|(at, a)| others(at).map(move |b| (a, b)));
        self.map(self, pairs, score)
    }

    fn map<'a>(
        &'a self,
        others: &Self,
        pairs: impl Iterator<Item = (&'a Mask, &'a Mask)>,
        score: impl Fn(Overlap) -> f64 + Sync + Send,
    ) -> Result<Vec<f64>> {
        let shape = || vec![self.len(), others.len()];
        let count = self.len().saturating_mul(others.len());
        // Each pair is two references, and has a score.
        check_room::<[u64; 3]>(count, || Error::TooLarge { shape: shape() })?;
        let words = self.0.first().map_or(0, |mask| mask.words.len());
        let work = (words / WORDS_A_NANOSECOND).saturating_mul(count);
        Ok(parallel::map(work, pairs, |(a, b)| score(a.overlap(b))))
    }
}

impl Mask {
    fn new<D: Dimension>(mask: &ArrayView<'_, bool, D>) -> Result<Self> {
        let voxels = in_order(mask)?;
        let mut words = reserved(voxels.len().div_ceil(64), || mask.shape().to_vec())?;
        words.extend(voxels.chunks(64).map(|voxels| {
            let bits = voxels.iter().enumerate();
            bits.fold(0, |word, (bit, &inside)| word | u64::from(inside) << bit)
        }));
        let voxels = words.iter().map(|word: &u64| u64::from(word.count_ones())).sum();
        Ok(Self { words, voxels })
    }

    fn overlap(&self, other: &Self) -> Overlap {
        let words = self.words.iter().zip(&other.words);
        Overlap {
            prediction: self.voxels,
            reference: other.voxels,
            both: words.map(|(a, b)| u64::from((a & b).count_ones())).sum(),
        }
    }
}
