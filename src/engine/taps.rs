//! The neighbours that a kernel looks at, and how much each weighs.

use crate::Result;
use crate::common::arrays;

/// The largest number of weights of a kernel. The cost of a voxel near a boundary grows with their number.
pub(crate) const MAX: usize = 1 << 20;

/// The largest radius. Memory grows with it: a label plane for each plane within it.
pub(crate) const MAX_RADIUS: usize = 255;

/// One neighbour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tap {
    /// Its voxel seen from the centre, on the axes D, H and W; D is 0 for a 2D kernel.
    pub(crate) offset: [isize; 3],
    /// Its weight relative to that of the heaviest neighbour, which has 1.
    pub(crate) weight: f64,
}

/// The neighbours of a Gaussian kernel, without its centre. `sigma` and `radius` have two or three entries.
///
/// # Errors
/// [`Error::TooLarge`](crate::Error::TooLarge) if there is no memory for them.
pub(crate) fn gaussian(sigma: &[f64], radius: &[usize]) -> Result<Vec<Tap>> {
    let (mut sigmas, mut radii) = ([1.0; 3], [0_usize; 3]);
    sigmas[3 - sigma.len()..].copy_from_slice(sigma);
    radii[3 - radius.len()..].copy_from_slice(radius);

    // Distances in units of the smallest sigma, so that no square of a quotient overflows.
    let unit = (0..3)
        .filter(|&a| radii[a] > 0)
        .map(|a| sigmas[a])
        .fold(f64::INFINITY, f64::min);
    let square = |a: usize, x: isize| (x as f64 * (unit / sigmas[a])).powi(2);

    let axis = |a: usize| -radii[a].cast_signed()..=radii[a].cast_signed();
    let shape = || radius.iter().map(|radius| 2 * radius + 1);
    let mut taps = arrays::reserved(shape().product(), || shape().collect())?;
    for offset in axis(0).flat_map(|d| axis(1).flat_map(move |h| axis(2).map(move |w| [d, h, w]))) {
        if offset != [0; 3] {
            // Summed by size, so that neighbours at the same distance have the same bits.
            let mut squares = [0, 1, 2].map(|a| square(a, offset[a]));
            squares.sort_unstable_by(f64::total_cmp);
            taps.push(Tap {
                offset,
                weight: squares.iter().sum(),
            });
        }
    }
    let nearest = taps.iter().map(|tap| tap.weight).fold(f64::INFINITY, f64::min);
    for tap in &mut taps {
        tap.weight = (-0.5 * (tap.weight - nearest) / unit / unit).exp();
    }
    Ok(taps)
}
