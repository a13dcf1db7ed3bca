//! The loops that have to become vector code.
//!
//! They are functions of their own, over arrays of fixed length: fused with their surroundings, or over slices, the
//! compiler makes scalar code of them, which is several times slower. After a change look at the assembly.

use std::array::from_fn;
use std::ops::{AddAssign, SubAssign};

use super::{BLOCK, SPAN};

/// Voxels of half a block: as many 8-bit class indices as one vector register holds.
const HALF_BLOCK: usize = 16;

/// One number for each voxel of a block.
pub(super) type PerVoxel<T> = [T; BLOCK];

/// For each group of rows and each column of its spans, in how many of the rows the class index fits; added to `counts`.
#[inline(never)]
pub(super) fn count_rows<I: Copy>(
    counts: &mut [[u8; SPAN]],
    spans: usize,
    ring: &[I],
    groups: &[Vec<usize>],
    at: usize,
    fits: impl Fn(I) -> bool + Copy,
) {
    for (counts, rows) in counts.chunks_exact_mut(spans).zip(groups) {
        for (column, counts) in (at..).step_by(SPAN).zip(counts) {
            let mut sum = *counts;
            for row in rows {
                let indices = &ring[row + column..][..SPAN];
                for i in 0..SPAN {
                    sum[i] += u8::from(fits(indices[i]));
                }
            }
            *counts = sum;
        }
    }
}

/// The sum of the blocks of `counts` that begin at `starts`.
#[inline(never)]
pub(super) fn sum_at(counts: &[u8], starts: &[usize]) -> PerVoxel<u8> {
    let (left, right) = halves_at(counts, starts);
    from_fn(|i| if i < HALF_BLOCK { left[i] } else { right[i - HALF_BLOCK] })
}

#[inline(always)]
fn halves_at(counts: &[u8], starts: &[usize]) -> ([u8; HALF_BLOCK], [u8; HALF_BLOCK]) {
    let (mut left, mut right) = ([0; HALF_BLOCK], [0; HALF_BLOCK]);
    for &start in starts {
        let block = &counts[start..][..BLOCK];
        left = from_fn(|i| left[i] + block[i]);
        right = from_fn(|i| right[i] + block[HALF_BLOCK + i]);
    }
    (left, right)
}

/// Adds `factor` times the counts.
#[inline(never)]
pub(super) fn add_weighted(sum: &mut PerVoxel<f64>, factor: f64, counts: &PerVoxel<u8>) {
    for i in 0..BLOCK {
        sum[i] += factor * f64::from(counts[i]);
    }
}

/// The table index of each voxel: the sum over all shells of stride times count. [`sum_at`] explains the starts.
#[inline(never)]
pub(super) fn table_indices<'a>(
    indices: &mut PerVoxel<u16>,
    counts: &[u8],
    shells: impl Iterator<Item = (u16, &'a [usize])>,
) {
    let mut sum = [0; BLOCK];
    for (stride, starts) in shells {
        let (left, right) = halves_at(counts, starts);
        let mut wide = [0; BLOCK];
        wide[..HALF_BLOCK]
            .iter_mut()
            .zip(&left)
            .for_each(|(wide, &count)| *wide = u16::from(count));
        wide[HALF_BLOCK..]
            .iter_mut()
            .zip(&right)
            .for_each(|(wide, &count)| *wide = u16::from(count));
        sum.iter_mut().zip(wide).for_each(|(sum, wide)| *sum += stride * wide);
    }
    *indices = sum;
}

/// Adds `some` to `to`, voxel by voxel.
#[inline]
pub(super) fn add<T: Copy + AddAssign>(to: &mut PerVoxel<T>, some: &PerVoxel<T>) {
    to.iter_mut().zip(some).for_each(|(to, some)| *to += *some);
}

/// Subtracts `some` from `from`, voxel by voxel.
#[inline]
pub(super) fn subtract<T: Copy + SubAssign>(from: &mut PerVoxel<T>, some: &PerVoxel<T>) {
    from.iter_mut().zip(some).for_each(|(from, some)| *from -= *some);
}

/// The entries of a table, whose length is a power of two.
#[inline(never)]
pub(super) fn look_up<F: Copy, const N: usize>(values: &mut PerVoxel<F>, indices: &PerVoxel<u16>, table: &[F; N]) {
    values
        .iter_mut()
        .zip(indices)
        .for_each(|(value, &index)| *value = table[usize::from(index) % N]);
}
