//! What keeps broken files from taking memory, time, or the program with them.

use std::fs::File;
use std::io::{self, Read};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use crate::error::Fault;

/// No text file of settings or metadata is larger.
pub(crate) const TEXT: u64 = 1 << 24;

/// A small text file.
pub(crate) fn text(path: &Path) -> Result<String, Fault> {
    let mut text = String::new();
    open(path)?.take(TEXT).read_to_string(&mut text)?;
    // Some editors begin with a byte order mark.
    Ok(text.strip_prefix('\u{feff}').map(ToOwned::to_owned).unwrap_or(text))
}

/// Opens a regular file. Others, such as pipes and devices, may never end.
pub(crate) fn open(path: &Path) -> Result<File, Fault> {
    if !path.metadata()?.is_file() {
        return Err(Fault::broken("is not a regular file"));
    }
    Ok(File::open(path)?)
}

/// Has a library read something. If it panics on a broken file, that is an error like any other.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    panic::catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Fault::broken("is too broken to be read; save it again")))
}

/// Reads so many bytes. That the file can hold them is checked before.
pub(crate) fn read_exactly(reader: impl Read, bytes: u64) -> Result<Vec<u8>, Fault> {
    let mut values = reserve(usize::try_from(bytes).map_err(|_| shorter())?)?;
    reader
        .take(bytes)
        .read_to_end(&mut values)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Fault::broken("is cut off; save it again"),
            _ => error.into(),
        })?;
    if values.len() as u64 != bytes {
        return Err(shorter());
    }
    Ok(values)
}

pub(crate) fn shorter() -> Fault {
    Fault::broken("is shorter than its header says; save it again")
}

/// The most that deflate packs into a byte.
const DEFLATE: u64 = 1032;

/// An error if a compressed file of so many bytes cannot hold so many.
pub(crate) fn check_unpacked(unpacked: Option<u64>, packed: u64) -> Result<u64, Fault> {
    unpacked
        .filter(|&unpacked| unpacked <= packed.saturating_mul(DEFLATE))
        .ok_or_else(shorter)
}

/// An empty vector for so many values, or an error where there is no memory for them.
pub(crate) fn reserve<T>(len: usize) -> Result<Vec<T>, Fault> {
    let mut values = Vec::new();
    match values.try_reserve_exact(len) {
        Ok(()) => Ok(values),
        Err(_) => Err(no_memory((len as u64).saturating_mul(size_of::<T>() as u64))),
    }
}

fn no_memory(bytes: u64) -> Fault {
    Fault::too_large(format!(
        "needs {} MB of memory, which are not to be had; use a smaller part of it",
        bytes >> 20
    ))
}

/// An error if there is no memory for so many bytes, where a library would end the program.
pub(crate) fn check_memory(bytes: u64) -> Result<(), Fault> {
    let mut room = Vec::<u8>::new();
    let reserved = usize::try_from(bytes).map(|bytes| room.try_reserve_exact(bytes));
    // A list that nobody looks at may be left out by the compiler.
    match std::hint::black_box((room, reserved)).1 {
        Ok(Ok(())) => Ok(()),
        _ => Err(no_memory(bytes)),
    }
}
