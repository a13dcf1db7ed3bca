//! Predictions against several raters, and the raters among themselves.

mod agreement;
mod assignment;
mod erf;
mod f_distribution;
mod icc;
mod masks;
mod samples;
mod sums;
mod threshold_dice;
mod volumes;

pub use agreement::{fleiss_kappa, krippendorff_alpha};
pub use icc::{icc_interval, icc_of_volumes};
pub use samples::{MaskOverlaps, OwnPairs, Similarity, best_dice, energy_distance, matched_iou};
pub use sums::Agreement;
pub use threshold_dice::{QUBIQ_THRESHOLDS, threshold_dice, threshold_dice_of_labels};
pub use volumes::{crps_of_volumes, crps_of_volumes_gaussian};
