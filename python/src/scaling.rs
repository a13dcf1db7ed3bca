//! Calibrations: found on many cases, applied and scored.

use ndarray::{ArrayD, IxDyn};
use numpy::{IntoPyArray, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use soft_labels::metrics::{self, CalibrationMethod, Outputs};
use soft_labels::quantize;

use crate::arrays::{each_probability, read};
use crate::error::value;
use crate::metrics::with_views;
use crate::objects::{Classes, of_json};
use crate::threads;

/// Temperatures and biases.
#[pyclass(frozen, eq, module = "soft_labels")]
#[derive(Clone, PartialEq)]
pub(crate) struct Scaling(metrics::Calibration);

#[pymethods]
impl Scaling {
    /// Those of their JSON form.
    #[staticmethod]
    fn from_json(text: &str) -> PyResult<Self> {
        serde_json::from_str(text).map(Self).map_err(of_json)
    }

    /// The JSON form, which the Rust library reads, too.
    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(&self.0).map_err(value)
    }
}

/// The search for temperatures and biases, pass by pass.
#[pyclass(module = "soft_labels")]
pub(crate) struct ScalingFit(metrics::CalibrationFit);

#[pymethods]
impl ScalingFit {
    #[new]
    fn new(method: &str, classes: usize, logits: bool, folds: usize) -> PyResult<Self> {
        let method = match method {
            "temperature" => CalibrationMethod::Temperature,
            "class-temperatures" => CalibrationMethod::ClassTemperatures,
            "vector" => CalibrationMethod::Vector,
            other => {
                let known = "method is \"temperature\", \"class-temperatures\" or \"vector\"";
                return Err(value(format!("{known}, not {other:?}")));
            }
        };
        let fit = metrics::CalibrationFit::new(method, classes, logits).map_err(value)?;
        let fit = if folds > 0 {
            fit.folds(folds).map_err(value)?
        } else {
            fit
        };
        Ok(Self(fit))
    }

    /// Goes on after a pass over all cases, and tells whether another one is needed.
    fn step(&mut self) -> PyResult<bool> {
        self.0.step().map_err(value)
    }

    /// What was found on all cases, or on those that are not in the fold of this one.
    fn found(&self, without: Option<usize>) -> PyResult<Scaling> {
        let found = match without {
            Some(case) => self.0.without(case),
            None => self.0.calibration(),
        };
        found.map(Scaling).map_err(value)
    }
}

/// Scores of calibrated probabilities, pooled over the voxels of all cases.
#[pyclass(module = "soft_labels")]
pub(crate) struct ScalingScores(metrics::CalibrationScores);

#[pymethods]
impl ScalingScores {
    #[new]
    fn new(classes: usize, bins: usize) -> PyResult<Self> {
        metrics::CalibrationScores::new(classes, bins).map(Self).map_err(value)
    }

    /// How many voxels count.
    #[getter]
    fn voxels(&self) -> u64 {
        self.0.voxels()
    }

    /// Negative log-likelihood, Brier score, and calibration error of the top label and of classes.
    #[getter]
    fn numbers(&self) -> [f64; 4] {
        [self.0.nll(), self.0.brier(), self.0.ece(), self.0.class_ece()]
    }
}

/// What the numbers are: logits, unless there is a smallest probability.
fn outputs(smallest: Option<f64>) -> Outputs {
    smallest.map_or(Outputs::Logits, |smallest| Outputs::Probabilities { smallest })
}

/// Reads a case of a pass.
#[pyfunction]
pub(crate) fn fit_scaling(
    fit: &Bound<'_, ScalingFit>,
    values: &Bound<'_, PyUntypedArray>,
    labels: &Bound<'_, PyUntypedArray>,
    classes: &Bound<'_, Classes>,
    smallest: Option<f64>,
    case: usize,
) -> PyResult<()> {
    let classes = &classes.get().0;
    let sums = {
        let held = fit.borrow();
        let search = &held.0;
        with_views!(values, labels, |found, drawn| search.sums(
            &found,
            outputs(smallest),
            &drawn,
            classes,
            case
        ))
    }?;
    fit.borrow_mut().0.add(&sums).map_err(value)
}

/// Adds the scores of a case, whose outputs are calibrated first; without a calibration they stay as they are.
#[pyfunction]
pub(crate) fn score_scaling(
    scores: &Bound<'_, ScalingScores>,
    scaling: Option<&Bound<'_, Scaling>>,
    values: &Bound<'_, PyUntypedArray>,
    labels: &Bound<'_, PyUntypedArray>,
    classes: &Bound<'_, Classes>,
    smallest: Option<f64>,
) -> PyResult<()> {
    let classes = &classes.get().0;
    let none = metrics::Calibration::temperature(1.0, classes.len()).map_err(value)?;
    let calibration = scaling.map_or(&none, |scaling| &scaling.get().0);
    let mut held = scores.borrow_mut();
    let scores = &mut held.0;
    with_views!(values, labels, |found, drawn| scores.add(
        calibration,
        &found,
        outputs(smallest),
        &drawn,
        classes
    ))
}

/// Calibrated probabilities of a network's outputs (C, ..), of the same type, or as 255ths.
#[pyfunction]
pub(crate) fn apply_scaling<'py>(
    scaling: &Bound<'py, Scaling>,
    values: &Bound<'py, PyUntypedArray>,
    smallest: Option<f64>,
    parts: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let (calibration, outputs, py) = (&scaling.get().0, outputs(smallest), values.py());
    each_probability!(values.dtype(), F => {
        let held = read::<F>(values)?;
        let found = held.as_array();
        if parts {
            threads::check_memory(found.len().saturating_mul(24))?;
            let quantized = || {
                let probabilities: ArrayD<f64> = calibration.apply(&found, outputs)?;
                let mut parts = ArrayD::<u8>::zeros(probabilities.raw_dim());
                quantize::soft_into(&probabilities, &mut parts)?;
                soft_labels::Result::Ok(parts)
            };
            Ok(threads::run(py, quantized)?.map_err(value)?.into_pyarray(py).into_any())
        } else {
            let probabilities = threads::run(py, || calibration.apply::<F, F, IxDyn>(&found, outputs))?;
            Ok(probabilities.map_err(value)?.into_pyarray(py).into_any())
        }
    })
}
