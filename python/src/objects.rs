//! Classes and encodings as small objects that do not change.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use crate::error::value;

/// Which labels are classes, and which label is ignored.
#[pyclass(frozen, eq, module = "soft_labels", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Classes(pub(crate) soft_labels::Classes);

#[pymethods]
impl Classes {
    #[new]
    #[pyo3(signature = (count=None, *, values=None, ignore=None))]
    fn new(count: Option<usize>, values: Option<Vec<i64>>, ignore: Option<i64>) -> PyResult<Self> {
        let classes = match (count, values) {
            (Some(count), None) => soft_labels::Classes::contiguous(count),
            (None, Some(values)) => soft_labels::Classes::from_values(values),
            _ => return Err(value("give the number of classes or their values")),
        };
        let classes = classes.map_err(value)?;
        Ok(Self(match ignore {
            Some(ignore) => classes.with_ignore(ignore).map_err(value)?,
            None => classes,
        }))
    }

    /// The label of each class.
    #[getter]
    fn values(&self) -> Vec<i128> {
        self.0.values()
    }

    /// The label that is ignored, if there is one.
    #[getter]
    fn ignore<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        fields(py, &self.to_json()?)?.get_item("ignore")
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let fields = fields(py, &self.to_json()?)?;
        Ok(format!("Classes({})", keywords(&fields, "")?))
    }

    fn __hash__(&self) -> PyResult<u64> {
        Ok(hash(&self.to_json()?))
    }

    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(&self.0).map_err(value)
    }

    #[classmethod]
    fn from_json(_: &Bound<'_, PyType>, text: &str) -> PyResult<Self> {
        serde_json::from_str(text).map(Self).map_err(value)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((slf.get_type().getattr("from_json")?, (slf.get().to_json()?,)))
    }
}

/// A method and its settings: one-hot labels, label smoothing or SVLS.
#[pyclass(frozen, eq, module = "soft_labels", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Encoding(pub(crate) soft_labels::Encoding);

#[pymethods]
impl Encoding {
    /// The settings are those of the JSON form.
    #[new]
    #[pyo3(signature = (method="svls", **settings))]
    fn new(py: Python<'_>, method: &str, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let fields = settings.map_or_else(|| Ok(PyDict::new(py)), |settings| settings.copy())?;
        fields.set_item("method", method)?;
        let text: String = py.import("json")?.call_method1("dumps", (fields,))?.extract()?;
        Self::parse(&text)
    }

    #[classmethod]
    fn from_json(_: &Bound<'_, PyType>, text: &str) -> PyResult<Self> {
        Self::parse(text)
    }

    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(&self.0).map_err(value)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let fields = fields(py, &self.to_json()?)?;
        let method = fields
            .get_item("method")?
            .map_or_else(|| Ok(String::new()), |method| quoted(&method))?;
        fields.del_item("method")?;
        Ok(format!("Encoding({method}{})", keywords(&fields, ", ")?))
    }

    fn __hash__(&self) -> PyResult<u64> {
        Ok(hash(&self.to_json()?))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((slf.get_type().getattr("from_json")?, (slf.get().to_json()?,)))
    }
}

impl Encoding {
    fn parse(text: &str) -> PyResult<Self> {
        let parsed: serde_json::Result<soft_labels::Encoding> = serde_json::from_str(text);
        // Where the text is from Python, so is its only line.
        parsed
            .map(Self)
            .map_err(|error| value(error.to_string().split(" at line 1 ").next().unwrap_or_default()))
    }
}

fn fields<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyDict>> {
    Ok(py
        .import("json")?
        .call_method1("loads", (text,))?
        .cast_into::<PyDict>()?)
}

fn quoted(item: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(item.repr()?.to_string())
}

/// Keyword arguments, each after the separator but the first, which is after `before`.
fn keywords(fields: &Bound<'_, PyDict>, before: &str) -> PyResult<String> {
    let pairs = fields
        .iter()
        .map(|(name, item)| Ok(format!("{name}={}", quoted(&item)?)));
    let pairs = pairs.collect::<PyResult<Vec<_>>>()?.join(", ");
    Ok(if pairs.is_empty() {
        pairs
    } else {
        format!("{before}{pairs}")
    })
}

fn hash(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
