//! Cuts the work into parts: for threads, and in 2D so that a part's label plane stays in the cache.
//!
//! Parts are windows of the result, so their values do not depend on where it is cut.

use ndarray::{ArrayViewMut4, Axis};

use super::{Frame, UnknownLabel};

/// Rows of a 2D map that are encoded together.
const BAND: usize = 128;

/// Encodes each part of the frame; `out` (C, D, H, W) is cut likewise.
pub(super) fn for_each<F: Send>(
    frame: Frame,
    mut out: ArrayViewMut4<'_, F>,
    encode: impl Fn(Frame, ArrayViewMut4<'_, F>) -> Result<(), UnknownLabel> + Sync + Send,
) -> Result<(), UnknownLabel> {
    let threads = threads(out.len());
    let [depth, height, _] = frame.size;
    let (axis, len) = if depth > 1 {
        (0, depth.div_ceil(threads))
    } else {
        (1, height.div_ceil(threads).min(BAND))
    };
    let parts = out
        .axis_chunks_iter_mut(Axis(1 + axis), len)
        .enumerate()
        .map(|(i, out)| {
            let mut part = frame;
            part.start[axis] += i * len;
            part.size[axis] = out.len_of(Axis(1 + axis));
            (part, out)
        });
    run(threads, parts, |(part, out)| encode(part, out))
}

#[cfg(not(feature = "rayon"))]
fn threads(_: usize) -> usize {
    1
}

#[cfg(not(feature = "rayon"))]
fn run<T>(
    _: usize,
    mut parts: impl Iterator<Item = T>,
    encode: impl Fn(T) -> Result<(), UnknownLabel>,
) -> Result<(), UnknownLabel> {
    parts.try_for_each(encode)
}

/// Below this many values there is one thread. Two break even at half as many, and gain a quarter at twice as many.
#[cfg(feature = "rayon")]
const WORTH_A_THREAD: usize = 1 << 18;

#[cfg(feature = "rayon")]
fn threads(values: usize) -> usize {
    rayon::current_num_threads().min(values.div_ceil(WORTH_A_THREAD))
}

#[cfg(feature = "rayon")]
fn run<T: Send>(
    threads: usize,
    mut parts: impl Iterator<Item = T>,
    encode: impl Fn(T) -> Result<(), UnknownLabel> + Sync + Send,
) -> Result<(), UnknownLabel> {
    use rayon::iter::{IntoParallelIterator, ParallelIterator};

    if threads == 1 {
        parts.try_for_each(encode)
    } else {
        parts.collect::<Vec<_>>().into_par_iter().try_for_each(encode)
    }
}
