//! Writes one class of one plane: fills where the answer is known, and blends the blocks between.

use super::plan::{Job, Kind};
use super::{BLOCK, Recipe};
use crate::SoftFloat;

/// Writes the soft labels of a class in a plane by its jobs. `blend` writes the values of the block that starts
/// at a row and column, around which voxels may be ignored.
pub(super) fn class_plane<F: SoftFloat>(
    pixels: &mut [F],
    recipe: &Recipe,
    jobs: &[Job],
    mut blend: impl FnMut(&mut [F; BLOCK], [usize; 2], bool),
) {
    let (on, off) = (recipe.value(1.0), recipe.value(0.0));
    let mut done = 0;
    for &Job { start, len, kind } in jobs {
        fill(&mut pixels[done..start], off);
        done = start + len;
        let run = &mut pixels[start..done];
        match kind {
            Kind::Only => fill(run, on),
            Kind::Void => fill(run, F::zero()),
            Kind::Mixed { at, ignored } => {
                if let Some(values) = run.first_chunk_mut() {
                    blend(values, at, ignored);
                } else {
                    let mut values = [F::zero(); BLOCK];
                    blend(&mut values, at, ignored);
                    run.copy_from_slice(&values[..len]);
                }
            }
        }
    }
    fill(&mut pixels[done..], off);
}

fn fill<F: SoftFloat>(pixels: &mut [F], value: F) {
    // A zero known to the compiler is memset, which is faster than a loop.
    if value == F::zero() {
        pixels.fill(F::zero());
    } else {
        pixels.fill(value);
    }
}
