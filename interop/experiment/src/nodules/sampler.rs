//! Random crops, the same for every model with the same seed.

use std::ops::Range;

use ndarray::{ArrayView2, Axis};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The side of a crop in pixels.
pub(crate) const SIDE: usize = 48;

/// A window of a flipped or transposed image and its label maps.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Crop {
    pub(crate) nodule: usize,
    pub(crate) epoch: usize,
    pub(crate) window: [Range<usize>; 2],
    flipped: [bool; 2],
    transposed: bool,
}

impl Crop {
    /// The image or label map as this crop sees it, before its window is taken. Nothing is copied.
    pub(crate) fn turned<'a, T>(&self, mut map: ArrayView2<'a, T>) -> ArrayView2<'a, T> {
        for (axis, _) in self.flipped.iter().enumerate().filter(|(_, flipped)| **flipped) {
            map.invert_axis(Axis(axis));
        }
        if self.transposed { map.reversed_axes() } else { map }
    }
}

/// Goes through all nodules in random order, and again in another.
pub(crate) struct Sampler {
    rng: ChaCha8Rng,
    nodules: Vec<usize>,
    shape: [usize; 2],
    at: usize,
    epoch: usize,
}

impl Sampler {
    /// Of square images, at least [`SIDE`] pixels in height and width: a crop may see them transposed.
    pub(crate) fn new(nodules: Range<usize>, shape: [usize; 2], seed: u64) -> Self {
        let mut sampler = Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            nodules: nodules.collect(),
            shape,
            at: 0,
            epoch: 0,
        };
        sampler.nodules.shuffle(&mut sampler.rng);
        sampler
    }

    fn next(&mut self) -> Crop {
        if self.at == self.nodules.len() {
            self.nodules.shuffle(&mut self.rng);
            self.at = 0;
            self.epoch += 1;
        }
        let nodule = self.nodules[self.at];
        self.at += 1;
        let window = self.shape.map(|length| {
            let start = self.rng.random_range(0..=length - SIDE);
            start..start + SIDE
        });
        Crop {
            nodule,
            epoch: self.epoch,
            window,
            flipped: self.rng.random(),
            transposed: self.rng.random(),
        }
    }

    pub(crate) fn batch(&mut self, size: usize) -> Vec<Crop> {
        (0..size).map(|_| self.next()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nodule_once_an_epoch() {
        let mut sampler = Sampler::new(3..10, [64, 64], 1);
        for epoch in 0..3 {
            let crops = sampler.batch(7);
            assert!(crops.iter().all(|crop| crop.epoch == epoch));
            let mut nodules: Vec<_> = crops.iter().map(|crop| crop.nodule).collect();
            nodules.sort_unstable();
            assert_eq!(nodules, (3..10).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_seed_alone_decides() {
        let batch = |seed| Sampler::new(0..50, [64, 64], seed).batch(100);
        assert_eq!(batch(4), batch(4));
        assert_ne!(batch(4), batch(5));
    }
}
