//! Arrays that this crate wrote, which alone may be replaced.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::limits;

/// The attribute of arrays that were written here, with the version that wrote them.
pub(super) const MADE_BY: &str = "soft-labels";

/// The folder of chunks, and how deep their names are at most.
const CHUNKS: &str = "c";
const DEPTH: usize = 8;

/// Whether a folder is an array that was written here, and holds nothing but its chunks: with the folder all of it is
/// deleted.
pub(crate) fn is_ours(folder: &Path) -> bool {
    let metadata = folder.join("zarr.json");
    if !metadata.symlink_metadata().is_ok_and(|file| file.is_file()) {
        return false;
    }
    let text = limits::text(&metadata).unwrap_or_default();
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    value["node_type"] == "array" && value["attributes"].get(MADE_BY).is_some() && holds_an_array(folder)
}

fn holds_an_array(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.into_iter().all(|entry| {
        entry.is_ok_and(|entry| match entry.file_name().to_str() {
            Some("zarr.json") => true,
            Some(CHUNKS) => holds_chunks(&entry.path(), DEPTH),
            _ => false,
        })
    })
}

/// Whether a folder holds chunks alone: files and folders that are called by numbers. A link is neither.
fn holds_chunks(folder: &Path, depth: usize) -> bool {
    let numbered = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let chunk = |entry: fs::DirEntry| {
        entry.file_name().to_str().is_some_and(numbered)
            && entry.file_type().is_ok_and(|kind| {
                kind.is_file() || (kind.is_dir() && depth > 0 && holds_chunks(&entry.path(), depth - 1))
            })
    };
    let is_folder = folder.symlink_metadata().is_ok_and(|folder| folder.is_dir());
    is_folder && fs::read_dir(folder).is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(chunk)))
}
