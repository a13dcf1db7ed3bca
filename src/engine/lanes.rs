//! The loops that have to become vector code.
//!
//! They are functions of their own, over arrays of fixed length: fused with their surroundings, or over slices, the
//! compiler makes scalar code of them, which is several times slower. After a change look at the assembly.

use std::array::from_fn;

use super::{BLOCK, SPAN};

/// Class indices to a vector register.
const LANES: usize = 16;

/// One number for each voxel of a block.
pub(super) type Lanes<T> = [T; BLOCK];

/// Adds to each column of a span in how many of the rows the class index fits.
#[inline(never)]
pub(super) fn count_rows<I: Copy>(
    counts: &mut [u8; SPAN],
    ring: &[I],
    rows: &[usize],
    at: usize,
    fits: impl Fn(I) -> bool,
) {
    let mut sum = *counts;
    for row in rows {
        let indices = &ring[row + at..][..SPAN];
        for i in 0..SPAN {
            sum[i] += u8::from(fits(indices[i]));
        }
    }
    *counts = sum;
}

/// The sum of the blocks of counts that start at some places.
#[inline(never)]
pub(super) fn sum_at(counts: &[u8], places: &[usize]) -> Lanes<u8> {
    let (mut left, mut right) = ([0; LANES], [0; LANES]);
    for &place in places {
        let block = &counts[place..][..BLOCK];
        left = from_fn(|i| left[i] + block[i]);
        right = from_fn(|i| right[i] + block[LANES + i]);
    }
    from_fn(|i| if i < LANES { left[i] } else { right[i - LANES] })
}

/// Adds `factor` times the counts.
#[inline(never)]
pub(super) fn add_weighted(sum: &mut Lanes<f64>, factor: f64, counts: &Lanes<u8>) {
    for i in 0..BLOCK {
        sum[i] += factor * f64::from(counts[i]);
    }
}

/// Adds `factor` times the counts, whole numbers.
#[inline(never)]
pub(super) fn add_scaled(sum: &mut Lanes<u16>, factor: u16, counts: &Lanes<u8>) {
    let mut wide = [0; BLOCK];
    wide.iter_mut()
        .zip(counts)
        .for_each(|(wide, &count)| *wide = u16::from(count));
    sum.iter_mut().zip(wide).for_each(|(sum, wide)| *sum += factor * wide);
}

/// The lowest and the highest of some class indices; `ends` if there are none.
#[inline(never)]
pub(super) fn extremes<I: Copy + Ord>(indices: &[I], ends: (I, I)) -> (I, I) {
    let (chunks, rest) = indices.as_chunks::<LANES>();
    let (mut lowest, mut highest) = ([ends.0; LANES], [ends.1; LANES]);
    for chunk in chunks {
        lowest = from_fn(|i| chunk[i].min(lowest[i]));
        highest = from_fn(|i| chunk[i].max(highest[i]));
    }
    let low = lowest.iter().chain(rest).fold(ends.0, |low, &index| index.min(low));
    let high = highest.iter().chain(rest).fold(ends.1, |high, &index| index.max(high));
    (low, high)
}
