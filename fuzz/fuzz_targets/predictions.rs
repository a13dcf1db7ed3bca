//! The readers of predictions: whatever a file holds, they return. The first byte chooses the format.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use soft_labels_files::read_prediction;

/// A folder for this process.
static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));

fuzz_target!(|data: &[u8]| {
    let Some((&format, bytes)) = data.split_first() else {
        return;
    };
    let (ending, axes) = [
        ("npy", 2),
        ("npy", 3),
        ("nii", 3),
        ("nii.gz", 2),
        ("nrrd", 3),
        ("mha", 2),
        ("tif", 2),
        ("npz", 3),
    ][usize::from(format % 8)];
    let path = FOLDER.path().join(format!("a.{ending}"));
    fs::write(&path, bytes).expect("a file");
    let _ = read_prediction(&path, axes);
});
