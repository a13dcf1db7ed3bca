//! Which files of predictions and of raters belong together.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::super::args::Args;
use crate::cases::{self, ByName, Case, is_folder};
use crate::command::{Failure, of_file, printable, shown};

/// The files of a case. Those of raters who did not draw it, and of samples that were not taken, are missing.
#[derive(Debug, Clone)]
pub(super) struct Files {
    /// For messages and tables; nothing if files are given.
    pub(super) name: String,
    /// A prediction, or samples.
    pub(super) predictions: Vec<PathBuf>,
    /// With the raters' names, if their files are not stacked.
    pub(super) raters: Vec<(Option<String>, PathBuf)>,
}

/// What is given as predictions, or as raters.
enum Given {
    /// Those of one case.
    Files(Vec<PathBuf>),
    Folders(Vec<Case>),
}

pub(super) fn find(args: &Args) -> Result<Vec<Files>, Failure> {
    let several = &args.several;
    // Samples stand in place of a prediction, so that what is given first is the reference.
    let (prediction, reference) = match (&args.prediction, &args.reference) {
        (first, None) if !several.samples.is_empty() => (None, first.as_deref()),
        (first, second) => (first.as_deref(), second.as_deref()),
    };
    let predictions = match prediction {
        Some(_) if !several.samples.is_empty() => {
            return Err("--samples are in place of PREDICTION; leave that out".into());
        }
        Some(path) => of_paths(&[path.to_owned()], "PREDICTION", cases::of_predictions)?,
        None => of_paths(&several.samples, "--samples", cases::of_predictions)?,
    };
    let raters = match (reference, &several.rater_files) {
        (Some(_), _) if !several.raters.is_empty() => {
            return Err("--raters are in place of REFERENCE; leave that out".into());
        }
        (Some(folder), Some(pattern)) => Given::Folders(cases::of_folders(&[folder.to_owned()], pattern)?),
        (Some(path), None) => of_paths(&[path.to_owned()], "REFERENCE", cases::of_folder)?,
        (None, _) if !several.raters.is_empty() => of_paths(&several.raters, "--raters", cases::of_folder)?,
        (None, _) => return Err("nothing is given to compare with; name --raters, or REFERENCE".into()),
    };
    let named = |at: usize, file: &Path| match several.raters.get(at) {
        Some(rater) => Some(shown(rater)),
        None if several.stacked_raters => None,
        None if several.rater_files.is_some() => Some(printable(&cases::name_of(file).to_string_lossy())),
        None => Some("reference".to_owned()),
    };
    let whose = |files: Vec<Option<PathBuf>>| -> Vec<_> {
        let files = files.into_iter().enumerate();
        files
            .filter_map(|(at, file)| file.map(|file| (named(at, &file), file)))
            .collect()
    };
    match (predictions, raters) {
        (Given::Files(predictions), Given::Files(raters)) => Ok(vec![Files {
            name: String::new(),
            predictions,
            raters: whose(raters.into_iter().map(Some).collect()),
        }]),
        (Given::Files(predictions), Given::Folders(cases)) if cases.len() == 1 => {
            let raters = cases.into_iter().flat_map(|case| case.raters).collect();
            Ok(vec![Files {
                name: String::new(),
                predictions,
                raters: whose(raters),
            }])
        }
        (Given::Folders(predictions), Given::Folders(raters)) => Ok(join(predictions, raters, whose)),
        _ => Err("give files of one case on both sides, or folders".into()),
    }
}

fn of_paths(
    paths: &[PathBuf],
    what: &str,
    of_folder: impl Fn(&Path) -> Result<ByName, Failure>,
) -> Result<Given, Failure> {
    if let Some(missing) = paths.iter().find(|path| path.symlink_metadata().is_err()) {
        return of_file(missing, Err("there is no such file or folder".into()));
    }
    match paths.iter().filter(|path| is_folder(path)).count() {
        0 => Ok(Given::Files(paths.to_vec())),
        folders if folders == paths.len() => {
            cases::check_once(paths)?;
            let folders = paths.iter().map(|folder| of_folder(folder)).collect::<Result<_, _>>()?;
            Ok(Given::Folders(cases::pair(folders)))
        }
        _ => Err(format!("{what} are files and folders; give files of one case, or folders").into()),
    }
}

/// The cases that either side has, by name.
fn join(
    predictions: Vec<Case>,
    raters: Vec<Case>,
    whose: impl Fn(Vec<Option<PathBuf>>) -> Vec<(Option<String>, PathBuf)>,
) -> Vec<Files> {
    let mut cases = BTreeMap::<OsString, Files>::new();
    let files = |title| Files {
        name: title,
        predictions: Vec::new(),
        raters: Vec::new(),
    };
    for case in predictions {
        let mut files = files(case.title());
        files.predictions = case.raters.into_iter().flatten().collect();
        cases.insert(case.name, files);
    }
    for case in raters {
        let title = case.title();
        cases.entry(case.name).or_insert_with(|| files(title)).raters = whose(case.raters);
    }
    cases.into_values().collect()
}
