//! The crate's errors as Python's.

use std::any::Any;
use std::fmt::Display;

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

/// A wrong value, with the arguments that help where the crate's words leave them open.
pub(crate) fn value(error: impl Display + 'static) -> PyErr {
    let any: &dyn Any = &error;
    let hint = match any.downcast_ref() {
        Some(soft_labels::Error::UnknownLabel { .. }) => " (with Classes(values=[..]) or Classes(.., ignore=..))",
        _ => "",
    };
    PyValueError::new_err(format!("{error}{hint}"))
}

/// An integer that fits no machine word is a wrong value.
pub(crate) fn in_range<T>(extracted: PyResult<T>, item: &Bound<'_, PyAny>) -> PyResult<T> {
    extracted.map_err(|error| {
        if error.is_instance_of::<PyOverflowError>(item.py()) {
            value(format!("{item} is out of range"))
        } else {
            error
        }
    })
}

/// A wrong type.
pub(crate) fn wrong_type(message: impl Into<String>) -> PyErr {
    PyTypeError::new_err(message.into())
}
