//! The command line.

use std::path::PathBuf;

use clap::ValueEnum;
use soft_labels::metrics::CalibrationMethod;

use crate::classes::ClassArgs;
use crate::command::Existing;
use crate::grid::GridArgs;
use crate::jobs::FolderFormat;
use crate::tables::TablesArgs;
use crate::work::WorkArgs;

/// Finds temperatures that make predictions as sure as they are right, and applies them
#[derive(Debug, clap::Args)]
#[command(
    before_help = "\
soft-labels calibrate --classes 4 --out calibration.json predictions/ labelsVal/
soft-labels calibrate --apply calibration.json --out calibrated/ predictions/",
    after_help = "\
Take cases that the network was not trained on. The scores before and after are those of cross-validation: each case
is scored by what was found on the cases of other folds. Cases are dealt to the folds in turn, in the order of their
names. What is written was found on all cases. Cases are read again for each step of the search, one at a time by
each thread.

Probabilities are of floats or 255ths, and their logarithms are the logits. A 0 has no logarithm: it counts as
half of the smallest positive number of its type, divided by the number of classes. With two classes the foreground's
alone will do. The results are probabilities, of the type of the input and at its place."
)]
pub(crate) struct Args {
    /// Predictions of validation cases, and their label maps: two files, or two folders with the same names. With --apply any
    /// predictions: files, folders and patterns
    #[arg(required = true, value_name = "PREDICTIONS [LABELS]")]
    pub(super) inputs: Vec<PathBuf>,

    /// Where the calibration goes, as JSON; with --apply a file, whose ending tells the format, or a folder
    #[arg(long, value_name = "PATH")]
    pub(super) out: PathBuf,

    /// Applies a calibration to predictions
    #[arg(
        long,
        value_name = "FILE.json",
        conflicts_with_all = ["ClassArgs", "TablesArgs", "method", "folds", "bins", "same_grid"]
    )]
    pub(super) apply: Option<PathBuf>,

    /// The predictions are logits, not probabilities
    #[arg(long)]
    pub(super) logits: bool,

    #[command(flatten)]
    pub(super) classes: ClassArgs,

    /// temperature: one for all classes, softmax(z / T); class-temperatures: one for each; vector: one and a bias for each
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = Method::Temperature)]
    pub(super) method: Method,

    /// Folds of the cross-validation, at most as many as cases
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=1024))]
    pub(super) folds: u16,

    /// Bins of the calibration errors
    #[arg(long, value_name = "B", default_value_t = 10)]
    pub(super) bins: usize,

    #[arg(
        long,
        help = format!("Format in a folder: {} [default: that of the input]", FolderFormat::listed()),
        value_parser = FolderFormat::parser(),
        hide_possible_values = true,
        requires = "apply"
    )]
    pub(super) format: Option<FolderFormat>,

    #[command(flatten)]
    pub(super) tables: TablesArgs,

    #[command(flatten)]
    pub(super) grid: GridArgs,

    #[command(flatten)]
    pub(super) existing: Existing,

    #[command(flatten)]
    pub(super) work: WorkArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Method {
    Temperature,
    ClassTemperatures,
    Vector,
}

impl From<Method> for CalibrationMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::Temperature => Self::Temperature,
            Method::ClassTemperatures => Self::ClassTemperatures,
            Method::Vector => Self::Vector,
        }
    }
}
