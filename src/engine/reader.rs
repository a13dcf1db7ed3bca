//! Reads boxes of a label map as class indices. The rest of the engine knows neither label types nor their order in memory.

use std::array::from_fn;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{ArrayView1, ArrayView3, Axis, Slice};

use super::index::{ClassIndex, LabelIndexer};
use crate::{Classes, Label};

/// Reads class indices of a label map on the axes D, H, W.
pub(super) trait IndexReader<I>: Sync {
    /// Length of the label map on each axis.
    fn shape(&self) -> [usize; 3];

    /// How many planes are best read together.
    fn planes_at_once(&self) -> usize;

    /// Reads a box, which is not empty.
    fn read(&self, part: [Range<usize>; 3], to: Destination<'_, I>);
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
    /// The labels in the order of memory if there are no gaps between them, and how far apart they are on each axis.
    memory: Option<&'a [L]>,
    strides: [usize; 3],
    /// The axis to read along, D or H, if the labels of a row are farther apart in memory than those along it.
    across: Option<usize>,
}

impl<'a, L: Label, I: ClassIndex> LabelReader<'a, L, I> {
    pub(super) fn new(labels: ArrayView3<'a, L>, classes: &Classes, unknown: &'a AtomicBool) -> Self {
        let stride = |axis| labels.stride_of(Axis(axis)).unsigned_abs();
        let nearest = (0..2)
            .filter(|&axis| labels.len_of(Axis(axis)) > 1)
            .min_by_key(|&axis| stride(axis));
        Self {
            across: nearest.filter(|&axis| stride(axis) < stride(2)),
            indexer: LabelIndexer::new(classes),
            memory: labels
                .strides()
                .iter()
                .all(|&stride| stride > 0)
                .then(|| labels.to_slice_memory_order())
                .flatten(),
            strides: [0, 1, 2].map(stride),
            labels,
            unknown,
        }
    }

    /// Where a voxel is in memory. `at` has its place on the axis to read along, on the other of D and H, and on W.
    fn place(&self, across: usize, [along, fixed, w]: [usize; 3]) -> usize {
        along * self.strides[across] + fixed * self.strides[1 - across] + w * self.strides[2]
    }

    fn note(&self, known: bool) {
        if !known {
            self.unknown.store(true, Ordering::Relaxed);
        }
    }

    /// Row by row.
    fn read_rows(&self, [planes, rows, columns]: [Range<usize>; 3], to: Destination<'_, I>) {
        let Some(&any) = self.labels.first() else { return };
        let whole = columns.len().next_multiple_of(TILE).min(to.room);
        for (d, &start) in planes.zip(to.planes) {
            for (h, start) in rows.clone().zip((start..).step_by(to.pitch)) {
                // Whole vectors are faster than what is needed of them. Padding is written over the rest later.
                let from = self.place(0, [d, h, columns.start]);
                let labels = self.memory.and_then(|memory| memory.get(from..from + whole));
                if let (Some(labels), Some(indices)) = (labels, to.indices.get_mut(start..start + whole)) {
                    self.note(self.indexer.index(labels, indices));
                    continue;
                }
                let row = self.labels.index_axis(Axis(0), d).index_axis_move(Axis(0), h);
                let row = row.slice_axis_move(Axis(0), Slice::from(columns.clone()));
                let indices = &mut to.indices[start..][..columns.len()];
                let mut line = [any; SIDE];
                for (labels, indices) in row.axis_chunks_iter(Axis(0), SIDE).zip(indices.chunks_mut(SIDE)) {
                    copy(&labels, &mut line);
                    self.note(self.indexer.index(&line[..indices.len()], indices));
                }
            }
        }
    }

    /// In squares that are read along `across` and written along the rows, so that both touch whole cache lines.
    fn read_across(&self, across: usize, part: &[Range<usize>; 3], to: Destination<'_, I>) {
        let other = 1 - across;
        let Some(&any) = self.labels.first() else { return };
        let mut labels = [[any; SIDE]; SIDE];
        let (mut read, mut transposed) = ([[I::IGNORED; SIDE]; SIDE], [[I::IGNORED; SIDE]; SIDE]);
        for columns in squares(&part[2]) {
            for fixed in part[other].clone() {
                let plane = self.labels.index_axis(Axis(other), fixed);
                for line in squares(&part[across]) {
                    // Nothing but copies in this loop, so that the processor can wait for many cache lines at a time.
                    let first = self.place(across, [line.start, fixed, columns.start]);
                    let end = first + (columns.len() - 1) * self.strides[2] + SIDE;
                    match self.memory.and_then(|memory| memory.get(first..end)) {
                        // A whole line is faster than what is needed of it. The rest is not looked at.
                        Some(memory) => {
                            for (line, labels) in memory.windows(SIDE).step_by(self.strides[2]).zip(&mut labels) {
                                line.first_chunk().into_iter().for_each(|line| *labels = *line);
                            }
                        }
                        None => {
                            let square = plane.slice_axis(Axis(0), Slice::from(line.clone()));
                            let square = square.slice_axis(Axis(1), Slice::from(columns.clone()));
                            let lines = square.axis_iter(Axis(1)).zip(&mut labels);
                            lines.for_each(|(line, labels)| copy(&line, labels));
                        }
                    }
                    let lines = columns.len();
                    self.note(
                        self.indexer
                            .index(labels[..lines].as_flattened(), read[..lines].as_flattened_mut()),
                    );
                    transpose(&read, &mut transposed, [columns.len(), line.len()]);
                    for (along, transposed) in line.zip(&transposed) {
                        let [d, h] = if across == 0 { [along, fixed] } else { [fixed, along] };
                        let start = to.planes[d - part[0].start] + (h - part[1].start) * to.pitch;
                        let start = start + columns.start - part[2].start;
                        let row = &mut to.indices[start..];
                        match row.first_chunk_mut().filter(|_| columns.len() == SIDE) {
                            Some(row) => *row = *transposed,
                            None => row[..columns.len()].copy_from_slice(&transposed[..columns.len()]),
                        }
                    }
                }
            }
        }
    }
}

impl<L: Label, I: ClassIndex> IndexReader<I> for LabelReader<'_, L, I> {
    fn shape(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis| self.labels.len_of(Axis(axis)))
    }

    fn planes_at_once(&self) -> usize {
        if self.across == Some(0) { SIDE } else { 1 }
    }

    fn read(&self, part: [Range<usize>; 3], to: Destination<'_, I>) {
        match self.across {
            Some(across) => self.read_across(across, &part, to),
            None => self.read_rows(part, to),
        }
    }
}

/// The side of a square of labels: a cache line of 8-bit ones.
const SIDE: usize = 64;

/// Copies labels, whatever lies between them in memory, and repeats the first where they end.
fn copy<L: Copy>(labels: &ArrayView1<'_, L>, to: &mut [L; SIDE]) {
    match labels
        .as_slice()
        .map(|labels| (labels, <&[L; SIDE]>::try_from(labels).ok()))
    {
        Some((_, Some(labels))) => return *to = *labels,
        Some((labels, None)) => to[..labels.len()].copy_from_slice(labels),
        None => to.iter_mut().zip(labels).for_each(|(to, from)| *to = *from),
    }
    let first = to[0];
    to[labels.len()..].fill(first);
}

/// A range in pieces of at most [`SIDE`].
fn squares(range: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
    let Range { start, end } = *range;
    (start..end)
        .step_by(SIDE)
        .map(move |start| start..end.min(start + SIDE))
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
