//! The command line.

use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;

use crate::classes::ClassArgs;
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

    /// svls, ls (uniform label smoothing) or one-hot
    #[arg(long, value_enum, default_value_t = Method::Svls, hide_possible_values = true, help_heading = "Method")]
    pub(crate) method: Method,

    /// Method and settings from a JSON file, such as {"method": "svls", "sigma": 1.5}
    #[arg(long, value_name = "FILE.json", conflicts_with_all = ["method", "alpha", "sigma", "sigma_mm", "radius", "strength"], help_heading = "Method")]
    pub(crate) config: Option<PathBuf>,

    /// Strength of label smoothing [default: 0.1]
    #[arg(long, value_name = "A", allow_hyphen_values = true, help_heading = "Method")]
    pub(crate) alpha: Option<f64>,

    /// Sigma of SVLS in voxels, for all axes or for each [default: 1]
    #[arg(
        long,
        value_name = "S,S..",
        value_delimiter = ',',
        allow_hyphen_values = true,
        conflicts_with = "sigma_mm",
        help_heading = "Method"
    )]
    pub(crate) sigma: Option<Vec<f64>>,

    /// Sigma of SVLS in millimetres, for all axes or for each
    #[arg(
        long,
        value_name = "S,S..",
        value_delimiter = ',',
        allow_hyphen_values = true,
        help_heading = "Method"
    )]
    pub(crate) sigma_mm: Option<Vec<f64>>,

    /// Voxel spacing in millimetres, for all axes or for each; NIfTI headers have it
    #[arg(
        long,
        value_name = "S,S..",
        value_delimiter = ',',
        allow_hyphen_values = true,
        help_heading = "Method"
    )]
    pub(crate) spacing_mm: Option<Vec<f64>>,

    /// Radius of SVLS in voxels, for all axes or for each [default: 1]
    #[arg(long, value_name = "R,R..", value_delimiter = ',', help_heading = "Method")]
    pub(crate) radius: Option<Vec<usize>>,

    /// Strength of SVLS, above 0 and at most 1; the paper's is 1 [default: 1]
    #[arg(long, value_name = "L", allow_hyphen_values = true, help_heading = "Method")]
    pub(crate) strength: Option<f64>,

    /// A weight for each rater [default: all alike]
    #[arg(
        long,
        value_name = "W,W..",
        value_delimiter = ',',
        allow_hyphen_values = true,
        help_heading = "Raters"
    )]
    pub(crate) rater_weights: Option<Vec<f64>>,

    /// Only a part of the result: a range of voxels for each axis
    #[arg(long, value_name = "A:B,A:B..", help_heading = "Result")]
    pub(crate) window: Option<Window>,

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    Svls,
    Ls,
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
pub(crate) struct Window(pub(crate) Vec<Range<usize>>);

impl FromStr for Window {
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
    /// Arguments that the method does not know are mistakes.
    pub(crate) fn check(&self) -> Result<(), String> {
        let kernel =
            self.sigma.is_some() || self.sigma_mm.is_some() || self.radius.is_some() || self.strength.is_some();
        let folders = self.files.raters.len();
        let weights = self.rater_weights.as_ref().map_or(folders, Vec::len);
        let positive = |step: &f64| step.is_finite() && *step > 0.0;
        if self.spacing_mm.iter().flatten().any(|step| !positive(step)) {
            Err("--spacing-mm has to be finite and greater than 0".into())
        } else if self.alpha.is_some() && self.method != Method::Ls {
            Err("--alpha is for --method ls; leave it out".into())
        } else if kernel && self.method != Method::Svls {
            Err("--sigma, --sigma-mm, --radius and --strength are for --method svls; leave them out".into())
        } else if folders > 0 && weights != folders {
            Err(format!(
                "--rater-weights has {weights} numbers for {folders} raters; give one for each"
            ))
        } else {
            Ok(())
        }
    }
}
