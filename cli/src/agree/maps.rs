//! Where maps of disagreement go.

use std::fs;
use std::path::{Path, PathBuf};

use soft_labels_files::Format;

use super::Args;
use super::cases::{self, Cases};
use crate::cases::is_folder;
use crate::command::{Failure, of_file};
use crate::spared::Spared;

/// The files of a case: the entropy, and the share of the minority.
#[derive(Debug)]
pub(crate) struct MapFiles {
    pub(crate) paths: [PathBuf; 2],
}

/// The files of all cases. Nothing is begun if one of them is an input, or is there already.
pub(crate) fn plan(args: &Args, all: &Cases) -> Result<Option<Vec<MapFiles>>, Failure> {
    let Some(folder) = &args.maps else {
        return Ok(None);
    };
    let mut files = Vec::new();
    for drawn in &all.drawn {
        let first = drawn.raters().next().and_then(|(_, file)| Format::of(file));
        let format = first.filter(|format| format.writes_probabilities());
        let ending = format.map_or(".npy", Format::default_ending);
        let path = |what: &str| {
            let mut name = drawn.case.name.clone();
            name.push(format!("_{what}{ending}"));
            folder.join(name)
        };
        files.push(MapFiles {
            paths: ["entropy", "minority"].map(path),
        });
    }
    let folders = args.inputs.iter().chain(&args.drawn.raters).map(PathBuf::as_path);
    // Where each folder is a case, its files are found by a pattern, which a map might fit.
    let of_cases = all.drawn.iter().filter(|_| args.drawn.rater_files.is_some());
    let of_cases = of_cases
        .flat_map(|drawn| drawn.raters())
        .filter_map(|(_, file)| file.parent());
    let folders: Vec<&Path> = folders.filter(|path| is_folder(path)).chain(of_cases).collect();
    let spared = Spared::of(cases::inputs(all).chain(args.classes.file())).with_folders(folders);
    let paths = || files.iter().flat_map(|files| &files.paths).map(PathBuf::as_path);
    spared.check_all(folder, paths())?;
    if folder.is_dir() {
        paths().try_for_each(|path| args.existing.place(path).check())?;
    }
    of_file(folder, fs::create_dir_all(folder).map_err(Failure::from))?;
    Ok(Some(files))
}
