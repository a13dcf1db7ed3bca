//! What is measured in a case.

use ndarray::{ArrayD, ArrayViewD, Axis};
use soft_labels::metrics::{
    Confusion, EmptyRegion, MaskOverlaps, Region, Reliability, Scope, Surfaces, brier_soft, crps_of_volumes,
    crps_of_volumes_gaussian, negative_log_likelihood_soft, threshold_dice_of_labels,
};
use soft_labels::{Classes, Label, OneHot, multirater};

use super::super::args::{self, Args};
use super::super::scores::{OF_STRUCTURES, of_surfaces};
use super::case::Case;
use crate::command::Failure;

/// Names of the metrics of a structure against all raters. The last three are of samples.
pub(in crate::judge) const AGAINST_ALL: [(&str, &str); 6] = [
    ("threshold_dice", "threshold Dice"),
    ("crps_mm3", "CRPS of volumes, mm³"),
    ("crps_gaussian_mm3", "CRPS, Gaussian, mm³"),
    ("energy_distance", "energy distance"),
    ("matched_iou", "matched IoU"),
    ("best_dice", "best Dice"),
];

/// How many of them need no samples.
pub(super) const OF_ONE: usize = 3;

/// The same for the calibration of a case.
pub(in crate::judge) const OF_CALIBRATION: [(&str, &str); 3] = [
    ("ece", "ECE, each rater counts"),
    ("nll", "cross entropy with the raters' mean"),
    ("brier", "Brier score of the raters' mean"),
];

#[derive(Debug)]
pub(super) struct Scores {
    /// What the raters are called who drew the case.
    pub(super) raters: Vec<String>,
    pub(super) samples: usize,
    /// In the order of the structures.
    pub(super) structures: Vec<OfStructure>,
    /// Of probabilities alone.
    pub(super) calibration: Option<Calibration>,
}

#[derive(Debug)]
pub(super) struct OfStructure {
    pub(super) by_rater: Vec<[f64; OF_STRUCTURES.len()]>,
    /// Over the raters for whom a number exists.
    pub(super) mean: [f64; OF_STRUCTURES.len()],
    pub(super) against_all: [f64; AGAINST_ALL.len()],
}

#[derive(Debug)]
pub(super) struct Calibration {
    pub(super) numbers: [f64; OF_CALIBRATION.len()],
    pub(super) ece_by_rater: Vec<f64>,
    /// Each voxel once for each rater who labelled it.
    pub(super) reliability: Reliability,
}

impl<L: Label> Case<L> {
    pub(super) fn judge(
        &self,
        args: &Args,
        classes: &Classes,
        regions: &[Region],
        spacing: &[f64],
        raters: Vec<String>,
    ) -> Result<Scores, Failure> {
        let count = |map: &ArrayD<L>| Confusion::count(&self.labels, map, classes).map_err(Failure::from);
        let confusions = self.raters.iter().map(count).collect::<Result<Vec<_>, _>>()?;
        let common = self.common(classes)?;
        let volumes = match &common {
            Some(maps) => Some(maps.iter().map(count).collect::<Result<Vec<_>, _>>()?),
            None => None,
        };
        let volumes = volumes.as_ref().unwrap_or(&confusions);
        let of_region = |region| {
            let by_rater = self.by_rater(args, classes, region, &confusions, spacing)?;
            Ok(OfStructure {
                mean: mean(&by_rater),
                against_all: self.against_all(args, classes, region, volumes, spacing)?,
                by_rater,
            })
        };
        Ok(Scores {
            raters,
            samples: self.samples.len(),
            structures: regions.iter().map(of_region).collect::<Result<_, Failure>>()?,
            calibration: match &self.probabilities {
                Some(p) => Some(self.calibration(args, classes, p)?),
                None => None,
            },
        })
    }

    /// The numbers of a structure against each rater.
    fn by_rater(
        &self,
        args: &Args,
        classes: &Classes,
        region: &Region,
        confusions: &[Confusion],
        spacing: &[f64],
    ) -> Result<Vec<[f64; OF_STRUCTURES.len()]>, Failure> {
        let (kind, mut before) = (args.surface.kind(), None::<Surfaces>);
        let against = self.raters.iter().zip(confusions).map(|(map, confusion)| {
            // Where a rater ignores voxels, the prediction's surface is another.
            let surfaces = match &before {
                Some(before) if self.labelled.is_none() => before.against(&region.mask(map, classes)?)?,
                _ => kind.between_labels(&self.labels, map, classes, region, spacing)?,
            };
            let numbers = of_surfaces(&surfaces, region, confusion, spacing, args);
            before = Some(surfaces);
            numbers
        });
        against.collect()
    }

    fn views(maps: &[ArrayD<L>]) -> Vec<ArrayViewD<'_, L>> {
        maps.iter().map(|map| map.view()).collect()
    }

    /// The raters' label maps with the voxels alone that all of them labelled, if some did not.
    fn common(&self, classes: &Classes) -> Result<Option<Vec<ArrayD<L>>>, Failure> {
        let Some(labelled) = &self.labelled else {
            return Ok(None);
        };
        let ignored = classes
            .ignore()
            .and_then(L::from_value)
            .ok_or("has no label that is ignored")?;
        let maps = self.raters.iter().map(|map| {
            let mut map = map.clone();
            for labelled in labelled {
                map.zip_mut_with(labelled, |label, &labelled| {
                    *label = if labelled { *label } else { ignored };
                });
            }
            map
        });
        Ok(Some(maps.collect()))
    }

    fn against_all(
        &self,
        args: &Args,
        classes: &Classes,
        region: &Region,
        volumes: &[Confusion],
        spacing: &[f64],
    ) -> Result<[f64; AGAINST_ALL.len()], Failure> {
        let (several, empty) = (&args.several, args.empty.region());
        let raters = Self::views(&self.raters);
        let p = self.probabilities_of(classes, region)?;
        let thresholds = several.thresholds.all();
        let threshold_dice = threshold_dice_of_labels(&p, &raters, classes, region, thresholds, empty)?;

        let voxel: f64 = spacing.iter().product();
        let overlap = |confusion: &Confusion| confusion.overlap(region).ok_or("has a class that does not exist");
        let overlaps = volumes.iter().map(overlap).collect::<Result<Vec<_>, _>>()?;
        let volume = overlaps
            .first()
            .map_or(f64::NAN, |overlap| overlap.prediction as f64 * voxel);
        let drawn: Vec<_> = overlaps
            .iter()
            .map(|overlap| overlap.reference as f64 * voxel)
            .collect();
        let nothing = volume == 0.0 && drawn.iter().all(|&volume| volume == 0.0);
        let [crps, gaussian] = if nothing && empty == EmptyRegion::Nan {
            [f64::NAN; 2]
        } else {
            [
                crps_of_volumes(volume, &drawn)?,
                crps_of_volumes_gaussian(volume, &drawn)?,
            ]
        };

        let [energy, iou, best] = if self.samples.is_empty() {
            [f64::NAN; 3]
        } else {
            let overlaps = MaskOverlaps::of_labels(&Self::views(&self.samples), &raters, classes, region)?;
            [
                overlaps.energy_distance(several.similarity.similarity(), several.pairs.own(), empty),
                overlaps.matched_iou(empty)?,
                overlaps.best_dice(empty),
            ]
        };
        Ok([threshold_dice, crps, gaussian, energy, iou, best])
    }

    /// The probability of a region at each voxel, in the precision of files; 0 and 1 of a label map.
    fn probabilities_of(&self, classes: &Classes, region: &Region) -> Result<ArrayD<f32>, Failure> {
        let Some(p) = &self.probabilities else {
            return Ok(region
                .mask(&self.labels, classes)?
                .mapv(|inside| f32::from(u8::from(inside))));
        };
        let mut of_classes = region.classes().iter().map(|&class| p.index_axis(Axis(0), class));
        let first = of_classes.next().ok_or("has a region without classes")?;
        let mut sum = first.to_owned();
        of_classes.for_each(|class| sum += &class);
        Ok(sum.mapv(|p| p as f32))
    }

    fn calibration(&self, args: &Args, classes: &Classes, p: &ArrayD<f64>) -> Result<Calibration, Failure> {
        let mut reliability = Reliability::new(args.bins)?;
        let mut ece_by_rater = Vec::with_capacity(self.raters.len());
        for map in &self.raters {
            let scope = match args.scope {
                args::Scope::All => Scope::All,
                args::Scope::Foreground | args::Scope::Band => Scope::Foreground,
            };
            let mut of_rater = Reliability::new(args.bins)?;
            of_rater.add(p, map, classes, scope)?;
            ece_by_rater.push(of_rater.ece());
            reliability.merge(&of_rater)?;
        }
        let mean: ArrayD<f64> = multirater::average(&OneHot, &Self::views(&self.raters), classes)?;
        Ok(Calibration {
            numbers: [
                reliability.ece(),
                negative_log_likelihood_soft(p, &mean)?,
                brier_soft(p, &mean)?,
            ],
            ece_by_rater,
            reliability,
        })
    }
}

/// The mean of each number over the raters for whom it exists; infinite if it is so for one.
fn mean(by_rater: &[[f64; OF_STRUCTURES.len()]]) -> [f64; OF_STRUCTURES.len()] {
    let mut mean = [f64::NAN; OF_STRUCTURES.len()];
    for (metric, mean) in mean.iter_mut().enumerate() {
        let numbers = by_rater
            .iter()
            .map(|numbers| numbers[metric])
            .filter(|number| !number.is_nan());
        let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), number| (sum + number, count + 1.0));
        *mean = sum / count;
    }
    mean
}
