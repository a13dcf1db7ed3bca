//! Which labels are classes.

use pyo3::prelude::*;
use pyo3::types::PyType;

use super::{fields, hash, made, maker};
use crate::error::{in_range, value};

/// Which labels are classes, and which label is ignored.
///
/// Its length is the number of classes. It compares, hashes and pickles, and cannot be changed.
///
/// Parameters
/// ----------
/// count : int or list of int
///     The number of classes 0, 1, 2, ..., or the label of each class in the order of the class axis.
/// values : list of int, optional
///     The same list by its name.
/// ignore : int, optional
///     The label of voxels that nobody labelled. It is no class, such voxels are 0 in all classes, and they lend no weight to
///     their neighbours.
///
/// Raises
/// ------
/// ValueError
///     If there is no class or there are more than 65535, a label is listed twice or does not fit 64 bits, or the ignored
///     label is a class.
/// TypeError
///     If a label is no integer.
///
/// Examples
/// --------
/// >>> from soft_labels import Classes
/// >>> Classes([0, 1, 2, 4], ignore=255)
/// Classes([0, 1, 2, 4], ignore=255)
/// >>> Classes(4).values
/// [0, 1, 2, 3]
/// >>> len(Classes(4, ignore=-1))
/// 4
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
            (Some(count), None) if count.len().is_err() => {
                soft_labels::Classes::contiguous(in_range(count.extract(), &count)?)
            }
            (Some(values), None) | (None, Some(values)) => {
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
        let classes = Self(classes.map_err(value)?);
        match ignore {
            Some(label) => classes.with_ignore(&label),
            None => Ok(classes),
        }
    }

    /// The label of each class, in the order of the class axis.
    #[getter]
    fn values(&self) -> Vec<i128> {
        self.0.values()
    }

    /// The label that is ignored, or None.
    #[getter]
    fn ignore(&self) -> Option<i128> {
        self.0.ignore()
    }

    /// The number of classes: the length of the class axis.
    #[getter]
    fn count(&self) -> usize {
        self.0.len()
    }

    /// The same classes with a label to ignore.
    ///
    /// Parameters
    /// ----------
    /// label : int
    ///
    /// Returns
    /// -------
    /// Classes
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the label is a class.
    ///
    /// Examples
    /// --------
    /// >>> from soft_labels import Classes
    /// >>> Classes(4).with_ignore(255)
    /// Classes(4, ignore=255)
    fn with_ignore(&self, label: &Bound<'_, PyAny>) -> PyResult<Self> {
        let label = in_range(label.extract(), label)?;
        of_64_bits(&[label])?;
        Ok(Self(self.0.clone().with_ignore(label).map_err(value)?))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let fields = fields(py, &self.to_json()?)?;
        let first = if fields.contains("values")? { "values" } else { "count" };
        made("Classes", &fields, first)
    }

    fn __hash__(&self) -> u64 {
        hash(&self.0)
    }

    /// The JSON form, which the command and the Rust library read, too.
    ///
    /// Returns
    /// -------
    /// str
    ///
    /// Examples
    /// --------
    /// >>> from soft_labels import Classes
    /// >>> Classes([0, 1, 4], ignore=255).to_json()
    /// '{"values":[0,1,4],"ignore":255}'
    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(&self.0).map_err(value)
    }

    /// Classes of their JSON form.
    ///
    /// Parameters
    /// ----------
    /// text : str
    ///
    /// Returns
    /// -------
    /// Classes
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the text is no such JSON.
    ///
    /// Examples
    /// --------
    /// >>> from soft_labels import Classes
    /// >>> Classes.from_json('{"count": 4}')
    /// Classes(4)
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
