//! Long work: on several threads, with its progress.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Result, anyhow};
use indicatif::{ProgressBar, ProgressStyle};

pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// A progress bar with the time that is left and a message.
pub(crate) fn progress(steps: usize) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} %, {eta} left, {msg}")?;
    Ok(ProgressBar::new(steps as u64).with_style(style))
}

/// Does something with each item, in their order, `jobs` of them at a time. The first failure ends it.
pub(crate) fn in_parallel<I: Sync, T: Send>(
    items: &[I],
    jobs: usize,
    work: impl Fn(&I) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let worker = || -> Result<Vec<(usize, T)>> {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else {
                return Ok(done);
            };
            let result = work(item).inspect_err(|_| next.store(items.len(), Ordering::Relaxed));
            done.push((at, result?));
        }
    };
    let mut done = Vec::new();
    thread::scope(|scope| -> Result<()> {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            done.extend(worker.join().map_err(|_| anyhow!("a worker panicked"))??);
        }
        Ok(())
    })?;
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_items() {
        let items: Vec<u64> = (0..100).collect();
        let squares = in_parallel(&items, 3, |item| Ok(item * item)).unwrap();
        assert!(squares.iter().zip(&items).all(|(square, item)| *square == item * item));
    }

    #[test]
    fn a_failure_ends_it() {
        let started = AtomicUsize::new(0);
        let result = in_parallel(&[(); 1000], 1, |()| -> Result<()> {
            started.fetch_add(1, Ordering::Relaxed);
            Err(anyhow!("no"))
        });
        assert_eq!(result.unwrap_err().to_string(), "no");
        assert_eq!(started.into_inner(), 1);
    }
}
