//! Whether files were changed.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::error::{Error, Fault};

/// What tells whether a file, or an array with all its chunks, was changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct State {
    files: u64,
    bytes: u64,
    /// When the last of them was changed, in nanoseconds since 1970.
    changed: u128,
}

impl State {
    /// Of a file, or of all files of a folder, so deep and no deeper. Links in it are not followed.
    ///
    /// # Errors
    ///
    /// If the file or the folder cannot be read.
    pub fn of(path: &Path, depth: usize) -> Result<Self, Error> {
        Self::read(path, depth).map_err(|fault| fault.at(path))
    }

    fn read(path: &Path, depth: usize) -> Result<Self, Fault> {
        let mut state = Self::default();
        state.add(path, &path.metadata()?, depth)?;
        Ok(state)
    }

    fn add(&mut self, path: &Path, metadata: &Metadata, depth: usize) -> Result<(), Fault> {
        if metadata.is_file() {
            self.files += 1;
            self.bytes += metadata.len();
            let changed = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            self.changed = self.changed.max(changed.as_nanos());
        } else if metadata.is_dir() && depth > 0 {
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                self.add(&entry.path(), &entry.metadata()?, depth - 1)?;
            }
        }
        Ok(())
    }
}
