//! `soft-labels judge`: a prediction against a reference label map.

mod args;
mod diagram;
mod prediction;
mod report;

use std::path::Path;

pub(crate) use args::Args;
use ndarray::{ArrayD, ArrayRef, IxDyn};
use nifti::NiftiHeader;
use prediction::{Prediction, Reference};
use report::{Calibration, Judgement, Structure};
use soft_labels::metrics::{
    Confusion, Empty, Region, Reliability, Scope, Surfaces, Tace, brier, negative_log_likelihood,
};
use soft_labels::{Classes, SoftFloat};

use crate::command::{self, Failure, of_file};
use crate::space;

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    args.check()?;
    let classes = args.classes.classes()?;
    let reference = of_file(&args.reference, prediction::reference(&args.reference))?;
    let prediction = of_file(
        &args.prediction,
        prediction::prediction(&args.prediction, &reference, &classes),
    )?;

    check_labels(&args.reference, &reference.labels, &classes)?;
    let calibration = match &prediction {
        Prediction::Labels(_) => None,
        Prediction::Single(probabilities) => Some(calibration(args, &classes, probabilities, &reference)),
        Prediction::Double(probabilities) => Some(calibration(args, &classes, probabilities, &reference)),
    };
    let calibration = of_file(&args.prediction, calibration.transpose())?;
    let labels = of_file(&args.prediction, prediction.labels(&classes))?;
    let spacing = spacing(args, &reference)?;
    check_labels(&args.prediction, &labels, &classes)?;
    let confusion = Confusion::count(&labels, &reference.labels, &classes)?;
    let judge = |region: &Region| structure(args, &classes, region, &confusion, &labels, &reference.labels, &spacing);

    let mut judgement = Judgement {
        classes: Vec::new(),
        regions: Vec::new(),
        calibration,
    };
    for (class, value) in classes.values().into_iter().enumerate().skip(1) {
        judgement
            .classes
            .push((value.to_string(), judge(&Region::class(class))?));
    }
    for (name, values) in args.regions.iter().flatten() {
        let region = Region::of_labels(&classes, values.iter().copied())?;
        judgement.regions.push((name.clone(), judge(&region)?));
    }

    if let Some(path) = &args.reliability {
        let Some(calibration) = &judgement.calibration else {
            return Err("--reliability is for probabilities; the prediction is a label map".into());
        };
        of_file(path, diagram::draw(path, &calibration.reliability))?;
    }
    command::printed(if args.json {
        judgement.print_json()
    } else {
        judgement.print_tables(args.tolerance_mm)
    })
}

/// Every label is a class or ignored.
fn check_labels(path: &Path, labels: &ArrayD<i64>, classes: &Classes) -> Result<(), Failure> {
    of_file(path, classes.valid_mask(labels).map(|_| ()).map_err(Failure::from))
}

/// The voxel spacing on each axis: as told, or else that of the file, or else 1.
fn spacing(args: &Args, reference: &Reference) -> Result<Vec<f64>, Failure> {
    let axes = reference.labels.ndim();
    let of_header = |header: &NiftiHeader| space::spacing(header);
    Ok(match (&args.spacing_mm, reference.header.as_ref().map(of_header)) {
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

fn structure(
    args: &Args,
    classes: &Classes,
    region: &Region,
    confusion: &Confusion,
    prediction: &ArrayD<i64>,
    reference: &ArrayD<i64>,
    spacing: &[f64],
) -> Result<Structure, Failure> {
    let referred = region.mask(reference, classes)?;
    let mut predicted = region.mask(prediction, classes)?;
    // What nobody labelled is outside, for the prediction, too.
    predicted.zip_mut_with(reference, |inside, &label| *inside &= !classes.is_ignored(label));
    let surfaces = Surfaces::new(&predicted, &referred, spacing)?;
    let distances = surfaces.distances()?;
    Ok(Structure {
        dice: confusion.dice(region, Empty::One),
        surface_dice: surfaces.dice(args.tolerance_mm)?,
        overlap_reference: surfaces.overlap_reference(args.tolerance_mm)?,
        overlap_prediction: surfaces.overlap_prediction(args.tolerance_mm)?,
        average_surface_distance_mm: distances.average(),
        hausdorff95_mm: distances.hausdorff(95.0)?,
    })
}

fn calibration<F: SoftFloat>(
    args: &Args,
    classes: &Classes,
    probabilities: &ArrayRef<F, IxDyn>,
    reference: &Reference,
) -> Result<Calibration, Failure> {
    let labels = &reference.labels;
    let scope = match args.scope {
        args::Scope::All => Scope::All,
        args::Scope::Foreground => Scope::Foreground,
    };
    let mut reliability = Reliability::new(args.bins)?;
    reliability.add(probabilities, labels, classes, scope)?;
    Ok(Calibration {
        ece: reliability.ece(),
        tace: Tace::new().bins(args.bins).evaluate(probabilities, labels, classes)?,
        tace_paper: Tace::svls_paper()
            .bins(args.bins)
            .evaluate(probabilities, labels, classes)?,
        nll: negative_log_likelihood(probabilities, labels, classes)?,
        brier: brier(probabilities, labels, classes)?,
        reliability: reliability.bins(),
    })
}
