//! The edge voxels of a mask.

use ndarray::ArrayView3;

use super::surfels::{Surfel, Surfels};
use crate::Result;

/// Finds the voxels of a mask in C order that have a neighbour outside, of the two on each axis; in 2D, `flat`, on the axes H
/// and W. Each counts 1.
///
/// # Errors
/// [`Error::TooLarge`](crate::Error::TooLarge) if they do not fit in memory.
pub(super) fn find(mask: &ArrayView3<'_, bool>, flat: bool) -> Result<Surfels> {
    let (depth, height, width) = mask.dim();
    let Some(voxels) = mask.to_slice().filter(|voxels| !voxels.is_empty()) else {
        return Ok(Surfels { all: Vec::new() });
    };
    // Outside of the mask there is nothing.
    let row = |d: usize, h: usize| {
        let at = (d < depth && h < height).then(|| d * height + h)?;
        Some(&voxels[at * width..][..width])
    };
    Surfels::of_rows(mask, depth * height, |at, surfels| {
        let (d, h) = (at / height, at % height);
        let Some(here) = row(d, h).filter(|row| row.contains(&true)) else {
            return Some(());
        };
        surfels.try_reserve(width).ok()?;
        let around = [
            row(d, h.wrapping_sub(1)),
            row(d, h + 1),
            row(d.wrapping_sub(1), h),
            row(d + 1, h),
        ];
        let around = if flat { &around[..2] } else { &around[..] };
        for w in (0..width).filter(|&w| here[w]) {
            let before = w > 0 && here[w - 1];
            let after = w + 1 < width && here[w + 1];
            let within = before && after && around.iter().all(|row| row.is_some_and(|row| row[w]));
            if !within {
                surfels.push(Surfel {
                    at: [d, h, w],
                    area: 1.0,
                });
            }
        }
        Some(())
    })
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, array};

    use super::*;

    fn places(mask: &Array3<bool>, flat: bool) -> Vec<[usize; 3]> {
        find(&mask.view(), flat)
            .unwrap()
            .all
            .iter()
            .map(|voxel| voxel.at)
            .collect()
    }

    #[test]
    fn a_voxel_within_is_none() {
        let cube = Array3::from_elem((3, 3, 3), true);
        assert_eq!(places(&cube, false).len(), 26);
        let mut larger = Array3::from_elem((5, 5, 5), true);
        larger[[2, 2, 1]] = false; // a hole within has an edge as well
        assert_eq!(places(&larger, false).len(), 5 * 5 * 5 - 3 * 3 * 3 + 5);
    }

    /// Corners are not asked, and in 2D the slices beside neither.
    #[test]
    fn neighbours_share_a_face() {
        let plus = array![[[true, true, true], [true, true, true], [true, true, false]]];
        let (flat, deep) = (places(&plus, true), places(&plus, false));
        assert!(!flat.contains(&[0, 1, 1]));
        assert_eq!((flat.len(), deep.len()), (7, 8));
    }

    #[test]
    fn nothing_has_no_edge() {
        assert!(places(&Array3::from_elem((2, 3, 4), false), false).is_empty());
        assert!(places(&Array3::from_elem((2, 0, 4), true), false).is_empty());
    }
}
