//! The command line.

use std::path::PathBuf;

use clap::ValueEnum;
use soft_labels::fusion::Ties;

use crate::channels::Regions;
use crate::classes::ClassArgs;
use crate::command::Existing;
use crate::fuse::TieRule;
use crate::grid::GridArgs;
use crate::jobs::{Missing, RaterFileArgs};
use crate::judge::Empty;
use crate::tables::TablesArgs;
use crate::work::WorkArgs;

/// Compares several raters with one another
#[derive(Debug, clap::Args)]
#[command(
    before_help = "\
soft-labels agree --classes 2 --raters rater_1/ rater_2/ rater_3/
soft-labels agree --classes 2 --rater-files 'rater*.nii.gz' --tables agreement/ --picture agreement.svg cases/",
    after_help = "\
Pairs of raters are compared by Dice, surface Dice and volume; all raters by Fleiss' kappa, Krippendorff's alpha and the
intraclass correlation of volumes; and each rater with the majority vote and with STAPLE of the others. Class 0 is the
background. Distances are in mm, volumes in mm³ (areas in mm² for images)."
)]
pub(crate) struct Args {
    /// Label maps of the raters of one case; with --rater-files folders of cases, with --stacked-raters files of cases
    #[arg(value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) drawn: RaterFileArgs,

    /// Cases that a rater did not draw: others to compare those who did, skip, or error
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = Missing::Others, help_heading = "Raters")]
    pub(crate) missing: Missing,

    #[command(flatten)]
    pub(crate) classes: ClassArgs,

    /// Structures of several labels, such as WT=1+2+4,TC=1+4
    #[arg(long, value_name = "NAME=V+V..,..")]
    pub(crate) regions: Option<Regions>,

    /// Voxels of kappa and alpha: union, where any rater saw the structure, all, or band, those about the boundary of the union
    #[arg(long = "region", value_enum, hide_possible_values = true, default_value_t = Where::Union)]
    pub(crate) region: Where,

    /// The voxels of --region band are at most so far from the boundary [default: 5]
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    band_mm: Option<f64>,

    /// Voxel spacing, for all axes or for each [default: that of the NIfTI header, or 1]
    #[arg(long, value_name = "S,S..", value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) spacing_mm: Option<Vec<f64>>,

    /// Surfaces so near to one another agree
    #[arg(long, value_name = "T", default_value_t = 2.0, allow_hyphen_values = true)]
    pub(crate) tolerance_mm: f64,

    /// Dice and surface Dice of a structure that neither of two maps holds: skip (it counts in no mean), one or zero
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = Empty::Skip)]
    pub(crate) empty: Empty,

    /// Which class the others have where they tie: lowest, highest, prefer=V, or undecided=V to leave such voxels out
    #[arg(long, value_name = "RULE", default_value = "lowest")]
    pub(crate) ties: TieRule,

    /// Also tables with rows for each case
    #[arg(long)]
    pub(crate) per_case: bool,

    #[command(flatten)]
    pub(crate) tables: TablesArgs,

    /// Where a picture goes: for each structure a matrix of raters by raters
    #[arg(long, value_name = "OUT.svg")]
    pub(crate) picture: Option<PathBuf>,

    /// A folder for maps of disagreement: the entropy of the raters' labels at each voxel, in nats, and the share of the minority
    #[arg(long, value_name = "DIR")]
    pub(crate) maps: Option<PathBuf>,

    /// Seed of the bootstrap: 2000 draws of the cases for 95 % intervals
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    #[command(flatten)]
    pub(crate) grid: GridArgs,

    #[command(flatten)]
    pub(crate) existing: Existing,

    #[command(flatten)]
    pub(crate) work: WorkArgs,
}

/// The voxels of kappa and alpha.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Where {
    Union,
    All,
    Band,
}

impl Args {
    /// How far from the boundary the band reaches.
    pub(crate) fn band_mm(&self) -> f64 {
        self.band_mm.unwrap_or(5.0)
    }

    /// Settings that cannot be.
    pub(crate) fn check(&self) -> Result<(), String> {
        let svg = |path: &PathBuf| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("svg"));
        let distance = |value: f64| value >= 0.0;
        if self
            .spacing_mm
            .iter()
            .flatten()
            .any(|step| !(step.is_finite() && *step > 0.0))
        {
            Err("--spacing-mm has to be finite and greater than 0".into())
        } else if !distance(self.tolerance_mm) {
            Err("--tolerance-mm has to be 0 or more".into())
        } else if !distance(self.band_mm()) {
            Err("--band-mm has to be 0 or more".into())
        } else if self.band_mm.is_some() && self.region != Where::Band {
            Err("--band-mm is for --region band; set that, too".into())
        } else if self.picture.as_ref().is_some_and(|path| !svg(path)) {
            Err("--picture draws .svg; name the file so".into())
        } else {
            Ok(())
        }
    }

    /// Where kappa and alpha are computed, for people.
    pub(crate) fn about_region(&self) -> String {
        match self.region {
            Where::Union => "union".into(),
            Where::All => "all voxels".into(),
            Where::Band => format!("band of {} mm", crate::tables::all_digits(self.band_mm())),
        }
    }

    /// What a tie of the others becomes, for people.
    pub(crate) fn about_ties(&self) -> String {
        match self.ties.0 {
            Ties::Highest => "the highest of the tied classes (--ties highest)".into(),
            Ties::Prefer(label) => format!("class {label} or else the lowest of the tied ones (--ties prefer={label})"),
            Ties::Undecided(label) => {
                format!("label {label}, and is left out if that is no class (--ties undecided={label})")
            }
            _ => "the lowest of the tied classes (--ties lowest)".into(),
        }
    }
}
