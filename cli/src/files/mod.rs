//! Files: their formats, how label maps are read, and how results are written.

pub(crate) mod kind;
pub(crate) mod labels;
pub(crate) mod npy;
pub(crate) mod output;
pub(crate) mod space;
pub(crate) mod tiff;
pub(crate) mod write;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::command::Failure;

/// No JSON file of settings is larger.
pub(crate) const TEXT: u64 = 1 << 24;

/// A small text file.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    open(path)?.take(TEXT).read_to_string(&mut text)?;
    Ok(text)
}

/// Opens a regular file. Others, such as pipes and devices, may never end.
pub(crate) fn open(path: &Path) -> Result<File, Failure> {
    if !path.metadata()?.is_file() {
        return Err("is not a regular file".into());
    }
    Ok(File::open(path)?)
}

/// Reads so many bytes, without more memory than there are bytes.
pub(crate) fn read_exactly(reader: impl Read, bytes: u64) -> Result<Vec<u8>, Failure> {
    let mut values = Vec::new();
    reader
        .take(bytes)
        .read_to_end(&mut values)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => "is cut off; save it again".into(),
            _ => Failure::from(error),
        })?;
    if values.len() as u64 != bytes {
        return Err("is shorter than its header says; save it again".into());
    }
    Ok(values)
}

/// The most that deflate packs into a byte.
const DEFLATE: u64 = 1032;

/// An error if a compressed file of so many bytes cannot hold so many.
pub(crate) fn check_unpacked(unpacked: Option<u64>, packed: u64) -> Result<u64, Failure> {
    match unpacked {
        Some(unpacked) if unpacked <= packed.saturating_mul(DEFLATE) => Ok(unpacked),
        _ => Err("is shorter than its header says; save it again".into()),
    }
}

/// An error if there is no memory for so many bytes, where a library would end the program.
pub(crate) fn check_memory(bytes: u64) -> Result<(), Failure> {
    let reserved = usize::try_from(bytes).map(|bytes| Vec::<u8>::new().try_reserve_exact(bytes));
    match reserved {
        Ok(Ok(())) => Ok(()),
        _ => Err(format!(
            "needs {} MB of memory, which are not to be had; use a smaller part of it",
            bytes >> 20
        )
        .into()),
    }
}
