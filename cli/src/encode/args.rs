//! The command line.

use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;

use crate::command::ClassArgs;

/// Turns label maps into soft labels.
///
/// Reads .npy (bool and integers), NIfTI (.nii, .nii.gz) and grey or palette .png. Several inputs are several raters,
/// whose soft labels are averaged. Settings by axis follow the axes of the array that is read: (D, H, W) or (H, W),
/// and x, y, z for NIfTI. Trailing axes of length 1 beyond the third are dropped.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One label map for each rater.
    #[arg(required = true)]
    pub(crate) labels: Vec<PathBuf>,

    /// Where the soft labels go: .npy, classes first, or .nii / .nii.gz, classes last.
    #[arg(long)]
    pub(crate) out: PathBuf,

    #[arg(long, value_enum, default_value_t = Method::Svls)]
    pub(crate) method: Method,

    /// The method and its settings from a JSON file, such as {"method": "svls", "sigma": 1.5}.
    #[arg(long, value_name = "FILE.json", conflicts_with_all = ["method", "alpha", "sigma", "sigma_mm", "radius", "strength"])]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) classes: ClassArgs,

    /// Strength of label smoothing [default: 0.1].
    #[arg(long, value_name = "A", allow_hyphen_values = true)]
    pub(crate) alpha: Option<f64>,

    /// Sigma of SVLS in voxels, for all axes or for each [default: 1].
    #[arg(
        long,
        value_name = "S,S..",
        value_delimiter = ',',
        allow_hyphen_values = true,
        conflicts_with = "sigma_mm"
    )]
    pub(crate) sigma: Option<Vec<f64>>,

    /// Sigma of SVLS in millimetres, for all axes or for each.
    #[arg(long, value_name = "S,S..", value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) sigma_mm: Option<Vec<f64>>,

    /// Voxel spacing in millimetres, for all axes or for each; NIfTI headers have it.
    #[arg(long, value_name = "S,S..", value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) spacing_mm: Option<Vec<f64>>,

    /// Radius of SVLS in voxels, for all axes or for each [default: 1].
    #[arg(long, value_name = "R,R..", value_delimiter = ',')]
    pub(crate) radius: Option<Vec<usize>>,

    /// Strength of SVLS, above 0 and at most 1; the paper's is 1 [default: 1].
    #[arg(long, value_name = "L", allow_hyphen_values = true)]
    pub(crate) strength: Option<f64>,

    /// A weight for each rater [default: all alike].
    #[arg(long, value_name = "W,W..", value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) rater_weights: Option<Vec<f64>>,

    /// The input is one .npy whose first axis is the raters.
    #[arg(long)]
    pub(crate) stacked_raters: bool,

    /// Only a part of the result: a range of voxels for each axis.
    #[arg(long, value_name = "A:B,A:B..")]
    pub(crate) window: Option<Window>,

    /// Averages the soft labels over boxes of so many voxels, for all axes or for each.
    #[arg(long, value_name = "N,N..", value_delimiter = ',')]
    pub(crate) scale: Option<Vec<usize>>,

    #[arg(long, value_enum, default_value_t = Dtype::F32)]
    pub(crate) dtype: Dtype,
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
        let positive = |step: &f64| step.is_finite() && *step > 0.0;
        if self.spacing_mm.iter().flatten().any(|step| !positive(step)) {
            Err("--spacing-mm has to be finite and greater than 0".into())
        } else if self.alpha.is_some() && self.method != Method::Ls {
            Err("--alpha is for --method ls; leave it out".into())
        } else if kernel && self.method != Method::Svls {
            Err("--sigma, --sigma-mm, --radius and --strength are for --method svls; leave them out".into())
        } else if self.stacked_raters && self.labels.len() > 1 {
            Err("--stacked-raters reads one file; give the raters' files without it".into())
        } else {
            Ok(())
        }
    }
}
