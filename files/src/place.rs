//! Where a result goes. It appears there whole or not at all.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::error::{Error, Fault, Result};
use crate::formats::Format;

/// The place of an output. What is there already is not replaced, unless [`overwrite`](Self::overwrite) says so.
///
/// A path is a place, too, so functions that write take either.
///
/// ```
/// use ndarray::array;
/// use soft_labels_files::{ErrorKind, Geometry, Place, write_labels};
///
/// let folder = tempfile::tempdir()?;
/// let (path, labels) = (folder.path().join("labels.png"), array![[0_u8, 1]]);
/// write_labels(&path, &labels, &Geometry::unknown())?;
/// let error = write_labels(&path, &labels, &Geometry::unknown()).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Exists);
/// write_labels(Place::new(&path).overwrite(true), &labels, &Geometry::unknown())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    path: &'a Path,
    overwrite: bool,
}

impl<'a, P: AsRef<Path> + ?Sized> From<&'a P> for Place<'a> {
    fn from(path: &'a P) -> Self {
        Self::new(path)
    }
}

impl<'a> Place<'a> {
    /// A path where nothing is yet.
    pub fn new<P: AsRef<Path> + ?Sized>(path: &'a P) -> Self {
        Self {
            path: path.as_ref(),
            overwrite: false,
        }
    }

    /// Whether a file that is there already is replaced. So is a folder that is a Zarr array which this crate wrote, if nothing
    /// else is in it, but no other folder.
    #[must_use]
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// The path.
    pub fn path(&self) -> &'a Path {
        self.path
    }

    /// Whether something may be written here.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Exists`](crate::ErrorKind) or [`ErrorKind::Place`](crate::ErrorKind) if not.
    pub fn check(&self) -> Result<()> {
        self.checked().map_err(|fault| fault.at(self.path))
    }

    fn checked(&self) -> std::result::Result<(), Fault> {
        if !folder_of(self.path).is_dir() {
            return Err(Fault::place("its folder does not exist; make it first"));
        }
        // What others made may hold anything.
        if self.path.is_dir() && !Format::wrote_folder(self.path) {
            return Err(foreign());
        }
        if self
            .path
            .metadata()
            .is_ok_and(|there| !there.is_file() && !there.is_dir())
        {
            return Err(Fault::place("is not a regular file; give another name"));
        }
        // A link that leads nowhere is there, too.
        if !self.overwrite && self.path.symlink_metadata().is_ok() {
            return Err(Fault::exists("exists already; give another name"));
        }
        Ok(())
    }

    /// Has a file written beside this place, and moves it here when it is whole. If `write` fails, nothing is left behind.
    ///
    /// # Errors
    ///
    /// Those of `write`, and those of [`check`](Self::check).
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// use soft_labels_files::{Error, Place};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("notes.txt");
    /// Place::new(&path).file(|file| -> Result<(), Box<dyn std::error::Error>> { Ok(file.write_all(b"whole")?) })?;
    /// assert_eq!(std::fs::read(&path)?, b"whole");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn file<E: From<Error>>(
        &self,
        write: impl FnOnce(&mut File) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.by_name("", |path| {
            let mut file = File::create(path).map_err(|error| Fault::from(error).at(self.path))?;
            write(&mut file)
        })
    }

    /// The same for a writer that opens the file by its name, which ends with `ending`.
    pub(crate) fn by_name<E: From<Error>>(
        &self,
        ending: &str,
        write: impl FnOnce(&Path) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.check()?;
        let mut part = tempfile::Builder::new();
        part.prefix(PREFIX).suffix(ending);
        #[cfg(unix)]
        part.permissions(as_any_other_file());
        let part = part.tempfile_in(folder_of(self.path));
        let part = part.map_err(|error| Fault::from(error).at(self.path))?.into_temp_path();
        write(&part)?;
        Ok(self.persist(part).map_err(|fault| fault.at(self.path))?)
    }

    fn persist(&self, part: TempPath) -> std::result::Result<(), Fault> {
        // What is in the file is on the disk before the name is.
        File::open(&part)?.sync_all()?;
        let persisted = if self.overwrite {
            part.persist(self.path)
        } else {
            part.persist_noclobber(self.path)
        };
        persisted.map_err(|failed| match failed.error.kind() {
            ErrorKind::AlreadyExists => Fault::exists("exists since a moment ago; give another name"),
            _ => failed.error.into(),
        })
    }

    /// Moves a finished folder here, from the same disk.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check), and if it cannot be moved.
    pub fn put_folder(&self, finished: &Path) -> Result<()> {
        self.check()?;
        self.put_checked(finished).map_err(|fault| fault.at(self.path))
    }

    fn put_checked(&self, finished: &Path) -> std::result::Result<(), Fault> {
        if self.path.symlink_metadata().is_err() {
            return Ok(fs::rename(finished, self.path)?);
        }
        // Dropped at the end, with what was here before.
        let mut folder = tempfile::Builder::new()
            .prefix(".soft-labels-old-")
            .tempdir_in(folder_of(self.path))?;
        let old = folder.path().join("old");
        fs::rename(self.path, &old)?;
        // It may have become another one since it was checked.
        let put = match old.symlink_metadata() {
            Ok(there) if there.is_dir() && !Format::wrote_folder(&old) => Err(foreign()),
            _ => fs::rename(finished, self.path).map_err(Fault::from),
        };
        if put.is_err() && fs::rename(&old, self.path).is_err() {
            folder.disable_cleanup(true);
        }
        put
    }

    /// Has a folder written beside this place, and moves it here when it is whole.
    pub(crate) fn folder(&self, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        self.check()?;
        let part = tempfile::Builder::new().prefix(PREFIX).tempdir_in(folder_of(self.path));
        let part = part.map_err(|error| Fault::from(error).at(self.path))?;
        let inner = part.path().join("part");
        write(&inner)?;
        self.put_folder(&inner)
    }
}

fn foreign() -> Fault {
    Fault::place("is a folder, and no array that was written here; give another name, or remove it yourself")
}

/// Names of unfinished files begin so.
const PREFIX: &str = ".soft-labels-";

/// What the user's mask leaves of it. A temporary file is else its owner's alone.
#[cfg(unix)]
fn as_any_other_file() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

/// The folder of a path, which is the current one if the path names none.
pub fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let result = Place::new(&path).file(|file| -> Outcome {
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
        let write = |overwrite, text: &'static [u8]| {
            Place::new(&path)
                .overwrite(overwrite)
                .file(|file| -> Outcome { Ok(file.write_all(text)?) })
        };
        write(false, b"first").unwrap();
        assert!(
            write(false, b"second")
                .unwrap_err()
                .to_string()
                .contains("exists already")
        );
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write(true, b"third").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
    }
}
