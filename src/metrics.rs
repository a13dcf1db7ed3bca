//! Judging what a network trained on soft labels predicts.
//!
//! | | definition | of the [SVLS paper]'s released code |
//! |---|---|---|
//! | Dice | [`Confusion::dice`] | the same; 1 where prediction and reference are empty |
//! | Jaccard index, precision, recall, difference of volumes | [`Overlap`] | not reported |
//! | Surface Dice | [`Surfaces::dice`], DeepMind's; MONAI's by [`SurfaceKind`] | [`Surfaces::svls_paper`]: the share of the predicted surface alone |
//! | Hausdorff and average distance | [`SurfaceDistances`] | not reported |
//! | Expected calibration error | [`Reliability::ece`] over the top label | 10 bins, [`Scope::Foreground`] |
//! | Thresholded adaptive calibration error | [`Tace::new`], Nixon et al. | [`Tace::svls_paper`]: also divided by the number of bins |
//! | Negative log-likelihood, Brier score | [`negative_log_likelihood`], [`brier`] | not reported |
//! | Calibration of each class, and of one | [`ClassReliability`], [`class_calibration`](class_calibration()) | not reported |
//! | Calibration in bins of equal mass | [`Reliability::equal_mass`] | not reported |
//! | Calibration in a band about the boundary | [`Scope::Mask`] of a [`boundary_band`](boundary_band()) | not reported |
//! | Risk and coverage of selective prediction | [`risk_coverage`](risk_coverage()), [`Reliability::risk_coverage`] | not reported |
//! | Temperature scaling and vector scaling | [`CalibrationFit`], [`Calibration`], [`temperature()`] | not reported |
//!
//! Where DeepMind's package, MONAI, `MetricsReloaded` and torchmetrics differ, [`EmptyRegion`] and [`SurfaceKind`] say how, and
//! which option gives their numbers.
//!
//! # Several raters
//!
//! | | against raters |
//! |---|---|
//! | One map of probabilities | [`threshold_dice`], [`threshold_dice_of_labels`] |
//! | One volume | [`crps_of_volumes`], [`crps_of_volumes_gaussian`] |
//! | Several sampled masks | [`energy_distance`], [`matched_iou`], [`best_dice`], and all of them with [`MaskOverlaps`] |
//! | The raters among themselves | [`multirater::Votes`](crate::multirater::Votes), [`fleiss_kappa`], [`krippendorff_alpha`], [`icc_of_volumes`] and [`icc_interval`] of volumes, [`multirater::disagreement`](crate::multirater::disagreement) |
//!
//! Masks are arrays of `bool`, all of one shape. Numbers that do not exist are NaN.
//!
//! # What the paper's table 1 measures
//!
//! Its TACE values of the LS columns are α / (10 C) within 5 % for every data set and α: 0.0025, 0.0050, 0.0075 for C = 4
//! against the printed 0.0025, 0.0049, 0.0073. A network trained on uniformly smoothed labels gives each class at least α/C
//! everywhere, which is above the threshold of 1e-3. So no voxel is left out. In most bins the class is absent and every
//! probability is this minimum, so the error of the bin is α/C. The released code also divides by the number of bins, 10,
//! which gives α / (10 C). The columns measure the smoothing, not the network's calibration.
//!
//! # Probabilities
//!
//! Probabilities have the class axis first, (C, H, W) or (C, D, H, W), in any [`SoftFloat`](crate::SoftFloat) and any strides.
//! Each has to lie within 0 and 1 (a thousandth more or less is let pass, for half precision) and those of a voxel have to sum
//! to 1 (a tenth more or less, for coarse quantisation); anything else, such as NaN, logits or independent sigmoids, is
//! an error that names the voxel. Nothing is normalised. A voxel
//! that the reference ignores (whose label is ignored, or whose soft reference is all zero) counts nowhere, and its probabilities
//! may be anything. A voxel that counts needs a prediction: where no class has a probability,
//! [`Error::NoPrediction`](crate::Error::NoPrediction) says so. All probabilities are of one map; a batch is judged map by map.
//! Everything is computed in `f64`, in an order that the
//! shape alone decides, so that results depend neither on memory layout nor on the number of threads.
//!
//! ```
//! use ndarray::{Array2, array};
//! use soft_labels::metrics::{Confusion, EmptyRegion, Region, Reliability, Scope, top_labels};
//! use soft_labels::Classes;
//!
//! let classes = Classes::contiguous(2)?;
//! let reference = array![[0_u8, 1, 1, 0]];
//! let probabilities = array![[[0.9, 0.4, 0.3, 0.4]], [[0.1, 0.6, 0.7, 0.6]]];
//!
//! let prediction: Array2<u8> = top_labels(&probabilities, &classes)?;
//! let confusion = Confusion::count(&prediction, &reference, &classes)?;
//! assert_eq!(confusion.dice(&Region::class(1), EmptyRegion::One), 0.8);
//!
//! let mut reliability = Reliability::new(10)?;
//! reliability.add(&probabilities, &reference, &classes, Scope::All)?;
//! assert!((reliability.ece() - (0.5 * 0.1 + 0.25 * 0.3 + 0.25 * 0.1)).abs() < 1e-12);
//! # Ok::<(), soft_labels::Error>(())
//! ```
//!
//! [SVLS paper]: https://arxiv.org/abs/2104.05788

mod boundary_band;
mod calibration_reduction;
mod class_calibration;
mod class_reliability;
mod confusion;
mod equal_mass;
mod labels;
mod overlap;
mod predictions;
mod raters;
mod region;
mod reliability;
mod risk_coverage;
mod scaling;
mod scope;
mod scores;
#[cfg(feature = "serde")]
mod serde;
mod surface;
mod tace;
mod temperature;
mod top;
mod top_ties;

pub use boundary_band::boundary_band;
pub use calibration_reduction::CalibrationReduction;
pub use class_calibration::class_calibration;
pub use class_reliability::ClassReliability;
pub use confusion::Confusion;
pub use equal_mass::EqualMassBins;
pub use overlap::{EmptyRegion, Overlap};
pub use raters::{
    Agreement, MaskOverlaps, OwnPairs, QUBIQ_THRESHOLDS, Similarity, best_dice, crps_of_volumes,
    crps_of_volumes_gaussian, energy_distance, fleiss_kappa, icc_interval, icc_of_volumes, krippendorff_alpha,
    matched_iou, threshold_dice, threshold_dice_of_labels,
};
pub use region::Region;
pub use reliability::{Reliability, ReliabilityBin};
pub use risk_coverage::{RiskCoverage, RiskStep, risk_coverage};
pub use scaling::{Calibration, CalibrationFit, CalibrationMethod, CalibrationScores, FitSums, Outputs};
pub use scope::Scope;
pub use scores::{brier, brier_soft, negative_log_likelihood, negative_log_likelihood_soft};
pub use surface::{SurfaceDistances, SurfaceKind, Surfaces};
pub use tace::{BinWeight, Tace};
pub use temperature::temperature;
pub use top::{top_labels, top_labels_against};
pub use top_ties::top_labels_with_ties;
