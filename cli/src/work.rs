//! Many cases, several at a time, with their progress.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
#[cfg(feature = "zarr")]
use std::sync::atomic::AtomicU64;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::command::{Failure, complain, text};

/// More threads than any machine has, and few enough to start.
const MOST_JOBS: i64 = 1024;

#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct WorkArgs {
    /// Threads, and cases at the same time [default: number of processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MOST_JOBS))]
    jobs: Option<u16>,

    /// Shows no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl WorkArgs {
    pub(crate) fn jobs(&self) -> usize {
        let processors = || thread::available_parallelism().map_or(1, usize::from);
        self.jobs.map_or_else(processors, usize::from)
    }

    /// Sets the number of threads on which the library works.
    pub(crate) fn start(&self) -> Result<(), Failure> {
        Ok(rayon::ThreadPoolBuilder::new()
            .num_threads(self.jobs())
            .build_global()?)
    }

    /// Shows the progress of some work.
    pub(crate) fn progress(&self, steps: usize, unit: &'static str) -> Result<Progress, Failure> {
        let bar = (!self.quiet && io::stderr().is_terminal())
            .then(|| -> Result<_, Failure> {
                let style = ProgressStyle::with_template("{bar:30} {pos} of {len} {msg}, {eta} left")?;
                let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
                bar.set_style(style);
                bar.set_message(unit);
                bar.enable_steady_tick(std::time::Duration::from_millis(500));
                Ok(bar)
            })
            .transpose()?;
        Ok(Progress {
            bar,
            quiet: self.quiet,
            steps,
            done: AtomicUsize::new(0),
        })
    }

    /// Does something with each number below `count`, some at a time. The first failure ends it.
    #[cfg(feature = "zarr")]
    pub(crate) fn until_failure(
        &self,
        count: u64,
        work: impl Fn(u64) -> Result<(), Failure> + Sync,
    ) -> Result<(), Failure> {
        let next = AtomicU64::new(0);
        let failure = Mutex::new(None);
        let worker = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= count {
                    break;
                }
                if let Err(error) = work(at) {
                    next.store(count, Ordering::Relaxed);
                    if let Ok(mut failure) = failure.lock() {
                        failure.get_or_insert(error);
                    }
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..count.min(self.jobs() as u64) {
                scope.spawn(worker);
            }
        });
        failure
            .into_inner()
            .map_err(|error| error.to_string())?
            .map_or(Ok(()), Err)
    }

    /// Does something with each item, some at a time. What fails is named on stderr, and the others go on.
    ///
    /// The threads are our own, not those of the library: one of its threads that waits for a part of one item would
    /// begin with the next, and hold both in memory.
    pub(crate) fn each<I: Sync, T: Send>(
        &self,
        items: &[I],
        title: impl Fn(&I) -> String + Sync,
        work: impl Fn(&I) -> Result<T, Failure> + Sync,
    ) -> Result<Vec<Result<T, String>>, Failure> {
        let progress = self.progress(items.len(), "cases")?;
        let next = AtomicUsize::new(0);
        let results = Mutex::new(Vec::new());
        let worker = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(at) else { return };
                let result = work(item).map_err(|error| text(&*error));
                match &result {
                    Ok(_) => progress.step(&title(item)),
                    Err(error) => progress.fail(&title(item), error),
                }
                if let Ok(mut results) = results.lock() {
                    results.push((at, result));
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..self.jobs().min(items.len()) {
                scope.spawn(worker);
            }
        });
        let mut results = results.into_inner().map_err(|error| error.to_string())?;
        results.sort_by_key(|(at, _)| *at);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }
}

/// A bar on a terminal, plain lines elsewhere.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    steps: usize,
    done: AtomicUsize,
}

impl Progress {
    pub(crate) fn step(&self, title: &str) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if self.quiet => {}
            // A closed stderr is no reason to panic.
            None => drop(writeln!(io::stderr(), "{done} of {}: {title}", self.steps)),
        }
    }

    /// Failures are told with `--quiet`, too.
    fn fail(&self, title: &str, error: &str) {
        self.done.fetch_add(1, Ordering::Relaxed);
        let complain = || complain(&format!("{title}: {error}"));
        match &self.bar {
            Some(bar) => {
                bar.suspend(complain);
                bar.inc(1);
            }
            None => complain(),
        }
    }
}

#[cfg(feature = "zarr")]
impl Progress {
    /// A step that has no name. There is a line for each hundredth of the work.
    pub(crate) fn count(&self, unit: &str) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let hundredths = |done: usize| done as u128 * 100 / self.steps.max(1) as u128;
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if self.quiet || hundredths(done) == hundredths(done - 1) => {}
            None => drop(writeln!(io::stderr(), "{done} of {} {unit}", self.steps)),
        }
    }

    /// A line beside the bar.
    pub(crate) fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| drop(writeln!(io::stderr(), "{text}"))),
            None if self.quiet => {}
            None => drop(writeln!(io::stderr(), "{text}")),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_does_not_stop_the_others() {
        let args = WorkArgs {
            jobs: Some(3),
            quiet: true,
        };
        let items: Vec<u32> = (0..50).collect();
        let results = args
            .each(&items, ToString::to_string, |&item| {
                if item % 10 == 3 {
                    Err("a broken one".into())
                } else {
                    Ok(item * item)
                }
            })
            .unwrap();
        for (item, result) in items.iter().zip(results) {
            assert_eq!(result.is_err(), item % 10 == 3);
            assert!(result.is_err() || result == Ok(item * item));
        }
    }
}
