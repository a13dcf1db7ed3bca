//! What is judged, and what it is judged by.

use std::path::Path;

use ndarray::ArrayD;
use nifti::NiftiHeader;
use soft_labels::Classes;
use soft_labels::metrics::top_labels;

use crate::command::Failure;
use crate::files::kind::Kind;
use crate::files::labels::Predicted;
use crate::files::{labels, npy, space};

/// A label map, and its header if it came from NIfTI.
pub(crate) struct Reference {
    pub(crate) labels: ArrayD<i64>,
    pub(crate) header: Option<NiftiHeader>,
}

pub(crate) enum Prediction {
    Labels(ArrayD<i64>),
    Probabilities(ArrayD<f64>),
}

pub(crate) fn reference(path: &Path) -> Result<Reference, Failure> {
    let volume = labels::read(path)?;
    let labels = volume.labels.widen().into_iter().next().ok_or("holds no label map")?;
    Ok(Reference {
        labels,
        header: volume.header,
    })
}

/// A prediction that fits a reference.
pub(crate) fn prediction(path: &Path, of: &Reference, classes: &Classes) -> Result<Prediction, Failure> {
    let prediction = match Kind::of(path) {
        Some(Kind::Npy) => from_npy(path, of.labels.ndim())?,
        Some(Kind::Nifti) => from_nifti(path, of)?,
        _ => Prediction::Labels(reference(path)?.labels),
    };
    let (count, shape) = match &prediction {
        Prediction::Labels(labels) => (None, labels.shape()),
        Prediction::Probabilities(p) => (p.shape().first(), p.shape().get(1..).unwrap_or(&[])),
    };
    if shape != of.labels.shape() {
        let expected = of.labels.shape();
        return Err(format!(
            "has shape {shape:?} without classes, but the reference {expected:?}; give the same voxels"
        )
        .into());
    }
    if let Some(&count) = count.filter(|&&count| count != classes.len()) {
        let expected = classes.len();
        return Err(format!("has {count} classes, but {expected} were told; set --classes or --values").into());
    }
    Ok(prediction)
}

fn from_npy(path: &Path, axes: usize) -> Result<Prediction, Failure> {
    if let Some(probabilities) = npy::array::<f32>(path)? {
        return Ok(Prediction::Probabilities(probabilities.mapv(f64::from)));
    }
    if let Some(probabilities) = npy::array(path)? {
        return Ok(Prediction::Probabilities(probabilities));
    }
    // With an axis more than the label map, bytes are 255ths.
    if let Some(parts) = npy::array::<u8>(path)?.filter(|parts| parts.ndim() == axes + 1) {
        return Ok(Prediction::Probabilities(parts.mapv(|part| f64::from(part) / 255.0)));
    }
    let neither = "holds neither labels, as integers, nor probabilities, as 32- or 64-bit floats or 255ths";
    Ok(Prediction::Labels(reference(path).map_err(|_| neither)?.labels))
}

fn from_nifti(path: &Path, of: &Reference) -> Result<Prediction, Failure> {
    let (prediction, header) = match labels::predicted_nifti(path, of.labels.ndim())? {
        Predicted::Probabilities(probabilities, header) => (Prediction::Probabilities(probabilities), Some(header)),
        Predicted::Labels(volume) => {
            let labels = volume.labels.widen().into_iter().next().ok_or("holds no label map")?;
            (Prediction::Labels(labels), volume.header)
        }
    };
    if matches!((&header, &of.header), (Some(a), Some(b)) if !space::same_space(a, b)) {
        return Err("is at another place than the reference; resample it first".into());
    }
    Ok(prediction)
}

impl Prediction {
    /// The predicted label map.
    pub(crate) fn labels(self, classes: &Classes) -> Result<ArrayD<i64>, Failure> {
        Ok(match self {
            Self::Labels(labels) => labels,
            Self::Probabilities(probabilities) => top_labels(&probabilities, classes)?,
        })
    }
}
