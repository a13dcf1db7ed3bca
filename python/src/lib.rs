//! What `soft_labels` calls: the crate on NumPy arrays. Arguments are brought into shape by the package's Python code.

mod agreement;
mod arrays;
mod calibration;
mod encode;
mod equal_mass;
mod error;
mod fuse;
mod loss;
mod metrics;
mod objects;
mod raters;
mod reliability;
mod risk_coverage;
mod scaling;
mod slabs;
mod structures;
mod threads;

use pyo3::prelude::*;

/// Bits of NumPy, and the engine between them.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // All that is imported is imported now: a process that forks while a thread imports leaves a child that waits for it.
    encode::import(module.py())?;
    objects::import(module.py())?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<objects::Classes>()?;
    module.add_class::<objects::Encoding>()?;
    module.add_class::<reliability::Reliability>()?;
    module.add_class::<calibration::ClassReliability>()?;
    module.add_class::<equal_mass::EqualMassBins>()?;
    module.add_class::<risk_coverage::RiskCoverage>()?;
    module.add_class::<scaling::Scaling>()?;
    module.add_class::<scaling::ScalingFit>()?;
    module.add_class::<scaling::ScalingScores>()?;
    module.add_class::<structures::Structures>()?;
    module.add_class::<loss::Loss>()?;
    module.add_function(wrap_pyfunction!(encode::encode, module)?)?;
    module.add_function(wrap_pyfunction!(encode::encode_sparse, module)?)?;
    module.add_function(wrap_pyfunction!(encode::valid_mask, module)?)?;
    module.add_function(wrap_pyfunction!(encode::average, module)?)?;
    module.add_function(wrap_pyfunction!(encode::kernel, module)?)?;
    module.add_function(wrap_pyfunction!(fuse::majority, module)?)?;
    module.add_function(wrap_pyfunction!(fuse::staple, module)?)?;
    module.add_function(wrap_pyfunction!(fuse::disagreement, module)?)?;
    module.add_function(wrap_pyfunction!(metrics::confusion, module)?)?;
    module.add_function(wrap_pyfunction!(metrics::overlaps, module)?)?;
    module.add_function(wrap_pyfunction!(metrics::surfaces, module)?)?;
    module.add_function(wrap_pyfunction!(metrics::reliability, module)?)?;
    module.add_function(wrap_pyfunction!(metrics::tace, module)?)?;
    module.add_function(wrap_pyfunction!(metrics::nll, module)?)?;
    module.add_function(wrap_pyfunction!(metrics::brier, module)?)?;
    module.add_function(wrap_pyfunction!(metrics::nll_soft, module)?)?;
    module.add_function(wrap_pyfunction!(metrics::brier_soft, module)?)?;
    module.add_function(wrap_pyfunction!(metrics::top_labels, module)?)?;
    module.add_function(wrap_pyfunction!(metrics::temperature, module)?)?;
    module.add_function(wrap_pyfunction!(reliability::class_calibration, module)?)?;
    module.add_function(wrap_pyfunction!(calibration::class_reliability, module)?)?;
    module.add_function(wrap_pyfunction!(risk_coverage::risk_coverage, module)?)?;
    module.add_function(wrap_pyfunction!(calibration::boundary_band, module)?)?;
    module.add_function(wrap_pyfunction!(scaling::fit_scaling, module)?)?;
    module.add_function(wrap_pyfunction!(scaling::score_scaling, module)?)?;
    module.add_function(wrap_pyfunction!(scaling::apply_scaling, module)?)?;
    module.add_function(wrap_pyfunction!(raters::threshold_dice, module)?)?;
    module.add_function(wrap_pyfunction!(raters::threshold_dice_of_labels, module)?)?;
    module.add_function(wrap_pyfunction!(raters::energy_distance, module)?)?;
    module.add_function(wrap_pyfunction!(raters::sample_scores, module)?)?;
    module.add_function(wrap_pyfunction!(raters::matched_iou, module)?)?;
    module.add_function(wrap_pyfunction!(raters::best_dice, module)?)?;
    module.add_function(wrap_pyfunction!(raters::fleiss_kappa, module)?)?;
    module.add_function(wrap_pyfunction!(raters::krippendorff_alpha, module)?)?;
    module.add_function(wrap_pyfunction!(raters::crps_of_volumes, module)?)?;
    module.add_function(wrap_pyfunction!(raters::crps_of_volumes_gaussian, module)?)?;
    module.add_function(wrap_pyfunction!(raters::icc_of_volumes, module)?)?;
    module.add_function(wrap_pyfunction!(agreement::agreement, module)?)?;
    module.add_function(wrap_pyfunction!(agreement::icc_interval, module)?)?;
    module.add_function(wrap_pyfunction!(fuse::top_labels_with_ties, module)?)?;
    module.add_function(wrap_pyfunction!(threads::set_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(threads::num_threads, module)?)?;
    Ok(())
}
