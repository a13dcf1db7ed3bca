//! Predictions against several raters, and the raters among themselves.

mod agreement;
mod assignment;
mod masks;
mod samples;
mod threshold_dice;
mod volumes;

pub use agreement::{fleiss_kappa, krippendorff_alpha};
pub use samples::{OwnPairs, Similarity, best_dice, energy_distance, matched_iou};
pub use threshold_dice::{QUBIQ_THRESHOLDS, threshold_dice};
pub use volumes::{crps_of_volumes, icc_of_volumes};
