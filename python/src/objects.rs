//! Classes and encodings as small objects that do not change.

mod classes;
mod encoding;

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyMapping};

use crate::error::{value, wrong_type};

pub(crate) use classes::Classes;
pub(crate) use encoding::Encoding;

static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// More numbers than any setting needs. A view may have so many that no memory holds their list.
const MOST_NUMBERS: usize = 1 << 24;

/// Imports what is used here.
pub(crate) fn import(py: Python<'_>) -> PyResult<()> {
    DUMPS.import(py, "json", "dumps")?;
    LOADS.import(py, "json", "loads")?;
    Ok(())
}

/// NumPy's numbers and arrays as plain ones.
#[pyfunction]
fn listed<'py>(item: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let numbers = item.getattr("size").and_then(|size| size.extract()).unwrap_or(0_usize);
    if numbers > MOST_NUMBERS {
        return Err(value(format!(
            "a setting has {numbers} numbers; use at most {MOST_NUMBERS}"
        )));
    }
    item.call_method0("tolist")
}

/// The JSON form of settings.
fn dumped(settings: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = settings.py();
    let keywords = PyDict::new(py);
    keywords.set_item("default", wrap_pyfunction!(listed, py)?)?;
    keywords.set_item("allow_nan", false)?;
    let dumped = DUMPS.import(py, "json", "dumps")?.call((settings,), Some(&keywords));
    let wrong = |error: PyErr| {
        if error.to_string().contains("JSON compliant") {
            value("a setting holds a number that is not finite")
        } else if error.is_instance_of::<PyMemoryError>(py) || error.is_instance_of::<PyValueError>(py) {
            error
        } else {
            wrong_type(format!("a setting is a number or a list of numbers: {error}"))
        }
    };
    dumped.map_err(wrong)?.extract()
}

/// Channels as their JSON form has them: a matrix may be given as it is.
fn channels<'py>(given: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if given.cast::<PyMapping>().is_ok() {
        return Ok(given);
    }
    let matrix = PyDict::new(given.py());
    matrix.set_item("matrix", given)?;
    Ok(matrix.into_any())
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err has it")]
// Where the text is from Python, so is its only line.
pub(crate) fn of_json(error: serde_json::Error) -> PyErr {
    let text = error.to_string();
    value(text.split(" at line 1 ").next().unwrap_or_default().to_owned())
}

/// The function of the package that makes an object again. It has a name of its own, which loaders that trust few names need.
pub(crate) fn maker<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("soft_labels._pickle")?.getattr(name)
}

fn fields<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyDict>> {
    Ok(LOADS
        .import(py, "json", "loads")?
        .call1((text,))?
        .cast_into::<PyDict>()?)
}

/// How an object is made: the value of a field, if it is there, and all others by their names.
fn made(class: &str, fields: &Bound<'_, PyDict>, first: &str) -> PyResult<String> {
    let mut arguments = Vec::new();
    for (name, item) in fields.iter() {
        let item = item.repr()?;
        let name: String = name.extract()?;
        if name == first {
            arguments.insert(0, item.to_string());
        } else {
            arguments.push(format!("{name}={item}"));
        }
    }
    Ok(format!("{class}({})", arguments.join(", ")))
}

fn hash(item: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    item.hash(&mut hasher);
    hasher.finish()
}
