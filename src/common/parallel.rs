//! Work on the current rayon pool, or on this thread without the feature `rayon`.
//!
//! Where numbers are summed up, work is cut into pieces of a fixed size and their sums are added in order. So results have
//! the same bits for any number of threads.

use std::ops::Range;

/// Voxels of a piece whose sum is computed by itself.
pub(crate) const PIECE: usize = 1 << 14;

/// The pieces of so many voxels, each of [`PIECE`] but the last.
pub(crate) fn pieces(voxels: usize) -> impl Iterator<Item = Range<usize>> {
    (0..voxels)
        .step_by(PIECE)
        .map(move |start| start..voxels.min(start + PIECE))
}

/// Below this many values there is one thread. Two break even at half as many, and gain a quarter at twice as many.
#[cfg(feature = "rayon")]
const WORTH_A_THREAD: usize = 1 << 18;

/// How many threads are worth their while for this many values.
#[cfg(feature = "rayon")]
pub(crate) fn threads(values: usize) -> usize {
    rayon::current_num_threads().min(values.div_ceil(WORTH_A_THREAD)).max(1)
}

#[cfg(not(feature = "rayon"))]
pub(crate) fn threads(_: usize) -> usize {
    1
}

/// What work makes of every item, in their order, on one thread or on as many as the pool has.
#[cfg(feature = "rayon")]
pub(crate) fn map<T: Send, R: Send>(threads: usize, items: Vec<T>, work: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    use rayon::iter::{IntoParallelIterator, ParallelIterator};

    if threads > 1 {
        items.into_par_iter().map(work).collect()
    } else {
        items.into_iter().map(work).collect()
    }
}

#[cfg(not(feature = "rayon"))]
pub(crate) fn map<T: Send, R: Send>(_: usize, items: Vec<T>, work: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    items.into_iter().map(work).collect()
}

/// Both results, on two threads if there are so many.
#[cfg(feature = "rayon")]
pub(crate) fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    rayon::join(a, b)
}

#[cfg(not(feature = "rayon"))]
pub(crate) fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    (a(), b())
}
