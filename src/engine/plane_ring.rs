//! A ring buffer of padded planes of class indices, so that later steps need no border checks.

use std::ops::Range;

use super::index::ClassIndex;
use super::reader::{Destination, IndexReader};
use super::tiles::Tile;
use super::{BLOCK, SPAN};

/// The 2r+1 planes of one rater's label map that one plane of the result needs, and some more if they are best read together.
///
/// Rows and columns around the tile are those of the label map; borders are padded with the nearest voxel. Rows are a whole
/// number of blocks with `radius` columns on each side; the columns after the tile's halo repeat its last voxel.
#[derive(Debug, Clone)]
pub(super) struct PlaneRing<I> {
    tile: Tile,
    radius: [usize; 3],
    /// Length of a row, and of a plane.
    pitch: usize,
    plane: usize,
    /// How many planes there are, and how many are loaded at once.
    planes: usize,
    at_once: usize,
    indices: Vec<I>,
    /// Planes loaded so far; plane `p` is the label map's plane `start + p - radius`.
    loaded: usize,
}

impl<I: ClassIndex> PlaneRing<I> {
    pub(super) fn new(tile: Tile, radius: [usize; 3], at_once: usize) -> Self {
        // The last block is counted by whole spans, too.
        let pitch = tile.size[2].next_multiple_of(BLOCK) - BLOCK + (BLOCK + 2 * radius[2]).next_multiple_of(SPAN);
        let plane = pitch * (tile.size[1] + 2 * radius[1]);
        let at_once = at_once.min(tile.size[0]);
        let planes = 2 * radius[0] + at_once;
        Self {
            tile,
            radius,
            pitch,
            plane,
            planes,
            at_once,
            indices: vec![I::IGNORED; plane * planes],
            loaded: 0,
        }
    }

    /// Loads plane `d` of the tile and its neighbours; `d` is 0 first and then one more each time.
    pub(super) fn advance(&mut self, d: usize, reader: &dyn IndexReader<I>) {
        let (all, needed) = (self.tile.size[0] + 2 * self.radius[0], d + 2 * self.radius[0] + 1);
        if self.loaded < needed {
            let end = needed.max(self.loaded + self.at_once).min(all);
            self.load(self.loaded..end, reader);
            self.loaded = end;
        }
    }

    fn load(&mut self, planes: Range<usize>, reader: &dyn IndexReader<I>) {
        let (shape, radius, Tile { start, size }) = (reader.shape(), self.radius, self.tile);
        // The label map's voxels that are there.
        let clamp = |axis: usize, first: usize, end: usize| {
            let last = |padded: usize| (start[axis] + padded).saturating_sub(radius[axis]).min(shape[axis]);
            last(first)..last(end)
        };
        let part = [
            clamp(0, planes.start, planes.end),
            clamp(1, 0, size[1] + 2 * radius[1]),
            clamp(2, 0, size[2] + 2 * radius[2]),
        ];
        let padded = |axis: usize| {
            let first = part[axis].start + radius[axis] - start[axis];
            first..first + part[axis].len()
        };
        let [there, rows, columns] = [0, 1, 2].map(padded);
        if !there.is_empty() {
            let starts: Vec<_> = there
                .clone()
                .map(|p| self.row_start(p, rows.start) + columns.start)
                .collect();
            let mut to = Destination {
                indices: &mut self.indices,
                planes: &starts,
                pitch: self.pitch,
                room: self.pitch - columns.start,
            };
            reader.read(&part, &mut to);
        }

        for p in there.clone() {
            for h in rows.clone() {
                let start = self.row_start(p, h);
                let row = &mut self.indices[start..][..self.pitch];
                let (first, last) = (row[columns.start], row[columns.end - 1]);
                row[..columns.start].fill(first);
                row[columns.end..].fill(last);
            }
            let (above, below) = (0..rows.start, rows.end..size[1] + 2 * radius[1]);
            above.for_each(|h| self.copy(self.row_start(p, rows.start), self.row_start(p, h), self.pitch));
            below.for_each(|h| self.copy(self.row_start(p, rows.end - 1), self.row_start(p, h), self.pitch));
        }
        // Planes before the first of the label map, and after its last, which may have been loaded before.
        (planes.start..there.start.min(planes.end)).for_each(|p| self.copy_plane(there.start, p));
        (there.end.max(planes.start)..planes.end).for_each(|p| self.copy_plane(p - 1, p));
    }

    fn copy_plane(&mut self, from: usize, to: usize) {
        self.copy(self.row_start(from, 0), self.row_start(to, 0), self.plane);
    }

    fn copy(&mut self, from: usize, to: usize, len: usize) {
        self.indices.copy_within(from..from + len, to);
    }

    /// Where row `h` of plane `p` starts, both counted with the padding. A row starts `radius` columns before the tile.
    pub(super) fn row_start(&self, p: usize, h: usize) -> usize {
        p % self.planes * self.plane + h * self.pitch
    }

    /// The distance in memory between two rows that are `count` rows apart.
    pub(super) fn rows(&self, count: usize) -> usize {
        count * self.pitch
    }

    /// The planes that are loaded; [`row_start`](Self::row_start) says where.
    pub(super) fn indices(&self) -> &[I] {
        &self.indices
    }

    /// Row `h` of plane `p`.
    pub(super) fn row(&self, p: usize, h: usize) -> &[I] {
        &self.indices[self.row_start(p, h)..][..self.pitch]
    }
}
