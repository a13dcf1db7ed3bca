//! The reader of Zarr: whatever the metadata and a chunk hold, it returns. The first byte chooses the version, and a
//! byte of 255 ends the metadata, which are text.
#![no_main]

use std::sync::Once;
use std::{fs, panic};

use libfuzzer_sys::fuzz_target;
use soft_labels_files::read_labels;
use soft_labels_files::zarr::LabelArray;

static QUIET: Once = Once::new();

fuzz_target!(|data: &[u8]| {
    // The reader makes an error of a panic in a library, so it does not end the program here either.
    QUIET.call_once(|| panic::set_hook(Box::new(|_| {})));
    let Some((&version, bytes)) = data.split_first() else {
        return;
    };
    let mut parts = bytes.splitn(2, |&byte| byte == 255);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (name, chunk) = if version % 2 == 0 {
        (".zarray", "0.0.0")
    } else {
        ("zarr.json", "c/0/0/0")
    };
    fs::write(folder.path().join(name), parts.next().unwrap_or_default()).expect("a file");
    let chunk = folder.path().join(chunk);
    fs::create_dir_all(chunk.parent().expect("a folder")).expect("a folder");
    fs::write(chunk, parts.next().unwrap_or_default()).expect("a file");
    // What is not there is the fill value, so a few bytes may stand for all that memory holds.
    let small = LabelArray::open(folder.path()).is_ok_and(|array| {
        let voxels = array.shape().iter().try_fold(1_usize, |all, &len| all.checked_mul(len));
        voxels.is_some_and(|voxels| voxels < 1 << 24)
    });
    if small {
        let _ = read_labels(folder.path());
    }
});
