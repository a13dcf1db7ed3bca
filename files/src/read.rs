//! Reading, in the format that a file's name tells.

use std::io::Read;
use std::path::Path;

use crate::error::{Fault, Result};
use crate::formats::Format;
use crate::geometry::Axes;
use crate::labels::LabelMap;
use crate::limits::{self, guarded};
use crate::numbers::Image;
use crate::probabilities::{Prediction, Probabilities};

/// Reads a label map with its geometry.
///
/// Axes are those of the file: (H, W) or (D, H, W) from NumPy, PNG, TIFF and Zarr, (x, y, z) from NIfTI, NRRD and MetaImage. Of
/// these, axes of length 1 beyond the third are left out, and a fourth axis comes last. Labels that are stored as floats or with a
/// slope must be whole numbers. PNG and TIFF are grey or have a palette, whose indices are the labels; they come as they are stored. A library that panics on a broken file gives an error here,
/// too, but the program's panic hook still runs.
///
/// # Errors
///
/// If the file cannot be read, is in no format that is known, is broken, or holds no labels.
///
/// ```no_run
/// use ndarray::ArrayD;
///
/// let map = soft_labels_files::read_labels("case.nii.gz")?;
/// let spacing = map.geometry.spacing_mm(); // along x, y and z
/// let labels: ArrayD<u8> = map.labels.cast()?; // (x, y, z)
/// # Ok::<(), soft_labels_files::Error>(())
/// ```
pub fn read_labels(path: impl AsRef<Path>) -> Result<LabelMap> {
    let path = path.as_ref();
    told(path, guarded(|| image(path)?.labels()))
}

/// Reads what a network predicts, or what an expert drew: probabilities or a label map. `axes` is the number of axes of the
/// label map, 2 or 3, by which probabilities are recognised.
///
/// Floats with an axis more than the label map are probabilities: (C, ..), and (x, y, z, C) from NIfTI, NRRD and MetaImage, where
/// (x, y, z, 1, C) are the same. So are bytes with an axis more from NumPy, TIFF and Zarr, which are 255ths. Floats without that
/// axis that are no whole numbers are the probability of a foreground. All else is a label map.
///
/// # Errors
///
/// Those of [`read_labels`].
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels_files::{Geometry, Prediction, read_prediction, write_probabilities};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("soft.npy");
/// let soft: Array3<f32> = array![[[0.75, 1.0]], [[0.25, 0.0]]]; // two classes
/// write_probabilities(&path, &soft, &Geometry::unknown())?;
///
/// match read_prediction(&path, 2)? {
///     Prediction::Probabilities(p) => assert_eq!(p.values[[1, 0, 0]], 0.25),
///     Prediction::Labels(_) | Prediction::Foreground(_) => unreachable!(),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_prediction(path: impl AsRef<Path>, axes: usize) -> Result<Prediction> {
    read_prediction_of(path, axes, Axes::Dhw)
}

/// The same of a label map whose axes have this order. It counts for nnU-Net's `.npz` alone, which has (C, z, y, x) of whatever
/// label map: with [`Axes::Xyz`] it is turned to (C, x, y, z).
///
/// # Errors
///
/// Those of [`read_prediction`].
///
/// ```no_run
/// use soft_labels_files::{read_labels, read_prediction_of};
///
/// let reference = read_labels("labels.nii.gz")?;
/// let prediction = read_prediction_of("prediction.npz", 3, reference.geometry.axes())?;
/// # Ok::<(), soft_labels_files::Error>(())
/// ```
pub fn read_prediction_of(path: impl AsRef<Path>, axes: usize, order: Axes) -> Result<Prediction> {
    let path = path.as_ref();
    let read = || {
        guarded(|| match Format::of(path).and_then(|format| format.0.prediction) {
            Some(prediction) => prediction(path, axes, order),
            None => image(path)?.prediction(axes),
        })
    };
    told(path, read())
}

/// Reads probabilities with their geometry, the classes first. `axes` is the number of axes without the classes, 2 or 3.
///
/// # Errors
///
/// Those of [`read_prediction`], and if the file holds a label map.
pub fn read_probabilities(path: impl AsRef<Path>, axes: usize) -> Result<Probabilities> {
    let path = path.as_ref();
    match read_prediction(path, axes)? {
        Prediction::Probabilities(probabilities) => Ok(probabilities),
        Prediction::Labels(_) | Prediction::Foreground(_) => {
            let text = "holds a label map, not probabilities; save them as floats with the classes as an axis";
            Err(Fault::content(text).at(path))
        }
    }
}

/// What a file holds, in the format that its name tells.
fn image(path: &Path) -> std::result::Result<Image, Fault> {
    let read = Format::of(path).and_then(|format| format.0.read);
    read.ok_or_else(|| unread(path))?(path)
}

fn unread(path: &Path) -> Fault {
    let name = path.to_string_lossy().to_lowercase();
    if name.ends_with(".img") || name.ends_with(".img.gz") {
        return Fault::format("holds the voxels of a pair; name the file that ends with .hdr");
    }
    if name.ends_with(".hdr.gz") {
        return Fault::format("is a packed header of a pair; unpack it, or save it as .nii.gz");
    }
    Fault::format(format!("is none of {}", Format::list(Format::reads_labels)))
}

/// A result with its file. A file that is broken may be another than its name says.
fn told<T>(path: &Path, result: std::result::Result<T, Fault>) -> Result<T> {
    result.map_err(|fault| {
        let fault = if fault.is_broken() {
            disguise(path).unwrap_or(fault)
        } else {
            fault
        };
        fault.at(path)
    })
}

/// What people get instead of a file.
fn disguise(path: &Path) -> Option<Fault> {
    let mut start = Vec::new();
    limits::open(path).ok()?.take(512).read_to_end(&mut start).ok()?;
    let text = String::from_utf8_lossy(&start).trim_start().to_lowercase();
    let what = if start.is_empty() {
        "is empty; get it again"
    } else if text.starts_with("version https://git-lfs") {
        "is a pointer of git-lfs, not the file itself; run git lfs pull"
    } else if text.starts_with("<!doctype html") || text.starts_with("<html") {
        "is a web page, perhaps of a failed download; get it again"
    } else if text.starts_with("<?xml") && text.contains("<error>") {
        "is an error message of a server; get it again"
    } else {
        return None;
    };
    Some(Fault::broken(what))
}
