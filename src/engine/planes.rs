//! A few planes of class indices at a time, padded so that nothing behind them asks about borders.

use ndarray::{ArrayView3, Axis, Slice};

use super::index::{ClassIndex, Translator};
use super::stage::Stage;
use super::{BLOCK, Frame, SPAN, UnknownLabel};
use crate::Label;

/// The 2r+1 planes of one rater's label map that one plane of the result needs.
///
/// It is a ring: going to the next plane loads one. Rows and columns around the frame are those of the label map, and
/// past its borders the nearest voxel's (replicate padding). Rows are a whole number of blocks with `radius` columns
/// on each side; what lies past the frame's own halo repeats its last voxel.
#[derive(Debug)]
pub(super) struct LabelPlanes<I> {
    frame: Frame,
    radius: [usize; 3],
    /// Length of a row, and of a plane.
    pitch: usize,
    plane: usize,
    ring: Vec<I>,
    /// Where the planes come from, if not from the label map itself.
    stage: Option<Stage<I>>,
    /// Planes loaded so far; plane `p` is the label map's plane `start + p - radius`.
    loaded: usize,
}

impl<I: ClassIndex> LabelPlanes<I> {
    pub(super) fn new(frame: Frame, radius: [usize; 3]) -> Self {
        // The last block is counted by whole spans, too.
        let pitch = frame.size[2].next_multiple_of(BLOCK) - BLOCK + (BLOCK + 2 * radius[2]).next_multiple_of(SPAN);
        let plane = pitch * (frame.size[1] + 2 * radius[1]);
        Self {
            frame,
            radius,
            pitch,
            plane,
            ring: vec![I::IGNORED; plane * (2 * radius[0] + 1)],
            stage: None,
            loaded: 0,
        }
    }

    /// Makes plane `d` of the frame and its neighbours available; `d` is 0 first and then one more each time.
    pub(super) fn advance<L: Label>(
        &mut self,
        d: usize,
        labels: &ArrayView3<'_, L>,
        translator: &Translator<L, I>,
    ) -> Result<(), UnknownLabel> {
        while self.loaded <= d + 2 * self.radius[0] {
            self.load(labels, translator)?;
            self.loaded += 1;
        }
        Ok(())
    }

    fn load<L: Label>(
        &mut self,
        labels: &ArrayView3<'_, L>,
        translator: &Translator<L, I>,
    ) -> Result<(), UnknownLabel> {
        let [depth, height, width] = [0, 1, 2].map(|axis| labels.len_of(Axis(axis)));
        let (radius, start, size) = (self.radius, self.frame.start, self.frame.size);
        let place = self.place(self.loaded, 0);
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
            self.stage = Stage::of(labels, rows, columns.clone());
        }
        if let Some(stage) = &mut self.stage {
            stage.show(d, labels, translator)?;
        }

        for (row, padded) in self.ring[place..][..self.plane]
            .chunks_exact_mut(self.pitch)
            .enumerate()
        {
            let h = nearest(start[1] + row, radius[1], height);
            match &self.stage {
                Some(stage) => padded[at..end].copy_from_slice(stage.row(d, h)),
                None => {
                    let voxels = plane.index_axis(Axis(0), h);
                    let voxels = voxels.slice_axis(Axis(0), Slice::from(columns.clone()));
                    translator.translate(&voxels, &mut padded[at..end])?;
                }
            }
            let (first, last) = (padded[at], padded[end - 1]);
            padded[..at].fill(first);
            padded[end..].fill(last);
        }
        Ok(())
    }

    /// Where plane `p` holds its row `h`, both counted with the padding. A row starts `radius` columns before the frame.
    pub(super) fn place(&self, p: usize, h: usize) -> usize {
        p % (2 * self.radius[0] + 1) * self.plane + h * self.pitch
    }

    /// From a place to that as many rows further.
    pub(super) fn rows(&self, count: usize) -> usize {
        count * self.pitch
    }

    /// The planes that are loaded, to be read by [`place`](Self::place).
    pub(super) fn ring(&self) -> &[I] {
        &self.ring
    }

    /// Row `h` of plane `p`.
    pub(super) fn row(&self, p: usize, h: usize) -> &[I] {
        &self.ring[self.place(p, h)..][..self.pitch]
    }
}

/// The voxel on an axis of length `len` that is nearest to `padded - radius`.
fn nearest(padded: usize, radius: usize, len: usize) -> usize {
    padded.saturating_sub(radius).min(len - 1)
}
