//! The command line.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use soft_labels::metrics::{EmptyRegion, SurfaceKind};

use super::calibration::CalibrationArgs;
use super::raters::RaterArgs;
use crate::channels::{Kind, Regions};
use crate::classes::ClassArgs;
use crate::command::Existing;
use crate::grid::GridArgs;
use crate::tables::TablesArgs;
use crate::work::WorkArgs;

/// Compares predictions with reference label maps
#[derive(Debug, clap::Args)]
#[command(
    before_help = "\
soft-labels judge --classes 3 prediction.npy labels.nii.gz
soft-labels judge --dataset dataset.json --csv scores.csv predictions/ labelsTs/
soft-labels judge --classes 2 predictions/ --raters first/ second/ third/",
    after_help = "\
A prediction is a label map, or probabilities of floats or 255ths: .npy, .zarr or .tif with the classes first,
(C, D, H, W) or (C, H, W), NIfTI, NRRD or MetaImage with the classes last, or .npz, sparse or of nnU-Net. With two
classes the foreground's alone will do. Class 0 is the background. Settings for each axis are in the order of the
array's axes: (D, H, W) or (H, W), and x, y, z for NIfTI, NRRD and MetaImage. Distances are in mm, volumes in mm³ (areas in mm² for images)."
)]
pub(crate) struct Args {
    /// A prediction, or a folder of them
    #[arg(required_unless_present = "samples")]
    pub(crate) prediction: Option<PathBuf>,

    /// The label map to compare with, or a folder with the same names
    #[arg(required_unless_present_any = ["raters", "samples"], conflicts_with = "raters")]
    pub(crate) reference: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) several: RaterArgs,

    #[command(flatten)]
    pub(crate) classes: ClassArgs,

    /// Structures of several labels, such as WT=1+2+4,TC=1+4
    #[arg(long, value_name = "NAME=V+V..,..")]
    pub(crate) regions: Option<Regions>,

    /// What a prediction has a channel for: classes, or regions, those of --regions or else of --dataset
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = Kind::Classes)]
    pub(crate) channels: Kind,

    /// Structures that may overlap: a reference is a folder with a mask for each, named by it, and a prediction is such a folder
    /// or a file with a channel for each
    #[arg(long, conflicts_with_all = ["ClassArgs", "CalibrationArgs", "regions", "channels", "reliability"])]
    pub(crate) structures: bool,

    /// From which probability on a voxel is in a region or structure, for all or for each [default: 0.5]
    #[arg(long, value_name = "T,T..", value_delimiter = ',')]
    pub(crate) threshold: Option<Vec<f64>>,

    /// Voxel spacing, for all axes or for each [default: that of the NIfTI header, or 1]
    #[arg(long, value_name = "S,S..", value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) spacing_mm: Option<Vec<f64>>,

    /// Surfaces so near to one another agree
    #[arg(long, value_name = "T", default_value_t = 2.0, allow_hyphen_values = true)]
    pub(crate) tolerance_mm: f64,

    /// What surfaces consist of: surfels, elements with areas as DeepMind has them, or edge-voxels, as MONAI has them
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = Surface::Surfels)]
    pub(crate) surface: Surface,

    /// Bins of the calibration errors
    #[arg(long, value_name = "B", default_value_t = 10)]
    pub(crate) bins: usize,

    /// Voxels of ECE, of the calibration by class and of the diagrams: all, foreground, where the reference is not class 0, or band,
    /// within --band-mm of a boundary of the reference
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = Scope::All)]
    pub(crate) scope: Scope,

    /// Scores of a structure that neither map holds: skip (it counts in no mean, as with nnU-Net), one (and distances of 0), or zero
    /// (and infinite distances)
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = Empty::Skip)]
    pub(crate) empty: Empty,

    /// Also a table with a row for each case and class
    #[arg(long)]
    pub(crate) per_case: bool,

    /// Where a row for each case and class goes
    #[arg(long, value_name = "OUT.csv")]
    pub(crate) csv: Option<PathBuf>,

    /// Where the reliability diagram of the top label goes, of the voxels of all cases
    #[arg(long, value_name = "OUT.svg")]
    pub(crate) reliability: Option<PathBuf>,

    /// Where a page for a browser goes: tables and what they mean, diagrams, and slices of the worst cases
    #[arg(long, value_name = "OUT.html")]
    pub(crate) html: Option<PathBuf>,

    /// How many structures of cases the page shows, those with the lowest Dice
    #[arg(long, value_name = "N", default_value_t = 5, requires = "html")]
    pub(crate) worst: usize,

    /// Seed of the bootstrap: 2000 draws of the cases for the 95 % interval of the mean
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    #[command(flatten)]
    pub(crate) calibration: CalibrationArgs,

    #[command(flatten)]
    pub(crate) grid: GridArgs,

    #[command(flatten)]
    pub(crate) tables: TablesArgs,

    #[command(flatten)]
    pub(crate) existing: Existing,

    #[command(flatten)]
    pub(crate) work: WorkArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    All,
    Foreground,
    Band,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Surface {
    Surfels,
    EdgeVoxels,
}

impl Surface {
    pub(crate) fn kind(self) -> SurfaceKind {
        match self {
            Self::Surfels => SurfaceKind::Surfels,
            Self::EdgeVoxels => SurfaceKind::EdgeVoxels,
        }
    }

    /// As the option has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Surfels => "surfels",
            Self::EdgeVoxels => "edge-voxels",
        }
    }

    /// What stands below the tables.
    pub(crate) fn rule(self) -> &'static str {
        match self {
            Self::Surfels => "Surfaces consist of surfels, elements with areas (DeepMind's; --surface surfels).",
            Self::EdgeVoxels => "Surfaces consist of edge voxels (MONAI's; --surface edge-voxels).",
        }
    }
}

/// What a structure scores that neither map holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Empty {
    Skip,
    One,
    Zero,
}

impl Empty {
    /// The rule in the library.
    pub(crate) fn region(self) -> EmptyRegion {
        match self {
            Self::Skip => EmptyRegion::Nan,
            Self::One => EmptyRegion::One,
            Self::Zero => EmptyRegion::Zero,
        }
    }

    /// What stands below the tables.
    pub(crate) fn rule(self) -> &'static str {
        match self {
            Self::Skip => {
                "A structure that neither map holds has no scores and no distances, and counts in no mean (--empty skip). \
                 If one map alone holds it, Dice, Jaccard and surface Dice are 0 and its distances infinite."
            }
            Self::One => {
                "A structure that neither map holds has scores of 1 and distances of 0 (--empty one). If one map alone holds it, \
                 Dice, Jaccard and surface Dice are 0 and its distances infinite."
            }
            Self::Zero => {
                "A structure that neither map holds has scores of 0 and infinite distances (--empty zero). If one map alone holds \
                 it, Dice, Jaccard and surface Dice are 0 and its distances infinite."
            }
        }
    }

    /// As the option has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::One => "one",
            Self::Zero => "zero",
        }
    }
}

/// Bins that a picture can show.
const MOST_DRAWN: usize = 1000;

impl Args {
    /// The prediction and its reference, which the command line has unless there are several raters.
    pub(crate) fn pair(&self) -> [&Path; 2] {
        [&self.prediction, &self.reference].map(|path| path.as_deref().unwrap_or(Path::new("")))
    }

    /// Settings that cannot be.
    pub(crate) fn check(&self) -> Result<(), String> {
        let positive = |step: &f64| step.is_finite() && *step > 0.0;
        let svg = |path: &PathBuf| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("svg"));
        if self.spacing_mm.iter().flatten().any(|step| !positive(step)) {
            Err("--spacing-mm has to be finite and greater than 0".into())
        } else if self.reliability.as_ref().is_some_and(|path| !svg(path)) {
            Err("--reliability draws .svg; name the file so".into())
        } else if self.tolerance_mm.is_nan() || self.tolerance_mm < 0.0 {
            Err("--tolerance-mm has to be 0 or more".into())
        } else if self
            .threshold
            .iter()
            .flatten()
            .any(|threshold| !(0.0..=1.0).contains(threshold))
        {
            Err("--threshold has to be within 0 and 1".into())
        } else if self.threshold.is_some() && self.channels == Kind::Classes && !self.structures {
            Err("--threshold is for --channels regions and --structures; of classes the most probable is taken".into())
        } else if self.channels == Kind::Regions && self.reliability.is_some() {
            Err("--reliability is for classes; the channels of regions do not sum to 1".into())
        } else if let Some(option) = self.calibration.given().filter(|_| self.channels == Kind::Regions) {
            Err(format!(
                "{option} is for classes; the channels of regions do not sum to 1"
            ))
        } else if self.bins == 0 {
            Err("--bins has to be 1 or more".into())
        } else if self.bins > MOST_DRAWN && (self.html.is_some() || self.reliability.is_some()) {
            Err(format!(
                "more than {MOST_DRAWN} --bins cannot be drawn; leave out --html and --reliability, or take fewer"
            ))
        } else {
            self.calibration.check(self.scope)
        }
    }
}
