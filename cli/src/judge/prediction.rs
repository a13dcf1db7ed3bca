//! What is judged, and what it is judged by.

use std::path::Path;

use ndarray::{ArrayD, Axis, stack};
use soft_labels::Classes;
use soft_labels::metrics::top_labels_against;
use soft_labels_files::{self as files, Format, Geometry, Labels, Palette, read_prediction_of};

use crate::classes::read_map;
use crate::command::{Failure, of_file};
use crate::grid::{Grid, GridArgs};
use crate::memory;

/// A label map, and where its voxels are.
pub(crate) struct Reference<'a> {
    path: &'a Path,
    pub(crate) labels: ArrayD<i64>,
    pub(crate) geometry: Geometry,
}

pub(crate) enum Prediction {
    Labels(Labels),
    Probabilities(ArrayD<f64>),
}

pub(crate) fn reference<'a>(path: &'a Path, palette: Option<&Palette>) -> Result<Reference<'a>, Failure> {
    let map = read_map(path, palette)?;
    memory::check_voxels(map.labels.shape(), size_of::<i64>())?;
    Ok(Reference {
        path,
        labels: map.labels.into_i64(),
        geometry: map.geometry,
    })
}

impl Reference<'_> {
    pub(crate) fn grid(&self) -> Grid<'_> {
        Grid {
            path: self.path,
            geometry: self.geometry.clone(),
            shape: self.labels.shape().to_vec(),
        }
    }
}

fn read(path: &Path, of: &Grid<'_>, palette: Option<&Palette>) -> Result<files::Prediction, Failure> {
    Ok(match palette {
        Some(_) => files::Prediction::Labels(read_map(path, palette)?),
        None => read_prediction_of(path, of.shape.len(), of.geometry.axes())?,
    })
}

/// A prediction that fits the voxels of a reference.
pub(crate) fn prediction(
    path: &Path,
    of: &Grid<'_>,
    classes: &Classes,
    palette: Option<&Palette>,
    grid: GridArgs,
) -> Result<Prediction, Failure> {
    let is_picture = Format::of(path).is_some_and(|format| matches!(format.name(), "PNG" | "TIFF"));
    let (prediction, geometry) = match read(path, of, palette.filter(|_| is_picture))? {
        files::Prediction::Labels(map) => (Prediction::Labels(map.labels), map.geometry),
        // One class is the foreground of two.
        files::Prediction::Probabilities(p) if classes.len() == 2 && p.values.shape().first() == Some(&1) => {
            let two = two_classes(&p.values.index_axis_move(Axis(0), 0), classes)?;
            (Prediction::Probabilities(two), p.geometry)
        }
        files::Prediction::Probabilities(p) => (Prediction::Probabilities(p.values), p.geometry),
        files::Prediction::Foreground(p) => {
            let two = of_file(path, two_classes(&p.values, classes))?;
            (Prediction::Probabilities(two), p.geometry)
        }
    };
    of_file(path, prediction.check(&of.shape, classes))?;
    let found = Grid {
        path,
        geometry,
        shape: of.shape.clone(),
    };
    grid.check(&[found, of.clone()])?;
    Ok(prediction)
}

/// The probabilities of a background and of a foreground, of which the second is given.
fn two_classes(foreground: &ArrayD<f64>, classes: &Classes) -> Result<ArrayD<f64>, Failure> {
    if classes.len() != 2 {
        return Err(format!(
            "holds one number a voxel, which is no label; it is the probability of a foreground for 2 classes, not for {}",
            classes.len()
        )
        .into());
    }
    let background = foreground.mapv(|p| 1.0 - p);
    Ok(stack(Axis(0), &[background.view(), foreground.view()])?)
}

impl Prediction {
    /// Whether there are so many voxels along each axis, and probabilities of these classes.
    pub(crate) fn check(&self, expected: &[usize], classes: &Classes) -> Result<(), Failure> {
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
            Self::Labels(labels) => {
                memory::check_voxels(labels.shape(), size_of::<i64>())?;
                labels.into_i64()
            }
            Self::Probabilities(probabilities) => top_labels_against(&probabilities, reference, classes)?,
        })
    }
}
