//! Predictions against references.

use ndarray::{Array2, ArrayD};
use numpy::{Element, IntoPyArray, PyArray2, PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use soft_labels::Label;
use soft_labels::metrics::{
    BinWeight, Confusion, EmptyRegion, Overlap, Region, Scope, SurfaceKind, Tace, brier as brier_score,
    brier_soft as brier_score_soft, negative_log_likelihood, negative_log_likelihood_soft, temperature as scaling,
    top_labels as top, top_labels_against,
};

use crate::arrays::{each_probability, read};
use crate::encode::zeros;
use crate::error::value;
use crate::objects::Classes;
use crate::reliability::Reliability;
use crate::threads;

/// For label maps that are judged. The package's Python code widens all others to `int64`.
macro_rules! each_judged {
    ($dtype:expr, $name:ident => $body:expr) => {
        $crate::arrays::each_type!($dtype, "labels are of uint8, int16 or int64", $name in u8 i16 i64, $body)
    };
}

fn count<L: Label + Element>(
    prediction: &Bound<'_, PyUntypedArray>,
    reference: &Bound<'_, PyUntypedArray>,
    classes: &soft_labels::Classes,
) -> PyResult<Confusion> {
    let (found, drawn) = (read::<L>(prediction)?, read::<L>(reference)?);
    let (prediction, reference) = (found.as_array(), drawn.as_array());
    threads::run(found.py(), || Confusion::count(&prediction, &reference, classes))?.map_err(value)
}

/// Voxels by class of the prediction and class of the reference.
#[pyfunction]
pub(crate) fn confusion<'py>(
    py: Python<'py>,
    prediction: &Bound<'py, PyUntypedArray>,
    reference: &Bound<'py, PyUntypedArray>,
    classes: &Bound<'py, Classes>,
) -> PyResult<Bound<'py, PyArray2<u64>>> {
    let classes = &classes.get().0;
    let confusion = each_judged!(prediction.dtype(), L => count::<L>(prediction, reference, classes))?;
    let shape = [classes.len(); 2];
    // NumPy's zeros are memory that is not touched yet, or an error.
    let matrix: Bound<'_, PyArray2<u64>> = zeros(&numpy::dtype::<u64>(py), &shape)?.cast_into()?;
    let mut voxels = matrix.try_readwrite().map_err(value)?;
    for (predicted, referred, count) in confusion.entries() {
        if let Some(entry) = predicted.and_then(|predicted| voxels.get_mut([predicted, referred])) {
            *entry = count;
        }
    }
    drop(voxels);
    Ok(matrix)
}

/// A row for each region: voxels of the prediction, of the reference and of both, Dice, Jaccard, precision, recall and
/// relative volume difference.
#[pyfunction]
pub(crate) fn overlaps<'py>(
    py: Python<'py>,
    prediction: &Bound<'py, PyUntypedArray>,
    reference: &Bound<'py, PyUntypedArray>,
    classes: &Bound<'py, Classes>,
    regions: Vec<Vec<i64>>,
    empty: &str,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let (classes, empty) = (&classes.get().0, empty_of(empty)?);
    let confusion = each_judged!(prediction.dtype(), L => count::<L>(prediction, reference, classes))?;
    let row = |labels: &Vec<i64>| -> PyResult<[f64; 8]> {
        let region = Region::of_labels(classes, labels.iter().copied()).map_err(value)?;
        let overlap: Overlap = confusion
            .overlap(&region)
            .ok_or_else(|| value("a region has a class that does not exist"))?;
        let neither = overlap.prediction == 0 && overlap.reference == 0;
        let of = |score: f64| if neither { empty.score() } else { score };
        Ok([
            overlap.prediction as f64,
            overlap.reference as f64,
            overlap.both as f64,
            overlap.dice(empty),
            overlap.jaccard(empty),
            of(overlap.precision()),
            of(overlap.recall()),
            overlap.relative_volume_difference(),
        ])
    };
    threads::check_memory(regions.len().saturating_mul(192))?;
    let rows = threads::run(py, || regions.iter().map(row).collect::<PyResult<Vec<_>>>())??;
    Ok(Array2::from(rows).into_pyarray(py))
}

pub(crate) fn empty_of(name: &str) -> PyResult<EmptyRegion> {
    match name {
        "one" => Ok(EmptyRegion::One),
        "nan" => Ok(EmptyRegion::Nan),
        "zero" => Ok(EmptyRegion::Zero),
        other => Err(value(format!("empty is \"one\", \"nan\" or \"zero\", not {other:?}"))),
    }
}

/// Of one region: areas of both surfaces, surface Dice, overlaps of both surfaces, what the SVLS paper's code calls surface Dice,
/// average distances (both, from the prediction, from the reference), Hausdorff distances at a percentile (the same three) and at
/// 100 %.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "they are those of the Python function")]
pub(crate) fn surfaces(
    py: Python<'_>,
    prediction: &Bound<'_, PyUntypedArray>,
    reference: &Bound<'_, PyUntypedArray>,
    classes: &Bound<'_, Classes>,
    region: Vec<i64>,
    spacing: Vec<f64>,
    tolerance: f64,
    percent: f64,
    surface: &str,
    empty: &str,
) -> PyResult<[f64; 13]> {
    let (classes, empty) = (&classes.get().0, empty_of(empty)?);
    let kind = match surface {
        "surfels" => SurfaceKind::Surfels,
        "edge_voxels" => SurfaceKind::EdgeVoxels,
        other => {
            return Err(value(format!(
                "surface is \"surfels\" or \"edge_voxels\", not {other:?}"
            )));
        }
    };
    let region = Region::of_labels(classes, region).map_err(value)?;
    each_judged!(prediction.dtype(), L => {
        let (found, drawn) = (read::<L>(prediction)?, read::<L>(reference)?);
        let (prediction, reference) = (found.as_array(), drawn.as_array());
        threads::run(py, || {
            let surfaces = kind.between_labels(&prediction, &reference, classes, &region, &spacing)?;
            let distances = surfaces.distances()?;
            if surfaces.prediction_area() == 0.0 && surfaces.reference_area() == 0.0 {
                let [s, d] = [empty.score(), empty.distance()];
                return Ok([0.0, 0.0, s, s, s, surfaces.svls_paper(tolerance)?, d, d, d, d, d, d, d]);
            }
            let [dice, of_reference, of_prediction] = surfaces.shares(tolerance)?;
            soft_labels::Result::Ok([
                surfaces.prediction_area(),
                surfaces.reference_area(),
                dice,
                of_reference,
                of_prediction,
                surfaces.svls_paper(tolerance)?,
                distances.average(),
                distances.average_from_prediction(),
                distances.average_from_reference(),
                distances.hausdorff(percent)?,
                distances.hausdorff_from_prediction(percent)?,
                distances.hausdorff_from_reference(percent)?,
                distances.hausdorff(100.0)?,
            ])
        })?
        .map_err(value)
    })
}

/// Calls a function with the views of probabilities (C, ..) and of a reference.
macro_rules! with_views {
    ($probabilities:ident, $reference:ident, |$p:ident, $labels:ident| $body:expr) => {
        $crate::arrays::each_probability!($probabilities.dtype(), F => $crate::metrics::each_judged!($reference.dtype(), L => {
            let (held, drawn) = ($crate::arrays::read::<F>($probabilities)?, $crate::arrays::read::<L>($reference)?);
            let ($p, $labels) = (held.as_array(), drawn.as_array());
            $crate::threads::run(held.py(), || $body)?.map_err($crate::error::value)
        }))
    };
}

pub(crate) use {each_judged, with_views};

/// The bins of a reliability diagram.
#[pyfunction]
pub(crate) fn reliability(
    probabilities: &Bound<'_, PyUntypedArray>,
    reference: &Bound<'_, PyUntypedArray>,
    classes: &Bound<'_, Classes>,
    bins: usize,
) -> PyResult<Reliability> {
    let classes = &classes.get().0;
    with_views!(probabilities, reference, |p, labels| {
        let mut reliability = soft_labels::metrics::Reliability::new(bins)?;
        reliability.add(&p, &labels, classes, Scope::All)?;
        soft_labels::Result::Ok(Reliability(reliability))
    })
}

/// The thresholded adaptive calibration error. `weight` is "equal" or "mass"; by default that of the variant.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "they are those of the Python function")]
pub(crate) fn tace(
    probabilities: &Bound<'_, PyUntypedArray>,
    reference: &Bound<'_, PyUntypedArray>,
    classes: &Bound<'_, Classes>,
    bins: usize,
    threshold: f64,
    svls_paper: bool,
    background: bool,
    weight: Option<&str>,
) -> PyResult<f64> {
    let classes = &classes.get().0;
    let tace = if svls_paper { Tace::svls_paper() } else { Tace::new() };
    let tace = if background { tace.include_background() } else { tace };
    let tace = match weight {
        None => tace,
        Some("equal") => tace.weight(BinWeight::Equal),
        Some("mass") => tace.weight(BinWeight::Mass),
        Some(other) => return Err(value(format!("weight is \"equal\" or \"mass\", not {other:?}"))),
    };
    let tace = tace.bins(bins).threshold(threshold);
    with_views!(probabilities, reference, |p, labels| tace
        .evaluate(&p, &labels, classes))
}

/// The mean negative log-likelihood.
#[pyfunction]
pub(crate) fn nll(
    probabilities: &Bound<'_, PyUntypedArray>,
    reference: &Bound<'_, PyUntypedArray>,
    classes: &Bound<'_, Classes>,
) -> PyResult<f64> {
    let classes = &classes.get().0;
    with_views!(probabilities, reference, |p, labels| negative_log_likelihood(
        &p, &labels, classes
    ))
}

/// The Brier score.
#[pyfunction]
pub(crate) fn brier(
    probabilities: &Bound<'_, PyUntypedArray>,
    reference: &Bound<'_, PyUntypedArray>,
    classes: &Bound<'_, Classes>,
) -> PyResult<f64> {
    let classes = &classes.get().0;
    with_views!(probabilities, reference, |p, labels| brier_score(&p, &labels, classes))
}

/// Calls a function with the views of probabilities (C, ..) and of soft labels of the same shape.
macro_rules! with_soft {
    ($probabilities:ident, $reference:ident, $score:ident) => {
        each_probability!($probabilities.dtype(), F => each_probability!($reference.dtype(), G => {
            let (held, drawn) = (read::<F>($probabilities)?, read::<G>($reference)?);
            let (p, soft) = (held.as_array(), drawn.as_array());
            threads::run(held.py(), || $score(&p, &soft))?.map_err(value)
        }))
    };
}

/// The mean negative log-likelihood of soft labels.
#[pyfunction]
pub(crate) fn nll_soft(
    probabilities: &Bound<'_, PyUntypedArray>,
    reference: &Bound<'_, PyUntypedArray>,
) -> PyResult<f64> {
    with_soft!(probabilities, reference, negative_log_likelihood_soft)
}

/// The Brier score of soft labels.
#[pyfunction]
pub(crate) fn brier_soft(
    probabilities: &Bound<'_, PyUntypedArray>,
    reference: &Bound<'_, PyUntypedArray>,
) -> PyResult<f64> {
    with_soft!(probabilities, reference, brier_score_soft)
}

/// The temperature that calibrates logits (C, ..).
#[pyfunction]
pub(crate) fn temperature(
    logits: &Bound<'_, PyUntypedArray>,
    labels: &Bound<'_, PyUntypedArray>,
    classes: &Bound<'_, Classes>,
) -> PyResult<f64> {
    let classes = &classes.get().0;
    with_views!(logits, labels, |logits, labels| scaling(&logits, &labels, classes))
}

/// The label of the most probable class; with a reference the ignored label where that is ignored.
#[pyfunction]
pub(crate) fn top_labels<'py>(
    py: Python<'py>,
    probabilities: &Bound<'py, PyUntypedArray>,
    classes: &Bound<'py, Classes>,
    reference: Option<&Bound<'py, PyUntypedArray>>,
) -> PyResult<Bound<'py, PyArrayDyn<i64>>> {
    let classes = &classes.get().0;
    let labels: ArrayD<i64> = match reference {
        Some(reference) => with_views!(probabilities, reference, |p, labels| top_labels_against(
            &p, &labels, classes
        )),
        None => each_probability!(probabilities.dtype(), F => {
            let held = read::<F>(probabilities)?;
            let view = held.as_array();
            threads::run(py, || top(&view, classes))?.map_err(value)
        }),
    }?;
    Ok(labels.into_pyarray(py))
}
