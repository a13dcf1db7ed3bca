//! The bins of a reliability diagram, which can be added.

use numpy::{IntoPyArray, PyArray1, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyType;
use soft_labels::metrics::{ReliabilityBin, class_calibration as calibration};

use crate::arrays::{each_probability, read};
use crate::equal_mass::EqualMassBins;
use crate::error::{in_range, value};
use crate::objects::{maker, of_json};
use crate::risk_coverage::RiskCoverage;
use crate::threads;

/// Confidence of the most probable class against accuracy, counted in bins of confidence.
///
/// The bins of several cases are added with ``+`` or `sum`, so a data set is judged without keeping it. The error of the whole is
/// not the mean of the errors of the cases. It compares and pickles, and cannot be changed.
///
/// Parameters
/// ----------
/// bins : int
///     How many, from 1 to 1048576. They are empty; `soft_labels.metrics.reliability` counts.
///
/// Raises
/// ------
/// ValueError
///     If there are no bins or too many.
///
/// Examples
/// --------
/// >>> import numpy as np
/// >>> from soft_labels import metrics
/// >>> probabilities, reference = np.array([[[0.75, 0.25]], [[0.25, 0.75]]]), np.array([[0, 0]])
/// >>> cases = [metrics.reliability(probabilities, reference, 2) for _ in range(3)]
/// >>> sum(cases)
/// Reliability(bins=10, voxels=6, ece=0.25)
/// >>> int((cases[0] + cases[1]).count[7])
/// 4
#[pyclass(frozen, eq, module = "soft_labels.metrics")]
#[derive(Clone, PartialEq)]
pub(crate) struct Reliability(pub(crate) soft_labels::metrics::Reliability);

#[pymethods]
impl Reliability {
    #[new]
    #[pyo3(signature = (bins=None), text_signature = "(bins=10)")]
    fn new(bins: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let bins = bins.map_or(Ok(10), |bins| in_range(bins.extract(), bins))?;
        soft_labels::metrics::Reliability::new(bins).map(Self).map_err(value)
    }

    /// Of each bin: confidences in it are above this.
    #[getter]
    fn lower<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.column(py, |bin| bin.lower)
    }

    /// Of each bin: confidences in it are at most this.
    #[getter]
    fn upper<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.column(py, |bin| bin.upper)
    }

    /// Of each bin: the number of voxels.
    #[getter]
    fn count<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        let counts: Vec<_> = self.0.bins().iter().map(|bin| bin.count).collect();
        counts.into_pyarray(py)
    }

    /// Of each bin: the number of voxels whose most probable class is right.
    #[getter]
    fn correct<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        let counts: Vec<_> = self.0.bins().iter().map(|bin| bin.correct).collect();
        counts.into_pyarray(py)
    }

    /// Of each bin: the fraction of voxels whose most probable class is right, NaN if there are none.
    #[getter]
    fn accuracy<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.column(py, |bin| bin.accuracy)
    }

    /// Of each bin: the mean confidence, NaN if there are no voxels.
    #[getter]
    fn confidence<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.column(py, |bin| bin.confidence)
    }

    /// The number of voxels in all bins.
    #[getter]
    fn voxels(&self) -> u64 {
        self.0.count()
    }

    /// The expected calibration error, NaN if no voxel was counted.
    #[getter]
    fn ece(&self) -> f64 {
        self.0.ece()
    }

    /// The average calibration error: the mean over bins that hold voxels, all alike; NaN if no voxel was counted.
    #[getter]
    fn ace(&self) -> f64 {
        self.0.ace()
    }

    /// The maximum calibration error: that of the worst bin, NaN if no voxel was counted.
    #[getter]
    fn mce(&self) -> f64 {
        self.0.mce()
    }

    /// The bins regrouped into so many that hold about equally many voxels.
    ///
    /// Whole bins are taken from the lowest on; a new bin is complete when the share of voxels up to its end reaches the next
    /// multiple of ``1 / bins``. A bin is never divided, so equal probabilities stay together, and there may be fewer bins than
    /// asked for. Counts, accuracies and mean confidences are exact; the borders are borders of bins that were counted. So count
    /// in many, such as 5100, which has a bin for each 255th.
    ///
    /// Parameters
    /// ----------
    /// bins : int
    ///     From 1 to 1048576.
    ///
    /// Returns
    /// -------
    /// EqualMassBins
    ///     With ``lower``, ``upper``, ``count``, ``accuracy``, ``confidence``, and ``ece``, ``ace`` and ``mce``.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If there are no bins or too many.
    ///
    /// Examples
    /// --------
    /// >>> import numpy as np
    /// >>> from soft_labels import metrics
    /// >>> probabilities = np.array([[[0.9, 0.8, 0.7, 0.4]], [[0.1, 0.2, 0.3, 0.6]]])
    /// >>> fine = metrics.reliability(probabilities, np.array([[0, 0, 0, 0]]), 2, bins=5100)
    /// >>> fine.equal_mass(2).confidence.round(4)
    /// array([0.65, 0.85])
    #[expect(clippy::doc_markdown, reason = "Python shows it, and lists parameters so")]
    fn equal_mass(&self, bins: &Bound<'_, PyAny>) -> PyResult<EqualMassBins> {
        let bins = in_range(bins.extract(), bins)?;
        self.0.equal_mass(bins).map(EqualMassBins).map_err(value)
    }

    /// The risk-coverage curve of the bins, in which each bin is one step.
    ///
    /// Coverages and risks are exact at the borders of bins; the order of voxels within a bin is not seen. So count in many bins,
    /// such as 5100.
    ///
    /// Returns
    /// -------
    /// RiskCoverage
    ///     With ``confidence``, ``covered``, ``wrong``, ``coverage``, ``risk`` and ``aurc``.
    ///
    /// Examples
    /// --------
    /// >>> import numpy as np
    /// >>> from soft_labels import metrics
    /// >>> probabilities = np.array([[[0.9, 0.8, 0.7, 0.4]], [[0.1, 0.2, 0.3, 0.6]]])
    /// >>> case = metrics.reliability(probabilities, np.array([[0, 0, 0, 0]]), 2, bins=5100)
    /// >>> (case + case).risk_coverage()
    /// RiskCoverage(steps=4, voxels=8, aurc=0.0625)
    fn risk_coverage(&self) -> RiskCoverage {
        RiskCoverage(self.0.risk_coverage())
    }

    fn __len__(&self) -> usize {
        self.0.bins().len()
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
        let (bins, voxels) = (self.0.bins().len(), self.0.count());
        format!("Reliability(bins={bins}, voxels={voxels}, ece={})", self.0.ece())
    }

    /// The JSON form, which the Rust library reads, too.
    ///
    /// Returns
    /// -------
    /// str
    ///
    /// Examples
    /// --------
    /// >>> from soft_labels.metrics import Reliability
    /// >>> Reliability(1).to_json()
    /// '{"bins":[{"count":0,"correct":0,"confidence":0.0}]}'
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
    /// Reliability
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     If the text is no such JSON.
    ///
    /// Examples
    /// --------
    /// >>> from soft_labels.metrics import Reliability
    /// >>> Reliability.from_json(Reliability(15).to_json()) == Reliability(15)
    /// True
    #[classmethod]
    fn from_json(_: &Bound<'_, PyType>, text: &str) -> PyResult<Self> {
        serde_json::from_str(text).map(Self).map_err(of_json)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((maker(slf.py(), "reliability")?, (slf.get().to_json()?,)))
    }
}

impl Reliability {
    fn column<'py>(&self, py: Python<'py>, of: impl Fn(&ReliabilityBin) -> f64) -> Bound<'py, PyArray1<f64>> {
        let column: Vec<_> = self.0.bins().iter().map(of).collect();
        column.into_pyarray(py)
    }
}

/// The bins of the probability of one class.
#[pyfunction]
pub(crate) fn class_calibration(
    probabilities: &Bound<'_, PyUntypedArray>,
    hit: &Bound<'_, PyUntypedArray>,
    bins: usize,
) -> PyResult<Reliability> {
    each_probability!(probabilities.dtype(), F => {
        let (held, hit) = (read::<F>(probabilities)?, read::<bool>(hit)?);
        let (p, hit) = (held.as_array(), hit.as_array());
        threads::run(held.py(), || calibration(&p, &hit, bins))?.map(Reliability).map_err(value)
    })
}
