//! Several raters to one.

use ndarray::IxDyn;
use numpy::{Element, IntoPyArray, PyArrayDyn, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use soft_labels::fusion::{Staple, StapleFusion, Ties, majority_vote};
use soft_labels::{Label, multirater};

use crate::arrays::{each_label, first, read_all, views};
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
    let rule = match (ties, label) {
        ("lowest", None) => Ties::Lowest,
        ("highest", None) => Ties::Highest,
        ("prefer", Some(label)) => Ties::Prefer(label),
        ("undecided", Some(label)) => Ties::Undecided(label),
        _ => {
            return Err(value(format!(
                "ties are \"lowest\", \"highest\", {{\"prefer\": label}} or {{\"undecided\": label}}, not {ties:?}"
            )));
        }
    };
    each_label!(first(&maps)?.dtype(), L => majority_typed::<L>(py, &maps, &classes.get().0, rule))
}

fn majority_typed<'py, L: Label + Element + TryFrom<i128>>(
    py: Python<'py>,
    maps: &[Bound<'py, PyUntypedArray>],
    classes: &soft_labels::Classes,
    rule: Ties<i128>,
) -> PyResult<Bound<'py, PyAny>> {
    let typed = |label| {
        let wrong = |_| {
            value(format!(
                "label {label} does not fit the raters' element type; convert them with astype"
            ))
        };
        L::try_from(label).map_err(wrong)
    };
    let ties = match rule {
        Ties::Highest => Ties::Highest,
        Ties::Prefer(label) => Ties::Prefer(typed(label)?),
        Ties::Undecided(label) => Ties::Undecided(typed(label)?),
        _ => Ties::Lowest,
    };
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
) -> PyResult<Bound<'py, PyDict>> {
    let settings = Staple::new().tolerance(tolerance).max_iterations(max_iterations);
    let settings = match prior {
        Some(prior) => settings.prior(prior),
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
    result.set_item("iterations", fused.iterations())?;
    result.set_item("converged", fused.converged())?;
    result.set_item("posterior", fused.into_posterior().into_pyarray(py))?;
    Ok(result)
}
