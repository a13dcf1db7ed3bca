//! The arrays that sparse soft labels consist of.

use crate::SoftFloat;

/// The arrays that [`SparseLabels`](super::SparseLabels) consist of, to write them to a file, to hand them to other code, or to
/// make soft labels of them again with [`SparseLabels::from_parts`](super::SparseLabels::from_parts).
///
/// `ends` and the pairs are the rows of a sparse matrix in CSR form: `[0] + ends` are its row pointers, `pair_class` its
/// columns.
///
/// ```
/// use ndarray::array;
/// use soft_labels::{Classes, Svls};
/// use soft_labels::sparse::{self, SparseLabels};
///
/// let classes = Classes::contiguous(9)?;
/// let sparse: SparseLabels<f32, _> = sparse::encode(&Svls::default(), &array![[0_u8, 0, 0, 7, 7, 7]], &classes)?;
/// let parts = sparse.parts();
/// assert_eq!(parts.class, [0, 0, 0, 7, 7, 7]);
/// assert_eq!(parts.uncertain, [2, 3]);
/// assert_eq!(parts.ends, [2, 4]);
/// assert_eq!(parts.pair_class, [0, 7, 0, 7]);
/// assert_eq!(parts.pair_probability.len(), 4);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SparseParts<'a, F> {
    /// The most probable class of each voxel in C order, the lowest of several; 65535 for ignored voxels.
    pub class: &'a [u16],
    /// The voxels where no class has probability 1, without the ignored ones, as indices into `class`, ascending.
    pub uncertain: &'a [usize],
    /// For each uncertain voxel, where its pairs end. They begin where those of the one before end.
    pub ends: &'a [usize],
    /// The class of each pair.
    pub pair_class: &'a [u16],
    /// The probability of each pair.
    pub pair_probability: &'a [F],
}

impl<F: SoftFloat> SparseParts<'_, F> {
    /// Writes the probabilities of the voxels `at..at + len` to `values`, which must be zero. It has one array of N voxels
    /// for each class.
    pub(crate) fn write<const N: usize>(&self, values: &mut [[F; N]], at: usize, len: usize) {
        let one = F::round_from(1.0);
        for (i, &class) in self.class[at..at + len].iter().enumerate() {
            // The class of an ignored voxel is [`NONE`](super::NONE), which is past the end of `values`.
            if let Some(values) = values.get_mut(usize::from(class)) {
                values[i] = one;
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
