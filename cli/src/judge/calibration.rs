//! Calibration of each class, of the top label in bins of equal mass, and risk and coverage: of one prediction, or of several that
//! are compared.

mod bins;
pub(crate) mod maps;
mod pictures;
mod pooled;

use std::path::{Path, PathBuf};

use ndarray::{ArrayD, IxDyn};
use soft_labels::Classes;
use soft_labels::metrics::{Scope, boundary_band};
use soft_labels_files::{Palette, read_labels};

pub(crate) use self::bins::CaseBins;
pub(crate) use self::pooled::Pooled;
use super::args::{self, Args};
use super::prediction::{self, Prediction, Reference};
use crate::cases::{self, ByName};
use crate::command::{Failure, of_file};
use crate::grid::Grid;

/// Beside those of [`Args`] that were there before.
#[derive(Debug, clap::Args)]
pub(crate) struct CalibrationArgs {
    /// The width of --scope band on either side of a boundary: a voxel is in the band if the nearest voxel of another class is at
    /// most so far away, from centre to centre; ignored voxels are neither, and the border of the map is no boundary
    #[arg(long, value_name = "X", allow_hyphen_values = true, help_heading = "Calibration")]
    pub(crate) band_mm: Option<f64>,

    /// Only voxels count for --scope that are not 0 here: a map, or a folder with the same names
    #[arg(long, value_name = "MASK", help_heading = "Calibration")]
    pub(crate) mask: Option<PathBuf>,

    /// The bins of the calibration by class and of the diagrams hold about equally many voxels
    #[arg(long, help_heading = "Calibration")]
    pub(crate) equal_mass: bool,

    /// Another prediction to compare with, or a folder of them: in the table of calibration by class and in the diagrams
    #[arg(long, value_name = "NAME=PATH", value_parser = also, help_heading = "Calibration")]
    pub(crate) also: Vec<(String, PathBuf)>,

    /// Where reliability diagrams of each class go, in one picture
    #[arg(long, value_name = "OUT.svg", help_heading = "Calibration")]
    pub(crate) reliability_classes: Option<PathBuf>,

    /// Where the risk-coverage curve goes: the share of wrong voxels among the most confident ones
    #[arg(long, value_name = "OUT.svg", help_heading = "Calibration")]
    pub(crate) risk_coverage: Option<PathBuf>,

    /// Where maps of the largest probability go, in the format of the references
    #[arg(long, value_name = "DIR", help_heading = "Calibration")]
    pub(crate) confidence_maps: Option<PathBuf>,

    /// Where maps go that are 1 where the predicted label is not that of the reference
    #[arg(long, value_name = "DIR", help_heading = "Calibration")]
    pub(crate) error_maps: Option<PathBuf>,
}

/// A name and a path.
fn also(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), path.into())),
        _ => Err("give a name and a path, such as other=predictions/".into()),
    }
}

impl CalibrationArgs {
    /// Settings that cannot be.
    pub(crate) fn check(&self, scope: args::Scope) -> Result<(), String> {
        let wide = |mm: f64| mm >= 0.0;
        match (scope, self.band_mm) {
            (args::Scope::Band, None) => return Err("--scope band needs a width; set --band-mm".into()),
            (args::Scope::Band, Some(mm)) if !wide(mm) => return Err("--band-mm has to be 0 or more".into()),
            (args::Scope::Band, _) | (_, None) => {}
            (_, Some(_)) => return Err("--band-mm is for --scope band; set both".into()),
        }
        let svg = |path: &Path| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("svg"));
        for (option, path) in self.pictures() {
            if !svg(path) {
                return Err(format!("{option} draws .svg; name the file so"));
            }
        }
        let mut names: Vec<_> = self.also.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("--also has {} twice; give two names", pair[0])),
            None => Ok(()),
        }
    }

    /// An option that is given, if one is.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let options = [
            (self.band_mm.is_some(), "--band-mm"),
            (self.mask.is_some(), "--mask"),
            (self.equal_mass, "--equal-mass"),
            (!self.also.is_empty(), "--also"),
            (self.reliability_classes.is_some(), "--reliability-classes"),
            (self.risk_coverage.is_some(), "--risk-coverage"),
            (self.confidence_maps.is_some(), "--confidence-maps"),
            (self.error_maps.is_some(), "--error-maps"),
        ];
        options.into_iter().find_map(|(given, option)| given.then_some(option))
    }

    /// The pictures that are asked for, by their options.
    pub(crate) fn pictures(&self) -> impl Iterator<Item = (&'static str, &PathBuf)> {
        let of_classes = self
            .reliability_classes
            .as_ref()
            .map(|path| ("--reliability-classes", path));
        let risk = self.risk_coverage.as_ref().map(|path| ("--risk-coverage", path));
        of_classes.into_iter().chain(risk)
    }

    /// Whether fine bins are needed.
    fn fine(&self) -> bool {
        self.equal_mass || self.risk_coverage.is_some()
    }
}

/// What is read beside predictions and references.
#[derive(Debug)]
pub(crate) struct Beside {
    mask: Option<Files>,
    also: Vec<(String, Files)>,
}

/// The file of each case.
#[derive(Debug)]
enum Files {
    One(PathBuf),
    ByName(ByName),
}

impl Files {
    fn find(path: &Path, folders: bool, of_folder: fn(&Path) -> Result<ByName, Failure>) -> Result<Self, Failure> {
        match (cases::is_folder(path), folders) {
            (true, true) => of_folder(path).map(Self::ByName),
            (false, false) => Ok(Self::One(path.to_owned())),
            _ => of_file(path, Err("give files beside files, and folders beside folders".into())),
        }
    }

    /// The file of the case that has this reference.
    fn of(&self, reference: &Path) -> Option<&Path> {
        match self {
            Self::One(path) => Some(path),
            Self::ByName(files) => files.get(&cases::name_of(reference)).map(PathBuf::as_path),
        }
    }

    fn all(&self) -> Vec<PathBuf> {
        match self {
            Self::One(path) => vec![path.clone()],
            Self::ByName(files) => files.values().cloned().collect(),
        }
    }
}

impl Beside {
    /// Finds the files. `folders` says whether predictions are folders.
    pub(crate) fn find(args: &CalibrationArgs, folders: bool) -> Result<Self, Failure> {
        let mask = args
            .mask
            .as_deref()
            .map(|path| Files::find(path, folders, cases::of_folder));
        let also = args.also.iter().map(|(name, path)| {
            let files = Files::find(path, folders, cases::of_predictions)?;
            Ok((name.clone(), files))
        });
        Ok(Self {
            mask: mask.transpose()?,
            also: also.collect::<Result<_, Failure>>()?,
        })
    }

    /// All of them.
    pub(crate) fn inputs(&self) -> Vec<PathBuf> {
        let also = self.also.iter().map(|(_, files)| files);
        self.mask.iter().chain(also).flat_map(Files::all).collect()
    }
}

/// A case whose calibration is counted.
pub(crate) struct Case<'a> {
    pub(crate) args: &'a Args,
    pub(crate) classes: &'a Classes,
    pub(crate) palette: Option<&'a Palette>,
    pub(crate) path: &'a Path,
    pub(crate) reference: &'a Reference<'a>,
    pub(crate) spacing: &'a [f64],
}

impl Case<'_> {
    /// The bins of a prediction, and those of the others that it is compared with. Writes the maps.
    pub(crate) fn count(&self, probabilities: &ArrayD<f64>, beside: &Beside) -> Result<Vec<CaseBins>, Failure> {
        let mask = self.mask(beside.mask.as_ref())?;
        let scope = match (&mask, self.args.scope) {
            (Some(mask), _) => Scope::Mask(mask.view()),
            (None, args::Scope::Foreground) => Scope::Foreground,
            (None, _) => Scope::All,
        };
        let count = |p: &ArrayD<f64>| CaseBins::count(self.args, p, &self.reference.labels, self.classes, &scope);
        let mut all = vec![count(probabilities)?];
        for (name, files) in &beside.also {
            let path = files.of(self.path).ok_or_else(|| format!("has no prediction {name}"))?;
            let other =
                prediction::prediction(path, &self.reference.grid(), self.classes, self.palette, self.args.grid)?;
            let Prediction::Probabilities(p) = other else {
                return of_file(path, Err("holds labels; calibration needs probabilities".into()));
            };
            all.push(of_file(path, count(&p))?);
        }
        Ok(all)
    }

    /// The voxels that count, unless they are all of them or the foreground.
    fn mask(&self, files: Option<&Files>) -> Result<Option<ArrayD<bool>>, Failure> {
        let labels = &self.reference.labels;
        let mut mask = match (self.args.scope, self.args.calibration.band_mm) {
            (args::Scope::Band, Some(mm)) => Some(boundary_band(labels, self.classes, self.spacing, mm)?),
            _ => None,
        };
        if let Some(files) = files {
            let drawn = self.drawn(files)?;
            let foreground = self.args.scope == args::Scope::Foreground;
            let first = self.classes.values().first().copied();
            let inside = |at: IxDyn| {
                let counts = drawn[&at] != 0 && !(foreground && Some(i128::from(labels[&at])) == first);
                counts && mask.as_ref().is_none_or(|mask| mask[&at])
            };
            mask = Some(ArrayD::from_shape_fn(labels.raw_dim(), inside));
        }
        Ok(mask)
    }

    /// The mask of a file.
    fn drawn(&self, files: &Files) -> Result<ArrayD<i64>, Failure> {
        let path = files.of(self.path).ok_or("has no mask")?;
        let map = read_labels(path)?;
        let shape = self.reference.labels.shape();
        if map.labels.shape() != shape {
            let error = format!("has the voxels {:?}, but the reference {shape:?}", map.labels.shape());
            return of_file(path, Err(error.into()));
        }
        let grid = |path, geometry| Grid {
            path,
            geometry,
            shape: shape.to_vec(),
        };
        self.args.grid.check(&[
            grid(path, map.geometry),
            grid(self.path, self.reference.geometry.clone()),
        ])?;
        Ok(map.labels.into_i64())
    }

    /// Writes the maps of a prediction that are asked for.
    pub(crate) fn write_maps(&self, path: &Path, prediction: &Prediction) -> Result<(), Failure> {
        maps::write(self, path, prediction)
    }
}
