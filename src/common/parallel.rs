//! Work on the current rayon pool; without the feature `rayon` the same work on one thread.
//!
//! A sum is made in pieces whose borders depend on the size of the data alone, and the pieces are added up in order. So the
//! bits are the same on any number of threads.
//!
//! The `work` of a call is an estimate: its nanoseconds on one thread.

use std::cmp::Ordering;
use std::ops::Range;

/// Work below it stays on one thread: on a shared machine of two cores it takes up to 100 µs until a second thread has begun.
#[cfg(feature = "rayon")]
const NANOSECONDS_FOR_A_THREAD: usize = 500_000;

/// Items whose numbers are summed up together.
const SUMMED: usize = 1 << 13;

/// How many threads work is done on.
#[cfg(feature = "rayon")]
pub(crate) fn threads(work: usize) -> usize {
    if work < NANOSECONDS_FOR_A_THREAD {
        1
    } else {
        rayon::current_num_threads()
    }
}

#[cfg(not(feature = "rayon"))]
pub(crate) fn threads(_: usize) -> usize {
    1
}

/// Cuts `0..len` into pieces of one length; the last may be shorter.
pub(crate) fn pieces(len: usize, piece: usize) -> impl Iterator<Item = Range<usize>> {
    let starts = (0..len).step_by(piece.max(1));
    starts.map(move |start| start..start + piece.max(1).min(len - start))
}

/// The results of all items, in their order.
pub(crate) fn map<T: Send, R: Send>(
    work: usize,
    items: impl Iterator<Item = T>,
    run: impl Fn(T) -> R + Sync + Send,
) -> Vec<R> {
    map_with(work, items, || (), |(), item| run(item))
}

/// Like [`map`], with a buffer to reuse. It may hold values of earlier items.
pub(crate) fn map_with<T: Send, B, R: Send>(
    work: usize,
    items: impl Iterator<Item = T>,
    buffer: impl Fn() -> B + Sync + Send,
    run: impl Fn(&mut B, T) -> R + Sync + Send,
) -> Vec<R> {
    #[cfg(feature = "rayon")]
    if threads(work) > 1 {
        use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

        let items: Vec<_> = items.collect();
        // A task has at least half of the work that is worth a thread.
        let least = items.len().saturating_mul(NANOSECONDS_FOR_A_THREAD / 2) / work;
        let items = items.into_par_iter().with_min_len(least.max(1));
        return items.map_init(buffer, run).collect();
    }
    #[cfg(not(feature = "rayon"))]
    let _ = work;
    let mut buffer = buffer();
    items.map(|item| run(&mut buffer, item)).collect()
}

/// Runs a function on all items.
pub(crate) fn for_each<T: Send>(work: usize, items: impl Iterator<Item = T>, run: impl Fn(T) + Sync + Send) {
    map(work, items, run);
}

/// Runs two functions.
#[cfg(feature = "rayon")]
pub(crate) fn join<A: Send, B: Send>(
    work: usize,
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    if threads(work) > 1 {
        rayon::join(first, second)
    } else {
        (first(), second())
    }
}

#[cfg(not(feature = "rayon"))]
pub(crate) fn join<A, B>(_: usize, first: impl FnOnce() -> A, second: impl FnOnce() -> B) -> (A, B) {
    (first(), second())
}

/// The sum of the numbers of all items; `cost` is the work for one.
pub(crate) fn sum<T: Sync>(cost: usize, items: &[T], number: impl Fn(&T) -> f64 + Sync + Send) -> f64 {
    let work = items.len().saturating_mul(cost);
    let sums = map(work, items.chunks(SUMMED), |items| {
        items.iter().map(&number).sum::<f64>()
    });
    total(sums)
}

/// The sum of some numbers in their order; 0 if there are none, not -0.
pub(crate) fn total(numbers: impl IntoIterator<Item = f64>) -> f64 {
    numbers.into_iter().fold(0.0, |sum, number| sum + number)
}

/// Sorts items. The sort is not stable, so items that compare equal must be identical.
pub(crate) fn sort<T: Send>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering + Sync + Send) {
    #[cfg(feature = "rayon")]
    if threads(items.len().saturating_mul(20)) > 1 {
        use rayon::slice::ParallelSliceMut;

        return items.par_sort_unstable_by(compare);
    }
    items.sort_unstable_by(compare);
}
