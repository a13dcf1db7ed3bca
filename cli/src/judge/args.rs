//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;

use crate::command::ClassArgs;

/// Judges a prediction against a reference label map: overlap, surfaces and calibration.
///
/// Reads .npy (bool and integers), NIfTI (.nii, .nii.gz) and grey or palette .png. The prediction is a label map, or
/// probabilities as an .npy of 32- or 64-bit floats with the class axis first; its label is then the class of the largest
/// probability. Class 0 is the background. Settings by axis follow the axes of the array that is read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A label map, or probabilities (C, D, H, W) or (C, H, W).
    pub(crate) prediction: PathBuf,

    /// The label map to compare with.
    pub(crate) reference: PathBuf,

    #[command(flatten)]
    pub(crate) classes: ClassArgs,

    /// Structures of several labels, such as WT=1+2+4,TC=1+4.
    #[arg(long, value_name = "NAME=V+V..,..")]
    pub(crate) regions: Option<Regions>,

    /// Voxel spacing in millimetres, for all axes or for each [default: that of the NIfTI header, or 1].
    #[arg(long, value_name = "S,S..", value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) spacing_mm: Option<Vec<f64>>,

    /// Surfaces so near to one another agree.
    #[arg(long, value_name = "T", default_value_t = 2.0, allow_hyphen_values = true)]
    pub(crate) tolerance_mm: f64,

    /// Bins of the calibration errors.
    #[arg(long, value_name = "B", default_value_t = 10)]
    pub(crate) bins: usize,

    /// Voxels on which ECE and the reliability diagram are measured; foreground is where the reference is not class 0.
    #[arg(long, value_enum, default_value_t = Scope::All)]
    pub(crate) scope: Scope,

    /// Prints one JSON object instead of tables; what does not exist is null.
    #[arg(long)]
    pub(crate) json: bool,

    /// Where the reliability diagram goes.
    #[arg(long, value_name = "OUT.svg")]
    pub(crate) reliability: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    All,
    Foreground,
}

/// Names with labels.
#[derive(Debug, Clone)]
pub(crate) struct Regions(Vec<(String, Vec<i64>)>);

impl<'a> IntoIterator for &'a Regions {
    type Item = &'a (String, Vec<i64>);
    type IntoIter = std::slice::Iter<'a, (String, Vec<i64>)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl FromStr for Regions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let region = |part: &str| {
            let (name, labels) = part.split_once('=')?;
            let labels = labels
                .split('+')
                .map(|label| label.trim().parse().ok())
                .collect::<Option<_>>()?;
            Some((Some(name.trim()).filter(|name| !name.is_empty())?.to_owned(), labels))
        };
        let regions: Vec<(String, Vec<i64>)> = text
            .split(',')
            .map(region)
            .collect::<Option<_>>()
            .ok_or("write a name and its labels for each region, like WT=1+2+4,TC=1+4")?;
        let mut names: Vec<_> = regions.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("{} is given twice; name each region once", pair[0])),
            None => Ok(Self(regions)),
        }
    }
}

impl Args {
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
        } else if self.bins == 0 {
            Err("--bins has to be 1 or more".into())
        } else {
            Ok(())
        }
    }
}
