//! What the raters of a case drew.

use std::path::PathBuf;
use std::sync::Arc;

use soft_labels::Error;
use soft_labels_files::Palette;

use crate::cases::Case;
use crate::command::{Failure, text};
use crate::grid::{Grid, GridArgs};
use crate::raters::{self, Foreground, Volume};

/// The label maps of a case's raters, and how they are read.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) case: Case,
    /// Whether an axis is the raters.
    pub(crate) stacked: bool,
    pub(crate) foreground: Option<Foreground>,
    pub(crate) palette: Option<Arc<Palette>>,
    pub(crate) grid: GridArgs,
}

impl Drawn {
    pub(crate) fn title(&self) -> String {
        self.case.title()
    }

    /// Which labels become one.
    #[cfg(feature = "zarr")]
    pub(crate) fn foreground(&self) -> Option<Foreground> {
        self.foreground
    }

    /// Whether an axis is the raters.
    #[cfg(feature = "zarr")]
    pub(crate) fn is_stacked(&self) -> bool {
        self.stacked
    }

    /// An error of the library, with the file that it is about.
    pub(crate) fn named(&self, error: Error) -> Failure {
        let of = |rater: usize| self.raters().nth(rater).or_else(|| self.raters().next());
        let (rater, error) = match error {
            // The file's name says whose label map it is.
            Error::UnknownLabel {
                rater,
                value,
                index,
                count,
                classes,
                ..
            } if !self.stacked => (
                rater,
                Error::UnknownLabel {
                    rater: 0,
                    raters: 1,
                    value,
                    index,
                    count,
                    classes,
                },
            ),
            Error::Shape {
                place: Some(soft_labels::Place::Rater(rater)),
                ..
            } => (rater, error),
            error => (0, error),
        };
        match of(rater) {
            Some((_, file)) => format!("{}: {}", file.display(), text(&error)).into(),
            None => error.into(),
        }
    }

    /// The same for any failure, of which some are errors of the library.
    pub(crate) fn named_failure(&self, failure: Failure) -> Failure {
        match failure.downcast::<Error>() {
            Ok(error) => self.named(*error),
            Err(other) => other,
        }
    }

    /// The raters who drew the case.
    pub(crate) fn raters(&self) -> impl Iterator<Item = (usize, &PathBuf)> {
        let files = self.case.raters.iter().enumerate();
        files.filter_map(|(rater, file)| Some((rater, file.as_ref()?)))
    }

    /// The label maps of all raters, with the geometry of the first.
    pub(crate) fn read(&self) -> Result<Volume, Failure> {
        let files = self.raters().map(|(_, file)| file.as_path());
        let mut volume = raters::read(files, self.stacked, self.palette.as_deref(), self.grid)?;
        if let Some(foreground) = self.foreground {
            volume.labels.become_one(foreground);
        }
        Ok(volume)
    }

    /// Whether the voxels of the raters' files lie at the same places.
    pub(crate) fn check_grid(&self, grids: &[Grid<'_>]) -> Result<(), Failure> {
        self.grid.check(grids)
    }
}
