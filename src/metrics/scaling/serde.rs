//! How a calibration looks in JSON and the like. What is read is checked.

use serde::{Deserialize, Serialize};

use super::{Calibration, CalibrationMethod};

/// The fields of a [`Calibration`]. Others may be beside them, such as scores.
#[derive(Serialize, Deserialize)]
pub(super) struct Form {
    method: CalibrationMethod,
    logits: bool,
    classes: usize,
    temperatures: Vec<f64>,
    biases: Vec<f64>,
}

impl TryFrom<Form> for Calibration {
    type Error = crate::Error;

    fn try_from(form: Form) -> crate::Result<Self> {
        Self::new(form.method, form.logits, form.classes, form.temperatures, form.biases)
    }
}

impl From<Calibration> for Form {
    fn from(calibration: Calibration) -> Self {
        Self {
            method: calibration.method,
            logits: calibration.logits,
            classes: calibration.classes,
            temperatures: calibration.temperatures,
            biases: calibration.biases,
        }
    }
}
