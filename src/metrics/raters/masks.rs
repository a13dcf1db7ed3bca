//! Masks that are compared pair by pair, a bit for each voxel.

use ndarray::{ArrayView, Dimension};

use crate::common::arrays::{check_room, check_shape_of, in_order, reserved};
use crate::common::parallel;
use crate::metrics::{Overlap, Region};
use crate::{Classes, Error, Label, Place, Result, SpatialDim};

/// Several masks of one shape.
pub(super) struct Masks(Vec<Mask>);

struct Mask {
    /// The voxels in C order, the rest of the last word is 0.
    words: Vec<u64>,
    /// The voxels that count, if some do not. The others are false in `words`.
    counted: Option<Vec<u64>>,
    /// How many of `words` are true.
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

/// The masks of a region in the label maps of samples and of raters. What a rater ignores does not count in that rater's pairs,
/// and what all of them ignore in none.
pub(super) fn pack_labels<L: Label, D: SpatialDim>(
    samples: &[ArrayView<'_, L, D>],
    raters: &[ArrayView<'_, L, D>],
    classes: &Classes,
    region: &Region,
) -> Result<[Masks; 2]> {
    let first = samples.first().ok_or(Error::Empty { what: "samples" })?;
    if raters.is_empty() {
        return Err(Error::Empty { what: "raters" });
    }
    let shape = first.shape();
    let of = |maps: &[ArrayView<'_, L, D>], place: fn(usize) -> Place| {
        let packed = maps.iter().enumerate().map(|(at, map)| {
            check_shape_of("label map", Some(place(at)), shape, map.shape())?;
            let mask = region.mask(map, classes);
            let mask = mask.map_err(|error| whose(error, at, maps.len()))?;
            Mask::new(&mask.view())
        });
        packed.collect::<Result<_>>().map(Masks)
    };
    let (mut samples, mut rated) = (of(samples, Place::Sample)?, of(raters, Place::Rater)?);
    if classes.ignore().is_some() {
        for (mask, map) in rated.0.iter_mut().zip(raters) {
            let counted = Mask::new(&classes.valid_mask(map)?.view())?;
            mask.counted = (counted.voxels < map.len() as u64).then_some(counted.words);
        }
        samples.keep(rated.counted_by_any());
    }
    Ok([samples, rated])
}

/// An error of one label map, as that of one of several.
pub(super) fn whose(error: Error, at: usize, maps: usize) -> Error {
    match error {
        Error::UnknownLabel {
            value,
            index,
            count,
            classes,
            ..
        } => Error::UnknownLabel {
            rater: at,
            raters: maps,
            value,
            index,
            count,
            classes,
        },
        error => error,
    }
}

impl Masks {
    /// The voxels that count in any of the masks, if some count in none.
    fn counted_by_any(&self) -> Option<Vec<u64>> {
        let mut counted = self.0.iter().map(|mask| mask.counted.as_deref());
        let first = counted.next()??.to_vec();
        counted.try_fold(first, |mut any, counted| {
            any.iter_mut().zip(counted?).for_each(|(any, word)| *any |= word);
            Some(any)
        })
    }

    /// Leaves out the voxels that do not count.
    fn keep(&mut self, counted: Option<Vec<u64>>) {
        let Some(counted) = counted else { return };
        for mask in &mut self.0 {
            mask.words
                .iter_mut()
                .zip(&counted)
                .for_each(|(word, counted)| *word &= counted);
            mask.voxels = ones(mask.words.iter().copied());
        }
    }

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

    /// The overlap of each mask (rows) with each of others (columns), row by row.
    pub(super) fn overlaps(&self, others: &Self) -> Result<Vec<Overlap>> {
        let pairs = self.0.iter().flat_map(|a| others.0.iter().map(move |b| (a, b)));
        self.count(others, pairs)
    }

    /// The overlap of each pair of different masks.
    pub(super) fn own_overlaps(&self) -> Result<Vec<Overlap>> {
        let others = |at: usize| self.0.iter().skip(at + 1);
        let pairs = self
            .0
            .iter()
            .enumerate()
            .flat_map(|(at, a)| others(at).map(move |b| (a, b)));
        self.count(self, pairs)
    }

    fn count<'a>(&'a self, others: &Self, pairs: impl Iterator<Item = (&'a Mask, &'a Mask)>) -> Result<Vec<Overlap>> {
        let shape = || vec![self.len(), others.len()];
        let count = self.len().saturating_mul(others.len());
        // Each pair is two references, and has an overlap.
        check_room::<[u64; 5]>(count, || Error::TooLarge { shape: shape() })?;
        let words = self.0.first().map_or(0, |mask| mask.words.len());
        let work = (words / WORDS_A_NANOSECOND).saturating_mul(count);
        Ok(parallel::map(work, pairs, |(a, b)| a.overlap(b)))
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
        let voxels = ones(words.iter().copied());
        Ok(Self {
            words,
            counted: None,
            voxels,
        })
    }

    /// Of the voxels that count in both masks.
    fn overlap(&self, other: &Self) -> Overlap {
        Overlap {
            prediction: self.voxels_where(other.counted.as_deref()),
            reference: other.voxels_where(self.counted.as_deref()),
            both: in_both(&self.words, &other.words),
        }
    }

    fn voxels_where(&self, counted: Option<&[u64]>) -> u64 {
        counted.map_or(self.voxels, |counted| in_both(&self.words, counted))
    }
}

fn in_both(a: &[u64], b: &[u64]) -> u64 {
    ones(a.iter().zip(b).map(|(a, b)| a & b))
}

fn ones(words: impl Iterator<Item = u64>) -> u64 {
    words.map(|word| u64::from(word.count_ones())).sum()
}
