//! What is read is never written over.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use crate::command::{Failure, of_file};

/// All files and folders that a command reads, whichever option named them, by the names that links lead to.
#[derive(Debug, Default)]
pub(crate) struct Spared {
    paths: BTreeSet<PathBuf>,
    /// Folders of label maps: a result in one of them would be an input of the next run.
    folders: BTreeSet<PathBuf>,
}

impl Spared {
    pub(crate) fn of<'a>(inputs: impl IntoIterator<Item = &'a Path>) -> Self {
        // What does not exist cannot be lost.
        let known = inputs.into_iter().filter_map(|input| input.canonicalize().ok());
        Self {
            paths: known.collect(),
            folders: BTreeSet::new(),
        }
    }

    /// Nor is anything put beside the files of these folders. Their folders may hold results.
    pub(crate) fn with_folders<'a>(mut self, folders: impl IntoIterator<Item = &'a Path>) -> Self {
        let known = folders.into_iter().filter_map(|folder| folder.canonicalize().ok());
        self.folders.extend(known);
        self
    }

    /// An error if an output is one of the inputs, or holds one, or lies in one.
    pub(crate) fn check(&self, out: &Path) -> Result<(), Failure> {
        of_file(out, self.check_place(&place(out)))
    }

    /// The same for many outputs in one folder.
    pub(crate) fn check_all<'a>(
        &self,
        folder: &Path,
        outputs: impl IntoIterator<Item = &'a Path>,
    ) -> Result<(), Failure> {
        let folder = place(folder);
        for out in outputs {
            let linked = out.symlink_metadata().is_ok_and(|there| there.is_symlink());
            let at = match out.file_name() {
                Some(name) if !linked => folder.join(name),
                _ => place(out),
            };
            of_file(out, self.check_place(&at))?;
        }
        Ok(())
    }

    fn check_place(&self, out: &Path) -> Result<(), Failure> {
        let within = || out.ancestors().any(|folder| self.paths.contains(folder));
        let mut after = self.paths.range::<Path, _>((Bound::Included(out), Bound::Unbounded));
        if within() || after.next().is_some_and(|input| input.starts_with(out)) {
            return Err("is an input, too, or part of one; give another name".into());
        }
        if out.parent().is_some_and(|folder| self.folders.contains(folder)) {
            return Err("lies in a folder of inputs, where the next run would read it; give another folder".into());
        }
        Ok(())
    }
}

/// Where a path leads, by links as well. Of a path that does not exist it is the part that does, and then the rest.
pub(crate) fn place(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let ancestors = absolute.ancestors();
    let found = ancestors
        .into_iter()
        .find_map(|part| Some((part, part.canonicalize().ok()?)));
    match found {
        Some((part, known)) => match absolute.strip_prefix(part) {
            Ok(rest) if !rest.as_os_str().is_empty() => known.join(rest),
            _ => known,
        },
        None => absolute,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_read_is_spared_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(path("in/array")).unwrap();
        std::fs::write(path("in/a.npy"), "").unwrap();
        symlink(path("in"), path("link")).unwrap();
        symlink("a.npy", path("in/b.npy")).unwrap();
        let (a, array) = (path("in/a.npy"), path("link/array"));
        let spared = Spared::of([a.as_path(), &array]);
        for lost in [
            "in/a.npy",
            "link/a.npy",
            "in/../in/b.npy",
            "in",
            "link/array/new/soft.zarr",
            "in/array",
        ] {
            assert!(spared.check(&path(lost)).is_err(), "{lost}");
        }
        for free in ["in/c.npy", "in/array2", "a.npy", "new/a.npy"] {
            spared.check(&path(free)).unwrap();
        }
        let (link, other) = (path("link"), path("in/d.npy"));
        assert!(spared.check_all(&link, [path("link/a.npy").as_path()]).is_err());
        assert!(spared.check_all(&link, [path("link/b.npy").as_path()]).is_err());
        spared.check_all(&link, [other.as_path()]).unwrap();
        let spared = spared.with_folders([link.as_path()]);
        assert!(spared.check(&other).is_err());
        spared.check(&path("in/new/d.npy")).unwrap();
    }
}
