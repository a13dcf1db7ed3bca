//! The surface elements of a mask.

use ndarray::{ArrayView3, Axis};

use crate::common::parallel;

/// A surface element: a point of the dual grid and its area.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surfel {
    pub(super) at: [usize; 3],
    pub(super) area: f64,
}

/// All surface elements of a mask, in the order of the axes.
#[derive(Debug, Clone)]
pub(super) struct Surfels {
    pub(super) all: Vec<Surfel>,
}

impl Surfels {
    /// Finds the surface of a mask in standard order, given the area of each code; in 2D, `flat`, a code is of 4 pixels.
    pub(super) fn find(mask: &ArrayView3<'_, bool>, areas: &[f64], flat: bool) -> Self {
        let (depth, height, width) = mask.dim();
        if mask.is_empty() {
            return Self { all: Vec::new() };
        }
        let threads = parallel::threads(mask.len());
        // A row without any voxel of the mask is none.
        let rows = parallel::map(threads, (0..depth).collect(), |d| {
            let plane = mask.index_axis(Axis(0), d);
            let row = |h| plane.index_axis_move(Axis(0), h).to_slice();
            let rows = (0..height).map(|h| row(h).filter(|row| row.contains(&true)));
            rows.collect::<Vec<_>>()
        });
        let planes = if flat { depth } else { depth + 1 };
        let all = parallel::map(threads, (0..planes).collect(), |d| {
            let row = |d: usize, h: usize| rows.get(d)?.get(h).copied().flatten();
            let mut all = Vec::new();
            for h in 0..=height {
                // The rows on both sides, from the highest pair of bits of a code to the lowest.
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
                    continue;
                }
                let mut left = 0;
                for w in 0..=width {
                    let right = if w < width { column(&around, w) } else { 0 };
                    let area = areas[usize::from(left << 1 | right)];
                    if area > 0.0 {
                        all.push(Surfel { at: [d, h, w], area });
                    }
                    left = right;
                }
            }
            all
        });
        Self { all: all.concat() }
    }

    pub(super) fn area(&self) -> f64 {
        // An empty sum is -0.
        0.0 + self.all.iter().map(|surfel| surfel.area).sum::<f64>()
    }
}

/// The voxels of four rows in a column, as every second bit of a code.
fn column(rows: &[Option<&[bool]>; 4], w: usize) -> u8 {
    rows.iter()
        .fold(0, |code, row| code << 2 | u8::from(row.is_some_and(|row| row[w])))
}
