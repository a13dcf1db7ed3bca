//! Reads boxes of a label map as class indices. The rest of the engine knows neither label types nor their order in memory.

use std::array::from_fn;
use std::cmp::Reverse;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{ArrayView3, Axis};

use super::index::{ClassIndex, LabelIndexer};
use crate::{Classes, Label};

/// Reads class indices of a label map on the axes D, H, W.
pub(super) trait IndexReader<I>: Sync {
    /// Length of the label map on each axis.
    fn shape(&self) -> [usize; 3];

    /// How many planes are best read together.
    fn planes_at_once(&self) -> usize;

    /// Reads a box, which is not empty.
    fn read(&self, part: &[Range<usize>; 3], to: &mut Destination<'_, I>);
}

/// Where a box of class indices is written to.
pub(super) struct Destination<'a, I> {
    pub(super) indices: &'a mut [I],
    /// Where each plane begins.
    pub(super) planes: &'a [usize],
    /// The distance from a row to the next, and how much of it may be written to.
    pub(super) pitch: usize,
    pub(super) room: usize,
}

/// The reader of a label map with labels of type `L`.
pub(super) struct LabelReader<'a, L, I> {
    labels: ArrayView3<'a, L>,
    indexer: LabelIndexer<L, I>,
    /// Set when a label is neither a class nor ignored. It is read as ignored then.
    unknown: &'a AtomicBool,
}

/// Labels of a box in memory, and how far apart they are on each axis. After the last of them there are [`SIDE`] more, so that
/// whole vectors can be read.
struct Labels<'a, L> {
    memory: &'a [L],
    strides: [usize; 3],
}

impl<'a, L: Label, I: ClassIndex> LabelReader<'a, L, I> {
    pub(super) fn new(labels: &ArrayView3<'a, L>, classes: &Classes, unknown: &'a AtomicBool) -> Self {
        Self {
            labels: *labels,
            indexer: LabelIndexer::new(classes),
            unknown,
        }
    }

    fn strides(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis| self.labels.stride_of(Axis(axis)).unsigned_abs())
    }

    /// The labels of a box where they are, if there are no gaps between those of the label map.
    fn in_place(&self, part: &[Range<usize>; 3]) -> Option<Labels<'a, L>> {
        if self.labels.strides().iter().any(|&stride| stride < 0) {
            return None;
        }
        let (memory, strides) = (self.labels.to_slice_memory_order()?, self.strides());
        // Labels are read along one axis, on which they have to be side by side. They are not if the box has a single label on the
        // axis where they are.
        let size = from_fn(|axis| part[axis].len());
        let along = across(size, strides).unwrap_or(2);
        if size[along] > 1 && strides[along] != 1 {
            return None;
        }
        let place = |at: [usize; 3]| at.iter().zip(strides).map(|(at, stride)| at * stride).sum::<usize>();
        let (first, last) = (from_fn(|axis| part[axis].start), from_fn(|axis| part[axis].end - 1));
        let memory = memory.get(place(first)..place(last) + SIDE)?;
        Some(Labels { memory, strides })
    }

    /// Copies the labels of a box in the order of their memory.
    fn copied(&self, part: &[Range<usize>; 3]) -> (Vec<L>, [usize; 3]) {
        let (mut order, apart) = ([0, 1, 2], self.strides());
        order.sort_by_key(|&axis| Reverse(apart[axis]));
        let view = self
            .labels
            .slice_each_axis(|axis| part[axis.axis.index()].clone().into());
        let view = view.permuted_axes(order);
        let mut memory = Vec::with_capacity(view.len() + SIDE);
        view.rows().into_iter().for_each(|row| memory.extend(row));
        memory.extend(vec![memory[0]; SIDE]);
        let (mut strides, mut stride) = ([0; 3], 1);
        for axis in order.into_iter().rev() {
            strides[axis] = stride;
            stride *= part[axis].len();
        }
        (memory, strides)
    }

    fn index(&self, labels: &[L], indices: &mut [I]) {
        if !self.indexer.index(labels, indices) {
            self.unknown.store(true, Ordering::Relaxed);
        }
    }

    fn read_labels(&self, Labels { memory, strides }: Labels<'_, L>, size: [usize; 3], to: &mut Destination<'_, I>) {
        match across(size, strides) {
            Some(across) => self.read_across(across, memory, strides, size, to),
            None => {
                // Whole vectors are faster than what is needed of them. Padding is written over the rest later.
                let len = size[2].next_multiple_of(TILE).min(to.room);
                for (d, &start) in to.planes.iter().enumerate() {
                    for h in 0..size[1] {
                        let labels = &memory[d * strides[0] + h * strides[1]..][..len];
                        self.index(labels, &mut to.indices[start + h * to.pitch..][..len]);
                    }
                }
            }
        }
    }

    /// In squares that are read along `across` and written along the rows, so that both touch whole cache lines.
    fn read_across(
        &self,
        across: usize,
        memory: &[L],
        strides: [usize; 3],
        size: [usize; 3],
        to: &mut Destination<'_, I>,
    ) {
        let other = 1 - across;
        let mut labels = [[memory[0]; SIDE]; SIDE];
        let (mut read, mut transposed) = ([[I::IGNORED; SIDE]; SIDE], [[I::IGNORED; SIDE]; SIDE]);
        for columns in squares(size[2]) {
            for fixed in 0..size[other] {
                for line in squares(size[across]) {
                    let first = line.start * strides[across] + fixed * strides[other] + columns.start * strides[2];
                    // Nothing but copies of one length, so that the processor can wait for many cache lines at a time.
                    let lines = memory[first..].windows(SIDE).step_by(strides[2]);
                    for (line, labels) in lines.zip(&mut labels[..columns.len()]) {
                        line.first_chunk().into_iter().for_each(|line| *labels = *line);
                    }
                    let lines = columns.len();
                    self.index(labels[..lines].as_flattened(), read[..lines].as_flattened_mut());
                    transpose(&read, &mut transposed, [lines, line.len()]);
                    for (along, transposed) in line.zip(&transposed) {
                        let [d, h] = if across == 0 { [along, fixed] } else { [fixed, along] };
                        let row = &mut to.indices[to.planes[d] + h * to.pitch + columns.start..];
                        match row.first_chunk_mut().filter(|_| lines == SIDE) {
                            Some(row) => *row = *transposed,
                            None => row[..lines].copy_from_slice(&transposed[..lines]),
                        }
                    }
                }
            }
        }
    }
}

impl<L: Label, I: ClassIndex> IndexReader<I> for LabelReader<'_, L, I> {
    fn shape(&self) -> [usize; 3] {
        self.labels.dim().into()
    }

    fn planes_at_once(&self) -> usize {
        if across(self.shape(), self.strides()) == Some(0) {
            SIDE
        } else {
            1
        }
    }

    fn read(&self, part: &[Range<usize>; 3], to: &mut Destination<'_, I>) {
        let size = from_fn(|axis| part[axis].len());
        if let Some(labels) = self.in_place(part) {
            return self.read_labels(labels, size, to);
        }
        let (memory, strides) = self.copied(part);
        let labels = Labels {
            memory: &memory,
            strides,
        };
        self.read_labels(labels, size, to);
    }
}

/// The axis to read along, D or H, if the labels of a row are farther apart in memory than those along it.
fn across(size: [usize; 3], strides: [usize; 3]) -> Option<usize> {
    let axes = (0..2).filter(|&axis| size[axis] > 1);
    let nearest = axes.min_by_key(|&axis| strides[axis])?;
    (size[2] > 1 && strides[nearest] < strides[2]).then_some(nearest)
}

/// The side of a square of labels: a cache line of 8-bit ones.
const SIDE: usize = 64;

/// A length in pieces of at most [`SIDE`].
fn squares(len: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len).step_by(SIDE).map(move |start| start..len.min(start + SIDE))
}

/// The side of the squares that are transposed in registers.
const TILE: usize = 16;

/// Swaps the first rows and columns, as many as `size` has.
fn transpose<T: Copy>(from: &[[T; SIDE]; SIDE], to: &mut [[T; SIDE]; SIDE], size: [usize; 2]) {
    for row in (0..size[0]).step_by(TILE) {
        for column in (0..size[1]).step_by(TILE) {
            let tile: [[T; TILE]; TILE] = from_fn(|i| from_fn(|j| from[row + i][column + j]));
            for (to, tile) in to[column..].iter_mut().zip(transposed(tile)) {
                to[row..][..TILE].copy_from_slice(&tile);
            }
        }
    }
}

/// Swaps rows and columns by interleaving each row with that half a tile below it, four times. The compiler has an
/// instruction for 8-bit ones.
#[inline(always)]
fn transposed<T: Copy>(mut tile: [[T; TILE]; TILE]) -> [[T; TILE]; TILE] {
    for _ in 0..TILE.ilog2() {
        let last = tile;
        for i in 0..TILE / 2 {
            let pair = [last[i], last[i + TILE / 2]];
            tile[2 * i] = from_fn(|j| pair[j % 2][j / 2]);
            tile[2 * i + 1] = from_fn(|j| pair[j % 2][TILE / 2 + j / 2]);
        }
    }
    tile
}
