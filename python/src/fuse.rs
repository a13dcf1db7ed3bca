//! Several raters to one.

use ndarray::IxDyn;
use numpy::{Element, IntoPyArray, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use soft_labels::Label;
use soft_labels::fusion::{Staple, StapleFusion, Ties, majority_vote};

use crate::arrays::{each_label, first, read_all, views};
use crate::error::value;
use crate::objects::Classes;
use crate::threads;

/// The label that most raters gave each voxel. `ties` is "lowest" or "highest".
#[pyfunction]
pub(crate) fn majority<'py>(
    py: Python<'py>,
    maps: Vec<Bound<'py, PyUntypedArray>>,
    classes: &Bound<'py, Classes>,
    ties: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let highest = match ties {
        "lowest" => false,
        "highest" => true,
        other => {
            return Err(value(format!(
                "ties are won by \"lowest\" or \"highest\", not {other:?}"
            )));
        }
    };
    each_label!(first(&maps)?.dtype(), L => majority_typed::<L>(py, &maps, &classes.get().0, highest))
}

fn majority_typed<'py, L: Label + Element>(
    py: Python<'py>,
    maps: &[Bound<'py, PyUntypedArray>],
    classes: &soft_labels::Classes,
    highest: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let read = read_all::<L>(maps)?;
    let views = views(&read);
    let ties = if highest { Ties::Highest } else { Ties::Lowest };
    let vote = threads::run(py, || majority_vote(&views, classes, ties))?;
    Ok(vote.map_err(value)?.into_pyarray(py).into_any())
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
