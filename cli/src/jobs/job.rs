//! One output, and what it is made of.

use std::ops::Deref;
use std::path::PathBuf;

use soft_labels_files::{Format, Place};

use super::Drawn;
use crate::command::Existing;

/// One output, and the label maps of its raters.
#[derive(Debug)]
pub(crate) struct Job {
    pub(super) drawn: Drawn,
    pub(crate) out: PathBuf,
    pub(crate) format: Format,
    pub(super) existing: Existing,
}

impl Job {
    pub(crate) fn place(&self) -> Place<'_> {
        self.existing.place(&self.out)
    }
}

impl Deref for Job {
    type Target = Drawn;

    fn deref(&self) -> &Drawn {
        &self.drawn
    }
}
