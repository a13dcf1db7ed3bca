//! What a network gave for each class, from files.

use std::path::Path;

use ndarray::{ArrayD, Axis, stack};
use soft_labels::Error;
use soft_labels::metrics::Outputs;
use soft_labels_files::{Axes, ElementType, Geometry, Prediction, Probabilities, read_prediction_of};

use crate::command::{Failure, of_file};

/// The numbers of a file, the classes first.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) values: ArrayD<f64>,
    pub(super) form: Form,
    pub(super) element_type: ElementType,
    pub(super) geometry: Geometry,
    pub(super) outputs: Outputs,
}

/// What a file has of the classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// An axis of them.
    Classes,
    /// An axis of one: the foreground of two.
    Channel,
    /// No axis: the same.
    Foreground,
}

impl Found {
    /// Those of a label map with so many axes, in this order.
    pub(super) fn of_labels(
        path: &Path,
        axes: usize,
        order: Axes,
        classes: usize,
        logits: bool,
    ) -> Result<Self, Failure> {
        let read = read_prediction_of(path, axes, order)?;
        of_file(path, Self::of(read, classes, logits))
    }

    /// Those of a file alone, in which the number of classes tells which axis has them. `order` is that of the axes of the result.
    pub(super) fn alone(path: &Path, order: Axes, classes: usize, logits: bool) -> Result<Self, Failure> {
        let volume = read_prediction_of(path, 3, order)?;
        if let Prediction::Probabilities(_) = volume {
            return of_file(path, Self::of(volume, classes, logits));
        }
        let read = match read_prediction_of(path, 2, order)? {
            Prediction::Probabilities(image) if [Some(&classes), Some(&1)].contains(&image.values.shape().first()) => {
                Prediction::Probabilities(image)
            }
            image => match volume {
                Prediction::Foreground(_) if classes != 2 => image,
                volume => volume,
            },
        };
        of_file(path, Self::of(read, classes, logits))
    }

    fn of(read: Prediction, classes: usize, logits: bool) -> Result<Self, Failure> {
        let (found, form) = match read {
            Prediction::Labels(_) => {
                return Err("is a label map; give the probabilities of a network, or its logits with --logits".into());
            }
            Prediction::Probabilities(found) if classes == 2 && found.values.shape().first() == Some(&1) => {
                (found, Form::Channel)
            }
            Prediction::Probabilities(found) => (found, Form::Classes),
            Prediction::Foreground(found) if classes == 2 => (found, Form::Foreground),
            Prediction::Foreground(_) => {
                return Err(format!(
                    "holds one number a voxel, which is of a foreground of 2 classes, not of {classes}"
                )
                .into());
            }
        };
        let Probabilities {
            values,
            element_type,
            geometry,
            ..
        } = found;
        let values = match form {
            Form::Classes => values,
            Form::Channel => two_classes(&values.index_axis_move(Axis(0), 0), logits)?,
            Form::Foreground => two_classes(&values, logits)?,
        };
        if values.shape().first() != Some(&classes) {
            let error = format!(
                "has the shape {:?}, classes first, but {classes} classes are meant; give predictions of these classes",
                values.shape()
            );
            return Err(error.into());
        }
        if logits && element_type != ElementType::U8 && form == Form::Classes && are_probabilities(&values) {
            return Err("holds probabilities: all of a voxel sum to 1, which logits do not; leave out --logits".into());
        }
        let outputs = match element_type {
            ElementType::U8 if logits => return Err("holds 255ths, which are no logits; leave out --logits".into()),
            _ if logits => Outputs::Logits,
            ElementType::U8 => Outputs::parts(),
            ElementType::F16 => Outputs::half(),
            ElementType::F64 => Outputs::double(),
            _ => Outputs::single(),
        };
        Ok(Self {
            values,
            form,
            element_type,
            geometry,
            outputs,
        })
    }

    /// The shape without the classes.
    pub(super) fn shape(&self) -> &[usize] {
        self.values.shape().get(1..).unwrap_or(&[])
    }
}

/// The numbers of a background and of a foreground, of which the second are given.
fn two_classes(foreground: &ArrayD<f64>, logits: bool) -> Result<ArrayD<f64>, Failure> {
    let background = foreground.mapv(|value| if logits { 0.0 } else { 1.0 - value });
    Ok(stack(Axis(0), &[background.view(), foreground.view()])?)
}

/// An error of the library about the numbers of a file, with the option that may help.
pub(super) fn told<T>(path: &Path, result: soft_labels::Result<T>) -> Result<T, Failure> {
    let result = result.map_err(|error| match error {
        Error::Probability { .. } | Error::ProbabilitySum { .. } => format!("{error}, or set --logits").into(),
        Error::OtherOutputs { .. } => format!("{error} (with or without --logits)").into(),
        error => Failure::from(error),
    });
    of_file(path, result)
}

/// Whether the numbers of all voxels lie within 0 and 1 and sum to 1.
fn are_probabilities(values: &ArrayD<f64>) -> bool {
    let sums = values.sum_axis(Axis(0));
    !sums.is_empty()
        && values.iter().all(|p| (0.0..=1.0).contains(p))
        && sums.iter().all(|sum| (sum - 1.0).abs() < 1e-3)
}
