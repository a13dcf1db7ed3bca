//! The readers of label maps: whatever a file holds, they return. The first byte chooses the format.
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

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::Parser;
use libfuzzer_sys::fuzz_target;

/// A folder for this process.
static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));

#[derive(Parser)]
struct Dataset {
    #[command(flatten)]
    classes: classes::ClassArgs,
}

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.path().join(name);
    fs::write(&path, bytes).expect("a file");
    path
}

fuzz_target!(|data: &[u8]| {
    let Some((&format, bytes)) = data.split_first() else { return };
    let endings = ["npy", "nii", "nii.gz", "png", "tif", "json"];
    let ending = endings[usize::from(format) % endings.len()];
    let path = file(&format!("a.{ending}"), bytes);
    if ending == "json" {
        let args = ["fuzz", "--dataset", path.to_str().unwrap_or_default()];
        if let Ok(args) = Dataset::try_parse_from(args) {
            let _ = args.classes.read();
        }
    } else {
        let _ = files::labels::read(&path);
    }
});
