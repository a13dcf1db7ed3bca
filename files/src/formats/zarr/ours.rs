//! Arrays and images that this crate wrote, which alone may be replaced.

use std::fs::{self, DirEntry};
use std::path::Path;

use serde_json::Value;

use super::ome_writer::ARRAY;
use crate::limits;

/// The attribute of arrays and groups that were written here, with the version that wrote them.
pub(super) const MADE_BY: &str = "soft-labels";

/// The folder of chunks in version 3, and how deep their names are at most.
const CHUNKS: &str = "c";
const DEPTH: usize = 8;

/// Whether a folder is an array that was written here, or a group with one, and holds nothing but its chunks: with the folder
/// all of it is deleted.
pub(crate) fn is_ours(folder: &Path) -> bool {
    is_array(folder) || is_image(folder)
}

fn is_array(folder: &Path) -> bool {
    let is_3 = || json(&folder.join("zarr.json")).is_some_and(|value| is_marked(&value, "array"));
    is_3()
        && holds(folder, |name, entry| match name {
            "zarr.json" => true,
            CHUNKS => holds_chunks(&entry.path(), DEPTH),
            _ => false,
        })
}

/// An array of version 2, as those in groups may be.
fn is_array_2(folder: &Path) -> bool {
    json(&folder.join(".zattrs")).is_some_and(|value| value.get(MADE_BY).is_some())
        && holds(folder, |name, entry| match name {
            ".zarray" | ".zattrs" => is_file(entry),
            _ => is_chunk(entry, DEPTH),
        })
}

fn is_image(folder: &Path) -> bool {
    let is_3 = || json(&folder.join("zarr.json")).is_some_and(|value| is_marked(&value, "group"));
    let is_2 = || json(&folder.join(".zattrs")).is_some_and(|value| value.get(MADE_BY).is_some());
    let holds_array = |entry: &DirEntry, is_array: fn(&Path) -> bool| {
        entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_array(&entry.path())
    };
    (is_3()
        && holds(folder, |name, entry| match name {
            "zarr.json" => true,
            ARRAY => holds_array(entry, is_array),
            _ => false,
        }))
        || (is_2()
            && holds(folder, |name, entry| match name {
                ".zgroup" | ".zattrs" => is_file(entry),
                ARRAY => holds_array(entry, is_array_2),
                _ => false,
            }))
}

fn is_marked(value: &Value, node: &str) -> bool {
    value["node_type"] == node && value["attributes"].get(MADE_BY).is_some()
}

/// What a file says, if it is one and no link.
fn json(path: &Path) -> Option<Value> {
    path.symlink_metadata().ok().filter(|file| file.is_file())?;
    serde_json::from_str(&limits::text(path).ok()?).ok()
}

/// Whether all that is in a folder may be there.
fn holds(folder: &Path, may: impl Fn(&str, &DirEntry) -> bool) -> bool {
    let is_known = |entry: DirEntry| entry.file_name().to_str().is_some_and(|name| may(name, &entry));
    fs::read_dir(folder).is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(is_known)))
}

fn is_file(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_file())
}

/// Whether a folder holds chunks alone.
fn holds_chunks(folder: &Path, depth: usize) -> bool {
    let is_folder = folder.symlink_metadata().is_ok_and(|folder| folder.is_dir());
    is_folder && holds(folder, |_, entry| is_chunk(entry, depth))
}

/// A file that is called by a number, or a folder of such files. A link is neither.
fn is_chunk(entry: &DirEntry, depth: usize) -> bool {
    let numbered = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    entry.file_name().to_str().is_some_and(numbered)
        && (is_file(entry)
            || entry.file_type().is_ok_and(|kind| kind.is_dir()) && depth > 0 && holds_chunks(&entry.path(), depth - 1))
}
