//! The crate's errors as Python's.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

/// A wrong value, in the crate's words.
pub(crate) fn value(error: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// A wrong type.
pub(crate) fn wrong_type(message: impl Into<String>) -> PyErr {
    PyTypeError::new_err(message.into())
}
