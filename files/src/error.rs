//! The one error type, and what readers and writers say before the file is named.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What is wrong with a file or a place for one: its path, the fact, and what to do.
///
/// ```
/// use soft_labels_files::{ErrorKind, read_labels};
///
/// let error = read_labels("labels.docx").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Format);
/// assert!(error.to_string().starts_with("labels.docx: is none of .npy, .nii,"));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Error {
    path: Option<PathBuf>,
    fault: Fault,
}

/// What a caller may want to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system failed to read or write. [`source`](StdError::source) has its error.
    Io,
    /// No format has this ending, or the format is not read or not written so.
    Format,
    /// The file is cut off, contradicts itself, or is not of the format that its name tells.
    Broken,
    /// The file is whole, but holds something else than was asked for: colours, or numbers that are no labels.
    Content,
    /// The values do not fit in memory, in the format or in the element type.
    TooLarge,
    /// Something is there already, and it is not to be replaced.
    Exists,
    /// Nothing may be written there: the folder is missing, for example.
    Place,
}

impl Error {
    /// The file or folder. `None` if the error is about values in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.fault.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}: {}", path.display(), self.fault.text),
            None => f.write_str(&self.fault.text),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.fault.source.as_ref().map(|source| source as _)
    }
}

/// What is wrong, without the file.
#[derive(Debug)]
pub struct Fault {
    kind: ErrorKind,
    text: String,
    source: Option<io::Error>,
}

impl Fault {
    fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            source: None,
        }
    }

    pub(crate) fn format(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Format, text)
    }

    pub(crate) fn broken(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Broken, text)
    }

    pub(crate) fn content(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Content, text)
    }

    pub(crate) fn too_large(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::TooLarge, text)
    }

    pub(crate) fn exists(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Exists, text)
    }

    pub(crate) fn place(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Place, text)
    }

    /// Whether the file is not what its name tells.
    pub(crate) fn is_broken(&self) -> bool {
        self.kind == ErrorKind::Broken
    }

    /// What fails while a stream is unpacked is a broken file, not a failing disk.
    pub(crate) fn broken_stream(self) -> Self {
        match self.kind {
            ErrorKind::Io => Self::broken(format!("has broken data ({}); save it again", self.text)),
            _ => self,
        }
    }

    /// The error of a file.
    pub(crate) fn at(self, path: &Path) -> Error {
        Error {
            path: Some(path.to_path_buf()),
            fault: self,
        }
    }

    /// The error of values in memory.
    pub(crate) fn in_memory(self) -> Error {
        Error {
            path: None,
            fault: self,
        }
    }
}

impl From<io::Error> for Fault {
    fn from(source: io::Error) -> Self {
        Self {
            kind: ErrorKind::Io,
            text: source.to_string(),
            source: Some(source),
        }
    }
}

impl From<ndarray::ShapeError> for Fault {
    fn from(error: ndarray::ShapeError) -> Self {
        Self::broken(format!(
            "has a shape that does not fit its values ({error}); save it again"
        ))
    }
}
