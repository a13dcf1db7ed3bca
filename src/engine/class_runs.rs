//! The runs of each channel in a few rows, and writing the channel's plane by them. A channel is a class, unless classes are
//! mixed.

use std::ops::Range;

use super::block_loops::PerVoxel;
use super::element::Element;
use super::index::ClassIndex;
use super::mixing::{Mixing, Present, Touched};
use super::presence::{ClassSet, Contents, Presence};
use super::{BLOCK, Smoothing};
use crate::SoftFloat;

/// A run of pixels in some rows; between runs, the channel is absent.
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

/// Elements with their channels.
type Elements<E> = Vec<(usize, E)>;

/// The runs of each channel in some rows of a plane, from the first pixel to the last.
///
/// The work of collecting them grows with the blocks of the rows and the channels found in each, not with all channels.
#[derive(Debug)]
pub(super) struct ClassRuns<'a, E> {
    smoothing: &'a Smoothing,
    mixing: Option<&'a Mixing>,
    /// The element of a class that is alone, and of one that is absent.
    on: E,
    off: E,
    /// By channel.
    runs: Vec<Vec<Run<E>>>,
    /// The values of mixed blocks, of which so many are used. All channels of a block are computed together; their values
    /// stay here until the plane of their channel is written.
    values: Vec<PerVoxel<E>>,
    used: usize,
    present: Present,
    width: usize,
    /// Whether an absent class is other than zero. Then ignored voxels, which are zero, concern every class.
    absent_is_not_zero: bool,
    /// Whether the elements of a voxel are rounded together.
    together: bool,
    /// If several channels are not absent where one class is alone: their elements, by class.
    alone: Option<Vec<Option<Elements<E>>>>,
}

/// No further row is started once more than this many entries of `values` are used, one for each channel of a mixed block.
/// They should stay in the second-level cache.
const BLOCKS: usize = 1 << 11;

impl<'a, E: Element> ClassRuns<'a, E> {
    pub(super) fn new(smoothing: &'a Smoothing, channels: usize, mixing: Option<&'a Mixing>, width: usize) -> Self {
        let together = mixing.is_none_or(Mixing::is_distribution);
        let rounded_together = E::ROUNDED_TOGETHER && smoothing.off != 0.0;
        let off = if rounded_together {
            // Those of absent classes differ. The last has what most of them have.
            let of_class = |class| smoothing.value(if class == 0 { 1.0 } else { 0.0 });
            elements_of((0..channels).map(of_class).collect(), Some(0), true).pop()
        } else {
            elements_of(vec![smoothing.value(0.0)], None, true).pop()
        };
        Self {
            smoothing,
            mixing,
            on: elements_of(vec![smoothing.value(1.0)], Some(0), true)[0],
            off: off.unwrap_or_else(E::zero),
            runs: vec![Vec::new(); channels],
            values: Vec::new(),
            used: 0,
            present: Present::default(),
            width,
            absent_is_not_zero: smoothing.off != 0.0,
            together,
            alone: (mixing.is_some() || rounded_together).then(|| vec![None; mixing.map_or(channels, Mixing::classes)]),
        }
    }

    /// Collects the runs of some rows of the current plane, or of the first of them, and returns the rows they are of.
    /// `encode` writes the values of some channels in the block at a row and column; the last argument says whether voxels
    /// around it may be ignored.
    pub(super) fn collect<I: ClassIndex>(
        &mut self,
        rows: Range<usize>,
        presence: &Presence<I>,
        mut encode: impl FnMut(&mut [PerVoxel<E>], &Present, [usize; 2], bool),
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
        encode: &mut impl FnMut(&mut [PerVoxel<E>], &Present, [usize; 2], bool),
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
        let add = |runs: &mut Vec<_>, element: E| extend(runs, start, len, Kind::Filled(element));
        let (channels, class) = (self.runs.len(), index.class());
        if index == I::IGNORED {
            if self.absent_is_not_zero {
                self.runs.iter_mut().for_each(|runs| add(runs, E::zero()));
            }
        } else if let Some(alone) = &mut self.alone {
            let (smoothing, mixing, together, off) = (self.smoothing, self.mixing, self.together, self.off);
            let of_class = || match mixing {
                Some(mixing) => elements_mixed(mixing.row(class), together),
                None => elements_alone(smoothing, class, channels, off),
            };
            for &(channel, element) in &*alone[class].get_or_insert_with(of_class) {
                add(&mut self.runs[channel], element);
            }
        } else {
            add(&mut self.runs[class], self.on);
        }
    }

    /// Adds a mixed block to the runs of the classes that are present, and returns where their values belong.
    fn add_mixed(&mut self, set: ClassSet, start: usize, len: usize) -> Range<usize> {
        let all = self.absent_is_not_zero && (self.alone.is_some() || set.has_ignored());
        // What is rounded together needs all channels. Where voxels are ignored no column is full.
        let all_needed = E::ROUNDED_TOGETHER && self.together;
        let shared = !all_needed && !set.has_ignored();
        match self.mixing {
            Some(mixing) => self.present.set(set.classes(mixing.classes()), Some(mixing), shared),
            None if all => self.present.set(0..self.runs.len(), None, shared),
            None => self.present.set(set.classes(self.runs.len()), None, shared),
        }
        let values = self.used..self.used + self.present.columns();
        self.used = values.end;
        if self.values.len() < values.end {
            self.values.resize(values.end, [E::zero(); BLOCK]);
        }
        for &Touched { channel, column } in &self.present.channels {
            match column {
                Some(column) => {
                    let kind = Kind::Mixed(values.start + column);
                    self.runs[channel].push(Run { start, len, kind });
                }
                None => extend(&mut self.runs[channel], start, len, Kind::Filled(self.on)),
            }
        }
        values
    }

    /// Writes a channel in the rows that were collected.
    pub(super) fn write(&self, channel: usize, pixels: &mut [E]) {
        let mut done = 0;
        for &Run { start, len, kind } in &self.runs[channel] {
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

/// The elements of all classes where one is alone, except those of an absent class.
fn elements_alone<E: Element>(smoothing: &Smoothing, alone: usize, classes: usize, absent: E) -> Elements<E> {
    let values = (0..classes).map(|class| smoothing.value(if class == alone { 1.0 } else { 0.0 }));
    let elements = elements_of(values.collect(), Some(alone), true);
    elements
        .into_iter()
        .enumerate()
        .filter(|&(_, element)| element != absent)
        .collect()
}

/// The elements of the channels of a class that is alone.
fn elements_mixed<E: Element>(row: &[(usize, f64)], together: bool) -> Elements<E> {
    let values = row.iter().map(|&(_, entry)| rounded(entry)).collect();
    let channels = row.iter().map(|&(channel, _)| channel);
    channels.zip(elements_of(values, None, together)).collect()
}

fn rounded<F: SoftFloat>(value: f64) -> F {
    F::round_from(value)
}

/// The elements of the probabilities of a voxel.
fn elements_of<E: Element>(values: Vec<E::Computed>, annotated: Option<usize>, together: bool) -> Vec<E> {
    let mut elements = vec![[E::zero(); BLOCK]; values.len()];
    E::of_block(
        &mut elements,
        &mut E::Buffer::default(),
        together,
        |_| annotated,
        |blocks| {
            for (block, value) in blocks.iter_mut().zip(values) {
                *block = [value; BLOCK];
            }
        },
    );
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
