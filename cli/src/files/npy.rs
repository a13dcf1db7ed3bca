//! Arrays from `.npy` files.

use std::io::{BufReader, Read, Seek};
use std::path::Path;

use ndarray::ArrayD;
use ndarray_npy::{ReadNpyError, ReadNpyExt, ReadableElement};

use super::check_memory;
use super::labels::Volume;
use crate::command::Failure;

/// Headers of arrays of plain numbers have fewer than 200 bytes.
const LONGEST_HEADER: u64 = 1 << 16;

/// The label map in a file.
pub(crate) fn labels(path: &Path) -> Result<Volume, Failure> {
    macro_rules! first_that_fits {
        ($($kind:ty)*) => {$(
            if let Some(map) = array::<$kind>(path)? {
                return Volume::of(map);
            }
        )*};
    }
    first_that_fits!(u8 bool u16 u32 u64 i8 i16 i32 i64);
    Err("holds no integers; save the label map with an integer type or bool".into())
}

/// The array in a file, unless its elements are of another type.
pub(crate) fn array<T: ReadableElement>(path: &Path) -> Result<Option<ArrayD<T>>, Failure> {
    let mut file = super::open(path)?;
    check_size(&mut file)?;
    file.rewind()?;
    match ArrayD::read_npy(BufReader::new(file)) {
        Ok(array) => Ok(Some(array)),
        Err(ReadNpyError::WrongDescriptor(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A broken header must not make us ask for more memory than the file can fill.
fn check_size(file: &mut std::fs::File) -> Result<(), Failure> {
    let mut start = Vec::new();
    let size = file.metadata()?.len();
    file.take(1 << 16).read_to_end(&mut start)?;
    // The header's length has 16 bits in version 1 and 32 in later ones.
    let length = match start.get(6..12) {
        Some(&[1, _, a, b, ..]) => u64::from(u16::from_le_bytes([a, b])),
        Some(&[_, _, a, b, c, d]) => u64::from(u32::from_le_bytes([a, b, c, d])),
        _ => return Err("is not an .npy file".into()),
    };
    if length > LONGEST_HEADER {
        return Err("has a header that is too long for an .npy file of plain numbers".into());
    }
    if length > size {
        return Err("is shorter than its header says; save it again".into());
    }
    let header = String::from_utf8_lossy(start.split(|&byte| byte == b'\n').next().unwrap_or_default());
    // The library's parser does not come back from deeply nested brackets, and takes the last of several shapes.
    if header.matches(['(', '[', '{']).count() > 4 || header.matches("shape").count() > 1 || header.contains('\\') {
        return Err("is not an .npy file of plain numbers".into());
    }
    let shape = header
        .split_once("'shape': (")
        .and_then(|(_, rest)| rest.split_once(')'));
    let Some((shape, _)) = shape else {
        return Err("is not an .npy file".into());
    };
    let axes = shape.split(',').map(str::trim).filter(|axis| !axis.is_empty());
    let voxels = axes
        .map(|axis| axis.parse::<u64>().ok())
        .try_fold(1_u64, |all, axis| all.checked_mul(axis?));
    match voxels {
        Some(0) => Err("has no voxels".into()),
        // Labels are read once, and may be widened.
        Some(voxels) if voxels <= size.max(1) => check_memory(size),
        _ => Err("is shorter than its header says; save it again".into()),
    }
}
