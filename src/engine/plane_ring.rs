//! A ring buffer of padded planes of class indices, so that later steps need no border checks.

use ndarray::{ArrayView3, Axis, Slice};

use super::index::{ClassIndex, LabelIndexer};
use super::tiles::Tile;
use super::transpose::TransposeBuffer;
use super::volumes::UnknownLabel;
use super::{BLOCK, SPAN};
use crate::Label;

/// The 2r+1 planes of one rater's label map that one plane of the result needs.
///
/// Going to the next plane loads one plane, in place of the oldest. Rows and columns around the tile are those of the
/// label map; borders are padded with the nearest voxel. Rows are a whole number of blocks with `radius` columns on each
/// side; the columns after the tile's halo repeat its last voxel.
#[derive(Debug)]
pub(super) struct PlaneRing<I> {
    tile: Tile,
    radius: [usize; 3],
    /// Length of a row, and of a plane.
    pitch: usize,
    plane: usize,
    indices: Vec<I>,
    /// Where the planes are read from, if not from the label map itself.
    transpose: Option<TransposeBuffer<I>>,
    /// Planes loaded so far; plane `p` is the label map's plane `start + p - radius`.
    loaded: usize,
}

impl<I: ClassIndex> PlaneRing<I> {
    pub(super) fn new(tile: Tile, radius: [usize; 3]) -> Self {
        // The last block is counted by whole spans, too.
        let pitch = tile.size[2].next_multiple_of(BLOCK) - BLOCK + (BLOCK + 2 * radius[2]).next_multiple_of(SPAN);
        let plane = pitch * (tile.size[1] + 2 * radius[1]);
        Self {
            tile,
            radius,
            pitch,
            plane,
            indices: vec![I::IGNORED; plane * (2 * radius[0] + 1)],
            transpose: None,
            loaded: 0,
        }
    }

    /// Loads plane `d` of the tile and its neighbours; `d` is 0 first and then one more each time.
    pub(super) fn advance<L: Label>(
        &mut self,
        d: usize,
        labels: &ArrayView3<'_, L>,
        indexer: &LabelIndexer<L, I>,
    ) -> Result<(), UnknownLabel> {
        while self.loaded <= d + 2 * self.radius[0] {
            self.load(labels, indexer)?;
            self.loaded += 1;
        }
        Ok(())
    }

    fn load<L: Label>(&mut self, labels: &ArrayView3<'_, L>, indexer: &LabelIndexer<L, I>) -> Result<(), UnknownLabel> {
        let [depth, height, width] = [0, 1, 2].map(|axis| labels.len_of(Axis(axis)));
        let (radius, start, size) = (self.radius, self.tile.start, self.tile.size);
        let plane_start = self.row_start(self.loaded, 0);
        let d = nearest(start[0] + self.loaded, radius[0], depth);
        let plane = labels.index_axis(Axis(0), d);

        // The rows and columns that exist, and where the columns go in a row.
        let exist = |axis: usize, len: usize| {
            start[axis].saturating_sub(radius[axis])..(start[axis] + size[axis] + radius[axis]).min(len)
        };
        let (rows, columns) = (exist(1, height), exist(2, width));
        let at = columns.start + radius[2] - start[2];
        let end = at + columns.len();
        if self.loaded == 0 {
            self.transpose = TransposeBuffer::of(labels, rows, columns.clone());
        }
        if let Some(buffer) = &mut self.transpose {
            buffer.read(d, labels, indexer)?;
        }

        for (row, padded) in self.indices[plane_start..][..self.plane]
            .chunks_exact_mut(self.pitch)
            .enumerate()
        {
            let h = nearest(start[1] + row, radius[1], height);
            match &self.transpose {
                Some(buffer) => padded[at..end].copy_from_slice(buffer.row(d, h)),
                None => {
                    let voxels = plane.index_axis(Axis(0), h);
                    let voxels = voxels.slice_axis(Axis(0), Slice::from(columns.clone()));
                    indexer.index(&voxels, &mut padded[at..end])?;
                }
            }
            let (first, last) = (padded[at], padded[end - 1]);
            padded[..at].fill(first);
            padded[end..].fill(last);
        }
        Ok(())
    }

    /// Where row `h` of plane `p` starts, both counted with the padding. A row starts `radius` columns before the tile.
    pub(super) fn row_start(&self, p: usize, h: usize) -> usize {
        p % (2 * self.radius[0] + 1) * self.plane + h * self.pitch
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

/// The voxel on an axis of length `len` that is nearest to `padded - radius`.
fn nearest(padded: usize, radius: usize, len: usize) -> usize {
    padded.saturating_sub(radius).min(len - 1)
}
