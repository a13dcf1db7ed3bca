//! Which files belong to which case.

mod rater_files;
mod structures;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use glob::MatchOptions;
use soft_labels_files::Format;

pub(crate) use self::rater_files::{check_raters, of_folders};
pub(crate) use self::structures::of_structures;
use crate::command::{Failure, of_file, printable};

/// A case and its file of each rater, if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    /// The file's name without its ending.
    pub(crate) name: OsString,
    pub(crate) raters: Vec<Option<PathBuf>>,
}

impl Case {
    /// The name for messages and tables.
    pub(crate) fn title(&self) -> String {
        printable(&self.name.to_string_lossy())
    }
}

/// Files of one folder by the names of their cases.
pub(crate) type ByName = BTreeMap<OsString, PathBuf>;

/// The files of a folder that can be read. Hidden ones are left out.
pub(crate) fn of_folder(folder: &Path) -> Result<ByName, Failure> {
    let files = files_of(folder, Format::reads_labels)?;
    if files.is_empty() {
        return of_file(folder, Err(format!("holds no {}", read()).into()));
    }
    by_name(files, Format::reads_labels)
}

/// The predictions in a folder. Those that are no label maps count where there are no others: nnU-Net has both beside each
/// other.
pub(crate) fn of_predictions(folder: &Path) -> Result<ByName, Failure> {
    let files = files_of(folder, |format| format.reads_predictions() && !format.reads_labels())?;
    if files.is_empty() || !files_of(folder, Format::reads_labels)?.is_empty() {
        return of_folder(folder);
    }
    by_name(files, Format::reads_predictions)
}

/// The files of a folder with what a network gave for each class. Those that are no label maps come first, since nnU-Net has both
/// beside each other.
pub(crate) fn of_outputs(folder: &Path) -> Result<ByName, Failure> {
    let files = files_of(folder, |format| format.reads_predictions() && !format.reads_labels())?;
    if files.is_empty() {
        return of_folder(folder);
    }
    by_name(files, Format::reads_predictions)
}

/// The same of files, folders and patterns.
pub(crate) fn outputs(inputs: &[PathBuf]) -> Result<ByName, Failure> {
    let mut files = Vec::new();
    for input in inputs {
        if is_folder(input) {
            files.extend(of_outputs(input)?.into_values());
        } else {
            files.extend(Inputs::find(std::slice::from_ref(input))?.files);
        }
    }
    by_name(files, Format::reads_predictions)
}

fn files_of(folder: &Path, reads: impl Fn(Format) -> bool) -> Result<Vec<PathBuf>, Failure> {
    let files = || -> Result<Vec<PathBuf>, Failure> {
        let mut files = Vec::new();
        for entry in folder.read_dir()? {
            let entry = entry?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if !hidden && Format::of(&entry.path()).is_some_and(&reads) {
                files.push(entry.path());
            }
        }
        Ok(files)
    };
    of_file(folder, files())
}

/// What a case is called that has this file.
pub(crate) fn name_of(file: &Path) -> OsString {
    match Format::split(file) {
        Some((name, _)) => name,
        None => file.file_name().map(OsString::from).unwrap_or_default(),
    }
}

/// Files by the names of their folders, if they are called alike and their folders are not, as in
/// `case_1/segmentation.nii.gz`.
fn by_folder(files: &[PathBuf]) -> Option<ByName> {
    let mut cases = ByName::new();
    let first = files.first()?.file_name()?;
    for file in files {
        let folder = file.parent()?.file_name()?;
        if file.file_name()? != first || cases.insert(folder.to_owned(), file.clone()).is_some() {
            return None;
        }
    }
    (cases.len() > 1).then_some(cases)
}

/// An error if two files are of the same case.
fn by_name(files: impl IntoIterator<Item = PathBuf>, reads: fn(Format) -> bool) -> Result<ByName, Failure> {
    let mut cases = ByName::new();
    for file in files {
        let Some((name, _)) = Format::split(&file).filter(|(_, format)| reads(*format)) else {
            return of_file(&file, Err(format!("is none of {}", read()).into()));
        };
        if let Some(first) = cases.insert(name, file.clone()) {
            return Err(format!(
                "{} and {} are of the same name; keep them in two folders",
                first.display(),
                file.display()
            )
            .into());
        }
    }
    Ok(cases)
}

/// Whether a path is a folder of files, which a Zarr array is not.
pub(crate) fn is_folder(path: &Path) -> bool {
    path.is_dir() && !is_read(path)
}

fn is_read(path: &Path) -> bool {
    Format::of(path).is_some_and(Format::reads_labels)
}

/// The endings of files that are read.
fn read() -> String {
    Format::list(Format::reads_labels)
}

/// As in a shell, hidden files are not meant.
const LIKE_A_SHELL: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: false,
    require_literal_leading_dot: true,
};

/// What inputs stand for: files, and those of folders and patterns.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    pub(crate) files: Vec<PathBuf>,
    /// Whether a folder or a pattern was among them.
    pub(crate) several: bool,
}

impl Inputs {
    pub(crate) fn find(inputs: &[PathBuf]) -> Result<Self, Failure> {
        let mut found = Self {
            files: Vec::new(),
            several: false,
        };
        for input in inputs {
            if is_folder(input) {
                found.several = true;
                found.files.extend(of_folder(input)?.into_values());
            } else if let Some(pattern) = pattern(input) {
                found.several = true;
                let before = found.files.len();
                for path in glob::glob_with(pattern, LIKE_A_SHELL).map_err(|error| format!("{pattern}: {error}"))? {
                    found.files.push(path?);
                }
                if found.files.len() == before {
                    return Err(format!("{pattern}: there is no such file").into());
                }
            } else if input.symlink_metadata().is_err() {
                return of_file(input, Err("there is no such file".into()));
            } else {
                found.files.push(input.clone());
            }
        }
        Ok(found)
    }
}

/// A path that is no file but a pattern, such as `labels/*.nii.gz`, for shells that do not expand it.
fn pattern(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    (text.contains(['*', '?', '[']) && path.symlink_metadata().is_err()).then_some(text)
}

/// Each file is a case of one rater.
pub(crate) fn one_rater(files: Vec<PathBuf>) -> Result<Vec<Case>, Failure> {
    let cases = match by_folder(&files) {
        Some(cases) => cases,
        None => by_name(files, Format::reads_labels)?,
    };
    Ok(cases
        .into_iter()
        .map(|(name, file)| Case {
            name,
            raters: vec![Some(file)],
        })
        .collect())
}

/// The cases of several raters' folders, by name.
pub(crate) fn of_raters(folders: &[PathBuf]) -> Result<Vec<Case>, Failure> {
    let mut files = Vec::new();
    check_once(folders)?;
    for folder in folders {
        if !is_folder(folder) {
            return of_file(folder, Err("is no folder; give one for each rater".into()));
        }
        files.push(of_folder(folder)?);
    }
    Ok(pair(files))
}

/// An error if a rater's files are given twice: the rater would agree with himself.
pub(crate) fn check_once(raters: &[PathBuf]) -> Result<(), Failure> {
    let mut known = BTreeSet::new();
    for path in raters {
        if path.canonicalize().is_ok_and(|path| !known.insert(path)) {
            return of_file(path, Err("is given twice; give each once".into()));
        }
    }
    Ok(())
}

/// The cases of several folders, by name.
pub(crate) fn pair(folders: Vec<ByName>) -> Vec<Case> {
    let count = folders.len();
    let mut cases = BTreeMap::<OsString, Vec<Option<PathBuf>>>::new();
    for (at, files) in folders.into_iter().enumerate() {
        for (name, file) in files {
            cases.entry(name).or_insert_with(|| vec![None; count])[at] = Some(file);
        }
    }
    cases.into_iter().map(|(name, raters)| Case { name, raters }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        folder
    }

    #[test]
    fn raters_are_paired_by_name() {
        let first = folder_with(&["b.nii.gz", "a.npy", "dataset.json", ".hidden.npy"]);
        let second = folder_with(&["b.nii", "c.png"]);
        let cases = of_raters(&[first.path().into(), second.path().into()]).unwrap();
        let titles: Vec<_> = cases.iter().map(Case::title).collect();
        assert_eq!(titles, ["a", "b", "c"]);
        let who: Vec<Vec<bool>> = cases
            .iter()
            .map(|case| case.raters.iter().map(Option::is_some).collect())
            .collect();
        assert_eq!(who, [[true, false], [true, true], [false, true]]);
    }

    #[test]
    fn two_files_of_one_name_are_an_error() {
        let folder = folder_with(&["a.npy", "a.nii"]);
        let error = of_folder(folder.path()).unwrap_err().to_string();
        assert!(error.contains("same name"), "{error}");
    }

    #[test]
    fn patterns_and_folders_are_several() {
        let folder = folder_with(&["a.npy", "b.npy", "c.png"]);
        let found = Inputs::find(&[folder.path().join("*.npy")]).unwrap();
        assert!(found.several && found.files.len() == 2);
        assert_eq!(Inputs::find(&[folder.path().into()]).unwrap().files.len(), 3);
        assert!(!Inputs::find(&[folder.path().join("a.npy")]).unwrap().several);
        assert!(Inputs::find(&[folder.path().join("*.tif")]).is_err());
    }
}
