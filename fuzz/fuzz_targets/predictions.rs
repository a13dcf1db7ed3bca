//! The readers of predictions: whatever a file holds, they return. The first byte chooses the format.
#![no_main]
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "the modules of the command are used in part"
)]

#[path = "../../cli/src/classes.rs"]
mod classes;
#[path = "../../cli/src/command.rs"]
mod command;
#[path = "../../cli/src/files/mod.rs"]
mod files;
#[path = "../../cli/src/judge/prediction.rs"]
mod prediction;

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use ndarray::ArrayD;
use soft_labels::Classes;

/// A folder for this process.
static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));

fuzz_target!(|data: &[u8]| {
    let Some((&format, bytes)) = data.split_first() else { return };
    let (ending, shape): (_, &[usize]) = match format % 4 {
        0 => ("npy", &[3, 4]),
        1 => ("npy", &[2, 3, 4]),
        2 => ("nii", &[2, 3, 4]),
        _ => ("nii.gz", &[3, 4]),
    };
    let path = FOLDER.path().join(format!("a.{ending}"));
    fs::write(&path, bytes).expect("a file");
    let reference = prediction::Reference {
        labels: ArrayD::zeros(shape),
        header: None,
    };
    let classes = Classes::contiguous(2).expect("two classes");
    if let Ok(prediction) = prediction::prediction(&path, &reference, &classes) {
        let _ = prediction.labels(&classes);
    }
});
