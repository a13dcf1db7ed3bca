//! How well the predictions of a network agree with the labels of a volume.

use anyhow::Result;
use ndarray::{Array3, Array4, Ix3};
use serde::{Deserialize, Serialize};
use soft_labels::Classes;
use soft_labels::metrics::{
    Confusion, EmptyRegion, Region, Reliability, Scope, Surfaces, Tace, brier, negative_log_likelihood, top_labels,
};

use super::data::Case;

/// Bins of the calibration error, as in the paper's code.
pub(crate) const BINS: usize = 10;

/// Of surface Dice.
const TOLERANCE_MM: f64 = 1.0;

/// The scores of one network on one volume. The names are those of the columns of the CSV.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) targets: String,
    /// Volumes that were learned from.
    pub(crate) volumes: usize,
    pub(crate) seed: u64,
    /// Steps of training.
    pub(crate) steps: usize,
    pub(crate) learning_rate: f64,
    /// The logits were divided by it.
    pub(crate) temperature: f64,
    /// "held out" or "choice".
    pub(crate) part: String,
    pub(crate) case: String,
    pub(crate) dsc_anterior: f64,
    pub(crate) dsc_posterior: f64,
    pub(crate) dsc_both: f64,
    pub(crate) sd_anterior: f64,
    pub(crate) sd_posterior: f64,
    pub(crate) sd_both: f64,
    pub(crate) ece: f64,
    pub(crate) ece_structures: f64,
    pub(crate) tace: f64,
    pub(crate) tace_released: f64,
    pub(crate) nll: f64,
    pub(crate) brier: f64,
}

pub(crate) type Metric = crate::metric::Metric<Row>;

pub(crate) const METRICS: [Metric; 12] = [
    Metric::more("DSC anterior", |row| row.dsc_anterior),
    Metric::more("DSC posterior", |row| row.dsc_posterior),
    Metric::more("DSC both", |row| row.dsc_both),
    Metric::more("SD 1 mm anterior", |row| row.sd_anterior),
    Metric::more("SD 1 mm posterior", |row| row.sd_posterior),
    Metric::more("SD 1 mm both", |row| row.sd_both),
    Metric::less("ECE", |row| row.ece),
    Metric::less("ECE structures", |row| row.ece_structures),
    Metric::less("TACE", |row| row.tace),
    Metric::less("TACE released code", |row| row.tace_released),
    Metric::less("NLL", |row| row.nll),
    Metric::less("Brier", |row| row.brier),
];

/// Scores probabilities (C, D, H, W); what names the run is copied from `run`.
pub(crate) fn score(run: &Row, probabilities: &Array4<f32>, case: &Case, classes: &Classes) -> Result<Row> {
    let labels = &case.labels;
    let predicted: Array3<u8> = top_labels::<_, _, Ix3>(probabilities, classes)?;
    let confusion = Confusion::count(&predicted, labels, classes)?;
    let overlaps = |labels_of: &[u8]| -> Result<[f64; 2]> {
        let region = Region::of_labels(classes, labels_of.iter().copied())?;
        let (found, drawn) = (region.mask(&predicted, classes)?, region.mask(labels, classes)?);
        let near = Surfaces::new(&found, &drawn, 1.0)?.dice(TOLERANCE_MM)?;
        // Not a number where both are empty.
        Ok([
            confusion.dice(&region, EmptyRegion::One),
            if near.is_nan() { 1.0 } else { near },
        ])
    };
    let calibration = |scope| -> Result<f64> {
        let mut bins = Reliability::new(BINS)?;
        bins.add(probabilities, labels, classes, scope)?;
        Ok(bins.ece())
    };
    let [anterior, posterior, both] = [overlaps(&[1])?, overlaps(&[2])?, overlaps(&[1, 2])?];
    Ok(Row {
        case: case.name.clone(),
        dsc_anterior: anterior[0],
        dsc_posterior: posterior[0],
        dsc_both: both[0],
        sd_anterior: anterior[1],
        sd_posterior: posterior[1],
        sd_both: both[1],
        ece: calibration(Scope::All)?,
        ece_structures: calibration(Scope::Foreground)?,
        tace: Tace::new().evaluate(probabilities, labels, classes)?,
        tace_released: Tace::svls_paper().evaluate(probabilities, labels, classes)?,
        nll: negative_log_likelihood(probabilities, labels, classes)?,
        brier: brier(probabilities, labels, classes)?,
        ..run.clone()
    })
}
