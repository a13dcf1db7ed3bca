//! The surface elements of a mask.

use ndarray::ArrayView3;

use crate::common::parallel;
use crate::{Error, Result};

/// Number of voxels in a piece of rows.
const PIECE: usize = 1 << 16;

/// A surface element: a point of the dual grid and its area.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Surfel {
    pub(super) at: [usize; 3],
    pub(super) area: f64,
}

/// All surface elements of a mask, in the order of the axes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Surfels {
    pub(super) all: Vec<Surfel>,
}

impl Surfels {
    /// Finds the surface of a mask in C order, given the area of each code; in 2D, `flat`, a code is of 4 pixels.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if it does not fit in memory.
    pub(super) fn find(mask: &ArrayView3<'_, bool>, areas: &[f64], flat: bool) -> Result<Self> {
        let (depth, height, width) = mask.dim();
        let Some(voxels) = mask.to_slice().filter(|voxels| !voxels.is_empty()) else {
            return Ok(Self { all: Vec::new() });
        };
        let work = voxels.len() / 2;
        let is_empty = |row: &[bool]| !row.iter().fold(false, |any, &inside| any | inside);
        let lines = PIECE.div_ceil(width);
        let empty = parallel::map(work, voxels.chunks(lines * width), |rows| {
            rows.chunks(width).map(is_empty).collect::<Vec<_>>()
        });
        let empty = empty.concat();
        // A row that is outside of the mask, or empty, is none.
        let row = |d: usize, h: usize| {
            let at = (d < depth && h < height).then(|| d * height + h)?;
            (!empty[at]).then(|| &voxels[at * width..][..width])
        };
        // The rows of points of the dual grid, of which there is one more on each axis.
        let rows = if flat { depth } else { depth + 1 } * (height + 1);
        Self::of_rows(mask, rows, |at, surfels| {
            let (d, h) = (at / (height + 1), at % (height + 1));
            // The rows of voxels on both sides, from the highest pair of bits of a code to the lowest.
            let around = if flat {
                [None, None, row(d, h.wrapping_sub(1)), row(d, h)]
            } else {
                let before = d.wrapping_sub(1);
                [
                    row(before, h.wrapping_sub(1)),
                    row(before, h),
                    row(d, h.wrapping_sub(1)),
                    row(d, h),
                ]
            };
            if around.iter().all(Option::is_none) {
                return Some(());
            }
            surfels.try_reserve(width + 1).ok()?;
            let mut left = 0;
            for w in 0..=width {
                let right = if w < width { column(&around, w) } else { 0 };
                let area = areas[usize::from(left << 1 | right)];
                if area > 0.0 {
                    surfels.push(Surfel { at: [d, h, w], area });
                }
                left = right;
            }
            Some(())
        })
    }

    /// Those that a function adds for each of so many rows; it returns `None` if they do not fit in memory. The mask has voxels.
    pub(super) fn of_rows(
        mask: &ArrayView3<'_, bool>,
        rows: usize,
        add: impl Fn(usize, &mut Vec<Surfel>) -> Option<()> + Sync + Send,
    ) -> Result<Self> {
        let (_, _, width) = mask.dim();
        let pieces = parallel::pieces(rows, PIECE.div_ceil(width));
        let of_pieces = parallel::map(mask.len() / 2, pieces, |rows| {
            let mut surfels = Vec::new();
            for at in rows {
                add(at, &mut surfels)?;
            }
            Some(surfels)
        });
        let too_large = || Error::TooLarge {
            shape: mask.shape().to_vec(),
        };
        let of_pieces = of_pieces
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .ok_or_else(too_large)?;
        let mut all = Vec::new();
        let len = of_pieces.iter().map(Vec::len).sum();
        all.try_reserve_exact(len).map_err(|_| too_large())?;
        of_pieces.iter().for_each(|piece| all.extend_from_slice(piece));
        Ok(Self { all })
    }

    pub(super) fn area(&self) -> f64 {
        parallel::sum(1, &self.all, |surfel| surfel.area)
    }
}

/// The voxels of four rows in a column, as every second bit of a code.
fn column(rows: &[Option<&[bool]>; 4], w: usize) -> u8 {
    rows.iter()
        .fold(0, |code, row| code << 2 | u8::from(row.is_some_and(|row| row[w])))
}
