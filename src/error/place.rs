//! Which of several things an error is about.

use std::fmt;

/// Which of several a fact is about, counted from 0.
///
/// ```
/// use soft_labels::{Error, Place, SvlsKernel};
///
/// let error = SvlsKernel::builder().sigma([1.0, -1.0]).build().unwrap_err();
/// assert!(matches!(error, Error::Setting { what: "sigma", place: Some(Place::Axis(1)), value: -1.0, .. }));
/// assert_eq!(error.to_string(), "sigma on axis 1 is -1; it must be finite and greater than 0");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// A spatial axis.
    Axis(usize),
    /// A class.
    Class(usize),
    /// A rater.
    Rater(usize),
    /// A sample of a batch.
    Sample(usize),
    /// A structure.
    Structure(usize),
}

/// The words that follow what is there, such as `on axis 0`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Axis(axis) => write!(f, "on axis {axis}"),
            Self::Class(class) => write!(f, "of class {class}"),
            Self::Rater(rater) => write!(f, "of rater {rater} (the first is 0)"),
            Self::Sample(sample) => write!(f, "of sample {sample} (the first is 0)"),
            Self::Structure(structure) => write!(f, "of structure {structure} (the first is 0)"),
        }
    }
}
