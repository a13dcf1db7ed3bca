//! Several raters to one.

use ndarray::{ArrayD, IxDyn};
use numpy::{Element, IntoPyArray, PyArrayDyn, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use soft_labels::fusion::{Staple, StapleFusion, Ties, majority_vote};
use soft_labels::metrics::top_labels_with_ties as top;
use soft_labels::{Label, multirater};

use crate::arrays::{each_label, each_probability, first, read, read_all, views};
use crate::error::value;
use crate::objects::Classes;
use crate::threads;

/// The label that most raters gave each voxel. `ties` is "lowest", "highest", or "prefer" or "undecided" with a label.
#[pyfunction]
pub(crate) fn majority<'py>(
    py: Python<'py>,
    maps: Vec<Bound<'py, PyUntypedArray>>,
    classes: &Bound<'py, Classes>,
    ties: &str,
    label: Option<i128>,
) -> PyResult<Bound<'py, PyAny>> {
    let rule = ties_of(ties, label)?;
    each_label!(first(&maps)?.dtype(), L => majority_typed::<L>(py, &maps, &classes.get().0, rule))
}

/// A rule for ties by its name, with its label.
pub(crate) fn ties_of(ties: &str, label: Option<i128>) -> PyResult<Ties<i128>> {
    match (ties, label) {
        ("lowest", None) => Ok(Ties::Lowest),
        ("highest", None) => Ok(Ties::Highest),
        ("prefer", Some(label)) => Ok(Ties::Prefer(label)),
        ("undecided", Some(label)) => Ok(Ties::Undecided(label)),
        _ => Err(value(format!(
            "ties are \"lowest\", \"highest\", {{\"prefer\": label}} or {{\"undecided\": label}}, not {ties:?}"
        ))),
    }
}

/// The same rule of labels of another type.
fn typed<L: TryFrom<i128>>(rule: Ties<i128>, wrong: impl Fn(i128) -> PyErr) -> PyResult<Ties<L>> {
    let typed = |label| L::try_from(label).map_err(|_| wrong(label));
    Ok(match rule {
        Ties::Highest => Ties::Highest,
        Ties::Prefer(label) => Ties::Prefer(typed(label)?),
        Ties::Undecided(label) => Ties::Undecided(typed(label)?),
        _ => Ties::Lowest,
    })
}

/// The label of the most probable class, with a rule for classes that are as probable.
#[pyfunction]
pub(crate) fn top_labels_with_ties<'py>(
    py: Python<'py>,
    probabilities: &Bound<'py, PyUntypedArray>,
    classes: &Bound<'py, Classes>,
    ties: &str,
    label: Option<i128>,
) -> PyResult<Bound<'py, PyArrayDyn<i64>>> {
    let wrong = |label| value(format!("label {label} does not fit int64"));
    let (classes, ties) = (&classes.get().0, typed::<i64>(ties_of(ties, label)?, wrong)?);
    let labels: ArrayD<i64> = each_probability!(probabilities.dtype(), F => {
        let held = read::<F>(probabilities)?;
        let view = held.as_array();
        threads::run(py, || top(&view, classes, ties))?.map_err(value)
    })?;
    Ok(labels.into_pyarray(py))
}

fn majority_typed<'py, L: Label + Element + TryFrom<i128>>(
    py: Python<'py>,
    maps: &[Bound<'py, PyUntypedArray>],
    classes: &soft_labels::Classes,
    rule: Ties<i128>,
) -> PyResult<Bound<'py, PyAny>> {
    let wrong = |label| {
        value(format!(
            "label {label} does not fit the raters' element type; convert them with astype"
        ))
    };
    let ties = typed(rule, wrong)?;
    let read = read_all::<L>(maps)?;
    let views = views(&read);
    let vote = threads::run(py, || majority_vote(&views, classes, ties))?;
    Ok(vote.map_err(value)?.into_pyarray(py).into_any())
}

type Map<'py> = Bound<'py, PyArrayDyn<f64>>;

/// How much raters disagree at each voxel: the entropy of their labels, and the share of the minority.
#[pyfunction]
pub(crate) fn disagreement<'py>(
    py: Python<'py>,
    maps: Vec<Bound<'py, PyUntypedArray>>,
    classes: &Bound<'py, Classes>,
) -> PyResult<(Map<'py>, Map<'py>)> {
    let classes = &classes.get().0;
    each_label!(first(&maps)?.dtype(), L => {
        let read = read_all::<L>(&maps)?;
        let views = views(&read);
        let found = threads::run(py, || multirater::disagreement(&views, classes))?.map_err(value)?;
        Ok((found.entropy.into_pyarray(py), found.minority.into_pyarray(py)))
    })
}

/// STAPLE: the posterior, and what was found about the raters.
#[pyfunction]
pub(crate) fn staple<'py>(
    py: Python<'py>,
    maps: Vec<Bound<'py, PyUntypedArray>>,
    classes: &Bound<'py, Classes>,
    tolerance: f64,
    max_iterations: usize,
    prior: Option<Vec<f64>>,
    margin: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let settings = Staple::new().tolerance(tolerance).max_iterations(max_iterations);
    let settings = match prior {
        Some(prior) => settings.prior(prior),
        None => settings,
    };
    let settings = match margin {
        Some(margin) => settings.crop_to_disagreement(margin),
        None => settings,
    };
    each_label!(first(&maps)?.dtype(), L => staple_typed::<L>(py, &maps, &classes.get().0, &settings))
}

fn staple_typed<'py, L: Label + Element>(
    py: Python<'py>,
    maps: &[Bound<'py, PyUntypedArray>],
    classes: &soft_labels::Classes,
    settings: &Staple,
) -> PyResult<Bound<'py, PyDict>> {
    let read = read_all::<L>(maps)?;
    let views = views(&read);
    let fused: StapleFusion<f64, IxDyn> = threads::run(py, || settings.fuse(&views, classes))?.map_err(value)?;
    let result = PyDict::new(py);
    let of_raters = |what: &dyn Fn(usize, usize) -> Option<f64>| {
        let shape = (views.len(), classes.len());
        ndarray::Array2::from_shape_fn(shape, |(rater, class)| what(rater, class).unwrap_or(f64::NAN)).into_pyarray(py)
    };
    result.set_item(
        "sensitivity",
        of_raters(&|rater, class| fused.sensitivity(rater, class)),
    )?;
    result.set_item(
        "specificity",
        of_raters(&|rater, class| fused.specificity(rater, class)),
    )?;
    let confusion: Vec<_> = fused
        .confusion()
        .iter()
        .map(|matrix| matrix.clone().into_pyarray(py))
        .collect();
    result.set_item("confusion", confusion)?;
    result.set_item("prior", fused.prior().to_vec())?;
    result.set_item("weights", fused.performance().weights())?;
    let window: Vec<_> = fused
        .window()
        .ranges()
        .iter()
        .map(|range| (range.start, range.end))
        .collect();
    result.set_item("window", window)?;
    result.set_item("iterations", fused.iterations())?;
    result.set_item("converged", fused.converged())?;
    result.set_item("posterior", fused.into_posterior().into_pyarray(py))?;
    Ok(result)
}
