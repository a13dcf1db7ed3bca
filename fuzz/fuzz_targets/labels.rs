//! The readers of label maps: whatever a file holds, they return. The first byte chooses the format.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use soft_labels_files::{read_dataset, read_labels, read_segments};

/// A folder for this process.
static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));

fuzz_target!(|data: &[u8]| {
    let Some((&format, bytes)) = data.split_first() else {
        return;
    };
    let endings = ["npy", "nii", "nii.gz", "png", "tif", "json", "nrrd", "mha", "hdr"];
    let ending = endings[usize::from(format) % endings.len()];
    let path = FOLDER.path().join(format!("a.{ending}"));
    fs::write(&path, bytes).expect("a file");
    if ending == "json" {
        let _ = read_dataset(&path);
    } else {
        let _ = read_labels(&path);
        if ending == "nrrd" {
            let _ = read_segments(&path);
        }
    }
});
