//! What each class's plane consists of, and writing it.

use std::ops::Range;

use super::index::ClassIndex;
use super::lanes::Lanes;
use super::survey::{ClassSet, Found, Survey};
use super::{BLOCK, Recipe};
use crate::SoftFloat;

/// A run of pixels in a band of rows; between runs, the class is absent.
#[derive(Debug, Clone, Copy)]
struct Job {
    start: usize,
    len: usize,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing but the class around it.
    Only,
    /// Nothing but ignored voxels around it.
    Void,
    /// A block, or what a row has left of one, with more than one thing around it, and where its values are.
    Mixed(usize),
}

/// The jobs of each class in a band of rows, from the first pixel to the last.
///
/// The work of making it grows with the blocks of the band and the classes found in each, not with all classes.
#[derive(Debug)]
pub(super) struct Plan<F> {
    jobs: Vec<Vec<Job>>,
    /// The values of mixed blocks, computed for all classes of a block together and here until their class is painted,
    /// and how many there are.
    values: Vec<Lanes<F>>,
    used: usize,
    present: Vec<usize>,
    height: usize,
    width: usize,
    /// Whether an absent class is other than zero, so that ignored voxels concern every class.
    absent_counts: bool,
}

/// No row is begun with more mixed blocks than this: their values should stay in the second-level cache.
const BLOCKS: usize = 1 << 11;

impl<F: SoftFloat> Plan<F> {
    pub(super) fn new(classes: usize, [height, width]: [usize; 2], absent_counts: bool) -> Self {
        Self {
            jobs: vec![Vec::new(); classes],
            values: Vec::new(),
            used: 0,
            present: Vec::new(),
            height,
            width,
            absent_counts,
        }
    }

    /// Makes the plan of the plane that was surveyed last, from a row on, and says how far it goes. `blend` writes the
    /// values of some classes in the block at a row and column, around which voxels may be ignored.
    pub(super) fn draw<I: ClassIndex>(
        &mut self,
        first: usize,
        survey: &Survey<I>,
        mut blend: impl FnMut(&mut [Lanes<F>], &[usize], [usize; 2], bool),
    ) -> Range<usize> {
        self.jobs.iter_mut().for_each(Vec::clear);
        self.used = 0;
        let mut h = first;
        while h < self.height && self.used <= BLOCKS {
            self.draw_row(h, (h - first) * self.width, survey, &mut blend);
            h += 1;
        }
        first..h
    }

    fn draw_row<I: ClassIndex>(
        &mut self,
        h: usize,
        start: usize,
        survey: &Survey<I>,
        blend: &mut impl FnMut(&mut [Lanes<F>], &[usize], [usize; 2], bool),
    ) {
        if let Some(index) = survey.row(h) {
            return self.add_run(index, start, self.width);
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
                    let values = self.add_mixed(set, start + w, BLOCK.min(self.width - w));
                    blend(&mut self.values[values], &self.present, [h, w], set.has_ignored());
                }
            }
        }
        self.end_run(run, start, self.width);
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

    /// Adds a mixed block to the jobs of the classes that are present and says where their values are to be.
    fn add_mixed(&mut self, set: ClassSet, start: usize, len: usize) -> Range<usize> {
        self.present.clear();
        if set.has_ignored() && self.absent_counts {
            self.present.extend(0..self.jobs.len());
        } else {
            self.present.extend(set.classes(self.jobs.len()));
        }
        let values = self.used..self.used + self.present.len();
        self.used = values.end;
        if self.values.len() < values.end {
            self.values.resize(values.end, [F::zero(); BLOCK]);
        }
        for (values, &class) in values.clone().zip(&self.present) {
            let kind = Kind::Mixed(values);
            self.jobs[class].push(Job { start, len, kind });
        }
        values
    }

    /// Writes the soft labels of a class in the band.
    pub(super) fn paint(&self, class: usize, pixels: &mut [F], recipe: &Recipe) {
        let (on, off) = (recipe.value(1.0), recipe.value(0.0));
        let mut done = 0;
        for &Job { start, len, kind } in &self.jobs[class] {
            fill(&mut pixels[done..start], off);
            done = start + len;
            let run = &mut pixels[start..done];
            match kind {
                Kind::Only => fill(run, on),
                Kind::Void => fill(run, F::zero()),
                Kind::Mixed(values) => {
                    let values = &self.values[values];
                    match run.first_chunk_mut() {
                        Some(run) => *run = *values,
                        None => run.copy_from_slice(&values[..len]),
                    }
                }
            }
        }
        fill(&mut pixels[done..], off);
    }
}

/// Adds a run to the jobs, or makes the last one longer: one long fill costs less than many short ones.
fn extend(jobs: &mut Vec<Job>, start: usize, len: usize, kind: Kind) {
    match jobs.last_mut() {
        Some(last) if last.kind == kind && last.start + last.len == start => last.len += len,
        _ => jobs.push(Job { start, len, kind }),
    }
}

fn fill<F: SoftFloat>(pixels: &mut [F], value: F) {
    // A zero known to the compiler is memset, which is faster than a loop.
    if value == F::zero() {
        pixels.fill(F::zero());
    } else {
        pixels.fill(value);
    }
}
