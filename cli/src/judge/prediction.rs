//! What is judged, and what it is judged by.

use std::path::Path;

use ndarray::ArrayD;
use soft_labels::Classes;
use soft_labels::metrics::top_labels_against;
use soft_labels_files::{self as files, Format, Geometry, Palette, read_prediction};

use crate::classes::read_map;
use crate::command::{Failure, of_file};
use crate::memory;

/// A label map, and where its voxels are.
pub(crate) struct Reference {
    pub(crate) labels: ArrayD<i64>,
    pub(crate) geometry: Geometry,
}

pub(crate) enum Prediction {
    Labels(ArrayD<i64>),
    Probabilities(ArrayD<f64>),
}

pub(crate) fn reference(path: &Path, palette: Option<&Palette>) -> Result<Reference, Failure> {
    let map = read_map(path, palette)?;
    memory::check_voxels(map.labels.shape(), size_of::<i64>())?;
    Ok(Reference {
        labels: map.labels.into_i64(),
        geometry: map.geometry,
    })
}

fn read(path: &Path, of: &Reference, palette: Option<&Palette>) -> Result<files::Prediction, Failure> {
    Ok(match palette {
        Some(_) => files::Prediction::Labels(read_map(path, palette)?),
        None => read_prediction(path, of.labels.ndim())?,
    })
}

/// A prediction that fits a reference.
pub(crate) fn prediction(
    path: &Path,
    of: &Reference,
    classes: &Classes,
    palette: Option<&Palette>,
) -> Result<Prediction, Failure> {
    let is_picture = Format::of(path).is_some_and(|format| !format.writes_probabilities());
    let (prediction, geometry) = match read(path, of, palette.filter(|_| is_picture))? {
        files::Prediction::Labels(map) => {
            memory::check_voxels(map.labels.shape(), size_of::<i64>())?;
            (Prediction::Labels(map.labels.into_i64()), map.geometry)
        }
        files::Prediction::Probabilities(p) => (Prediction::Probabilities(p.values), p.geometry),
    };
    let fits = if of.geometry.same_place(&geometry) {
        prediction.check(of.labels.shape(), classes)
    } else {
        Err("is at another place than the reference; resample it first".into())
    };
    of_file(path, fits.map(|()| prediction))
}

impl Prediction {
    /// Whether there are so many voxels along each axis, and probabilities of these classes.
    fn check(&self, expected: &[usize], classes: &Classes) -> Result<(), Failure> {
        let (count, shape) = match self {
            Self::Labels(labels) => (None, labels.shape()),
            Self::Probabilities(p) => (p.shape().first(), p.shape().get(1..).unwrap_or(&[])),
        };
        if shape != expected {
            return Err(format!(
                "has shape {shape:?} without classes, but the reference {expected:?}; give the same voxels"
            )
            .into());
        }
        match count {
            Some(&count) if count != classes.len() => {
                let expected = classes.len();
                Err(format!("has {count} classes, but {expected} were told; set --classes or --values").into())
            }
            _ => Ok(()),
        }
    }

    /// The predicted label map, to be judged by a reference.
    pub(crate) fn labels(self, reference: &ArrayD<i64>, classes: &Classes) -> Result<ArrayD<i64>, Failure> {
        Ok(match self {
            Self::Labels(labels) => labels,
            Self::Probabilities(probabilities) => top_labels_against(&probabilities, reference, classes)?,
        })
    }
}
