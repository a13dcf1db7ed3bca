//! The runs of each class in a few rows, and writing the class's plane by them.

use std::collections::HashMap;
use std::ops::Range;

use super::block_loops::PerVoxel;
use super::element::Element;
use super::index::ClassIndex;
use super::presence::{ClassSet, Contents, Presence};
use super::{BLOCK, Smoothing};

/// A run of pixels in some rows; between runs, the class is absent.
#[derive(Debug, Clone, Copy)]
struct Run<E> {
    start: usize,
    len: usize,
    kind: Kind<E>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind<E> {
    /// The same everywhere: nothing but one class around it, or nothing but ignored voxels.
    Filled(E),
    /// A block, or what a row has left of one, with more than one class around it, and where its values are.
    Mixed(usize),
}

/// The runs of each class in some rows of a plane, from the first pixel to the last.
///
/// The work of collecting them grows with the blocks of the rows and the classes found in each, not with all classes.
#[derive(Debug)]
pub(super) struct ClassRuns<'a, E> {
    smoothing: &'a Smoothing,
    /// The element of a class that is alone, and of one that is absent.
    on: E,
    off: E,
    /// By class.
    runs: Vec<Vec<Run<E>>>,
    /// The values of mixed blocks, of which so many are used. All classes of a block are computed together; their values
    /// stay here until the plane of their class is written.
    values: Vec<PerVoxel<E>>,
    used: usize,
    present: Vec<usize>,
    width: usize,
    /// Whether an absent class is other than zero. Then ignored voxels, which are zero, concern every class.
    absent_is_not_zero: bool,
    /// If what absent classes have also depends on the class that is there: all elements for a class that is alone.
    alone: Option<HashMap<usize, Vec<E>>>,
}

/// No further row is started once more than this many entries of `values` are used, one for each class of a mixed block.
/// They should stay in the second-level cache.
const BLOCKS: usize = 1 << 11;

impl<'a, E: Element> ClassRuns<'a, E> {
    pub(super) fn new(smoothing: &'a Smoothing, classes: usize, width: usize) -> Self {
        Self {
            smoothing,
            on: elements_alone(smoothing, 0, 1)[0],
            off: elements_alone(smoothing, 1, 1)[0],
            runs: vec![Vec::new(); classes],
            values: Vec::new(),
            used: 0,
            present: Vec::new(),
            width,
            absent_is_not_zero: smoothing.off != 0.0,
            alone: (E::ROUNDED_TOGETHER && smoothing.off != 0.0).then(HashMap::new),
        }
    }

    /// Collects the runs of some rows of the current plane, or of the first of them, and returns the rows they are of.
    /// `encode` writes the values of some classes in the block at a row and column; the last argument says whether voxels
    /// around it may be ignored.
    pub(super) fn collect<I: ClassIndex>(
        &mut self,
        rows: Range<usize>,
        presence: &Presence<I>,
        mut encode: impl FnMut(&mut [PerVoxel<E>], &[usize], [usize; 2], bool),
    ) -> Range<usize> {
        self.runs.iter_mut().for_each(Vec::clear);
        self.used = 0;
        let mut h = rows.start;
        while h < rows.end && self.used <= BLOCKS {
            self.collect_row(h, (h - rows.start) * self.width, presence, &mut encode);
            h += 1;
        }
        rows.start..h
    }

    fn collect_row<I: ClassIndex>(
        &mut self,
        h: usize,
        start: usize,
        presence: &Presence<I>,
        encode: &mut impl FnMut(&mut [PerVoxel<E>], &[usize], [usize; 2], bool),
    ) {
        if let Some(index) = presence.row(h) {
            return self.add_run(index, start, self.width);
        }
        // Blocks of one class that follow one another are one run.
        let mut run = None;
        for (block, contents) in presence.blocks(h).enumerate() {
            let w = block * BLOCK;
            match contents {
                Contents::One(index) if run.is_some_and(|(running, _)| running == index) => {}
                Contents::One(index) => {
                    self.end_run(run.replace((index, w)), start, w);
                }
                Contents::Mixed(set) => {
                    self.end_run(run.take(), start, w);
                    let values = self.add_mixed(set, start + w, BLOCK.min(self.width - w));
                    encode(&mut self.values[values], &self.present, [h, w], set.has_ignored());
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
        let add = |(runs, &element): (&mut Vec<_>, &E)| extend(runs, start, len, Kind::Filled(element));
        let classes = self.runs.len();
        if index == I::IGNORED {
            if self.absent_is_not_zero {
                self.runs.iter_mut().for_each(|runs| add((runs, &E::zero())));
            }
        } else if let Some(alone) = &mut self.alone {
            let alone = alone.entry(index.class());
            let alone = alone.or_insert_with(|| elements_alone(self.smoothing, index.class(), classes));
            self.runs.iter_mut().zip(&*alone).for_each(add);
        } else {
            add((&mut self.runs[index.class()], &self.on));
        }
    }

    /// Adds a mixed block to the runs of the classes that are present, and returns where their values belong.
    fn add_mixed(&mut self, set: ClassSet, start: usize, len: usize) -> Range<usize> {
        self.present.clear();
        if self.alone.is_some() || (set.has_ignored() && self.absent_is_not_zero) {
            self.present.extend(0..self.runs.len());
        } else {
            self.present.extend(set.classes(self.runs.len()));
        }
        let values = self.used..self.used + self.present.len();
        self.used = values.end;
        if self.values.len() < values.end {
            self.values.resize(values.end, [E::zero(); BLOCK]);
        }
        for (values, &class) in values.clone().zip(&self.present) {
            let kind = Kind::Mixed(values);
            self.runs[class].push(Run { start, len, kind });
        }
        values
    }

    /// Writes the soft labels of a class in the rows that were collected.
    pub(super) fn write(&self, class: usize, pixels: &mut [E]) {
        let mut done = 0;
        for &Run { start, len, kind } in &self.runs[class] {
            fill(&mut pixels[done..start], self.off);
            done = start + len;
            let run = &mut pixels[start..done];
            match kind {
                Kind::Filled(element) => fill(run, element),
                Kind::Mixed(values) => {
                    let values = &self.values[values];
                    match run.first_chunk_mut() {
                        Some(run) => *run = *values,
                        None => run.copy_from_slice(&values[..len]),
                    }
                }
            }
        }
        fill(&mut pixels[done..], self.off);
    }
}

/// The elements of all classes where one is alone.
fn elements_alone<E: Element>(smoothing: &Smoothing, alone: usize, classes: usize) -> Vec<E> {
    let mut elements = vec![[E::zero(); BLOCK]; classes];
    let place = |_| (alone < classes).then_some(alone);
    E::of_block(&mut elements, &mut E::Buffer::default(), place, |values| {
        for (class, values) in values.iter_mut().enumerate() {
            *values = [smoothing.value(if class == alone { 1.0 } else { 0.0 }); BLOCK];
        }
    });
    elements.iter().map(|elements| elements[0]).collect()
}

/// Adds a run, or makes the last one longer: one long fill costs less than many short ones.
fn extend<E: PartialEq>(runs: &mut Vec<Run<E>>, start: usize, len: usize, kind: Kind<E>) {
    match runs.last_mut() {
        Some(last) if last.kind == kind && last.start + last.len == start => last.len += len,
        _ => runs.push(Run { start, len, kind }),
    }
}

fn fill<E: Element>(pixels: &mut [E], value: E) {
    // A zero known to the compiler is memset, which is faster than a loop.
    if value == E::zero() {
        pixels.fill(E::zero());
    } else {
        pixels.fill(value);
    }
}
