//! Volumes made by formula: a lobed body with a shell and a core, each within the other.

use anyhow::Result;
use ndarray::{Array1, Array3};
use ndarray_ndimage::{BorderMode, gaussian_filter};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// A volume and its label map, (D, H, W): background 0, shell 1, body 2, core 3.
#[derive(Debug, Clone)]
pub(crate) struct Phantom {
    pub(crate) volume: Array3<f32>,
    pub(crate) labels: Array3<u8>,
}

/// Larger than a crop, which is a window of it.
pub(crate) const SHAPE: [usize; 3] = [24, 48, 48];

/// Slices are twice as far apart as pixels.
pub(crate) const SPACING_MM: [f64; 3] = [2.0, 1.0, 1.0];

/// How far out the core, the body and the shell reach.
const REACH: [f64; 3] = [0.4, 0.7, 1.0];
/// Standard deviation; neighbouring classes are 1 apart.
const NOISE: f64 = 0.75;

impl Phantom {
    pub(crate) fn new(seed: u64) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let center = SHAPE.map(|length| length as f64 * rng.random_range(0.4..0.6));
        let radius_mm: [f64; 3] = std::array::from_fn(|_| rng.random_range(10.0..16.0));
        let waves: [[f64; 4]; 3] = std::array::from_fn(|_| std::array::from_fn(|_| rng.random_range(-3.0..3.0)));
        let labels = Array3::from_shape_fn(SHAPE, |(d, h, w)| {
            let at = [d, h, w].map(|index| index as f64 + 0.5);
            let out = Array1::from_shape_fn(3, |axis| (at[axis] - center[axis]) * SPACING_MM[axis] / radius_mm[axis]);
            let distance = out.dot(&out).sqrt();
            // Lobes: the radius depends on the direction.
            let lobes: f64 = waves
                .iter()
                .map(|[a, b, c, phase]| {
                    let direction = (a * out[0] + b * out[1] + c * out[2]) / distance.max(1e-9);
                    0.1 * (direction + phase).sin()
                })
                .sum();
            match REACH.iter().position(|reach| distance < reach * (1.0 + lobes)) {
                Some(inside) => 3 - inside as u8,
                None => 0,
            }
        });
        let bright = labels.map(|&label| f64::from(label));
        let mut volume = gaussian_filter(&bright, 1.0, 0, BorderMode::Reflect, 4);
        volume.mapv_inplace(|value| {
            let noise: f64 = StandardNormal.sample(&mut rng);
            value - 1.0 + NOISE * noise
        });
        Ok(Self {
            volume: volume.mapv(|value| value as f32),
            labels,
        })
    }
}
