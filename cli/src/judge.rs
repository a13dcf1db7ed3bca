//! `soft-labels judge`: predictions against reference label maps.

mod args;
mod calibration;
mod channels;
mod diagram;
mod found;
mod html;
mod prediction;
mod raters;
mod report;
mod scores;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub(crate) use args::{Args, Empty};
use calibration::{Beside, Pooled};
use channels::Of;
use ndarray::ArrayD;
use prediction::Prediction;
use report::{Judgement, Structures};
use scores::Scores;
use soft_labels::Classes;
use soft_labels::metrics::{Confusion, Region, Reliability};
use soft_labels_files::Geometry;

use crate::cases;
use crate::channels::{Kind, regions_of};
use crate::classes::{NamedClasses, NamedLabels, check_name};
use crate::command::{Failure, Outcome, of_file, printable};
use crate::memory;
use crate::spared::{Spared, place};

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    args.check()?;
    args.work.start()?;
    if args.several.are_asked_for() {
        return raters::run(args);
    }
    let what = What::read(args)?;
    let [_, reference] = args.pair();
    let beside = Beside::find(&args.calibration, cases::is_folder(reference))?;
    let read = [inputs(args)?, beside.inputs()].concat();
    let spared = Spared::of(read.iter().map(PathBuf::as_path).chain(args.classes.file()));
    let pictures = args.calibration.pictures().map(|(_, path)| path);
    let files = [&args.csv, &args.reliability, &args.html];
    for path in files.into_iter().flatten().chain(pictures) {
        spared.check(path)?;
        args.existing.place(path).check()?;
    }
    args.tables.check(&report::NAMES, &spared, args.existing)?;
    check_names(args)?;

    let judge = |pair: &Pair| match &what {
        What::Classes { classes, regions, .. } => judge(args, classes, regions, pair, &beside),
        What::Regions { classes, regions } => channels::judge(args, &Of::Regions(classes, regions), pair),
        What::Structures { names, .. } => channels::judge(args, &Of::Structures(names), pair),
    };
    let of_folders = args.pair().map(cases::is_folder);
    let pairs = match (&what, of_folders) {
        (What::Structures { pairs, .. }, _) => pairs.clone(),
        (_, [false, false]) => vec![Pair {
            name: String::new(),
            prediction: args.prediction.clone(),
            reference: args.reference.clone(),
        }],
        (_, [true, true]) => pairs(args)?,
        _ => {
            let missing = args.pair().into_iter().find(|path| path.symlink_metadata().is_err());
            return match missing {
                Some(path) => of_file(path, Err("there is no such file or folder".into())),
                None => Err("give two files or two folders".into()),
            };
        }
    };
    let references: Vec<_> = pairs.iter().filter_map(|pair| pair.reference.as_deref()).collect();
    calibration::maps::check(args, &references, &spared)?;
    let cases = match pairs.as_slice() {
        [pair] if pair.name.is_empty() => vec![(pair.name.clone(), Ok(judge(pair)?))],
        _ => {
            let results = args.work.each(&pairs, |pair| pair.name.clone(), judge)?;
            pairs.iter().map(|pair| pair.name.clone()).zip(results).collect()
        }
    };
    let one = matches!(pairs.as_slice(), [pair] if pair.name.is_empty());
    let judgement = Judgement {
        structures: what.structures(),
        reliability: pooled(
            cases
                .iter()
                .filter_map(|(_, scores)| Some(&scores.as_ref().ok()?.calibration.as_ref()?.reliability)),
        )?,
        by_class: by_class(args, &what, &cases)?,
        cases,
        tolerance_mm: args.tolerance_mm,
        surface: args.surface,
        empty: args.empty,
        seed: args.seed,
    };

    let any = judgement.failed() < judgement.cases.len();
    match &judgement.by_class {
        Some(by_class) => by_class.draw(args)?,
        None => {
            let reliability = args.reliability.iter().map(|path| ("--reliability", path));
            if let Some((option, _)) = reliability.chain(args.calibration.pictures()).next().filter(|_| any) {
                return Err(format!("{option} is for probabilities; the predictions are label maps").into());
            }
        }
    }
    if let Some(path) = &args.csv {
        judgement.write_csv(&args.existing.place(path))?;
    }
    if let Some(path) = &args.html {
        let tables = if one {
            judgement.tables_of_one()
        } else {
            judgement.tables(true)
        };
        html::write(&args.existing.place(path), args, &what, &pairs, &judgement, tables)?;
    }
    if one {
        let json = || judgement.json_of_one();
        args.tables.show(&judgement.tables_of_one(), json, args.existing)?;
    } else {
        let json = || judgement.json();
        args.tables
            .show(&judgement.tables(args.per_case), json, args.existing)?;
    }
    Ok(if judgement.failed() == 0 {
        Outcome::Well
    } else {
        Outcome::SomeFailed
    })
}

/// What is judged.
enum What {
    /// The classes but the first, and regions, by their names.
    Classes {
        classes: Classes,
        /// Of all classes.
        names: Vec<String>,
        regions: Vec<Region>,
        structures: Structures,
    },
    /// Regions that predictions have a channel for.
    Regions {
        classes: Classes,
        regions: Vec<NamedLabels>,
    },
    /// Masks with these names.
    Structures { names: Vec<OsString>, pairs: Vec<Pair> },
}

impl What {
    fn read(args: &Args) -> Result<Self, Failure> {
        if args.structures {
            let [prediction, reference] = args.pair();
            let (names, pairs) = channels::pairs(prediction, reference)?;
            channels::thresholds(args, names.len())?;
            return Ok(Self::Structures { names, pairs });
        }
        let named = args.classes.read()?;
        if args.channels == Kind::Regions {
            let regions = regions_of(&named, args.regions.as_ref())?;
            for (_, labels) in &regions {
                Region::of_labels(&named.classes, labels.iter().copied())?;
            }
            channels::thresholds(args, regions.len())?;
            return Ok(Self::Regions {
                classes: named.classes,
                regions,
            });
        }
        let NamedClasses {
            classes,
            names,
            mut regions,
            ..
        } = named;
        regions.extend(args.regions.iter().flat_map(|regions| regions.0.clone()));
        regions.iter().try_for_each(|(name, _)| check_name(name))?;
        let mut judged: Vec<_> = (1..classes.len()).map(Region::class).collect();
        for (_, labels) in &regions {
            judged.push(Region::of_labels(&classes, labels.iter().copied())?);
        }
        let structures = Structures {
            classes: classes.len() - 1,
            names: names
                .iter()
                .skip(1)
                .cloned()
                .chain(regions.into_iter().map(|(name, _)| name))
                .collect(),
        };
        Ok(Self::Classes {
            classes,
            names,
            regions: judged,
            structures,
        })
    }

    fn structures(&self) -> Structures {
        let of = |names: Vec<String>| Structures {
            classes: names.len(),
            names,
        };
        match self {
            Self::Classes { structures, .. } => structures.clone(),
            Self::Regions { regions, .. } => Structures {
                classes: 0,
                names: regions.iter().map(|(name, _)| name.clone()).collect(),
            },
            Self::Structures { names, .. } => of(names.iter().map(|name| printable(&name.to_string_lossy())).collect()),
        }
    }
}

/// The files that are judged, and those that they are judged by. A table may go to their folders.
fn inputs(args: &Args) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in args.pair() {
        if args.structures {
            files.push(path.to_owned());
        } else if cases::is_folder(path) {
            files.extend(cases::of_predictions(path)?.into_values());
        } else {
            files.push(path.to_owned());
        }
    }
    Ok(files)
}

/// The files of a case. One of them may be missing.
#[derive(Debug, Clone)]
struct Pair {
    name: String,
    prediction: Option<PathBuf>,
    reference: Option<PathBuf>,
}

/// The files of two folders by name.
fn pairs(args: &Args) -> Result<Vec<Pair>, Failure> {
    let [prediction, reference] = args.pair();
    let cases = cases::pair(vec![cases::of_predictions(prediction)?, cases::of_folder(reference)?]);
    Ok(cases
        .into_iter()
        .map(|case| {
            let mut files = case.raters.clone().into_iter();
            Pair {
                name: case.title(),
                prediction: files.next().flatten(),
                reference: files.next().flatten(),
            }
        })
        .collect())
}

fn judge(args: &Args, classes: &Classes, regions: &[Region], pair: &Pair, beside: &Beside) -> Result<Scores, Failure> {
    let prediction_path = pair.prediction.as_ref().ok_or("has no prediction")?;
    let reference_path = pair.reference.as_ref().ok_or("has no reference")?;
    let palette = args.classes.palette()?;
    let reference = prediction::reference(reference_path, palette.as_ref())?;
    let prediction = prediction::prediction(prediction_path, &reference.grid(), classes, palette.as_ref(), args.grid)?;
    // The predicted labels, and masks, codes and distances of a structure.
    memory::check_voxels(reference.labels.shape(), 32)?;
    check_labels(reference_path, &reference.labels, classes)?;
    let spacing = spacing(args.spacing_mm.as_deref(), reference.labels.ndim(), &reference.geometry)?;
    let case = calibration::Case {
        args,
        classes,
        palette: palette.as_ref(),
        path: reference_path,
        reference: &reference,
        spacing: &spacing,
    };
    let calibration = match &prediction {
        Prediction::Labels(_) => None,
        Prediction::Probabilities(p) => Some(
            case.count(p, beside)
                .and_then(|bins| scores::calibration(args, classes, p, &reference.labels, bins)),
        ),
    };
    let calibration = of_file(prediction_path, calibration.transpose())?;
    case.write_maps(prediction_path, &prediction)?;
    let labels = of_file(prediction_path, prediction.labels(&reference.labels, classes))?;
    // The reference is checked, so a label that is no class is one of the prediction.
    let confusion = Confusion::count(&labels, &reference.labels, classes).map_err(Failure::from);
    let confusion = of_file(prediction_path, confusion)?;
    let maps = [&labels, &reference.labels];
    let structure = |region| scores::structure(region, classes, maps, &confusion, &spacing, args);
    Ok(Scores {
        structures: regions.iter().map(structure).collect::<Result<_, _>>()?,
        calibration,
    })
}

/// Every label is a class or ignored.
fn check_labels(path: &Path, labels: &ArrayD<i64>, classes: &Classes) -> Result<(), Failure> {
    of_file(path, classes.valid_mask(labels).map(|_| ()).map_err(Failure::from))
}

/// The voxel spacing on each axis: as told, or else that of the file, or else 1.
pub(crate) fn spacing(given: Option<&[f64]>, axes: usize, geometry: &Geometry) -> Result<Vec<f64>, Failure> {
    Ok(match (given, geometry.spacing_mm()) {
        (Some(&[all]), _) => vec![all; axes],
        (Some(spacing), _) if spacing.len() == axes => spacing.to_vec(),
        (Some(spacing), _) => {
            return Err(format!(
                "--spacing-mm has {} numbers for {axes} axes; give one, or one for each",
                spacing.len()
            )
            .into());
        }
        (None, Some(spacing)) if spacing.len() >= axes => spacing[..axes].to_vec(),
        (None, _) => vec![1.0; axes],
    })
}

/// An error if two outputs are one file.
fn check_names(args: &Args) -> Result<(), Failure> {
    let csv = args.csv.iter().map(|path| ("--csv", path));
    let reliability = args.reliability.iter().map(|path| ("--reliability", path));
    let html = args.html.iter().map(|path| ("--html", path));
    let mut seen: Vec<(&str, PathBuf)> = Vec::new();
    for (option, path) in csv.chain(reliability).chain(html).chain(args.calibration.pictures()) {
        let at = place(path);
        if let Some((first, _)) = seen.iter().find(|(_, other)| *other == at) {
            return Err(format!("{first} and {option} are the same file; give two names").into());
        }
        seen.push((option, at));
    }
    Ok(())
}

/// The calibration of the classes over all cases, if there are probabilities.
fn by_class(args: &Args, what: &What, cases: &[(String, Result<Scores, String>)]) -> Result<Option<Pooled>, Failure> {
    let What::Classes { names, .. } = what else {
        return Ok(None);
    };
    let counted = cases
        .iter()
        .filter_map(|(_, scores)| Some(scores.as_ref().ok()?.calibration.as_ref()?.bins.as_slice()));
    let [prediction, _] = args.pair();
    let own = prediction.file_name().unwrap_or(prediction.as_os_str());
    let predictions: Vec<_> = std::iter::once(printable(&own.to_string_lossy()))
        .chain(args.calibration.also.iter().map(|(name, _)| name.clone()))
        .collect();
    Pooled::new(names, &predictions, &counted.collect::<Vec<_>>(), args)
}

/// The reliability over all voxels of all cases, if there are probabilities.
fn pooled<'a>(cases: impl Iterator<Item = &'a Reliability>) -> Result<Option<Reliability>, Failure> {
    let mut pooled: Option<Reliability> = None;
    for reliability in cases {
        match &mut pooled {
            Some(pooled) => pooled.merge(reliability)?,
            None => pooled = Some(reliability.clone()),
        }
    }
    Ok(pooled)
}
