//! Sparse soft labels to `.npz`, several NumPy arrays in one file, and predictions from it.

mod read;

use std::io::Cursor;
use std::path::Path;

use ndarray::{Array1, ArrayViewD, IxDyn, arr0, aview1};
use ndarray_npy::{NpzWriter, WriteNpzError};
use soft_labels::sparse::SparseLabels;

pub(super) use self::read::prediction;
use crate::error::Fault;
use crate::limits::check_memory;

/// The arrays are those of `SparseParts`.
pub(super) fn write_sparse(path: &Path, sparse: &SparseLabels<f32, IxDyn>) -> Result<(), Fault> {
    let parts = sparse.parts();
    // The whole file, and wide copies of what is not as wide in memory.
    let bytes = 2 * parts.class.len() + 16 * (parts.uncertain.len() + parts.ends.len()) + 6 * parts.pair_class.len();
    let room = bytes.saturating_add(1 << 16);
    check_memory(2 * room as u64)?;
    let class = ArrayViewD::from_shape(sparse.shape(), parts.class)?;
    let wide = |values: &[usize]| values.iter().map(|&value| value as u64).collect::<Array1<_>>();
    let pack = || -> Result<Vec<u8>, WriteNpzError> {
        // In memory first: the library prints where it cannot finish a file.
        let mut npz = NpzWriter::new(Cursor::new(Vec::with_capacity(room)));
        npz.add_array("class", &class)?;
        npz.add_array("class_count", &arr0(sparse.class_count() as u64))?;
        npz.add_array("sums_to_one", &arr0(u64::from(sparse.is_distribution())))?;
        npz.add_array("uncertain", &wide(parts.uncertain))?;
        npz.add_array("ends", &wide(parts.ends))?;
        npz.add_array("pair_class", &aview1(parts.pair_class))?;
        npz.add_array("pair_probability", &aview1(parts.pair_probability))?;
        Ok(npz.finish()?.into_inner())
    };
    let bytes = pack().map_err(|error| Fault::format(format!("cannot be written as .npz ({error})")))?;
    Ok(std::fs::write(path, bytes)?)
}
