//! Classes and encodings as small objects that do not change.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyMapping, PyType};
use soft_labels::{Channels, SoftEncoder};

use crate::error::{in_range, value, wrong_type};

static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static METHODCALLER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Imports what is used here.
pub(crate) fn import(py: Python<'_>) -> PyResult<()> {
    DUMPS.import(py, "json", "dumps")?;
    LOADS.import(py, "json", "loads")?;
    METHODCALLER.import(py, "operator", "methodcaller")?;
    Ok(())
}

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
            (None, Some(values)) => {
                // Before they are copied.
                if let Ok(count) = values.len().map(|count| count.min(MOST_VALUES + 1))
                    && count > MOST_VALUES
                {
                    return Err(value(format!("there are more than {MOST_VALUES} classes; use fewer")));
                }
                let values: Vec<i128> = in_range(values.extract(), &values)?;
                of_64_bits(&values)?;
                soft_labels::Classes::from_values(values)
            }
            _ => return Err(value("give the number of classes or their values")),
        };
        let classes = classes.map_err(value)?;
        let Some(ignore) = ignore else {
            return Ok(Self(classes));
        };
        let label = in_range(ignore.extract(), &ignore)?;
        of_64_bits(&[label])?;
        Ok(Self(classes.with_ignore(label).map_err(value)?))
    }

    /// The label of each class.
    #[getter]
    fn values(&self) -> Vec<i128> {
        self.0.values()
    }

    /// The label that is ignored, if there is one.
    #[getter]
    fn ignore(&self) -> Option<i128> {
        self.0.ignore()
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let fields = fields(py, &self.to_json()?)?;
        Ok(format!("Classes({})", keywords(&fields, "")?))
    }

    fn __hash__(&self) -> u64 {
        hash(&self.0)
    }

    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(&self.0).map_err(value)
    }

    #[classmethod]
    fn from_json(_: &Bound<'_, PyType>, text: &str) -> PyResult<Self> {
        serde_json::from_str(text).map(Self).map_err(value)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((maker(slf.py(), "classes")?, (slf.get().to_json()?,)))
    }
}

/// More classes than are possible.
const MOST_VALUES: usize = 1 << 16;

/// Checks that labels fit one type of 64 bits, with a sign or without.
fn of_64_bits(labels: &[i128]) -> PyResult<()> {
    let signed = labels.iter().all(|&label| i64::try_from(label).is_ok());
    if signed || labels.iter().all(|&label| u64::try_from(label).is_ok()) {
        Ok(())
    } else {
        Err(value("labels are from -2^63 to 2^63 - 1, or from 0 to 2^64 - 1"))
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
        // A matrix may be given as it is.
        if let Some(channels) = fields.get_item("channels")?
            && channels.cast::<PyMapping>().is_err()
        {
            let matrix = PyDict::new(py);
            matrix.set_item("matrix", channels)?;
            fields.set_item("channels", matrix)?;
        }
        // NumPy's numbers and arrays become plain ones.
        let plain = METHODCALLER
            .import(py, "operator", "methodcaller")?
            .call1(("tolist",))?;
        let keywords = PyDict::new(py);
        keywords.set_item("default", plain)?;
        let dumped = DUMPS.import(py, "json", "dumps")?.call((fields,), Some(&keywords));
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

    /// The same with channels, which are given in their JSON form.
    fn with_channels(&self, channels: &str) -> PyResult<Self> {
        self.with(serde_json::from_str(channels).map_err(of_json)?)
    }

    /// How many channels the soft labels of these classes have.
    fn channel_count(&self, classes: &Classes) -> PyResult<usize> {
        self.0.channel_count(&classes.0).map_err(value)
    }

    /// Whether the channels of a voxel sum to 1.
    fn is_distribution(&self, classes: &Classes) -> PyResult<bool> {
        self.0.is_distribution(&classes.0).map_err(value)
    }

    /// How far the method reaches along each axis of label maps of so many axes, in voxels.
    fn radius(&self, axes: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
        self.0.radius(in_range(axes.extract(), axes)?).map_err(value)
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
        Ok((maker(slf.py(), "encoding")?, (slf.get().to_json()?,)))
    }
}

impl Encoding {
    /// This encoding with channels, if it has none.
    pub(crate) fn with(&self, channels: Channels) -> PyResult<Self> {
        if matches!(self.0, soft_labels::Encoding::WithChannels(_)) {
            return Err(value("the method has channels already; give them once"));
        }
        Ok(Self(self.0.clone().with_channels(channels).into()))
    }

    fn parse(text: &str) -> PyResult<Self> {
        let parsed: serde_json::Result<soft_labels::Encoding> = serde_json::from_str(text);
        parsed.map(Self).map_err(of_json)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err has it")]
// Where the text is from Python, so is its only line.
fn of_json(error: serde_json::Error) -> PyErr {
    let text = error.to_string();
    value(text.split(" at line 1 ").next().unwrap_or_default().to_owned())
}

/// The function of the package that makes an object again. It has a name of its own, which loaders that trust few names need.
fn maker<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("soft_labels._pickle")?.getattr(name)
}

fn fields<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyDict>> {
    Ok(LOADS
        .import(py, "json", "loads")?
        .call1((text,))?
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

fn hash(item: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    item.hash(&mut hasher);
    hasher.finish()
}
