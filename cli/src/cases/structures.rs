//! Which files are masks of overlapping structures.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{ByName, Case, is_folder, of_folder};
use crate::command::{Failure, of_file};

/// The cases of overlapping structures, and what the structures are called: a folder with the masks of one case, or a folder of
/// such folders. In each case the files are in the order of the names.
pub(crate) fn of_structures(folder: &Path) -> Result<(Vec<OsString>, Vec<Case>), Failure> {
    if !is_folder(folder) {
        return of_file(
            folder,
            Err("is no folder; give one with a mask for each structure, or one of such folders".into()),
        );
    }
    let mut folders = subfolders(folder)?;
    if folders.is_empty() {
        folders.push(folder.to_owned());
    } else if let Ok(files) = of_folder(folder) {
        let file = files.into_values().next().unwrap_or_default();
        return of_file(
            folder,
            Err(format!(
                "holds folders, and masks such as {}; give a folder with the masks of one case, or one of such folders",
                file.display()
            )
            .into()),
        );
    }
    let mut cases = Vec::new();
    for case in folders {
        // A name such as `.` has no last part.
        let at = case.canonicalize().unwrap_or_else(|_| case.clone());
        let name = at.file_name().map(OsString::from).unwrap_or_default();
        cases.push((name, case.clone(), of_folder(&case)?));
    }
    let names: BTreeSet<OsString> = cases.iter().flat_map(|(_, _, masks)| masks.keys().cloned()).collect();
    let complete = |(name, folder, mut masks): (OsString, PathBuf, ByName)| {
        if let Some(missing) = names.iter().find(|name| !masks.contains_key(*name)) {
            let error = format!(
                "has no mask {}, which another case has; add an empty one, or leave the structure out",
                missing.display()
            );
            return of_file(&folder, Err(error.into()));
        }
        let raters = names.iter().map(|name| masks.remove(name)).collect();
        Ok(Case { name, raters })
    };
    let cases = cases.into_iter().map(complete).collect::<Result<_, _>>()?;
    Ok((names.into_iter().collect(), cases))
}

/// The folders in a folder that are no Zarr arrays, by name.
fn subfolders(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let read = || -> Result<Vec<PathBuf>, Failure> {
        let mut folders = Vec::new();
        for entry in folder.read_dir()? {
            let entry = entry?;
            if !entry.file_name().to_string_lossy().starts_with('.') && is_folder(&entry.path()) {
                folders.push(entry.path());
            }
        }
        folders.sort();
        Ok(folders)
    };
    of_file(folder, read())
}
