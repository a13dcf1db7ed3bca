//! Random crops of volumes, the same for all targets with the same seed.

use std::ops::Range;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::data::{CROP, Case};

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

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    fn cases() -> Vec<Case> {
        let case = |i: usize| Case {
            name: format!("{i}"),
            image: Array3::zeros([24 + i, 32 + i, 16 + i]),
            labels: Array3::zeros([24 + i, 32 + i, 16 + i]),
        };
        (0..12).map(case).collect()
    }

    #[test]
    fn fewer_volumes_are_a_part_of_more() {
        let cases = cases();
        let few = Sampler::new(&cases, 3, 7).learned;
        assert_eq!(few, Sampler::new(&cases, 8, 7).learned[..3]);
        assert_ne!(few, Sampler::new(&cases, 3, 8).learned);
    }

    #[test]
    fn crops_lie_within_their_volumes() {
        let cases = cases();
        let crops = Sampler::new(&cases, 12, 1).batch(500);
        assert_eq!(crops, Sampler::new(&cases, 12, 1).batch(500));
        for Crop { case, window } in &crops {
            for (axis, range) in window.iter().enumerate() {
                assert!(range.start % 2 == 0 && range.len() == CROP[axis]);
                assert!(range.end <= cases[*case].labels.len_of(ndarray::Axis(axis)));
            }
        }
        // All starts occur: of the largest volume 0, 2, .., 10.
        let starts = |crop: &&Crop| crop.case == 11;
        let mut of_last: Vec<_> = crops.iter().filter(starts).map(|crop| crop.window[0].start).collect();
        of_last.sort_unstable();
        of_last.dedup();
        assert_eq!(of_last, [0, 2, 4, 6, 8, 10]);
    }
}
