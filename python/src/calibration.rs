//! Calibration of every class, bins of equal mass, risk-coverage curves, and the band about boundaries.

use numpy::{IntoPyArray, PyArray1, PyArrayDyn, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyType;
use soft_labels::metrics::{CalibrationReduction, Scope, boundary_band as band};

use crate::arrays::read;
use crate::error::{in_range, value};
use crate::metrics::{each_judged, with_views};
use crate::objects::{Classes, maker, of_json};
use crate::reliability::Reliability;
use crate::threads;

/// The probability of every class against where the reference has it, counted in bins: each class against all others.
///
/// The calibration of the most probable class hides rare classes; the mean over classes does not. The bins of several cases are
/// added with ``+`` or `sum`, which gives the pooled numbers; the mean of the numbers of cases is another number. It compares and
/// pickles, and cannot be changed.
///
/// MONAI's ``CalibrationErrorMetric`` takes 20 bins, computes ``errors(reduction)`` of each image, and averages over all images and
/// classes, those that an image lacks included: ``numpy.mean([case.errors(reduction) for case in cases])``. It puts a probability
/// on the edge of two bins into the lower one, as is done here. torchmetrics puts it into the upper one.
///
/// Parameters
/// ----------
/// classes : int
///     How many.
/// bins : int
///     How many for each class, from 1 to 1048576. They are empty; `soft_labels.metrics.class_reliability` counts.
///
/// Raises
/// ------
/// ValueError
///     If there are no classes or bins, or too many.
///
/// Examples
/// --------
/// >>> import numpy as np
/// >>> from soft_labels import metrics
/// >>> probabilities = np.array([[[0.75, 0.75, 0.0, 0.0]], [[0.25, 0.25, 1.0, 1.0]]])
/// >>> cases = [metrics.class_reliability(probabilities, np.array([[0, 0, 1, 1]]), 2) for _ in range(3)]
/// >>> sum(cases)
/// ClassReliability(classes=2, bins=20, voxels=12, ece=0.125)
/// >>> sum(cases).mce
/// array([0.25, 0.25])
#[pyclass(frozen, eq, module = "soft_labels.metrics")]
#[derive(Clone, PartialEq)]
pub(crate) struct ClassReliability(soft_labels::metrics::ClassReliability);

#[pymethods]
impl ClassReliability {
    #[new]
    #[pyo3(signature = (classes, bins=None), text_signature = "(classes, bins=20)")]
    fn new(classes: &Bound<'_, PyAny>, bins: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let classes = in_range(classes.extract(), classes)?;
        let bins = bins.map_or(Ok(20), |bins| in_range(bins.extract(), bins))?;
        soft_labels::metrics::ClassReliability::new(classes, bins)
            .map(Self)
            .map_err(value)
    }

    /// The bins of each class.
    ///
    /// Each is a `Reliability`: ``confidence`` is the mean probability of the class in a bin, ``accuracy`` the share of voxels that
    /// have the class.
    #[getter]
    fn classes(&self) -> Vec<Reliability> {
        self.0.classes().iter().cloned().map(Reliability).collect()
    }

    /// The number of voxels that were counted.
    #[getter]
    fn voxels(&self) -> u64 {
        self.0.count()
    }

    /// The expected calibration error of each class, NaN if no voxel was counted.
    #[getter]
    fn ece<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.of_each(py, soft_labels::metrics::Reliability::ece)
    }

    /// The average calibration error of each class: the mean over bins that hold voxels, all alike.
    #[getter]
    fn ace<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.of_each(py, soft_labels::metrics::Reliability::ace)
    }

    /// The maximum calibration error of each class: that of the worst bin.
    #[getter]
    fn mce<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.of_each(py, soft_labels::metrics::Reliability::mce)
    }

    /// The calibration error of each class.
    ///
    /// Parameters
    /// ----------
    /// reduction : {"expected", "average", "maximum"}
    ///     How the errors of bins become one, by MONAI's names: ECE, ACE or MCE.
    /// equal_mass : int, optional
    ///     Into how many bins of equal mass the bins are regrouped first; see `Reliability.equal_mass`.
    ///
    /// Returns
    /// -------
    /// array of float64, (classes,)
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the name is another, or `equal_mass` is out of range.
    ///
    /// Examples
    /// --------
    /// >>> import numpy as np
    /// >>> from soft_labels import metrics
    /// >>> probabilities = np.array([[[0.75, 0.75, 0.0, 0.0]], [[0.25, 0.25, 1.0, 1.0]]])
    /// >>> found = metrics.class_reliability(probabilities, np.array([[0, 0, 1, 1]]), 2, bins=5100)
    /// >>> found.errors("average", equal_mass=2)
    /// array([0.125, 0.125])
    #[expect(clippy::doc_markdown, reason = "Python shows it, and lists parameters so")]
    #[pyo3(signature = (reduction="expected", *, equal_mass=None))]
    fn errors<'py>(
        &self,
        py: Python<'py>,
        reduction: &str,
        equal_mass: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let error = error_of(reduction, equal_mass)?;
        Ok(self.of_each(py, error))
    }

    /// The mean calibration error of the classes that occur.
    ///
    /// Those are the classes that the reference has at a voxel that was counted.
    ///
    /// Parameters
    /// ----------
    /// reduction, equal_mass
    ///     As for `errors`.
    ///
    /// Returns
    /// -------
    /// float
    ///     NaN if no class occurs.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     As `errors`.
    ///
    /// Examples
    /// --------
    /// >>> import numpy as np
    /// >>> from soft_labels import metrics
    /// >>> probabilities = np.array([[[0.75, 0.75, 1.0, 1.0]], [[0.25, 0.25, 0.0, 0.0]]])
    /// >>> metrics.class_reliability(probabilities, np.array([[0, 0, 0, 0]]), 2).mean("maximum")  # of the first class
    /// 0.25
    #[expect(clippy::doc_markdown, reason = "Python shows it, and lists parameters so")]
    #[pyo3(signature = (reduction="expected", *, equal_mass=None))]
    fn mean(&self, reduction: &str, equal_mass: Option<&Bound<'_, PyAny>>) -> PyResult<f64> {
        Ok(self.0.mean(error_of(reduction, equal_mass)?))
    }

    fn __len__(&self) -> usize {
        self.0.classes().len()
    }

    fn __add__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = other.py();
        let Ok(other) = other.cast::<Self>() else {
            return Ok(py.NotImplemented().into_bound(py));
        };
        let mut both = self.clone();
        both.0.merge(&other.get().0).map_err(value)?;
        Ok(Bound::new(py, both)?.into_any())
    }

    /// `sum` begins with 0.
    fn __radd__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> Bound<'py, PyAny> {
        if other.extract().is_ok_and(|start: i64| start == 0) {
            slf.clone().into_any()
        } else {
            slf.py().NotImplemented().into_bound(slf.py())
        }
    }

    fn __repr__(&self) -> String {
        let classes = self.0.classes();
        let (count, bins) = (classes.len(), classes.first().map_or(0, |class| class.bins().len()));
        let ece = self.0.mean(soft_labels::metrics::Reliability::ece);
        let voxels = self.0.count();
        format!("ClassReliability(classes={count}, bins={bins}, voxels={voxels}, ece={ece})")
    }

    /// The JSON form, which the Rust library reads, too.
    ///
    /// Returns
    /// -------
    /// str
    ///
    /// Examples
    /// --------
    /// >>> from soft_labels.metrics import ClassReliability
    /// >>> ClassReliability(1, 1).to_json()
    /// '{"classes":[{"bins":[{"count":0,"correct":0,"confidence":0.0}]}]}'
    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(&self.0).map_err(value)
    }

    /// Bins of their JSON form.
    ///
    /// Parameters
    /// ----------
    /// text : str
    ///
    /// Returns
    /// -------
    /// ClassReliability
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the text is no such JSON.
    ///
    /// Examples
    /// --------
    /// >>> from soft_labels.metrics import ClassReliability
    /// >>> ClassReliability.from_json(ClassReliability(3).to_json()) == ClassReliability(3, 20)
    /// True
    #[classmethod]
    fn from_json(_: &Bound<'_, PyType>, text: &str) -> PyResult<Self> {
        serde_json::from_str(text).map(Self).map_err(of_json)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((maker(slf.py(), "class_reliability")?, (slf.get().to_json()?,)))
    }
}

impl ClassReliability {
    fn of_each<'py>(
        &self,
        py: Python<'py>,
        number: impl Fn(&soft_labels::metrics::Reliability) -> f64,
    ) -> Bound<'py, PyArray1<f64>> {
        let numbers: Vec<_> = self.0.classes().iter().map(number).collect();
        numbers.into_pyarray(py)
    }
}

/// The error of a class, by its name and the number of bins of equal mass.
fn error_of(
    reduction: &str,
    equal_mass: Option<&Bound<'_, PyAny>>,
) -> PyResult<impl Fn(&soft_labels::metrics::Reliability) -> f64> {
    let reduction = match reduction {
        "expected" => CalibrationReduction::Expected,
        "average" => CalibrationReduction::Average,
        "maximum" => CalibrationReduction::Maximum,
        other => {
            return Err(value(format!(
                "reduction is \"expected\", \"average\" or \"maximum\", not {other:?}"
            )));
        }
    };
    let parts: Option<usize> = equal_mass.map(|bins| in_range(bins.extract(), bins)).transpose()?;
    if let Some(bins) = parts {
        // The only thing that can be wrong.
        soft_labels::metrics::Reliability::new(bins).map_err(value)?;
    }
    Ok(move |class: &soft_labels::metrics::Reliability| match parts {
        Some(bins) => class.equal_mass(bins).map_or(f64::NAN, |bins| bins.error(reduction)),
        None => class.error(reduction),
    })
}

/// The bins of every class.
#[pyfunction]
pub(crate) fn class_reliability(
    probabilities: &Bound<'_, PyUntypedArray>,
    reference: &Bound<'_, PyUntypedArray>,
    classes: &Bound<'_, Classes>,
    bins: usize,
) -> PyResult<ClassReliability> {
    let classes = &classes.get().0;
    with_views!(probabilities, reference, |p, labels| {
        let mut reliability = soft_labels::metrics::ClassReliability::new(classes.len(), bins)?;
        reliability.add(&p, &labels, classes, Scope::All)?;
        soft_labels::Result::Ok(ClassReliability(reliability))
    })
}

/// The voxels within a distance of the boundaries.
#[pyfunction]
pub(crate) fn boundary_band<'py>(
    py: Python<'py>,
    labels: &Bound<'py, PyUntypedArray>,
    classes: &Bound<'py, Classes>,
    spacing: Vec<f64>,
    distance: f64,
) -> PyResult<Bound<'py, PyArrayDyn<bool>>> {
    let classes = &classes.get().0;
    let found = each_judged!(labels.dtype(), L => {
        let drawn = read::<L>(labels)?;
        let labels = drawn.as_array();
        threads::run(py, || band(&labels, classes, spacing, distance))?.map_err(value)
    })?;
    Ok(found.into_pyarray(py))
}
