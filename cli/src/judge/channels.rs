//! Channels that are judged one by one: regions that hold one another, and structures that overlap.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, ArrayViewD, Axis};
use soft_labels::Classes;
use soft_labels::metrics::{Confusion, Region};
use soft_labels_files::{self as files, Geometry, read_labels, read_prediction_of};

use super::args::Args;
use super::html::{Seen, Show};
use super::scores::{self, Scores};
use super::{Pair, prediction, spacing};
use crate::cases::{self, Case};
use crate::channels;
use crate::classes::NamedLabels;
use crate::command::{Failure, of_file, printable};
use crate::grid::{Grid, GridArgs};
use crate::memory;

/// In a channel a voxel is outside, inside or of nobody.
const INSIDE: i64 = 1;
const IGNORED: i64 = 2;

/// What the channels are of.
pub(super) enum Of<'a> {
    Regions(&'a Classes, &'a [NamedLabels]),
    /// Of the structures with these names, which are masks in files.
    Structures(&'a [OsString]),
}

impl Of<'_> {
    /// What the channels are called.
    fn names(&self) -> Vec<String> {
        match self {
            Self::Regions(_, regions) => regions.iter().map(|(name, _)| name.clone()).collect(),
            Self::Structures(names) => names.iter().map(|name| name.to_string_lossy().into_owned()).collect(),
        }
    }
}

/// The cases of two folders of structures, and the names of these. A prediction is a folder of masks, or one file.
pub(super) fn pairs(prediction: &Path, reference: &Path) -> Result<(Vec<OsString>, Vec<Pair>), Failure> {
    let (names, references) = cases::of_structures(reference)?;
    let title = |case: &Case| case.title();
    if references.len() == 1 && reference_is_case(reference, &references) {
        let pair = Pair {
            name: String::new(),
            prediction: Some(prediction.to_owned()),
            reference: Some(reference.to_owned()),
        };
        return Ok((names, vec![pair]));
    }
    if !cases::is_folder(prediction) {
        return of_file(
            prediction,
            Err("is one file, but there are several cases; give a folder".into()),
        );
    }
    let files = cases::of_folder(prediction).unwrap_or_default();
    let pairs = references.iter().map(|case| {
        let folder = prediction.join(&case.name);
        let found = if cases::is_folder(&folder) {
            Some(folder)
        } else {
            files.get(&case.name).cloned()
        };
        Pair {
            name: title(case),
            prediction: found,
            reference: Some(reference.join(&case.name)),
        }
    });
    Ok((names, pairs.collect()))
}

/// Whether the masks of the only case lie in the folder itself.
fn reference_is_case(reference: &Path, cases: &[Case]) -> bool {
    let first = cases.first().and_then(|case| case.raters.iter().flatten().next());
    first
        .and_then(|file| file.parent())
        .is_some_and(|folder| folder == reference)
}

/// A map of 0 and [`INSIDE`] for each channel.
enum Predicted {
    /// (C, ..).
    Probabilities(ArrayD<f64>),
    Masks(Vec<PathBuf>),
}

pub(super) fn judge(args: &Args, of: &Of<'_>, pair: &Pair) -> Result<Scores, Failure> {
    let opened = Opened::open(args, of, pair)?;
    let classes = classes()?;
    let mut structures = Vec::with_capacity(opened.thresholds.len());
    for channel in 0..opened.thresholds.len() {
        let [prediction, reference] = opened.channel(channel)?;
        let confusion = Confusion::count(&prediction, &reference, &classes)?;
        structures.push(scores::structure(
            &Region::class(1),
            &classes,
            [&prediction, &reference],
            &confusion,
            &opened.spacing,
            args,
        )?);
    }
    Ok(Scores {
        structures,
        calibration: None,
    })
}

/// Shows channels of a case that is read again.
pub(super) fn see(
    args: &Args,
    of: &Of<'_>,
    pair: &Pair,
    channels: &[usize],
    show: &mut Show<'_>,
) -> Result<(), Failure> {
    let opened = Opened::open(args, of, pair)?;
    let (classes, region) = (classes()?, Region::class(1));
    for &channel in channels {
        let [prediction, reference] = opened.channel(channel)?;
        let probabilities = match &opened.predicted {
            Predicted::Probabilities(p) => Some(p.slice_axis(Axis(0), (channel..channel + 1).into())),
            Predicted::Masks(_) => None,
        };
        let seen = Seen {
            prediction: prediction.view(),
            reference: reference.view(),
            probabilities,
            classes: &classes,
            region: &region,
            spacing: &opened.spacing,
            axes: opened.references.geometry.axes(),
        };
        show(channel, &seen)?;
    }
    Ok(())
}

/// What a voxel of a channel can be.
fn classes() -> Result<Classes, Failure> {
    Ok(Classes::contiguous(2)?.with_ignore(IGNORED)?)
}

/// The files of a case, which fit one another.
struct Opened<'a> {
    thresholds: Vec<f64>,
    references: References<'a>,
    predicted: Predicted,
    spacing: Vec<f64>,
}

impl<'a> Opened<'a> {
    fn open(args: &Args, of: &'a Of<'a>, pair: &Pair) -> Result<Self, Failure> {
        let path = pair.prediction.as_ref().ok_or("has no prediction")?;
        let reference_path = pair.reference.as_ref().ok_or("has no reference")?;
        let names = match of {
            Of::Regions(_, regions) => regions.len(),
            Of::Structures(names) => names.len(),
        };
        let thresholds = thresholds(args, names)?;
        let references = References::open(of, reference_path, args.grid)?;
        memory::check_voxels(references.shape(), 48)?;
        let predicted = predicted(path, of, &references)?;
        let spacing = spacing(
            args.spacing_mm.as_deref(),
            references.shape().len(),
            &references.geometry,
        )?;
        Ok(Self {
            thresholds,
            references,
            predicted,
            spacing,
        })
    }

    /// A channel as predicted and as it is.
    fn channel(&self, channel: usize) -> Result<[ArrayD<i64>; 2], Failure> {
        let reference = self.references.channel(channel)?;
        let threshold = self.thresholds.get(channel).copied().unwrap_or(0.5);
        // In the precision of files, in which a threshold such as 0.7 is a little less.
        let inside = |p: f64| i64::from(p as f32 >= threshold as f32);
        let prediction = match &self.predicted {
            Predicted::Probabilities(p) => p.index_axis(Axis(0), channel).mapv(inside),
            Predicted::Masks(files) => {
                let file = files.get(channel).ok_or("has no mask")?;
                let map = read_labels(file)?;
                self.references.check(file, map.labels.shape(), &map.geometry)?;
                of_file(file, mask(map.labels.into_i64()))?
            }
        };
        Ok([prediction, reference])
    }
}

pub(super) fn thresholds(args: &Args, channels: usize) -> Result<Vec<f64>, Failure> {
    match args.threshold.as_deref().unwrap_or(&[0.5]) {
        [one] => Ok(vec![*one; channels]),
        each if each.len() == channels => Ok(each.to_vec()),
        each => Err(format!(
            "--threshold has {} numbers for {channels} channels; give one, or one for each",
            each.len()
        )
        .into()),
    }
}

/// The reference of a case.
struct References<'a> {
    of: &'a Of<'a>,
    /// A label map, or the first mask.
    first: ArrayD<i64>,
    path: PathBuf,
    masks: Vec<PathBuf>,
    geometry: Geometry,
    grid: GridArgs,
}

impl<'a> References<'a> {
    fn open(of: &'a Of<'a>, path: &Path, grid: GridArgs) -> Result<Self, Failure> {
        let masks = match of {
            Of::Regions(..) => Vec::new(),
            Of::Structures(names) => masks_of(path, names)?,
        };
        let first = masks.first().cloned().unwrap_or_else(|| path.to_owned());
        let reference = prediction::reference(&first, None)?;
        if let Of::Regions(classes, _) = of {
            super::check_labels(&first, &reference.labels, classes)?;
        }
        let (labels, geometry) = (reference.labels, reference.geometry);
        Ok(Self {
            of,
            first: labels,
            geometry,
            grid,
            path: first,
            masks,
        })
    }

    fn shape(&self) -> &[usize] {
        self.first.shape()
    }

    fn channel(&self, channel: usize) -> Result<ArrayD<i64>, Failure> {
        match self.of {
            Of::Regions(classes, regions) => {
                let labels = regions.get(channel).map_or(&[][..], |(_, labels)| labels);
                Ok(self.first.mapv(|label| match classes.is_ignored(label) {
                    true => IGNORED,
                    false => i64::from(labels.contains(&label)),
                }))
            }
            Of::Structures(_) if channel == 0 => of_file(&self.path, mask(self.first.clone())),
            Of::Structures(_) => {
                let file = self.masks.get(channel).ok_or("has no mask")?;
                let map = read_labels(file)?;
                self.check(file, map.labels.shape(), &map.geometry)?;
                of_file(file, mask(map.labels.into_i64()))
            }
        }
    }

    /// An error unless a file has the voxels of the reference, at the same place.
    fn check(&self, file: &Path, shape: &[usize], geometry: &Geometry) -> Result<(), Failure> {
        if shape != self.shape() {
            let error = format!("has the voxels {shape:?}, but its reference {:?}", self.shape());
            return of_file(file, Err(error.into()));
        }
        let [first, second] = [(file, geometry), (self.path.as_path(), &self.geometry)].map(|(path, geometry)| Grid {
            path,
            geometry: geometry.clone(),
            shape: shape.to_vec(),
        });
        self.grid.check(&[first, second])
    }
}

/// The files of the structures with these names in a folder.
fn masks_of(folder: &Path, names: &[OsString]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = cases::of_folder(folder)?;
    let file = |name: &OsString| {
        let missing = || -> Failure { format!("has no mask {}", printable(&name.to_string_lossy())).into() };
        of_file(folder, files.remove(name).ok_or_else(missing))
    };
    names.iter().map(file).collect()
}

fn predicted(path: &Path, of: &Of<'_>, references: &References<'_>) -> Result<Predicted, Failure> {
    if let Of::Structures(names) = of
        && cases::is_folder(path)
    {
        return masks_of(path, names).map(Predicted::Masks);
    }
    let channels = match of {
        Of::Regions(_, regions) => regions.len(),
        Of::Structures(names) => names.len(),
    };
    let (values, geometry) = match read_prediction_of(path, references.shape().len(), references.geometry.axes())? {
        files::Prediction::Probabilities(p) => (p.values, p.geometry),
        // One channel needs no axis.
        files::Prediction::Foreground(p) if channels == 1 => (p.values.insert_axis(Axis(0)), p.geometry),
        _ => {
            let error = "is a label map; the prediction of regions and structures has a channel for each. Leave out --channels regions \
                         to judge regions of a label map";
            return of_file(path, Err(error.into()));
        }
    };
    let values = match channels::read_names(path)? {
        Some(names) => of_file(path, in_order(values, &names, &of.names()))?,
        None => values,
    };
    let expected = [&[channels], references.shape()].concat();
    if values.shape() != expected {
        let error = format!(
            "has the shape {:?}, but {expected:?} is needed: a channel for each",
            values.shape()
        );
        return of_file(path, Err(error.into()));
    }
    references.check(path, references.shape(), &geometry)?;
    of_file(path, check_probabilities(&values.view()))?;
    Ok(Predicted::Probabilities(values))
}

/// The channels in the order of the names that are judged, where a file says what its channels are called.
fn in_order(values: ArrayD<f64>, names: &[String], judged: &[String]) -> Result<ArrayD<f64>, Failure> {
    let place = |name: &String| {
        let missing = || {
            format!(
                "has the channels {names:?}, as the file of names beside it says, and none is called {name:?}; judge those, or \
                 remove that file"
            )
        };
        names.iter().position(|known| known == name).ok_or_else(missing)
    };
    if names.len() != judged.len() {
        return Err(format!(
            "has the channels {names:?}, as the file of names beside it says, but {judged:?} are judged; judge those, or \
             remove that file"
        )
        .into());
    }
    let order = judged.iter().map(place).collect::<Result<Vec<_>, _>>()?;
    if values.shape().first() != Some(&names.len()) || order.is_sorted() {
        return Ok(values);
    }
    Ok(values.select(Axis(0), &order))
}

/// An error if a number is no probability. Floats of files may be a little off.
fn check_probabilities(values: &ArrayViewD<'_, f64>) -> Result<(), Failure> {
    let most = values.iter().copied().fold(0.0, f64::max);
    if most > 0.0 && most < 1.5 / 255.0 && values.iter().all(|&p| p == 0.0 || p == most) {
        return Err(
            "holds 0 and 1 in 8 bits, where 255 is certain; save masks as floats, or 255 for what is inside".into(),
        );
    }
    match values.indexed_iter().find(|(_, p)| !(-1e-3..=1.001).contains(*p)) {
        Some((at, p)) => Err(format!(
            "holds {p} at {:?}, which is no probability; pass logits through a sigmoid",
            ndarray::Dimension::slice(&at)
        )
        .into()),
        None => Ok(()),
    }
}

/// A mask of 0 and [`INSIDE`].
fn mask(labels: ArrayD<i64>) -> Result<ArrayD<i64>, Failure> {
    let first = labels.iter().copied().find(|&label| label != 0);
    if let Some(other) = labels.iter().find(|&&label| label != 0 && Some(label) != first) {
        return Err(format!(
            "holds {} and {other}; a mask has one label beside 0",
            first.unwrap_or_default()
        )
        .into());
    }
    Ok(labels.mapv_into(|label| if label == 0 { 0 } else { INSIDE }))
}
