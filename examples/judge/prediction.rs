//! What is judged, and what it is judged by.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use ndarray::{ArrayD, Axis};
use ndarray_npy::{ReadNpyError, ReadNpyExt};
use nifti::NiftiHeader;
use soft_labels::{Classes, SoftFloat};

use crate::command::Failure;
use crate::{read, space};

/// A label map, and its header if it came from NIfTI.
pub(crate) struct Reference {
    pub(crate) labels: ArrayD<i64>,
    pub(crate) header: Option<NiftiHeader>,
}

pub(crate) enum Prediction {
    Labels(ArrayD<i64>),
    Single(ArrayD<f32>),
    Double(ArrayD<f64>),
}

pub(crate) fn reference(path: &Path) -> Result<Reference, Failure> {
    let volume = read::read(path)?;
    let labels = volume.labels.widen()?.into_iter().next().ok_or("holds no label map")?;
    Ok(Reference {
        labels,
        header: volume.header,
    })
}

/// A prediction that fits a reference.
pub(crate) fn prediction(path: &Path, of: &Reference) -> Result<Prediction, Failure> {
    let prediction = if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("npy")) {
        read::check_npy_size(path)?;
        let open = || File::open(path).map(BufReader::new);
        match ArrayD::read_npy(open()?) {
            Ok(probabilities) => Prediction::Single(probabilities),
            Err(ReadNpyError::WrongDescriptor(_)) => match ArrayD::read_npy(open()?) {
                Ok(probabilities) => Prediction::Double(probabilities),
                Err(ReadNpyError::WrongDescriptor(_)) => Prediction::Labels(reference(path)?.labels),
                Err(error) => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        }
    } else {
        let Reference { labels, header } = reference(path)?;
        if matches!((&header, &of.header), (Some(a), Some(b)) if !space::same_space(a, b)) {
            return Err("lies elsewhere than the reference; resample it first".into());
        }
        Prediction::Labels(labels)
    };
    let (shape, expected) = match &prediction {
        Prediction::Labels(labels) => (labels.shape(), of.labels.shape().to_vec()),
        Prediction::Single(p) => (p.shape().get(1..).unwrap_or(&[]), of.labels.shape().to_vec()),
        Prediction::Double(p) => (p.shape().get(1..).unwrap_or(&[]), of.labels.shape().to_vec()),
    };
    if shape != expected {
        return Err(format!(
            "has shape {shape:?} without classes, but the reference has {expected:?}; compare the same voxels"
        )
        .into());
    }
    Ok(prediction)
}

impl Prediction {
    /// The predicted label map.
    pub(crate) fn labels(self, classes: &Classes) -> Result<ArrayD<i64>, Failure> {
        match self {
            Self::Labels(labels) => Ok(labels),
            Self::Single(probabilities) => top_labels(&probabilities, classes),
            Self::Double(probabilities) => top_labels(&probabilities, classes),
        }
    }
}

/// The label of the first of the largest probabilities of each voxel.
fn top_labels<F: SoftFloat>(probabilities: &ArrayD<F>, classes: &Classes) -> Result<ArrayD<i64>, Failure> {
    let values = classes
        .values()
        .into_iter()
        .map(i64::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    let (Some(mut most), Some(first)) = (
        probabilities.axis_iter(Axis(0)).next().map(|plane| plane.to_owned()),
        values.first(),
    ) else {
        return Err("has no classes".into());
    };
    let mut labels = ArrayD::from_elem(most.raw_dim(), *first);
    for (plane, &value) in probabilities.axis_iter(Axis(0)).zip(&values) {
        ndarray::Zip::from(&mut labels)
            .and(&mut most)
            .and(&plane)
            .for_each(|label, most, &p| {
                if p > *most {
                    (*label, *most) = (value, p);
                }
            });
    }
    Ok(labels)
}
