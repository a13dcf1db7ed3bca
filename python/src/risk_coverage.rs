//! The risk-coverage curve.

use numpy::{IntoPyArray, PyArray1, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use soft_labels::metrics::{RiskStep, Scope};

use crate::metrics::with_views;
use crate::objects::Classes;

/// The risk-coverage curve of selective prediction.
///
/// Voxels are covered from the highest confidence to the lowest, and the risk is the share of wrong ones among those covered.
/// `risk_coverage` makes it of a map, and `Reliability.risk_coverage` of bins. Voxels of one confidence are one step.
///
/// Examples
/// --------
/// >>> import numpy as np
/// >>> from soft_labels import metrics
/// >>> probabilities = np.array([[[0.9, 0.8, 0.7, 0.4]], [[0.1, 0.2, 0.3, 0.6]]])
/// >>> metrics.risk_coverage(probabilities, np.array([[0, 0, 0, 0]]), 2)
/// RiskCoverage(steps=4, voxels=4, aurc=0.0625)
#[pyclass(frozen, eq, module = "soft_labels.metrics")]
#[derive(Clone, PartialEq)]
pub(crate) struct RiskCoverage(pub(crate) soft_labels::metrics::RiskCoverage);

#[pymethods]
impl RiskCoverage {
    /// Of each step: the confidence of the voxels that it adds, descending; their mean if they are a bin.
    #[getter]
    fn confidence<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.column(py, |step| step.confidence)
    }

    /// After each step: how many voxels are covered.
    #[getter]
    fn covered<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        self.column(py, |step| step.covered)
    }

    /// After each step: how many of the covered voxels are wrong.
    #[getter]
    fn wrong<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        self.column(py, |step| step.wrong)
    }

    /// After each step: the share of voxels that are covered.
    #[getter]
    fn coverage<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        let all = self.0.count() as f64;
        self.column(py, |step| step.covered as f64 / all)
    }

    /// After each step: the share of wrong voxels among those covered.
    #[getter]
    fn risk<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.column(py, RiskStep::risk)
    }

    /// The number of voxels.
    #[getter]
    fn voxels(&self) -> u64 {
        self.0.count()
    }

    /// The area under the curve: the mean over voxels of the risk when the voxel is covered, NaN if there are none.
    ///
    /// Trapezoids between the steps, which some packages take, give another number.
    #[getter]
    fn aurc(&self) -> f64 {
        self.0.aurc()
    }

    fn __len__(&self) -> usize {
        self.0.steps().len()
    }

    fn __repr__(&self) -> String {
        let (steps, voxels) = (self.0.steps().len(), self.0.count());
        format!("RiskCoverage(steps={steps}, voxels={voxels}, aurc={})", self.0.aurc())
    }
}

impl RiskCoverage {
    fn column<'py, T: numpy::Element>(&self, py: Python<'py>, of: impl Fn(&RiskStep) -> T) -> Bound<'py, PyArray1<T>> {
        let column: Vec<_> = self.0.steps().iter().map(of).collect();
        column.into_pyarray(py)
    }
}

/// The risk-coverage curve of one map.
#[pyfunction]
pub(crate) fn risk_coverage(
    probabilities: &Bound<'_, PyUntypedArray>,
    reference: &Bound<'_, PyUntypedArray>,
    classes: &Bound<'_, Classes>,
) -> PyResult<RiskCoverage> {
    let classes = &classes.get().0;
    with_views!(probabilities, reference, |p, labels| {
        soft_labels::metrics::risk_coverage(&p, &labels, classes, Scope::All).map(RiskCoverage)
    })
}
