//! Sparse soft labels as a sequence of voxels.

use crate::SoftFloat;

/// [`SparseLabels`](super::SparseLabels) without the number of axes.
#[derive(Debug)]
pub struct FlatSparse<'a, F> {
    pub(super) class: &'a [u16],
    pub(super) uncertain: &'a [usize],
    pub(super) ends: &'a [usize],
    pub(super) pair_class: &'a [u16],
    pub(super) pair_probability: &'a [F],
    pub(super) one: F,
}

impl<F: SoftFloat> FlatSparse<'_, F> {
    /// Writes the probabilities of the voxels `at..at + len` to `values`, which must be zero. It has one array of N voxels
    /// for each class.
    pub(crate) fn write<const N: usize>(&self, values: &mut [[F; N]], at: usize, len: usize) {
        for (i, &class) in self.class[at..at + len].iter().enumerate() {
            // The class of an ignored voxel is [`NONE`](super::NONE), which is past the end of `values`.
            if let Some(values) = values.get_mut(usize::from(class)) {
                values[i] = self.one;
            }
        }
        let first = self.uncertain.partition_point(|&voxel| voxel < at);
        for (entry, &voxel) in self.uncertain.iter().enumerate().skip(first) {
            if voxel >= at + len {
                break;
            }
            // Its most probable class, which was set above, is among the pairs.
            let i = voxel - at;
            let start = entry.checked_sub(1).map_or(0, |before| self.ends[before]);
            for pair in start..self.ends[entry] {
                values[usize::from(self.pair_class[pair])][i] = self.pair_probability[pair];
            }
        }
    }
}
