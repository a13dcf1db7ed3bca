//! Predictions against several raters, and the raters among themselves.

use ndarray::{ArrayView2, Ix2};
use numpy::{Element, PyReadonlyArrayDyn, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use soft_labels::Label;
use soft_labels::metrics::{
    MaskOverlaps, OwnPairs, Region, Similarity, best_dice as best, crps_of_volumes as crps,
    crps_of_volumes_gaussian as gaussian, energy_distance as energy, fleiss_kappa as kappa, icc_of_volumes as icc,
    krippendorff_alpha as alpha, matched_iou as matched, threshold_dice as dice_of_thresholds,
    threshold_dice_of_labels as dice_of_labels,
};

use crate::arrays::{each_float, each_label, each_probability, first, read, read_all, views};
use crate::error::value;
use crate::metrics::empty_of;
use crate::objects::Classes;
use crate::threads;

/// The mean Dice over thresholds of a probability map and the share of raters.
#[pyfunction]
pub(crate) fn threshold_dice(
    probabilities: &Bound<'_, PyUntypedArray>,
    raters: Vec<Bound<'_, PyUntypedArray>>,
    thresholds: Vec<f64>,
    empty: &str,
) -> PyResult<f64> {
    let empty = empty_of(empty)?;
    each_float!(probabilities.dtype(), F => {
        let (held, drawn) = (read::<F>(probabilities)?, read_all::<bool>(&raters)?);
        let (p, raters) = (held.as_array(), views(&drawn));
        threads::run(held.py(), || dice_of_thresholds(&p, &raters, &thresholds, empty))?.map_err(value)
    })
}

/// The generalised energy distance between samples and raters.
#[pyfunction]
pub(crate) fn energy_distance(
    py: Python<'_>,
    samples: Vec<Bound<'_, PyUntypedArray>>,
    raters: Vec<Bound<'_, PyUntypedArray>>,
    similarity: &str,
    pairs: &str,
    empty: &str,
) -> PyResult<f64> {
    let (similarity, pairs, empty) = (similarity_of(similarity)?, pairs_of(pairs)?, empty_of(empty)?);
    let (found, drawn) = (read_all::<bool>(&samples)?, read_all::<bool>(&raters)?);
    let (samples, raters) = (views(&found), views(&drawn));
    threads::run(py, || energy(&samples, &raters, similarity, pairs, empty))?.map_err(value)
}

pub(crate) fn similarity_of(name: &str) -> PyResult<Similarity> {
    match name {
        "iou" => Ok(Similarity::Iou),
        "dice" => Ok(Similarity::Dice),
        other => Err(value(format!("similarity is \"iou\" or \"dice\", not {other:?}"))),
    }
}

pub(crate) fn pairs_of(name: &str) -> PyResult<OwnPairs> {
    match name {
        "all" => Ok(OwnPairs::All),
        "different" => Ok(OwnPairs::Different),
        other => Err(value(format!("pairs are \"all\" or \"different\", not {other:?}"))),
    }
}

/// The mean intersection over union of samples and raters that are matched one to one.
#[pyfunction]
pub(crate) fn matched_iou(
    py: Python<'_>,
    samples: Vec<Bound<'_, PyUntypedArray>>,
    raters: Vec<Bound<'_, PyUntypedArray>>,
    empty: &str,
) -> PyResult<f64> {
    let empty = empty_of(empty)?;
    let (found, drawn) = (read_all::<bool>(&samples)?, read_all::<bool>(&raters)?);
    let (samples, raters) = (views(&found), views(&drawn));
    threads::run(py, || matched(&samples, &raters, empty))?.map_err(value)
}

/// The best sample's Dice, averaged over raters.
#[pyfunction]
pub(crate) fn best_dice(
    py: Python<'_>,
    samples: Vec<Bound<'_, PyUntypedArray>>,
    raters: Vec<Bound<'_, PyUntypedArray>>,
    empty: &str,
) -> PyResult<f64> {
    let empty = empty_of(empty)?;
    let (found, drawn) = (read_all::<bool>(&samples)?, read_all::<bool>(&raters)?);
    let (samples, raters) = (views(&found), views(&drawn));
    threads::run(py, || best(&samples, &raters, empty))?.map_err(value)
}

/// The rows and columns of a table, which the package's Python code made one of two axes.
pub(crate) fn table<'a, T: Element>(array: &'a PyReadonlyArrayDyn<'_, T>) -> PyResult<ArrayView2<'a, T>> {
    array.as_array().into_dimensionality::<Ix2>().map_err(value)
}

/// Fleiss' kappa of how many raters chose each class.
#[pyfunction]
pub(crate) fn fleiss_kappa(counts: &Bound<'_, PyUntypedArray>) -> PyResult<f64> {
    each_label!(counts.dtype(), L => of_counts::<L>(counts, |table| kappa(&table)))
}

/// Krippendorff's alpha of how many raters chose each class.
#[pyfunction]
pub(crate) fn krippendorff_alpha(counts: &Bound<'_, PyUntypedArray>) -> PyResult<f64> {
    each_label!(counts.dtype(), L => of_counts::<L>(counts, |table| alpha(&table)))
}

fn of_counts<L: Label + Element>(
    counts: &Bound<'_, PyUntypedArray>,
    agreement: impl FnOnce(ArrayView2<'_, L>) -> soft_labels::Result<f64> + Send,
) -> PyResult<f64> {
    let held = read::<L>(counts)?;
    let table = table(&held)?;
    threads::run(held.py(), || agreement(table))?.map_err(value)
}

/// The continuous ranked probability score of a volume against raters' volumes.
#[pyfunction]
pub(crate) fn crps_of_volumes(volume: f64, raters: &Bound<'_, PyUntypedArray>) -> PyResult<f64> {
    let held = read::<f64>(raters)?;
    let raters = held.as_slice().map_err(value)?;
    threads::run(held.py(), || crps(volume, raters))?.map_err(value)
}

/// The same score against a Gaussian fitted to raters' volumes.
#[pyfunction]
pub(crate) fn crps_of_volumes_gaussian(volume: f64, raters: &Bound<'_, PyUntypedArray>) -> PyResult<f64> {
    let held = read::<f64>(raters)?;
    let raters = held.as_slice().map_err(value)?;
    threads::run(held.py(), || gaussian(volume, raters))?.map_err(value)
}

/// The intraclass correlation of a table (cases, raters).
#[pyfunction]
pub(crate) fn icc_of_volumes(volumes: &Bound<'_, PyUntypedArray>) -> PyResult<f64> {
    let held = read::<f64>(volumes)?;
    let table = table(&held)?;
    threads::run(held.py(), || icc(&table))?.map_err(value)
}

/// The mean Dice over thresholds of a map of a region's probabilities and the share of raters, from their label maps.
#[pyfunction]
pub(crate) fn threshold_dice_of_labels(
    probabilities: &Bound<'_, PyUntypedArray>,
    raters: Vec<Bound<'_, PyUntypedArray>>,
    classes: &Bound<'_, Classes>,
    region: Vec<i64>,
    thresholds: Vec<f64>,
    empty: &str,
) -> PyResult<f64> {
    let (classes, empty) = (&classes.get().0, empty_of(empty)?);
    let region = Region::of_labels(classes, region).map_err(value)?;
    each_probability!(probabilities.dtype(), F => each_label!(first(&raters)?.dtype(), L => {
        let (held, drawn) = (read::<F>(probabilities)?, read_all::<L>(&raters)?);
        let (p, raters) = (held.as_array(), views(&drawn));
        threads::run(held.py(), || dice_of_labels(&p, &raters, classes, &region, &thresholds, empty))?.map_err(value)
    }))
}

/// Energy distance, matched intersection over union and best Dice of a region in label maps of samples and of raters.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "they are those of the Python function")]
pub(crate) fn sample_scores(
    py: Python<'_>,
    samples: Vec<Bound<'_, PyUntypedArray>>,
    raters: Vec<Bound<'_, PyUntypedArray>>,
    classes: &Bound<'_, Classes>,
    region: Vec<i64>,
    similarity: &str,
    pairs: &str,
    empty: &str,
) -> PyResult<[f64; 3]> {
    let (similarity, pairs, empty) = (similarity_of(similarity)?, pairs_of(pairs)?, empty_of(empty)?);
    let classes = &classes.get().0;
    let region = Region::of_labels(classes, region).map_err(value)?;
    each_label!(first(&raters)?.dtype(), L => {
        let (found, drawn) = (read_all::<L>(&samples)?, read_all::<L>(&raters)?);
        let (samples, raters) = (views(&found), views(&drawn));
        threads::run(py, || {
            let overlaps = MaskOverlaps::of_labels(&samples, &raters, classes, &region)?;
            soft_labels::Result::Ok([
                overlaps.energy_distance(similarity, pairs, empty),
                overlaps.matched_iou(empty)?,
                overlaps.best_dice(empty),
            ])
        })?
        .map_err(value)
    })
}
