//! The crate's errors as Python's.

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

/// A wrong value, in the crate's words.
pub(crate) fn value(error: impl std::fmt::Display) -> PyErr {
    let text = error.to_string();
    let text = IN_PYTHON
        .iter()
        .fold(text, |text, (rust, python)| text.replace(rust, python));
    PyValueError::new_err(text)
}

/// What the crate's messages call by its names in Rust.
const IN_PYTHON: [(&str, &str); 2] = [
    ("list it with Classes::from_values", "list it in Classes(values=[..])"),
    ("mark it with Classes::with_ignore", "name it as Classes(.., ignore=..)"),
];

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
