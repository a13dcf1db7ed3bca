//! Reads label maps in Fortran order, whose planes are not contiguous in memory.

use std::ops::Range;

use ndarray::{ArrayView3, Axis, Slice};

use super::index::{ClassIndex, LabelIndexer};
use super::volumes::UnknownLabel;
use crate::Label;

/// Planes that are read together: half a cache line of 8-bit labels.
const PLANES: usize = 32;

/// Class indices of the next planes of a label map whose first axis is contiguous in memory.
///
/// To read one plane touches all of the label map's memory, so a few planes are read together.
#[derive(Debug)]
pub(super) struct TransposeBuffer<I> {
    rows: Range<usize>,
    columns: Range<usize>,
    planes: Range<usize>,
    /// By plane, row and column.
    indices: Vec<I>,
}

impl<I: ClassIndex> TransposeBuffer<I> {
    /// A buffer for these rows and columns of a label map, if its layout needs one.
    pub(super) fn of<L>(labels: &ArrayView3<'_, L>, rows: Range<usize>, columns: Range<usize>) -> Option<Self> {
        let stride = |axis| labels.stride_of(Axis(axis));
        let needed = stride(0) == 1 && stride(2) != 1 && labels.len_of(Axis(0)) > 1;
        needed.then(|| Self {
            rows,
            columns,
            planes: 0..0,
            indices: Vec::new(),
        })
    }

    /// Reads plane `d`, and some after it, unless it is there.
    pub(super) fn read<L: Label>(
        &mut self,
        d: usize,
        labels: &ArrayView3<'_, L>,
        indexer: &LabelIndexer<L, I>,
    ) -> Result<(), UnknownLabel> {
        if self.planes.contains(&d) {
            return Ok(());
        }
        self.planes = d..(d + PLANES).min(labels.len_of(Axis(0)));
        let (height, width) = (self.rows.len(), self.columns.len());
        self.indices.resize(PLANES * height * width, I::IGNORED);
        let mut indices = [I::IGNORED; PLANES];
        let indices = &mut indices[..self.planes.len()];
        for (w, column) in self.columns.clone().enumerate() {
            let column = labels.index_axis(Axis(2), column);
            for (h, row) in self.rows.clone().enumerate() {
                let voxels = column.index_axis(Axis(1), row);
                let voxels = voxels.slice_axis(Axis(0), Slice::from(self.planes.clone()));
                indexer.index(&voxels, indices)?;
                for (plane, &index) in self.indices.chunks_exact_mut(height * width).zip(&*indices) {
                    plane[h * width + w] = index;
                }
            }
        }
        Ok(())
    }

    /// A row of plane `d`, which has been read.
    pub(super) fn row(&self, d: usize, h: usize) -> &[I] {
        let (height, width) = (self.rows.len(), self.columns.len());
        &self.indices[((d - self.planes.start) * height + h - self.rows.start) * width..][..width]
    }
}
