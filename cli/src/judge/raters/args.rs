//! The options of several raters.

use std::path::PathBuf;

use clap::ValueEnum;
use soft_labels::metrics::{OwnPairs, QUBIQ_THRESHOLDS, Similarity};

use super::super::args::{Args, Scope};
use crate::channels::Kind;

const FIVE: [f64; 5] = [0.1, 0.3, 0.5, 0.7, 0.9];

#[derive(Debug, clap::Args)]
pub(crate) struct RaterArgs {
    /// A folder of each rater, with the same names for the same cases, or a file of each for one case; in place of REFERENCE
    #[arg(long, value_name = "DIR|FILE", num_args = 1.., help_heading = "Several raters")]
    pub(crate) raters: Vec<PathBuf>,

    /// REFERENCE has a folder for each case, or is one, in which these files are the raters, such as 'rater*.nii.gz'
    #[arg(long, value_name = "PATTERN", conflicts_with_all = ["raters", "stacked_raters"], help_heading = "Several raters")]
    pub(crate) rater_files: Option<String>,

    /// Each file of REFERENCE holds all raters: along the first axis, and along the last of NIfTI
    #[arg(long, conflicts_with = "raters", help_heading = "Several raters")]
    pub(crate) stacked_raters: bool,

    /// A folder for each of several sampled predictions, or a file of each for one case; in place of PREDICTION. What they
    /// share is judged as one prediction would be
    #[arg(long, value_name = "DIR|FILE", num_args = 1.., help_heading = "Several raters")]
    pub(crate) samples: Vec<PathBuf>,

    /// Each file of PREDICTION holds several sampled label maps: along the first axis, and along the last of NIfTI
    #[arg(long, conflicts_with = "samples", help_heading = "Several raters")]
    pub(crate) stacked_samples: bool,

    /// Thresholds of the threshold Dice: nine, 0.1 to 0.9, as QUBIQ has them, or five, 0.1, 0.3 and so on
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = Thresholds::Nine, help_heading = "Several raters")]
    pub(crate) thresholds: Thresholds,

    /// Of the energy distance: 1 - iou, or 1 - dice
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = Alike::Iou, help_heading = "Several raters")]
    pub(crate) similarity: Alike,

    /// Pairs of samples, and of raters, in the energy distance: all, one with itself included (V-statistic), or different ones
    /// (U-statistic)
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = Pairs::All, help_heading = "Several raters")]
    pub(crate) pairs: Pairs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Thresholds {
    Nine,
    Five,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Alike {
    Iou,
    Dice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pairs {
    All,
    Different,
}

impl Thresholds {
    pub(crate) fn all(self) -> &'static [f64] {
        match self {
            Self::Nine => &QUBIQ_THRESHOLDS,
            Self::Five => &FIVE,
        }
    }
}

impl Alike {
    pub(crate) fn similarity(self) -> Similarity {
        match self {
            Self::Iou => Similarity::Iou,
            Self::Dice => Similarity::Dice,
        }
    }
}

impl Pairs {
    pub(crate) fn own(self) -> OwnPairs {
        match self {
            Self::All => OwnPairs::All,
            Self::Different => OwnPairs::Different,
        }
    }
}

impl RaterArgs {
    /// Whether there are several raters, or samples.
    pub(crate) fn are_asked_for(&self) -> bool {
        !self.raters.is_empty() || self.rater_files.is_some() || self.stacked_raters || self.has_samples()
    }

    pub(crate) fn has_samples(&self) -> bool {
        !self.samples.is_empty() || self.stacked_samples
    }

    /// Settings that do not go together.
    pub(crate) fn check(&self, args: &Args) -> Result<(), String> {
        if args.structures || args.channels == Kind::Regions {
            return Err(
                "--structures and --channels are for one reference; with several raters judge classes and --regions"
                    .into(),
            );
        }
        let calibration = &args.calibration;
        let of_one = [
            ("--scope band", args.scope == Scope::Band),
            ("--mask", calibration.mask.is_some()),
            ("--equal-mass", calibration.equal_mass),
            ("--also", !calibration.also.is_empty()),
            ("--reliability-classes", calibration.reliability_classes.is_some()),
            ("--risk-coverage", calibration.risk_coverage.is_some()),
            ("--confidence-maps", calibration.confidence_maps.is_some()),
            ("--error-maps", calibration.error_maps.is_some()),
        ];
        if let Some((option, _)) = of_one.iter().find(|(_, told)| *told) {
            return Err(format!(
                "{option} is for one reference; judge each rater alone, or their fused label maps"
            ));
        }
        Ok(())
    }
}
