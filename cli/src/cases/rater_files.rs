//! Which files are of raters, where no folder is of one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Case, LIKE_A_SHELL, is_read, name_of, pattern};
use crate::command::{Failure, of_file};

/// Words of file names that tell who drew a label map.
const RATERS: [&str; 10] = [
    "rater", "reader", "annot", "expert", "observer", "grader", "radiolog", "pathol", "doctor", "reviewer",
];

/// Whether a name says that its file is of one of several raters: by a word, or as `seg01`, `r2` and `case_a` do.
fn tells_rater(name: &str) -> bool {
    let name = name.to_lowercase();
    let mut parts = name.split(|c: char| !c.is_alphanumeric());
    let numbered = |part: &str| {
        let rest = ["seg", "r"].iter().find_map(|word| part.strip_prefix(word));
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let lettered = |part: &str| part.len() == 1 && part.bytes().all(|byte| byte.is_ascii_lowercase());
    RATERS.iter().any(|word| name.contains(word)) || parts.any(|part| numbered(part) || lettered(part))
}

/// Several files for one result are label maps of one case by several raters. An error unless their names, or those of their
/// folders, say so: other files would be averaged by accident.
pub(crate) fn check_raters(files: &[PathBuf]) -> Result<(), Failure> {
    let tells = |file: &PathBuf| {
        let folder = file.parent().and_then(Path::file_name).unwrap_or_default();
        tells_rater(&name_of(file).to_string_lossy()) || tells_rater(&folder.to_string_lossy())
    };
    match (files.len(), files.iter().find(|file| !tells(file))) {
        (0 | 1, _) | (_, None) => Ok(()),
        (count, Some(file)) => Err(format!(
            "{count} files are given for one result, and {} does not look like a rater's; if each is of another rater of one \
             case, give them as --raters FILE FILE..; if each is a case, name a folder as --out; if each is a \
             structure, keep them in a folder for --structures DIR",
            file.display()
        )
        .into()),
    }
}

/// The cases of folders in which the files that match a pattern are the raters: of each folder that is given, or of those in
/// it.
pub(crate) fn of_folders(inputs: &[PathBuf], pattern: &str) -> Result<Vec<Case>, Failure> {
    let matched = glob::Pattern::new(pattern).map_err(|error| format!("--rater-files {pattern}: {error}"))?;
    let raters = |folder: &Path| -> Result<Vec<PathBuf>, Failure> {
        let mut files = Vec::new();
        for entry in of_file(folder, folder.read_dir().map_err(Failure::from))? {
            let entry = of_file(folder, entry.map_err(Failure::from))?;
            let path = entry.path();
            // A folder is no label map, unless it is an array.
            let is_map = path.is_file() || is_read(&path);
            if is_map && matched.matches_with(&entry.file_name().to_string_lossy(), LIKE_A_SHELL) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    };
    let mut cases = BTreeMap::<OsString, (PathBuf, Vec<PathBuf>)>::new();
    let mut add = |folder: &Path, files: Vec<PathBuf>| -> Result<(), Failure> {
        // The name of a folder that is given as `.` is that of the place it leads to.
        let whole = of_file(folder, folder.canonicalize().map_err(Failure::from))?;
        let name = whole.file_name().map(OsString::from).unwrap_or_default();
        match cases.insert(name, (folder.to_path_buf(), files)) {
            Some((other, _)) => Err(format!(
                "{} and {} are of the same name, which is that of the case; rename one of them",
                other.display(),
                folder.display()
            )
            .into()),
            None => Ok(()),
        }
    };
    for folder in folders(inputs)? {
        let files = raters(&folder)?;
        if !files.is_empty() {
            add(&folder, files)?;
            continue;
        }
        let mut within = Vec::new();
        for entry in of_file(&folder, folder.read_dir().map_err(Failure::from))? {
            let path = of_file(&folder, entry.map_err(Failure::from))?.path();
            if path.is_dir() {
                within.push(path);
            }
        }
        within.sort();
        let mut found = false;
        for case in within {
            let files = raters(&case)?;
            if !files.is_empty() {
                found = true;
                add(&case, files)?;
            }
        }
        if !found {
            return of_file(&folder, Err(format!("has no {pattern}, nor has a folder in it").into()));
        }
    }
    let cases = cases.into_iter();
    Ok(cases
        .map(|(name, (_, files))| Case {
            name,
            raters: files.into_iter().map(Some).collect(),
        })
        .collect())
}

/// Folders that are given by name or by a pattern.
fn folders(inputs: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut folders = Vec::new();
    for input in inputs {
        let Some(pattern) = pattern(input).filter(|_| !input.is_dir()) else {
            if !input.is_dir() {
                return of_file(
                    input,
                    Err("is no folder; with --rater-files each case is a folder".into()),
                );
            }
            folders.push(input.clone());
            continue;
        };
        let before = folders.len();
        for path in glob::glob_with(pattern, LIKE_A_SHELL).map_err(|error| format!("{pattern}: {error}"))? {
            let path = path?;
            if path.is_dir() {
                folders.push(path);
            }
        }
        if folders.len() == before {
            return Err(format!("{pattern}: there is no such folder").into());
        }
    }
    Ok(folders)
}
