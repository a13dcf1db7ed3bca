//! Work on the current rayon pool, or on this thread without the feature `rayon`.

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

/// Works on every item, on one thread or on as many as the pool has. One of the errors is returned.
#[cfg(feature = "rayon")]
pub(crate) fn try_for_each<T: Send, E: Send>(
    threads: usize,
    items: Vec<T>,
    work: impl Fn(T) -> Result<(), E> + Sync + Send,
) -> Result<(), E> {
    use rayon::iter::{IntoParallelIterator, ParallelIterator};

    if threads > 1 {
        items.into_par_iter().try_for_each(work)
    } else {
        items.into_iter().try_for_each(work)
    }
}

#[cfg(not(feature = "rayon"))]
pub(crate) fn try_for_each<T: Send, E: Send>(
    _: usize,
    items: Vec<T>,
    work: impl Fn(T) -> Result<(), E> + Sync + Send,
) -> Result<(), E> {
    items.into_iter().try_for_each(work)
}
