//! The surface elements of a mask.

use ndarray::{ArrayView1, ArrayView3, Axis};

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
        let mut all = Vec::new();
        if mask.is_empty() {
            return Self { all };
        }
        // A row that is outside of the mask, or empty, is none.
        let row = |d: usize, h: usize| -> Option<ArrayView1<'_, bool>> {
            let inside = d < depth && h < height;
            let row = inside.then(|| mask.view().index_axis_move(Axis(0), d).index_axis_move(Axis(0), h))?;
            row.iter().any(|&inside| inside).then_some(row)
        };
        let rows: Vec<_> = (0..depth).flat_map(|d| (0..height).map(move |h| row(d, h))).collect();
        let row = |d: usize, h: usize| {
            let there = d < depth && h < height;
            if there {
                rows[d * height + h].as_ref().and_then(ArrayView1::to_slice)
            } else {
                None
            }
        };
        for d in 0..if flat { depth } else { depth + 1 } {
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
        }
        Self { all }
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
