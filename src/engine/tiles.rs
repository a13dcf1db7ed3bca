//! Cuts the work into tiles: for threads, and in 2D so that a tile's label plane stays in the cache.
//!
//! Tiles are windows of the result, so their values do not depend on the cuts.

use std::ops::Range;

use ndarray::{ArrayViewMut4, Axis};

use super::BLOCK;
use crate::common::parallel;

/// Rows of a 2D map that are encoded together.
const BAND: usize = 128;

/// Class indices that are read together, where this is more than a plane.
const INDICES: usize = 1 << 21;

/// Rows above and below are read again for each band of rows, so there are at least so many in one.
const FEWEST_ROWS: usize = 32;

/// A box of voxels on the axes D, H, W.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tile {
    pub(crate) start: [usize; 3],
    pub(crate) size: [usize; 3],
}

impl Tile {
    /// A window, which has been checked.
    pub(crate) fn of_window(window: &[Range<usize>]) -> Self {
        let mut tile = Self {
            start: [0; 3],
            size: [1; 3],
        };
        for (axis, range) in (3 - window.len()..).zip(window) {
            tile.start[axis] = range.start;
            tile.size[axis] = range.len();
        }
        tile
    }

    pub(super) fn voxels(&self) -> usize {
        self.size.iter().product()
    }

    /// The axis to cut along, and how many planes or rows a tile has then.
    fn cut(self, threads: usize) -> (usize, usize) {
        let [depth, height, _] = self.size;
        if depth > 1 {
            (0, depth.div_ceil(threads))
        } else {
            (1, height.div_ceil(threads).min(BAND))
        }
    }

    /// How many of its rows to encode together, if so many planes are read together: the class indices should stay in the
    /// second-level cache.
    pub(super) fn rows_at_once(&self, planes: usize) -> usize {
        if planes == 1 || self.size[0] == 1 {
            return self.size[1];
        }
        let row = planes.min(self.size[0]) * self.size[2].next_multiple_of(BLOCK);
        (INDICES / row).max(FEWEST_ROWS)
    }

    /// The part of it that begins so far along an axis.
    pub(super) fn part(mut self, axis: usize, start: usize, len: usize) -> Self {
        self.start[axis] += start;
        self.size[axis] = len;
        self
    }
}

/// Works on each part of a tile, with the part of `out` (C, D, H, W) that belongs to it.
pub(super) fn for_each_with_output<F: Send>(
    tile: Tile,
    mut out: ArrayViewMut4<'_, F>,
    work: impl Fn(Tile, ArrayViewMut4<'_, F>) + Sync + Send,
) {
    let threads = threads(out.len());
    let (axis, len) = tile.cut(threads);
    let tiles = out.axis_chunks_iter_mut(Axis(1 + axis), len).enumerate();
    let tiles = tiles.map(|(i, out)| (tile.part(axis, i * len, out.len_of(Axis(1 + axis))), out));
    run(threads, tiles, work);
}

/// Cuts a tile, the voxels of each part before those of the next.
pub(super) fn cut(tile: Tile) -> Vec<Tile> {
    let (axis, len) = tile.cut(threads(tile.voxels()));
    let starts = (0..tile.size[axis]).step_by(len);
    starts
        .map(|start| tile.part(axis, start, len.min(tile.size[axis] - start)))
        .collect()
}

/// Works on each tile of a larger one as [`cut`] cuts it, with what belongs to it.
pub(super) fn for_each<T: Send>(tiles: Vec<(Tile, T)>, work: impl Fn(Tile, T) + Sync + Send) {
    let voxels = tiles.iter().map(|(tile, _)| tile.voxels()).sum();
    run(threads(voxels), tiles.into_iter(), work);
}

/// Below this many values there is one thread. With half as many values two threads are as fast as one; with twice as many
/// they are a quarter faster.
const VALUES_FOR_A_THREAD: usize = 1 << 18;

/// How many threads to use for this many values.
fn threads(values: usize) -> usize {
    parallel::threads(values)
        .min(values.div_ceil(VALUES_FOR_A_THREAD))
        .max(1)
}

fn run<T: Send>(threads: usize, tiles: impl Iterator<Item = (Tile, T)>, work: impl Fn(Tile, T) + Sync + Send) {
    // If there are several threads, every tile is large enough for a thread of its own.
    let nanoseconds = if threads > 1 { usize::MAX } else { 0 };
    parallel::for_each(nanoseconds, tiles, |(tile, part)| work(tile, part));
}
