//! Label maps for benchmarks, the same ones in every run.

use ndarray::{Array2, Array3, Axis};

/// A small generator of numbers (xorshift64), so that maps need no file.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.next() as f64 / (1_u64 << 53) as f64
    }
}

/// Ellipsoids of `classes - 1` labels in a background of 0: smooth boundaries, few of them.
pub(crate) fn blobs(shape: [usize; 3], ellipsoids: usize, classes: u8, seed: u64) -> Array3<u8> {
    let mut random = Random(seed);
    let mut map = Array3::zeros(shape);
    for i in 0..ellipsoids {
        let centre = shape.map(|len| random.between(0.0, len as f64));
        let radius = shape.map(|len| random.between(0.05, 0.2) * len as f64 + 1.0);
        let label = 1 + (i % usize::from(classes - 1)) as u8;
        for ((d, h, w), voxel) in map.indexed_iter_mut() {
            let square = |axis: usize, x: usize| ((x as f64 - centre[axis]) / radius[axis]).powi(2);
            if square(0, d) + square(1, h) + square(2, w) < 1.0 {
                *voxel = label;
            }
        }
    }
    map
}

/// A label drawn for each voxel: every voxel is a boundary.
pub(crate) fn noise(shape: [usize; 3], classes: u8) -> Array3<u8> {
    let mut random = Random(2021);
    Array3::from_shape_simple_fn(shape, || (random.next() % u64::from(classes)) as u8)
}

/// Regions around as many seeds as there are labels, like the parcels of an atlas.
pub(crate) fn regions(shape: [usize; 3], classes: u8) -> Array3<u8> {
    let mut random = Random(54);
    let seeds: Vec<_> = (0..classes)
        .map(|_| shape.map(|len| random.between(0.0, len as f64)))
        .collect();
    Array3::from_shape_fn(shape, |(d, h, w)| {
        let square = |seed: &[f64; 3]| {
            [d, h, w]
                .iter()
                .zip(seed)
                .map(|(&x, s)| (x as f64 - s).powi(2))
                .sum::<f64>()
        };
        let nearest = seeds
            .iter()
            .enumerate()
            .min_by(|a, b| square(a.1).total_cmp(&square(b.1)));
        nearest.map_or(0, |(label, _)| label as u8)
    })
}

/// A street scene's shape: 19 classes and 255 where nobody labelled.
pub(crate) fn street() -> Array2<u8> {
    let mut map = blobs([1, 1024, 2048], 120, 19, 3).index_axis_move(Axis(0), 0);
    for ((h, w), pixel) in map.indexed_iter_mut() {
        if h >= 900 || ((300..360).contains(&h) && (100..700).contains(&w)) {
            *pixel = 255;
        }
    }
    map
}

/// The share of voxels with more than one label around them (3x3x3).
pub(crate) fn boundary(map: &Array3<u8>) -> f64 {
    let (depth, height, width) = map.dim();
    let around = |x: usize, len: usize| x.saturating_sub(1)..=(x + 1).min(len - 1);
    let mixed = map.indexed_iter().filter(|&((d, h, w), &label)| {
        around(d, depth).any(|d| around(h, height).any(|h| around(w, width).any(|w| map[[d, h, w]] != label)))
    });
    mixed.count() as f64 / map.len() as f64
}
