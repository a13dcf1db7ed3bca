//! Cuts the work into tiles: for threads, and in 2D so that a tile's label plane stays in the cache.
//!
//! Tiles are windows of the result, so their values do not depend on the cuts.

use std::ops::Range;

use ndarray::{ArrayViewMut4, Axis};

use super::volumes::UnknownLabel;
use crate::common::parallel;

/// Rows of a 2D map that are encoded together.
const BAND: usize = 128;

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

    /// The part of it that begins so far along an axis.
    fn part(mut self, axis: usize, start: usize, len: usize) -> Self {
        self.start[axis] += start;
        self.size[axis] = len;
        self
    }
}

/// Encodes each tile of a larger one, with the part of `out` (C, D, H, W) that belongs to it.
pub(super) fn for_each_with_output<F: Send>(
    tile: Tile,
    mut out: ArrayViewMut4<'_, F>,
    encode: impl Fn(Tile, ArrayViewMut4<'_, F>) -> Result<(), UnknownLabel> + Sync + Send,
) -> Result<(), UnknownLabel> {
    let threads = threads(out.len());
    let (axis, len) = tile.cut(threads);
    let tiles = out.axis_chunks_iter_mut(Axis(1 + axis), len).enumerate();
    let tiles = tiles.map(|(i, out)| (tile.part(axis, i * len, out.len_of(Axis(1 + axis))), out));
    run(threads, tiles, encode)
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
pub(super) fn for_each<T: Send>(
    tiles: Vec<(Tile, T)>,
    work: impl Fn(Tile, T) -> Result<(), UnknownLabel> + Sync + Send,
) -> Result<(), UnknownLabel> {
    let voxels = tiles.iter().map(|(tile, _)| tile.voxels()).sum();
    run(threads(voxels), tiles.into_iter(), work)
}

/// Below this many values there is one thread. With half as many values two threads are as fast as one; with twice as many
/// they are a quarter faster.
const WORTH_A_THREAD: usize = 1 << 18;

/// How many threads to use for this many values.
fn threads(values: usize) -> usize {
    parallel::threads(values).min(values.div_ceil(WORTH_A_THREAD)).max(1)
}

fn run<T: Send>(
    threads: usize,
    tiles: impl Iterator<Item = (Tile, T)>,
    work: impl Fn(Tile, T) -> Result<(), UnknownLabel> + Sync + Send,
) -> Result<(), UnknownLabel> {
    // If there are several threads, every tile is large enough for a thread of its own.
    let nanoseconds = if threads > 1 { usize::MAX } else { 0 };
    let results = parallel::map(nanoseconds, tiles, |(tile, part)| work(tile, part));
    results.into_iter().collect()
}
