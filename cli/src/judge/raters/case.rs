//! What is read of a case: each file once.

use std::path::{Path, PathBuf};

use ndarray::{ArrayD, ArrayViewD, Zip};
use soft_labels::metrics::top_labels_against;
use soft_labels::{Classes, Label, OneHot, multirater};
use soft_labels_files::{Geometry, Labels, Palette};

use super::super::args::Args;
use super::super::prediction::{Prediction, prediction};
use super::files::Files;
use crate::command::{Failure, of_file};
use crate::grid::Grid;
use crate::memory;
use crate::raters::{self, RaterMaps};

/// Label maps of one element type.
pub(super) struct Case<L> {
    pub(super) raters: Vec<ArrayD<L>>,
    /// The voxels that each rater labelled, if some are ignored.
    pub(super) labelled: Option<Vec<ArrayD<bool>>>,
    /// The predicted label map. What all raters ignore is ignored in it.
    pub(super) labels: ArrayD<L>,
    /// What is predicted, or the share of the samples.
    pub(super) probabilities: Option<ArrayD<f64>>,
    pub(super) samples: Vec<ArrayD<L>>,
}

/// A case of either element type.
pub(super) enum AnyCase {
    U8(Case<u8>),
    I64(Case<i64>),
}

pub(super) struct Read {
    pub(super) case: AnyCase,
    /// What the raters are called.
    pub(super) raters: Vec<String>,
    pub(super) geometry: Geometry,
}

pub(super) fn read(args: &Args, classes: &Classes, files: &Files) -> Result<Read, Failure> {
    if files.predictions.is_empty() {
        return Err("has no prediction".into());
    }
    let Some((_, first)) = files.raters.first() else {
        return Err("has no rater".into());
    };
    let palette = args.classes.palette()?;
    let paths = files.raters.iter().map(|(_, path)| path.as_path());
    let volume = raters::read(paths, args.several.stacked_raters, palette.as_ref(), args.grid)?;
    let shape = check_shapes(&volume.labels, files)?;
    let grid = Grid {
        path: first,
        geometry: volume.geometry.clone(),
        shape,
    };
    let predictions = predictions(args, classes, files, &grid, palette.as_ref())?;
    // The maps, masks and distances of a structure, and the shares of raters and of samples.
    let maps = 8 * (predictions.len() + files.raters.len());
    memory::check_voxels(&grid.shape, 32 + maps + 16 * classes.len())?;
    let count = match &volume.labels {
        RaterMaps::U8(maps) => maps.len(),
        RaterMaps::I64(maps) => maps.len(),
    };
    let name = |rater: usize| {
        let named = files.raters.get(rater).and_then(|(name, _)| name.clone());
        named.unwrap_or_else(|| format!("rater {}", rater + 1))
    };
    let fit = |value: i128| u8::try_from(value).is_ok();
    let small = classes.values().into_iter().chain(classes.ignore()).all(fit)
        && predictions
            .iter()
            .all(|prediction| !matches!(prediction, Prediction::Labels(Labels::I64(_))));
    let case =
        match volume.labels {
            RaterMaps::U8(maps) if small => AnyCase::U8(Case::new(
                args,
                classes,
                files,
                maps,
                predictions,
                |labels| match labels {
                    Labels::U8(map) => Ok(map),
                    Labels::I64(_) => Err("has labels above 255".into()),
                },
            )?),
            maps => AnyCase::I64(Case::new(args, classes, files, maps.widen()?, predictions, |labels| {
                Ok(labels.into_i64())
            })?),
        };
    Ok(Read {
        case,
        raters: (0..count).map(name).collect(),
        geometry: volume.geometry,
    })
}

/// The shape of all raters' label maps.
fn check_shapes(maps: &RaterMaps, files: &Files) -> Result<Vec<usize>, Failure> {
    let shapes: Vec<_> = match maps {
        RaterMaps::U8(maps) => maps.iter().map(|map| map.shape()).collect(),
        RaterMaps::I64(maps) => maps.iter().map(|map| map.shape()).collect(),
    };
    let first = shapes.first().ok_or("has no rater")?;
    // Those that are stacked in one file have one shape.
    for (shape, (_, path)) in shapes.iter().zip(&files.raters) {
        if shape != first {
            let error = format!("has the voxels {shape:?}, but the first rater {first:?}; give the same voxels");
            return of_file(path, Err(error.into()));
        }
    }
    Ok(first.to_vec())
}

/// One prediction, or all samples.
fn predictions(
    args: &Args,
    classes: &Classes,
    files: &Files,
    grid: &Grid<'_>,
    palette: Option<&Palette>,
) -> Result<Vec<Prediction>, Failure> {
    if !args.several.stacked_samples {
        let read = |path: &PathBuf| prediction(path, grid, classes, palette, args.grid);
        return files.predictions.iter().map(read).collect();
    }
    let path = files.predictions.first().ok_or("has no prediction")?;
    let volume = raters::read([path.as_path()], true, palette, args.grid)?;
    args.grid.check(&[
        Grid {
            path,
            geometry: volume.geometry,
            shape: grid.shape.clone(),
        },
        grid.clone(),
    ])?;
    let maps: Vec<_> = match volume.labels {
        RaterMaps::U8(maps) => maps.into_iter().map(Labels::U8).collect(),
        RaterMaps::I64(maps) => maps.into_iter().map(Labels::I64).collect(),
    };
    let checked = maps.into_iter().map(|labels| {
        let found = Prediction::Labels(labels);
        of_file(path, found.check(&grid.shape, classes))?;
        Ok(found)
    });
    checked.collect()
}

impl<L: Label> Case<L> {
    fn new(
        args: &Args,
        classes: &Classes,
        files: &Files,
        raters: Vec<ArrayD<L>>,
        predictions: Vec<Prediction>,
        typed: impl Fn(Labels) -> Result<ArrayD<L>, Failure>,
    ) -> Result<Self, Failure> {
        // Stacked ones are in one file.
        let path_of = |at: usize| {
            let path = files.predictions.get(at).or(files.predictions.first());
            path.map_or(Path::new(""), PathBuf::as_path)
        };
        let path_of_rater = |at: usize| {
            let rater = files.raters.get(at).or(files.raters.first());
            rater.map_or(Path::new(""), |(_, path)| path)
        };
        let labelled = raters.iter().enumerate().map(|(rater, map)| {
            let labelled = classes.valid_mask(map).map_err(Failure::from);
            of_file(path_of_rater(rater), labelled)
        });
        let labelled = labelled.collect::<Result<Vec<_>, _>>()?;
        if let Some(rater) = labelled
            .iter()
            .position(|map| !map.is_empty() && !map.iter().any(|&counts| counts))
        {
            let error = "ignores every voxel; take the map away, so that its rater is one who did not draw the case";
            return of_file(path_of_rater(rater), Err(error.into()));
        }
        let labelled = labelled
            .iter()
            .any(|map| map.iter().any(|&counts| !counts))
            .then_some(labelled);
        let first = raters.first().ok_or("has no rater")?;
        let known = labelled.as_ref().map(|labelled| Known::new(first, &raters, labelled));
        let reference = known.as_ref().map_or(first, |known| &known.labels);

        let several = args.several.has_samples();
        let (mut maps, mut probabilities) = (Vec::with_capacity(predictions.len()), None);
        for (at, prediction) in predictions.into_iter().enumerate() {
            let map = match prediction {
                Prediction::Labels(labels) => typed(labels).map(|mut map| {
                    if let Some(known) = &known {
                        known.leave_out(&mut map);
                    }
                    map
                }),
                Prediction::Probabilities(_) if several => {
                    let error =
                        "holds probabilities, but a sample is a label map; give one map of probabilities as PREDICTION";
                    return of_file(path_of(at), Err(error.into()));
                }
                Prediction::Probabilities(p) => {
                    let map = top_labels_against(&p, reference, classes).map_err(Failure::from);
                    probabilities = Some(p);
                    map
                }
            };
            maps.push(of_file(path_of(at), map)?);
        }
        if several {
            for (at, map) in maps.iter().enumerate() {
                of_file(path_of(at), classes.valid_mask(map).map(|_| ()).map_err(Failure::from))?;
            }
            let views: Vec<ArrayViewD<'_, L>> = maps.iter().map(|map| map.view()).collect();
            let share: ArrayD<f64> = multirater::average(&OneHot, &views, classes)?;
            let labels = top_labels_against(&share, reference, classes)?;
            return Ok(Self {
                raters,
                labelled,
                labels,
                probabilities: Some(share),
                samples: maps,
            });
        }
        Ok(Self {
            raters,
            labelled,
            labels: maps.pop().ok_or("has no prediction")?,
            probabilities,
            samples: Vec::new(),
        })
    }
}

/// What any rater labelled.
struct Known<L> {
    /// At each voxel the label of the first rater who did not ignore it.
    labels: ArrayD<L>,
    /// Whether there is one.
    any: ArrayD<bool>,
}

impl<L: Label> Known<L> {
    fn new(first: &ArrayD<L>, raters: &[ArrayD<L>], labelled: &[ArrayD<bool>]) -> Self {
        let mut labels = first.clone();
        let mut any = ArrayD::from_elem(first.raw_dim(), false);
        for (map, labelled) in raters.iter().zip(labelled) {
            let voxels = Zip::from(&mut labels).and(&mut any).and(map).and(labelled);
            voxels.for_each(|known, any, &label, &labelled| {
                if labelled && !*any {
                    (*known, *any) = (label, true);
                }
            });
        }
        Self { labels, any }
    }

    /// What a prediction holds where all raters ignore a voxel becomes what they hold.
    fn leave_out(&self, map: &mut ArrayD<L>) {
        let voxels = Zip::from(map).and(&self.labels).and(&self.any);
        voxels.for_each(|label, &ignored, &any| *label = if any { *label } else { ignored });
    }
}
