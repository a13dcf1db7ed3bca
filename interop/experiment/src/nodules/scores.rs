//! How well predictions agree with the raters.

use anyhow::Result;
use ndarray::{Array2, Array4, ArrayView2, Ix2, Ix3};
use soft_labels::metrics::{
    Confusion, EmptyRegion, Region, Reliability, Scope, Surfaces, Tace, brier, brier_soft, negative_log_likelihood,
    negative_log_likelihood_soft, top_labels,
};

use super::data::{Nodules, RATERS};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    Dice,
    SurfaceDice,
    Ece,
    EceForeground,
    Tace,
    TacePaper,
    Nll,
    Brier,
}

impl Metric {
    pub(crate) const ALL: [Self; 8] = [
        Self::Dice,
        Self::SurfaceDice,
        Self::Ece,
        Self::EceForeground,
        Self::Tace,
        Self::TacePaper,
        Self::Nll,
        Self::Brier,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dice => "DSC",
            Self::SurfaceDice => "SD 2 mm",
            Self::Ece => "ECE",
            Self::EceForeground => "ECE foreground",
            Self::Tace => "TACE",
            Self::TacePaper => "TACE released code",
            Self::Nll => "NLL",
            Self::Brier => "Brier",
        }
    }

    pub(crate) fn more_is_better(self) -> bool {
        matches!(self, Self::Dice | Self::SurfaceDice)
    }
}

/// The names of the references: each rater, and all of them.
pub(crate) const REFERENCES: [&str; RATERS + 1] = ["rater 1", "rater 2", "rater 3", "rater 4", "raters' mean"];

/// The position of the raters' mean.
pub(crate) const MEAN: usize = RATERS;

/// Bins of the expected calibration error, as in the paper's code.
const BINS: usize = 10;

/// What is found on the held-out nodules.
#[derive(Debug, Clone)]
pub(crate) struct Scores {
    /// For each reference, the metrics in their order.
    values: [[f64; Metric::ALL.len()]; RATERS + 1],
    /// Against all raters, each voxel once for each of them.
    pub(crate) reliability: Reliability,
}

impl Scores {
    pub(crate) fn get(&self, reference: usize, metric: Metric) -> f64 {
        self.values[reference][metric as usize]
    }

    /// Compares probabilities (nodule, C, H, W) with the raters of some nodules.
    ///
    /// Against the raters' mean, Dice is that with the majority where there is one, and surface Dice that with at least two of
    /// four, since a surface cannot leave out voxels; calibration counts every voxel once for each rater,
    /// and the likelihood and the Brier score take the mean as it is.
    pub(crate) fn new(probabilities: &Array4<f32>, nodules: &Nodules, part: std::ops::Range<usize>) -> Result<Self> {
        let classes = &nodules.classes;
        let predicted: Vec<Array2<u8>> = probabilities
            .outer_iter()
            .map(|probabilities| top_labels::<_, _, Ix2>(&probabilities, classes))
            .collect::<Result<_, _>>()?;
        let mut values = [[0.0; Metric::ALL.len()]; RATERS + 1];
        let (mut everywhere, mut foreground) = (Reliability::new(BINS)?, Reliability::new(BINS)?);
        let mut pairs = Vec::new();
        for (rater, values) in values.iter_mut().take(RATERS).enumerate() {
            let labels: Vec<_> = part.clone().map(|nodule| nodules.rater(nodule, rater)).collect();
            let (mut all, mut marked) = (Reliability::new(BINS)?, Reliability::new(BINS)?);
            let (mut nll, mut squares) = (0.0, 0.0);
            for (probabilities, labels) in probabilities.outer_iter().zip(&labels) {
                all.add(&probabilities, labels, classes, Scope::All)?;
                marked.add(&probabilities, labels, classes, Scope::Foreground)?;
                nll += negative_log_likelihood(&probabilities, labels, classes)?;
                squares += brier(&probabilities, labels, classes)?;
            }
            let from = pairs.len();
            pairs.extend(probabilities.outer_iter().zip(labels.iter().copied()));
            let dice = dice(&predicted, &labels, nodules)?;
            let surface = surface_dice(&predicted, &labels)?;
            let (nll, squares) = (nll / labels.len() as f64, squares / labels.len() as f64);
            let [tace, paper] = taces(&pairs[from..], nodules)?;
            *values = [dice, surface, all.ece(), marked.ece(), tace, paper, nll, squares];
            everywhere.merge(&all)?;
            foreground.merge(&marked)?;
        }

        let majority: Vec<_> = part.clone().map(|nodule| nodules.majority(nodule)).collect();
        let decided: Vec<_> = part.clone().map(|nodule| nodules.decided(nodule)).collect();
        let dice = dice(&predicted, &decided, nodules)?;
        let surface = surface_dice(&predicted, &majority)?;
        let [tace, paper] = taces(&pairs, nodules)?;
        let (mut nll, mut squares) = (0.0, 0.0);
        for (probabilities, nodule) in probabilities.outer_iter().zip(part.clone()) {
            let mean = nodules.mean(nodule)?;
            nll += negative_log_likelihood_soft::<_, _, Ix3>(&probabilities, &mean)?;
            squares += brier_soft::<_, _, Ix3>(&probabilities, &mean)?;
        }
        let (nll, squares) = (nll / part.len() as f64, squares / part.len() as f64);
        values[MEAN] = [
            dice,
            surface,
            everywhere.ece(),
            foreground.ece(),
            tace,
            paper,
            nll,
            squares,
        ];
        Ok(Self {
            values,
            reliability: everywhere,
        })
    }
}

/// The mean of Dice over nodules; 1 where prediction and reference are both empty.
fn dice(predicted: &[Array2<u8>], labels: &[ArrayView2<'_, u8>], nodules: &Nodules) -> Result<f64> {
    let mut sum = 0.0;
    for (predicted, labels) in predicted.iter().zip(labels) {
        sum += Confusion::count(predicted, labels, &nodules.classes)?.dice(&Region::class(1), EmptyRegion::One);
    }
    Ok(sum / labels.len() as f64)
}

/// The mean of surface Dice within 2 mm; 1 where prediction and reference are both empty.
fn surface_dice(predicted: &[Array2<u8>], labels: &[ArrayView2<'_, u8>]) -> Result<f64> {
    let mut sum = 0.0;
    for (predicted, labels) in predicted.iter().zip(labels) {
        let [predicted, labels] = [predicted.map(|&label| label == 1), labels.map(|&label| label == 1)];
        let near = Surfaces::new(&predicted, &labels, &[1.0, 1.0])?.dice(2.0)?;
        sum += if near.is_nan() { 1.0 } else { near };
    }
    Ok(sum / labels.len() as f64)
}

type Pair<'a> = (ndarray::ArrayView3<'a, f32>, ArrayView2<'a, u8>);

/// TACE by its definition and as the paper's code has it.
fn taces(pairs: &[Pair<'_>], nodules: &Nodules) -> Result<[f64; 2]> {
    Ok([
        Tace::new().evaluate_all(pairs, &nodules.classes)?,
        Tace::svls_paper().evaluate_all(pairs, &nodules.classes)?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who predicts the raters' mean is calibrated to all of them, by the definition of the mean.
    #[test]
    fn of_the_mean_itself() {
        let nodules = Nodules::load().unwrap();
        let part = 100..140;
        let mut probabilities = Array4::<f32>::zeros((part.len(), 2, 64, 64));
        for (mut probabilities, nodule) in probabilities.outer_iter_mut().zip(part.clone()) {
            probabilities.assign(&nodules.mean(nodule).unwrap().map(|&p| p as f32));
        }
        let scores = Scores::new(&probabilities, &nodules, part).unwrap();
        assert!(scores.get(MEAN, Metric::Ece) < 1e-12);
        assert_eq!(scores.get(MEAN, Metric::Brier), 0.0);
        assert_eq!(scores.get(MEAN, Metric::Dice), 1.0);
        assert!(scores.get(0, Metric::Ece) > 1e-4 && scores.get(0, Metric::Brier) > 1e-4);
        assert!(scores.get(MEAN, Metric::EceForeground) > scores.get(MEAN, Metric::Ece));
        let tace = scores.get(MEAN, Metric::Tace) / scores.get(MEAN, Metric::TacePaper);
        assert!((tace - 10.0).abs() < 0.1, "{tace}");
    }

    #[test]
    fn of_one_rater() {
        let nodules = Nodules::load().unwrap();
        let part = 0..30;
        let probabilities = Array4::from_shape_fn((part.len(), 2, 64, 64), |(nodule, class, y, x)| {
            f32::from(nodules.rater(nodule, 2)[[y, x]] == class as u8)
        });
        let scores = Scores::new(&probabilities, &nodules, part).unwrap();
        assert_eq!(
            [Metric::Dice, Metric::SurfaceDice].map(|metric| scores.get(2, metric)),
            [1.0; 2]
        );
        assert_eq!(
            [Metric::Ece, Metric::Nll, Metric::Brier].map(|metric| scores.get(2, metric)),
            [0.0; 3]
        );
        assert!(scores.get(1, Metric::Dice) < 1.0);
    }
}
