//! How well predictions agree with the experts.

use anyhow::Result;
use ndarray::{Array2, Array3, ArrayView2, Ix2, Ix3};
use serde::{Deserialize, Serialize};
use soft_labels::metrics::{
    Confusion, EmptyRegion, Region, Reliability, Scope, brier, brier_soft, negative_log_likelihood,
    negative_log_likelihood_soft, top_labels,
};
use soft_labels::{Classes, OneHot, multirater};

use super::data::{EXPERTS, Image, classes};
use super::objects::Objects;

/// Bins of the calibration error, as in the paper's code.
const BINS: usize = 10;

/// The scores of one network on one image, against one expert or their mean. The names are those of the columns of the CSV.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) targets: String,
    /// The groups that were not learned from.
    pub(crate) fold: usize,
    pub(crate) seed: u64,
    pub(crate) case: String,
    /// "expert 1" to "expert 5", or "mean".
    pub(crate) judged_by: String,
    pub(crate) dsc: f64,
    /// The share of the marked objects that were found.
    pub(crate) objects_found: f64,
    /// The share of the predicted objects that were marked.
    pub(crate) objects_right: f64,
    /// 2 matches / (predicted + marked).
    pub(crate) objects_f1: f64,
    pub(crate) ece: f64,
    pub(crate) ece_marked: f64,
    pub(crate) nll: f64,
    pub(crate) brier: f64,
}

pub(crate) type Metric = crate::metric::Metric<Row>;

pub(crate) const METRICS: [Metric; 8] = [
    Metric::more("DSC", |row| row.dsc),
    Metric::more("objects found", |row| row.objects_found),
    Metric::more("objects right", |row| row.objects_right),
    Metric::more("F1 of objects", |row| row.objects_f1),
    Metric::less("ECE", |row| row.ece),
    Metric::less("ECE marked", |row| row.ece_marked),
    Metric::less("NLL", |row| row.nll),
    Metric::less("Brier", |row| row.brier),
];

/// Scores probabilities (C, H, W) of an image, once for each expert and once for their mean.
///
/// Against the mean, DSC and objects are those of the majority; calibration counts every pixel once for each expert; the
/// likelihood and the Brier score take the mean as it is.
pub(crate) fn score(run: &Row, probabilities: &Array3<f32>, image: &Image) -> Result<Vec<Row>> {
    let classes = classes()?;
    let predicted: Array2<u8> = top_labels::<_, _, Ix2>(probabilities, &classes)?;
    let mut rows = Vec::new();
    let (mut everywhere, mut marked) = (Reliability::new(BINS)?, Reliability::new(BINS)?);
    for expert in 0..EXPERTS {
        let labels = image.expert(expert);
        let (mut all, mut foreground) = (Reliability::new(BINS)?, Reliability::new(BINS)?);
        all.add(probabilities, &labels, &classes, Scope::All)?;
        foreground.add(probabilities, &labels, &classes, Scope::Foreground)?;
        let objects = Objects::match_up(&predicted.view(), &labels);
        rows.push(Row {
            case: image.name.clone(),
            judged_by: format!("expert {}", expert + 1),
            dsc: dice(&predicted.view(), &labels, &classes)?,
            objects_found: objects.found(),
            objects_right: objects.right(),
            objects_f1: objects.f1(),
            ece: all.ece(),
            ece_marked: foreground.ece(),
            nll: negative_log_likelihood(probabilities, &labels, &classes)?,
            brier: brier(probabilities, &labels, &classes)?,
            ..run.clone()
        });
        everywhere.merge(&all)?;
        marked.merge(&foreground)?;
    }
    let objects = Objects::match_up(&predicted.view(), &image.majority.view());
    let mean: Array3<f32> = multirater::average(&OneHot, &image.experts(), &classes)?;
    rows.push(Row {
        case: image.name.clone(),
        judged_by: "mean".into(),
        dsc: dice(&predicted.view(), &image.majority.view(), &classes)?,
        objects_found: objects.found(),
        objects_right: objects.right(),
        objects_f1: objects.f1(),
        ece: everywhere.ece(),
        ece_marked: marked.ece(),
        nll: negative_log_likelihood_soft::<_, _, Ix3>(probabilities, &mean)?,
        brier: brier_soft::<_, _, Ix3>(probabilities, &mean)?,
        ..run.clone()
    });
    Ok(rows)
}

pub(crate) fn dice(predicted: &ArrayView2<'_, u8>, labels: &ArrayView2<'_, u8>, classes: &Classes) -> Result<f64> {
    Ok(Confusion::count(predicted, labels, classes)?.dice(&Region::class(1), EmptyRegion::One))
}
