//! Bins that hold about equally many voxels.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use soft_labels::metrics::ReliabilityBin;

/// Bins that hold about equally many voxels each, which `Reliability.equal_mass` makes of many fine ones.
///
/// Examples
/// --------
/// >>> import numpy as np
/// >>> from soft_labels import metrics
/// >>> probabilities = np.array([[[0.9, 0.8, 0.7, 0.4]], [[0.1, 0.2, 0.3, 0.6]]])
/// >>> fine = metrics.reliability(probabilities, np.array([[0, 0, 0, 0]]), 2, bins=5100)
/// >>> fine.equal_mass(2).count
/// array([2, 2], dtype=uint64)
#[pyclass(frozen, eq, module = "soft_labels.metrics")]
#[derive(Clone, PartialEq)]
pub(crate) struct EqualMassBins(pub(crate) soft_labels::metrics::EqualMassBins);

#[pymethods]
impl EqualMassBins {
    /// Of each bin: probabilities in it are above this.
    #[getter]
    fn lower<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.column(py, |bin| bin.lower)
    }

    /// Of each bin: probabilities in it are at most this.
    #[getter]
    fn upper<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.column(py, |bin| bin.upper)
    }

    /// Of each bin: the number of voxels.
    #[getter]
    fn count<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        self.column(py, |bin| bin.count)
    }

    /// Of each bin: the share of right voxels, or of those that have the class.
    #[getter]
    fn accuracy<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.column(py, |bin| bin.accuracy)
    }

    /// Of each bin: the mean probability.
    #[getter]
    fn confidence<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.column(py, |bin| bin.confidence)
    }

    /// The expected calibration error, NaN if no voxel was counted.
    #[getter]
    fn ece(&self) -> f64 {
        self.0.ece()
    }

    /// The average calibration error, NaN if no voxel was counted.
    #[getter]
    fn ace(&self) -> f64 {
        self.0.ace()
    }

    /// The maximum calibration error, NaN if no voxel was counted.
    #[getter]
    fn mce(&self) -> f64 {
        self.0.mce()
    }

    fn __len__(&self) -> usize {
        self.0.bins().len()
    }

    fn __repr__(&self) -> String {
        format!("EqualMassBins(bins={}, ece={})", self.0.bins().len(), self.0.ece())
    }
}

impl EqualMassBins {
    fn column<'py, T: numpy::Element>(
        &self,
        py: Python<'py>,
        of: impl Fn(&ReliabilityBin) -> T,
    ) -> Bound<'py, PyArray1<T>> {
        let column: Vec<_> = self.0.bins().iter().map(of).collect();
        column.into_pyarray(py)
    }
}
