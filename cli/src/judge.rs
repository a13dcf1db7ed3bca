//! `soft-labels judge`: predictions against reference label maps.

mod args;
mod diagram;
mod prediction;
mod report;
mod scores;
mod summary;

use std::path::{Path, PathBuf};

pub(crate) use args::Args;
use ndarray::ArrayD;
use prediction::{Prediction, Reference};
use report::{Judgement, Structures};
use scores::Scores;
use soft_labels::Classes;
use soft_labels::metrics::{Confusion, Region, Reliability};

use crate::cases;
use crate::classes::{NamedClasses, check_name};
use crate::command::{self, Failure, Outcome, of_file};
use crate::memory;
use crate::spared::{Spared, place};

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    args.check()?;
    args.work.start()?;
    let NamedClasses {
        classes,
        names,
        mut regions,
    } = args.classes.read()?;
    regions.extend(args.regions.iter().flat_map(|regions| regions.0.clone()));
    regions.iter().try_for_each(|(name, _)| check_name(name))?;
    let mut judged: Vec<_> = (1..classes.len()).map(Region::class).collect();
    for (_, labels) in &regions {
        judged.push(Region::of_labels(&classes, labels.iter().copied())?);
    }
    let structures = Structures {
        classes: classes.len() - 1,
        names: names
            .into_iter()
            .skip(1)
            .chain(regions.into_iter().map(|(name, _)| name))
            .collect(),
    };
    let spared = Spared::of(inputs(args)?.iter().map(PathBuf::as_path).chain(args.classes.file()));
    for path in [&args.csv, &args.reliability].into_iter().flatten() {
        spared.check(path)?;
        args.existing.place(path).check()?;
    }
    let [csv, diagram] = [&args.csv, &args.reliability].map(|path| path.as_deref().map(place));
    if csv.is_some() && csv == diagram {
        return Err("--csv and --reliability are the same file; give two names".into());
    }

    let judge = |pair: &Pair| judge(args, &classes, &judged, pair);
    let folders = [&args.prediction, &args.reference].map(|path| cases::is_folder(path));
    let cases = match folders {
        [false, false] => {
            let pair = Pair {
                name: String::new(),
                prediction: Some(args.prediction.clone()),
                reference: Some(args.reference.clone()),
            };
            vec![(pair.name.clone(), Ok(judge(&pair)?))]
        }
        [true, true] => {
            let pairs = pairs(args)?;
            let results = args.work.each(&pairs, |pair| pair.name.clone(), judge)?;
            pairs.into_iter().map(|pair| pair.name).zip(results).collect()
        }
        _ => return Err("give two files or two folders".into()),
    };
    let judgement = Judgement {
        structures,
        reliability: pooled(&cases)?,
        cases,
        tolerance_mm: args.tolerance_mm,
        seed: args.seed,
    };

    let any = judgement.failed() < judgement.cases.len();
    if let Some(path) = args.reliability.as_ref().filter(|_| any) {
        let Some(reliability) = &judgement.reliability else {
            return Err("--reliability is for probabilities; the predictions are label maps".into());
        };
        diagram::draw(&args.existing.place(path), &reliability.bins())?;
    }
    if let Some(path) = &args.csv {
        judgement.write_csv(&args.existing.place(path))?;
    }
    command::printed(match (folders[0], args.json) {
        (true, true) => judgement.print_json(),
        (true, false) => judgement.print_tables(args.per_case),
        (false, true) => judgement.print_json_of_one(),
        (false, false) => judgement.print_tables_of_one(),
    })?;
    Ok(if judgement.failed() == 0 {
        Outcome::Well
    } else {
        Outcome::SomeFailed
    })
}

/// The files that are judged, and those that they are judged by. A table may go to their folders.
fn inputs(args: &Args) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in [&args.prediction, &args.reference] {
        if cases::is_folder(path) {
            files.extend(cases::of_folder(path)?.into_values());
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// The files of a case. One of them may be missing.
#[derive(Debug)]
struct Pair {
    name: String,
    prediction: Option<PathBuf>,
    reference: Option<PathBuf>,
}

/// The files of two folders by name.
fn pairs(args: &Args) -> Result<Vec<Pair>, Failure> {
    let cases = cases::of_raters(&[args.prediction.clone(), args.reference.clone()])?;
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

fn judge(args: &Args, classes: &Classes, regions: &[Region], pair: &Pair) -> Result<Scores, Failure> {
    let prediction_path = pair.prediction.as_ref().ok_or("has no prediction")?;
    let reference_path = pair.reference.as_ref().ok_or("has no reference")?;
    let reference = prediction::reference(reference_path)?;
    let prediction = prediction::prediction(prediction_path, &reference, classes)?;
    // The predicted labels, and masks, codes and distances of a structure.
    memory::check_voxels(reference.labels.shape(), 32)?;
    check_labels(reference_path, &reference.labels, classes)?;
    let calibration = match &prediction {
        Prediction::Labels(_) => None,
        Prediction::Probabilities(p) => Some(scores::calibration(args, classes, p, &reference.labels)),
    };
    let calibration = of_file(prediction_path, calibration.transpose())?;
    let labels = of_file(prediction_path, prediction.labels(&reference.labels, classes))?;
    let spacing = spacing(args, &reference)?;
    // The reference is checked, so a label that is no class is one of the prediction.
    let confusion = Confusion::count(&labels, &reference.labels, classes).map_err(Failure::from);
    let confusion = of_file(prediction_path, confusion)?;
    let maps = [&labels, &reference.labels];
    let structure = |region| scores::structure(region, classes, maps, &confusion, &spacing, args.tolerance_mm);
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
fn spacing(args: &Args, reference: &Reference) -> Result<Vec<f64>, Failure> {
    let axes = reference.labels.ndim();
    Ok(match (&args.spacing_mm, reference.geometry.spacing_mm()) {
        (Some(spacing), _) if spacing.len() == 1 => vec![spacing[0]; axes],
        (Some(spacing), _) if spacing.len() == axes => spacing.clone(),
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

/// The reliability over all voxels of all cases, if there are probabilities.
fn pooled(cases: &[(String, Result<Scores, String>)]) -> Result<Option<Reliability>, Failure> {
    let mut pooled: Option<Reliability> = None;
    let calibrations = cases
        .iter()
        .filter_map(|(_, scores)| scores.as_ref().ok()?.calibration.as_ref());
    for calibration in calibrations {
        match &mut pooled {
            Some(pooled) => pooled.merge(&calibration.reliability)?,
            None => pooled = Some(calibration.reliability.clone()),
        }
    }
    Ok(pooled)
}
