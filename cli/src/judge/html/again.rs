//! A case that is read a second time, to be seen.

use soft_labels::Classes;
use soft_labels::metrics::{Region, top_labels_against};

use super::slices::Seen;
use crate::command::Failure;
use crate::judge::channels::{self, Of};
use crate::judge::prediction::{self, Prediction};
use crate::judge::{Args, Pair, What, spacing};

/// Who looks at a structure, by its index, of a case.
pub(in crate::judge) type Show<'a> = dyn FnMut(usize, &Seen<'_>) -> Result<(), Failure> + 'a;

/// Shows structures of a case.
pub(super) fn see(
    args: &Args,
    what: &What,
    pair: &Pair,
    structures: &[usize],
    show: &mut Show<'_>,
) -> Result<(), Failure> {
    match what {
        What::Classes { classes, regions, .. } => classes_of(args, classes, regions, pair, structures, show),
        What::Regions { classes, regions } => {
            channels::see(args, &Of::Regions(classes, regions), pair, structures, show)
        }
        What::Structures { names, .. } => channels::see(args, &Of::Structures(names), pair, structures, show),
    }
}

fn classes_of(
    args: &Args,
    classes: &Classes,
    regions: &[Region],
    pair: &Pair,
    structures: &[usize],
    show: &mut Show<'_>,
) -> Result<(), Failure> {
    let path = pair.prediction.as_ref().ok_or("has no prediction")?;
    let reference = pair.reference.as_ref().ok_or("has no reference")?;
    let palette = args.classes.palette()?;
    let reference = prediction::reference(reference, palette.as_ref())?;
    let prediction = prediction::prediction(path, &reference.grid(), classes, palette.as_ref(), args.grid)?;
    let spacing = spacing(args.spacing_mm.as_deref(), reference.labels.ndim(), &reference.geometry)?;
    let (labels, probabilities) = match prediction {
        Prediction::Labels(labels) => (labels.into_i64(), None),
        Prediction::Probabilities(p) => (top_labels_against(&p, &reference.labels, classes)?, Some(p)),
    };
    for &structure in structures {
        let Some(region) = regions.get(structure) else { continue };
        let seen = Seen {
            prediction: labels.view(),
            reference: reference.labels.view(),
            probabilities: probabilities.as_ref().map(|p| p.view()),
            classes,
            region,
            spacing: &spacing,
            axes: reference.geometry.axes(),
        };
        show(structure, &seen)?;
    }
    Ok(())
}
