//! What is measured in one case.

use ndarray::ArrayD;
use soft_labels::metrics::{Confusion, Region, Reliability, Surfaces, Tace, brier, negative_log_likelihood};
use soft_labels::{Classes, Label};

use super::args::Args;
use super::calibration::CaseBins;
use crate::command::Failure;

/// Names of the metrics of a structure, in files and in tables. Numbers that do not exist are NaN.
pub(crate) const OF_STRUCTURES: [(&str, &str); 13] = [
    ("dice", "Dice"),
    ("jaccard", "Jaccard"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("volume_prediction_mm3", "volume of prediction, mm³"),
    ("volume_reference_mm3", "volume of reference, mm³"),
    ("relative_volume_difference", "relative difference of volumes"),
    ("surface_dice", "surface Dice"),
    ("overlap_reference", "surface overlap of reference"),
    ("overlap_prediction", "surface overlap of prediction"),
    ("average_surface_distance_mm", "average distance, mm"),
    ("hausdorff95_mm", "Hausdorff 95 %, mm"),
    ("hausdorff_mm", "Hausdorff, mm"),
];

/// Where the volumes of prediction and reference stand among them.
pub(crate) const VOLUMES: [usize; 2] = [4, 5];

/// The same for the calibration of a case.
pub(crate) const OF_CALIBRATION: [(&str, &str); 5] = [
    ("ece", "ECE, top label"),
    ("tace", "TACE (Nixon et al.)"),
    ("tace_paper", "TACE (SVLS released code)"),
    ("nll", "negative log-likelihood"),
    ("brier", "Brier score"),
];

#[derive(Debug)]
pub(crate) struct Scores {
    /// In the order of the structures.
    pub(crate) structures: Vec<[f64; OF_STRUCTURES.len()]>,
    /// Of probabilities alone.
    pub(crate) calibration: Option<Calibration>,
}

#[derive(Debug)]
pub(crate) struct Calibration {
    pub(crate) numbers: [f64; OF_CALIBRATION.len()],
    pub(crate) reliability: Reliability,
    /// Of the prediction, and of those that it is compared with.
    pub(crate) bins: Vec<CaseBins>,
}

pub(crate) fn structure<L: Label>(
    region: &Region,
    classes: &Classes,
    [prediction, reference]: [&ArrayD<L>; 2],
    confusion: &Confusion,
    spacing: &[f64],
    args: &Args,
) -> Result<[f64; OF_STRUCTURES.len()], Failure> {
    let kind = args.surface.kind();
    let surfaces = kind.between_labels(prediction, reference, classes, region, spacing)?;
    of_surfaces(&surfaces, region, confusion, spacing, args)
}

/// The same, given the surfaces.
pub(crate) fn of_surfaces(
    surfaces: &Surfaces,
    region: &Region,
    confusion: &Confusion,
    spacing: &[f64],
    args: &Args,
) -> Result<[f64; OF_STRUCTURES.len()], Failure> {
    let distances = surfaces.distances()?;
    let overlap = confusion.overlap(region).ok_or("has a class that does not exist")?;
    let voxel: f64 = spacing.iter().product();
    let neither = overlap.prediction == 0 && overlap.reference == 0;
    if neither {
        let [s, d] = [args.empty.region().score(), args.empty.region().distance()];
        return Ok([s, s, s, s, 0.0, 0.0, f64::NAN, s, s, s, d, d, d]);
    }
    let [surface_dice, of_reference, of_prediction] = surfaces.shares(args.tolerance_mm)?;
    Ok([
        overlap.dice(args.empty.region()),
        overlap.jaccard(args.empty.region()),
        overlap.precision(),
        overlap.recall(),
        overlap.prediction as f64 * voxel,
        overlap.reference as f64 * voxel,
        overlap.relative_volume_difference(),
        surface_dice,
        of_reference,
        of_prediction,
        distances.average(),
        distances.hausdorff(95.0)?,
        distances.hausdorff(100.0)?,
    ])
}

pub(crate) fn calibration(
    args: &Args,
    classes: &Classes,
    probabilities: &ArrayD<f64>,
    labels: &ArrayD<i64>,
    bins: Vec<CaseBins>,
) -> Result<Calibration, Failure> {
    let reliability = bins
        .first()
        .map_or_else(|| Reliability::new(args.bins), |bins| Ok(bins.top().clone()))?;
    let tace = |tace: Tace| tace.bins(args.bins).evaluate(probabilities, labels, classes);
    Ok(Calibration {
        numbers: [
            reliability.ece(),
            tace(Tace::new())?,
            tace(Tace::svls_paper())?,
            negative_log_likelihood(probabilities, labels, classes)?,
            brier(probabilities, labels, classes)?,
        ],
        reliability,
        bins,
    })
}
