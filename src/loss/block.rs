//! Voxels that are computed together.

use std::ops::Range;

use super::elementary::BLOCK;
use crate::common::parallel;

/// A range of voxels of a sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) sample: usize,
    pub(super) start: usize,
    pub(super) len: usize,
}

impl Block {
    /// The blocks of a piece that are computed at once, each with the range of its voxels within the piece.
    pub(super) fn blocks(self) -> impl Iterator<Item = (Self, Range<usize>)> {
        parallel::pieces(self.len, BLOCK).map(move |range| {
            let block = Self {
                start: self.start + range.start,
                len: range.len(),
                ..self
            };
            (block, range)
        })
    }
}
