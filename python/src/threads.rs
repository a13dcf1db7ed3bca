//! The threads on which the engine works.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{in_range, value};

/// The pool, and the process that made it: a forked child has none of its parent's threads.
///
/// The lock is taken only by threads that hold Python's global lock, and Python forks while it holds that. So a child never
/// finds it taken.
static POOL: Mutex<Option<Pool>> = Mutex::new(None);

/// The engine keeps so few values on one thread. They are computed on the caller's, which saves waking one of the pool.
const FEW_VALUES: usize = 1 << 17;

/// More than any machine has processors.
const MOST_THREADS: usize = 1024;

struct Pool {
    process: u32,
    /// What was asked for.
    asked: Option<NonZeroUsize>,
    /// What holds where nothing was asked for: a number, or as many as there are processors.
    default: Option<NonZeroUsize>,
    pool: Arc<ThreadPool>,
}

fn build(asked: Option<NonZeroUsize>, default: Option<NonZeroUsize>) -> PyResult<Pool> {
    let threads = asked.or(default).map_or(0, usize::from);
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().map_err(value)?;
    Ok(Pool {
        process: std::process::id(),
        asked,
        default,
        pool: Arc::new(pool),
    })
}

/// How many threads PyTorch has in this process, if it is a worker of its `DataLoader`. That is one, unless a user sets it:
/// the workers together keep the processors busy.
fn threads_of_worker(py: Python<'_>) -> PyResult<Option<NonZeroUsize>> {
    let modules = py.import("sys")?.getattr("modules")?;
    let attribute = |module: &str, name: &str| match modules.get_item(module) {
        // A module that is being imported may not have its names yet.
        Ok(module) => module.getattr_opt(name),
        Err(_) => Ok(None),
    };
    let Some(worker) = attribute("torch.utils.data", "get_worker_info")? else {
        return Ok(None);
    };
    if worker.call0()?.is_none() {
        return Ok(None);
    }
    let threads = match attribute("torch", "get_num_threads")? {
        Some(threads) => threads.call0()?.extract::<usize>()?,
        None => return Ok(None),
    };
    Ok(NonZeroUsize::new(threads.min(MOST_THREADS)))
}

/// The pool of this process.
fn pool(py: Python<'_>) -> PyResult<Arc<ThreadPool>> {
    // Python runs here, and may hand its global lock to another thread: not while this one holds the pool's.
    let default = threads_of_worker(py)?;
    let mut place = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let asked = place.as_ref().and_then(|pool| pool.asked);
    if let Some(pool) = &*place
        && pool.process == std::process::id()
        && (asked.is_some() || pool.default == default)
    {
        return Ok(pool.pool.clone());
    }
    let made = build(asked, default)?;
    let pool = made.pool.clone();
    replace(&mut place, made);
    Ok(pool)
}

/// Puts a pool in the place of another, whose threads end if they are of this process. A parent's are not here to be ended.
fn replace(place: &mut Option<Pool>, made: Pool) {
    match place.replace(made) {
        Some(before) if before.process == std::process::id() => drop(before),
        before => std::mem::forget(before),
    }
}

/// Runs the engine on the pool, without Python's global lock.
pub(crate) fn run<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    check_memory(0)?;
    let pool = pool(py)?;
    Ok(py.detach(|| pool.install(work)))
}

/// What is needed beside arrays.
const BESIDE: usize = 32 << 20;

/// An error if there is no memory for arrays of so many bytes, where a library would end the process.
pub(crate) fn check_memory(bytes: usize) -> PyResult<()> {
    let mut room = Vec::<u8>::new();
    let reserved = room.try_reserve_exact(bytes.saturating_add(BESIDE));
    // A list that nobody looks at may be left out by the compiler.
    black_box((room, reserved)).1.map_err(|_| {
        PyMemoryError::new_err(format!(
            "{} MB of memory are not to be had; use smaller arrays or fewer classes",
            bytes.saturating_add(BESIDE) >> 20
        ))
    })
}

/// Like [`run`] for an encoder that reads and writes `values` numbers.
pub(crate) fn run_encoder<T: Send>(py: Python<'_>, values: usize, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    if values > FEW_VALUES {
        return run(py, work);
    }
    Ok(py.detach(work))
}

/// Sets the number of threads of this process.
///
/// Results have the same bits with any number. A forked worker begins with as many as its parent asked for. Unless they are set,
/// there are as many as processors, and in a worker of PyTorch's `DataLoader` as many as PyTorch has there.
///
/// Parameters
/// ----------
/// threads : int
///     From 1 to 1024.
///
/// Raises
/// ------
/// ValueError
///     If the number is out of range.
///
/// Examples
/// --------
/// >>> import soft_labels
/// >>> before = soft_labels.num_threads()
/// >>> soft_labels.set_num_threads(2)
/// >>> soft_labels.num_threads()
/// 2
/// >>> soft_labels.set_num_threads(before)
#[pyfunction]
pub(crate) fn set_num_threads(threads: &Bound<'_, PyAny>) -> PyResult<()> {
    let threads = in_range(threads.extract::<usize>(), threads)?;
    let threads = NonZeroUsize::new(threads)
        .filter(|threads| threads.get() <= MOST_THREADS)
        .ok_or_else(|| value(format!("the number of threads is 1 to {MOST_THREADS}, not {threads}")))?;
    let made = build(Some(threads), None)?;
    replace(&mut POOL.lock().unwrap_or_else(PoisonError::into_inner), made);
    Ok(())
}

/// The number of threads of this process.
///
/// Returns
/// -------
/// int
///
/// Examples
/// --------
/// >>> import soft_labels
/// >>> soft_labels.num_threads() >= 1
/// True
#[pyfunction]
pub(crate) fn num_threads(py: Python<'_>) -> PyResult<usize> {
    Ok(pool(py)?.current_num_threads())
}
