//! What each class's plane consists of.

use super::BLOCK;
use super::index::ClassIndex;
use super::survey::{ClassSet, Found, Survey};

/// A run of pixels in a plane; between runs, the class is absent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    pub(super) start: usize,
    pub(super) len: usize,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing but the class around it.
    Only,
    /// Nothing but ignored voxels around it.
    Void,
    /// A block, or what a row has left of one, with more than one thing around it.
    Mixed {
        /// Its row and the column of its first pixel.
        at: [usize; 2],
        /// Whether a voxel around it may be ignored.
        ignored: bool,
    },
}

/// The jobs of each class in one plane, from the first pixel to the last.
///
/// The work of making it grows with the blocks of the plane and the classes found in each, not with all classes.
#[derive(Debug)]
pub(super) struct Plan {
    jobs: Vec<Vec<Job>>,
    height: usize,
    width: usize,
    /// Whether an absent class is other than zero, so that ignored voxels concern every class.
    absent_counts: bool,
}

impl Plan {
    pub(super) fn new(classes: usize, [height, width]: [usize; 2], absent_counts: bool) -> Self {
        Self {
            jobs: vec![Vec::new(); classes],
            height,
            width,
            absent_counts,
        }
    }

    /// The jobs of a class, ascending.
    pub(super) fn jobs(&self, class: usize) -> &[Job] {
        &self.jobs[class]
    }

    /// Makes the plan of the plane that was surveyed last.
    pub(super) fn draw<I: ClassIndex>(&mut self, survey: &Survey<I>) {
        self.jobs.iter_mut().for_each(Vec::clear);
        for h in 0..self.height {
            let start = h * self.width;
            if let Some(index) = survey.row(h) {
                self.add_run(index, start, self.width);
                continue;
            }
            // Blocks of one class that follow one another are one run.
            let mut run = None;
            for (block, found) in survey.blocks(h).enumerate() {
                let w = block * BLOCK;
                match found {
                    Found::Only(index) if run.is_some_and(|(running, _)| running == index) => {}
                    Found::Only(index) => {
                        self.end_run(run.replace((index, w)), start, w);
                    }
                    Found::Mixed(set) => {
                        self.end_run(run.take(), start, w);
                        self.add_mixed(set, [h, w], BLOCK.min(self.width - w));
                    }
                }
            }
            self.end_run(run, start, self.width);
        }
    }

    /// Adds the run of an index that began at some column of the row that begins at `start`.
    fn end_run<I: ClassIndex>(&mut self, run: Option<(I, usize)>, start: usize, end: usize) {
        if let Some((index, begin)) = run {
            self.add_run(index, start + begin, end - begin);
        }
    }

    fn add_run<I: ClassIndex>(&mut self, index: I, start: usize, len: usize) {
        if index != I::IGNORED {
            extend(&mut self.jobs[index.class()], start, len, Kind::Only);
        } else if self.absent_counts {
            self.jobs
                .iter_mut()
                .for_each(|jobs| extend(jobs, start, len, Kind::Void));
        }
    }

    fn add_mixed(&mut self, set: ClassSet, at: [usize; 2], len: usize) {
        let ignored = set.has_ignored();
        let job = Job {
            start: at[0] * self.width + at[1],
            len,
            kind: Kind::Mixed { at, ignored },
        };
        if ignored && self.absent_counts {
            self.jobs.iter_mut().for_each(|jobs| jobs.push(job));
        } else {
            set.classes(self.jobs.len())
                .for_each(|class| self.jobs[class].push(job));
        }
    }
}

/// Adds a run to the jobs, or makes the last one longer: one long fill costs less than many short ones.
fn extend(jobs: &mut Vec<Job>, start: usize, len: usize, kind: Kind) {
    match jobs.last_mut() {
        Some(last) if last.kind == kind && last.start + last.len == start => last.len += len,
        _ => jobs.push(Job { start, len, kind }),
    }
}
