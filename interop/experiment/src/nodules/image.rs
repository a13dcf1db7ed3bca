//! Synthetic images. The CT scans themselves are not part of this package.
//!
//! | part | how it is made |
//! |---|---|
//! | lung | level 0.25; Gaussian texture of σ 1.5 and 5 pixels, each of standard deviation 0.03 |
//! | vessels | two to five straight tubes through random points, of Gaussian profile, σ 0.8 to 1.8 pixels, contrast 0.15 to 0.4 |
//! | vessels across | zero to three dots of σ 1 pixel, contrast 0.15 to 0.4 |
//! | nodule | the raters' mean, blurred by σ 0.7 to 1.5 pixels, times a contrast of 0.2 to 0.45 |
//! | noise | counts of a Poisson distribution, 150 to the unit, divided by 150 |
//! | normalisation | less 0.3, divided by 0.12 |
//!
//! Where structures meet the larger contrast counts. Every number is uniform in its range, from a generator seeded by the
//! position of the nodule, so that all models and all runs see the same images. The edge of a nodule follows the raters'
//! *mean*: what they disagree about can be seen, which a real scan does not promise.

use std::f64::consts::PI;

use ndarray::{Array2, Array3, ArrayRef2, Axis};
use ndarray_ndimage::{BorderMode, gaussian_filter};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson, StandardNormal};

use super::data::Nodules;

/// What stands in every output.
pub(crate) const ORIGIN: &str =
    "images synthesised from the raters' masks (not CT); masks of LIDC-IDRI, four radiologists";

const LUNG: f64 = 0.25;
const COUNTS: f64 = 150.0;

/// (nodule, H, W), of mean about 0 and standard deviation about 1.
pub(crate) fn synthesise(nodules: &Nodules) -> anyhow::Result<Array3<f32>> {
    let (count, _, height, width) = nodules.masks.dim();
    let mut images = Array3::zeros((count, height, width));
    for (nodule, mut image) in images.outer_iter_mut().enumerate() {
        let mut rng = ChaCha8Rng::seed_from_u64(nodule as u64);
        let mean = nodules.mean(nodule)?;
        image.assign(&scene(&mean.index_axis(Axis(0), 1), &mut rng)?);
    }
    Ok(images)
}

fn scene(mean: &ArrayRef2<f64>, rng: &mut ChaCha8Rng) -> anyhow::Result<Array2<f32>> {
    let shape = mean.dim();
    let mut structures = blur(mean, rng.random_range(0.7..1.5)) * rng.random_range(0.2..0.45);
    for _ in 0..rng.random_range(2..=5) {
        let (point, angle) = (anywhere(shape, rng), rng.random_range(0.0..PI));
        let (sin, cos) = angle.sin_cos();
        add(
            &mut structures,
            rng.random_range(0.8..1.8),
            rng.random_range(0.15..0.4),
            |y, x| (x - point.1) * sin - (y - point.0) * cos,
        );
    }
    for _ in 0..rng.random_range(0..=3) {
        let point = anywhere(shape, rng);
        add(&mut structures, 1.0, rng.random_range(0.15..0.4), |y, x| {
            (y - point.0).hypot(x - point.1)
        });
    }
    let lung = texture(shape, 1.5, rng) + texture(shape, 5.0, rng) + LUNG;
    let mut image = Array2::zeros(shape);
    for (pixel, level) in image.iter_mut().zip(&(lung + structures)) {
        let counts = Poisson::new((level * COUNTS).max(1e-3))?.sample(rng);
        *pixel = ((counts / COUNTS - 0.3) / 0.12) as f32;
    }
    Ok(image)
}

fn anywhere(shape: (usize, usize), rng: &mut ChaCha8Rng) -> (f64, f64) {
    (
        rng.random_range(0.0..shape.0 as f64),
        rng.random_range(0.0..shape.1 as f64),
    )
}

/// Adds a structure of Gaussian profile, at distances from it.
fn add(structures: &mut Array2<f64>, sigma: f64, contrast: f64, distance: impl Fn(f64, f64) -> f64) {
    for ((y, x), value) in structures.indexed_iter_mut() {
        let away = distance(y as f64, x as f64) / sigma;
        *value = value.max(contrast * (-away * away / 2.0).exp());
    }
}

fn texture(shape: (usize, usize), sigma: f64, rng: &mut ChaCha8Rng) -> Array2<f64> {
    let noise = Array2::from_shape_simple_fn(shape, || StandardNormal.sample(rng));
    let smooth = blur(&noise, sigma);
    let deviation = smooth.std(0.0);
    smooth * (0.03 / deviation)
}

fn blur(image: &ArrayRef2<f64>, sigma: f64) -> Array2<f64> {
    gaussian_filter(image, sigma, 0, BorderMode::Reflect, 4)
}
