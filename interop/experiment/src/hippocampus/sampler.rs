//! Random crops of volumes, the same for all targets with the same seed.

use std::ops::Range;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::data::Case;

pub(crate) const CROP: [usize; 3] = [24, 32, 16];

/// A window of a volume; it begins at even voxels, so that boxes of two are those of the whole volume.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Crop {
    pub(crate) case: usize,
    pub(crate) window: [Range<usize>; 3],
}

/// Draws crops from some of the volumes, which the seed chooses: fewer are a part of more.
#[derive(Debug)]
pub(crate) struct Sampler<'a> {
    cases: &'a [Case],
    learned: Vec<usize>,
    rng: ChaCha8Rng,
}

impl<'a> Sampler<'a> {
    pub(crate) fn new(cases: &'a [Case], volumes: usize, seed: u64) -> Self {
        let mut learned: Vec<_> = (0..cases.len()).collect();
        learned.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        learned.truncate(volumes);
        Self {
            cases,
            learned,
            rng: ChaCha8Rng::seed_from_u64(1000 + seed),
        }
    }

    pub(crate) fn batch(&mut self, size: usize) -> Vec<Crop> {
        (0..size).map(|_| self.next()).collect()
    }

    fn next(&mut self) -> Crop {
        let case = self.learned[self.rng.random_range(0..self.learned.len())];
        let shape = self.cases[case].labels.shape();
        let window = std::array::from_fn(|axis| {
            let start = 2 * self.rng.random_range(0..=(shape[axis] - CROP[axis]) / 2);
            start..start + CROP[axis]
        });
        Crop { case, window }
    }
}
