//! Classes and encodings as small objects that do not change.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use crate::error::{in_range, value, wrong_type};

/// Which labels are classes, and which label is ignored.
#[pyclass(frozen, eq, module = "soft_labels", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Classes(pub(crate) soft_labels::Classes);

#[pymethods]
impl Classes {
    #[new]
    #[pyo3(signature = (count=None, *, values=None, ignore=None))]
    fn new(
        count: Option<Bound<'_, PyAny>>,
        values: Option<Bound<'_, PyAny>>,
        ignore: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let classes = match (count, values) {
            (Some(count), None) => soft_labels::Classes::contiguous(in_range(count.extract(), &count)?),
            (None, Some(values)) => from_values(in_range(values.extract(), &values)?)?,
            _ => return Err(value("give the number of classes or their values")),
        };
        let classes = classes.map_err(value)?;
        let Some(ignore) = ignore else {
            return Ok(Self(classes));
        };
        let label: i128 = in_range(ignore.extract(), &ignore)?;
        let classes = match (i64::try_from(label), u64::try_from(label)) {
            (Ok(label), _) => classes.with_ignore(label),
            (_, Ok(label)) => classes.with_ignore(label),
            _ => return Err(value(format!("{ignore} is out of range"))),
        };
        Ok(Self(classes.map_err(value)?))
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

/// Labels of 64 bits, with a sign or without.
fn from_values(values: Vec<i128>) -> PyResult<soft_labels::Result<soft_labels::Classes>> {
    let signed: Result<Vec<i64>, _> = values.iter().map(|&label| label.try_into()).collect();
    if let Ok(signed) = signed {
        return Ok(soft_labels::Classes::from_values(signed));
    }
    let unsigned: Result<Vec<u64>, _> = values.iter().map(|&label| label.try_into()).collect();
    let unsigned = unsigned.map_err(|_| value("labels are from -2^63 to 2^63 - 1, or from 0 to 2^64 - 1"))?;
    Ok(soft_labels::Classes::from_values(unsigned))
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
        // NumPy's numbers and arrays become plain ones.
        let plain = py.import("operator")?.call_method1("methodcaller", ("tolist",))?;
        let keywords = PyDict::new(py);
        keywords.set_item("default", plain)?;
        let dumped = py.import("json")?.call_method("dumps", (fields,), Some(&keywords));
        let text: String = dumped
            .map_err(|error| wrong_type(format!("a setting is a number or a list of numbers: {error}")))?
            .extract()?;
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
            .map_err(|error| value(error.to_string().split(" at line 1 ").next().unwrap_or_default().to_owned()))
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
