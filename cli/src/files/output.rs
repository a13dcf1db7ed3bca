//! Where a result goes. It appears there whole or not at all.

use std::fs::File;
#[cfg(unix)]
use std::fs::Permissions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::kind;
use crate::command::Failure;

/// Whether a file that is there already may be replaced.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Existing {
    /// Replaces outputs that exist already
    #[arg(long)]
    pub(crate) overwrite: bool,
}

/// The place of one output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) path: &'a Path,
    pub(crate) overwrite: bool,
}

impl Place<'_> {
    /// Whether something may be written here.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if !folder(self.path).is_dir() {
            return Err("its folder does not exist; make it first".into());
        }
        // A folder that is no Zarr array may hold anything.
        if self.path.is_dir() && !kind::is_array(self.path) {
            return Err("is a folder; name a file".into());
        }
        if self
            .path
            .metadata()
            .is_ok_and(|there| !there.is_file() && !there.is_dir())
        {
            return Err("is not a regular file; give another name".into());
        }
        // A link that leads nowhere is there, too.
        if !self.overwrite && self.path.symlink_metadata().is_ok() {
            return Err("exists already; give another name, or --overwrite".into());
        }
        Ok(())
    }

    /// An error if this place is one of the inputs, or holds one, or lies in one.
    pub(crate) fn spare<'p>(&self, inputs: impl IntoIterator<Item = &'p Path>) -> Result<(), Failure> {
        let Ok(out) = self.path.canonicalize() else {
            // Nothing is there that could be lost.
            return Ok(());
        };
        let lost = |input: &Path| {
            let input = input.canonicalize();
            input.is_ok_and(|input| input.starts_with(&out) || out.starts_with(&input))
        };
        if inputs.into_iter().any(lost) {
            return Err("is an input, too, or part of one; give another name".into());
        }
        Ok(())
    }

    /// Has a file written beside this place, and moves it here when it is whole.
    pub(crate) fn file(&self, write: impl FnOnce(&mut File) -> Result<(), Failure>) -> Result<(), Failure> {
        self.path(|path| write(&mut File::create(path)?))
    }

    /// The same for a writer that opens the file by its name.
    pub(crate) fn path(&self, write: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
        self.check()?;
        let mut part = tempfile::Builder::new();
        part.prefix(".soft-labels-");
        // NIfTI's writer goes by the name.
        part.suffix(if self.is_gzip() { ".nii.gz" } else { ".nii" });
        #[cfg(unix)]
        part.permissions(as_any_other_file());
        let part = part.tempfile_in(folder(self.path))?.into_temp_path();
        write(&part)?;
        self.persist(part)
    }

    fn is_gzip(&self) -> bool {
        self.path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz"))
    }

    fn persist(&self, part: TempPath) -> Result<(), Failure> {
        // What is in the file is on the disk before the name is.
        File::open(&part)?.sync_all()?;
        let persisted = if self.overwrite {
            part.persist(self.path)
        } else {
            part.persist_noclobber(self.path)
        };
        persisted.map_err(|failed| match failed.error.kind() {
            ErrorKind::AlreadyExists => "exists since a moment ago; give another name, or --overwrite".into(),
            _ => Failure::from(failed.error),
        })
    }
}

/// What the user's mask leaves of it. A temporary file is else its owner's alone.
#[cfg(unix)]
fn as_any_other_file() -> Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

/// The folder of a path, which is the current one if the path names none.
pub(crate) fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let place = Place {
            path: &path,
            overwrite: false,
        };
        let result = place.file(|file| {
            file.write_all(b"half")?;
            Err("no".into())
        });
        assert_eq!(result.unwrap_err().to_string(), "no");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_there_stays_unless_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let write =
            |overwrite, text: &'static [u8]| Place { path: &path, overwrite }.file(|file| Ok(file.write_all(text)?));
        write(false, b"first").unwrap();
        assert!(write(false, b"second").unwrap_err().to_string().contains("--overwrite"));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write(true, b"third").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
    }
}
