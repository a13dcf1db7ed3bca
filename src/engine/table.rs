//! Look-up table from counts of neighbours to probabilities.

use super::block_loops::{self, PerVoxel};
use super::stencil::{Shell, Stencil};
use super::{BLOCK, Smoothing};
use crate::SoftFloat;

/// The value for every combination of counts of one rater.
#[derive(Debug)]
pub(super) struct Table<F> {
    /// By how much one more voxel of each shell advances the index.
    strides: Vec<u16>,
    /// The index if all voxels are found.
    pub(super) full: u16,
    pub(super) values: Box<[F; LEN]>,
}

/// No more values than this: a table should stay in the first-level cache.
const LEN: usize = 1 << 12;

impl<F: SoftFloat> Table<F> {
    pub(super) fn new(smoothing: &Smoothing, stencil: &Stencil) -> Option<Self> {
        let (mut weights, mut strides) = (vec![0.0], Vec::new());
        for Shell { weight, voxels, .. } in &stencil.shells {
            strides.push(u16::try_from(weights.len()).ok()?);
            if weights.len() * (voxels + 1) > LEN {
                return None;
            }
            weights = (0..=*voxels)
                .flat_map(|n| weights.iter().map(move |sum| sum + weight * n as f64))
                .collect();
        }
        let full = u16::try_from(weights.len() - 1).ok()?;
        let mut values = Box::new([F::zero(); LEN]);
        values
            .iter_mut()
            .zip(weights)
            .for_each(|(value, weight)| *value = smoothing.value(weight / stencil.full));
        Some(Self { strides, full, values })
    }

    /// The index into `values` for each voxel of a block, from the counts of the row groups.
    pub(super) fn indices(&self, shells: &[Shell], counts: &[u8]) -> PerVoxel<u16> {
        let mut indices = [0; BLOCK];
        let starts = shells.iter().map(|shell| shell.starts.as_slice());
        block_loops::table_indices(&mut indices, counts, self.strides.iter().copied().zip(starts));
        indices
    }
}
