//! The command line.

use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use serde::Serialize;
use soft_labels::Encoding;

use super::weights::RaterWeights;
use crate::channels::{Kind, Regions};
use crate::classes::ClassArgs;
use crate::command::Failure;
use crate::jobs::FileArgs;

/// Turns label maps into soft labels
#[derive(Debug, clap::Args)]
#[command(
    before_help = "\
soft-labels encode --classes 3 --out soft.npy labels.nii.gz
soft-labels encode --dataset dataset.json --out soft/ --raters rater_1/ rater_2/",
    after_help = "\
Settings for each axis are in the order of the array's axes: (D, H, W) or (H, W), and x, y, z for NIfTI.
Soft labels have the classes first, (C, D, H, W) or (C, H, W); in NIfTI they are last. Lengths are in voxels
or, where the name says so, in millimetres."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) files: FileArgs,

    #[command(flatten)]
    pub(crate) classes: ClassArgs,

    #[command(flatten)]
    pub(crate) channels: ChannelArgs,

    /// svls, ls (uniform label smoothing) or one-hot
    #[arg(long, value_enum, default_value_t = Method::Svls, hide_possible_values = true, help_heading = "Method")]
    pub(crate) method: Method,

    #[command(flatten)]
    pub(crate) settings: Settings,

    /// Method and settings from a JSON file, such as {"method": "svls", "sigma": 1.5}
    #[arg(long, value_name = "FILE.json", conflicts_with_all = ["method", "Settings"], help_heading = "Method")]
    pub(crate) config: Option<PathBuf>,

    /// Voxel spacing in millimetres, for all axes or for each; NIfTI headers have it
    #[arg(
        long,
        value_name = "S,S..",
        value_delimiter = ',',
        allow_hyphen_values = true,
        help_heading = "Method"
    )]
    pub(crate) spacing_mm: Option<Vec<f64>>,

    /// A weight for each rater, or staple for those that STAPLE finds in each case [default: all alike]
    #[arg(
        long,
        value_name = "W,W..|staple",
        allow_hyphen_values = true,
        help_heading = "Raters"
    )]
    pub(crate) rater_weights: Option<RaterWeights>,

    /// Only a part of the result: a range of voxels for each axis
    #[arg(long, value_name = "A:B,A:B..", help_heading = "Result")]
    pub(crate) window: Option<Ranges>,

    /// Averages over boxes of so many voxels, for all axes or for each
    #[arg(long, value_name = "N,N..", value_delimiter = ',', help_heading = "Result")]
    pub(crate) scale: Option<Vec<usize>>,

    /// f32, f64, f16, or u8 in 255ths
    #[arg(long, value_enum, default_value_t = Dtype::F32, hide_possible_values = true, help_heading = "Result")]
    pub(crate) dtype: Dtype,

    /// Writes the sparse form as .npz: the class of each voxel, and probabilities of the uncertain ones
    #[arg(long, conflicts_with_all = ["window", "scale", "dtype", "format"], help_heading = "Result")]
    pub(crate) sparse: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ChannelArgs {
    /// What the first axis is: classes, or regions, those of --regions or else of --dataset [default: classes]
    #[arg(
        long = "channels",
        value_enum,
        hide_possible_values = true,
        help_heading = "Channels"
    )]
    pub(crate) kind: Option<Kind>,

    /// Regions of several labels, which may hold one another, such as WT=1+2+4,TC=1+4
    #[arg(long, value_name = "NAME=V+V..,..", help_heading = "Channels")]
    pub(crate) regions: Option<Regions>,

    /// Structures that may overlap: a folder with a mask for each, or a folder of such folders, one for each case
    #[arg(long, value_name = "DIR", conflicts_with_all = ["ClassArgs", "kind", "regions"], help_heading = "Channels")]
    pub(crate) structures: Option<PathBuf>,
}

impl ChannelArgs {
    pub(crate) fn are_regions(&self) -> bool {
        self.kind == Some(Kind::Regions) || self.regions.is_some()
    }
}

/// The settings of a method. Those that are given are the fields of its JSON form, which says which of them it has.
#[derive(Debug, clap::Args, Serialize)]
pub(crate) struct Settings {
    /// Strength of label smoothing [default: 0.1]
    #[arg(long, value_name = "A", allow_hyphen_values = true, value_parser = finite, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    alpha: Option<f64>,

    /// Sigma of SVLS in voxels, for all axes or for each [default: 1]
    #[arg(
        long,
        value_name = "S,S..",
        value_delimiter = ',',
        allow_hyphen_values = true,
        value_parser = finite,
        help_heading = "Method"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    sigma: Option<Vec<f64>>,

    /// Sigma of SVLS in millimetres, for all axes or for each
    #[arg(
        long,
        value_name = "S,S..",
        value_delimiter = ',',
        allow_hyphen_values = true,
        value_parser = finite,
        help_heading = "Method"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    sigma_mm: Option<Vec<f64>>,

    /// Radius of SVLS in voxels, for all axes or for each [default: 1]
    #[arg(long, value_name = "R,R..", value_delimiter = ',', help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    radius: Option<Vec<usize>>,

    /// Radius of SVLS in multiples of sigma, rounded up to voxels; instead of --radius
    #[arg(long, value_name = "T", allow_hyphen_values = true, value_parser = finite, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    truncate: Option<f64>,

    /// Strength of SVLS, above 0 and at most 1; the paper's is 1 [default: 1]
    #[arg(long, value_name = "L", allow_hyphen_values = true, value_parser = finite, help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    strength: Option<f64>,
}

/// JSON has no other numbers.
fn finite(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err("it has to be finite".into()),
        Err(error) => Err(error.to_string()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    Svls,
    #[value(name = "ls")]
    LabelSmoothing,
    OneHot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dtype {
    F32,
    F64,
    F16,
    U8,
}

#[derive(Debug, Clone)]
pub(crate) struct Ranges(pub(crate) Vec<Range<usize>>);

impl FromStr for Ranges {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range = |part: &str| {
            let (start, end) = part.split_once(':')?;
            Some(start.parse().ok()?..end.parse().ok()?)
        };
        let ranges = text.split(',').map(range).collect::<Option<_>>();
        ranges
            .map(Self)
            .ok_or_else(|| "write a range for each axis, like 0:16,32:64".into())
    }
}

impl Args {
    /// Whether the method needs the voxel spacing of each case.
    pub(crate) fn needs_spacing(&self) -> bool {
        self.settings.sigma_mm.is_some() && self.spacing_mm.is_none()
    }

    /// The method with its settings. `spacing` is that of a case, if it is known.
    pub(crate) fn encoding(&self, spacing: Option<&[f64]>) -> Result<Encoding, Failure> {
        let mut fields = serde_json::to_value(&self.settings)?;
        fields["method"] = serde_json::to_value(self.method)?;
        if self.method == Method::LabelSmoothing && self.settings.alpha.is_none() {
            fields["alpha"] = 0.1.into();
        }
        if self.settings.sigma_mm.is_some() {
            let spacing = self.spacing_mm.as_deref().or(spacing);
            let spacing = spacing.ok_or("--sigma-mm needs the voxel spacing; give --spacing-mm")?;
            fields["spacing_mm"] = spacing.into();
        }
        Ok(serde_json::from_value(fields)?)
    }

    /// What is wrong with the arguments before there is a label map.
    pub(crate) fn check(&self) -> Result<(), String> {
        let folders = self.files.drawn.raters.len();
        let weights = match &self.rater_weights {
            Some(RaterWeights::Given(weights)) => weights.len(),
            _ => folders,
        };
        let positive = |step: &f64| step.is_finite() && *step > 0.0;
        if self.channels.regions.is_some() && self.channels.kind == Some(Kind::Classes) {
            Err("--regions is given with --channels classes; leave out one of them".into())
        } else if self.channels.structures.is_some() && self.rater_weights.is_some() {
            Err("--rater-weights is for raters, and --structures are of one".into())
        } else if self.spacing_mm.iter().flatten().any(|step| !positive(step)) {
            Err("--spacing-mm has to be finite and greater than 0".into())
        } else if self.scale.iter().flatten().any(|&len| len == 0) {
            Err("--scale has to be 1 or more".into())
        } else if folders > 0 && weights != folders {
            Err(format!(
                "--rater-weights has {weights} numbers for {folders} raters; give one for each"
            ))
        } else {
            Ok(())
        }
    }
}
