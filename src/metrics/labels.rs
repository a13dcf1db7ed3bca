//! The classes of a label map, run by run.

use ndarray::{ArrayRef, Dimension, IntoDimension};

use crate::common::arrays::in_order;
use crate::common::parallel;
use crate::common::runs::{for_each_run, for_each_run_of_pairs};
use crate::{Classes, Error, Label, Result, SpatialDim};

/// Labels that are read together.
const PIECE: usize = 1 << 16;

/// Writes a value for the class of each voxel in C order; an ignored voxel has no class.
pub(super) fn write_classes<L: Label, D: Dimension, T: Copy + Send>(
    labels: &ArrayRef<L, D>,
    classes: &Classes,
    out: &mut [T],
    value: impl Fn(Option<usize>) -> T + Sync + Send,
) -> Result<()> {
    let in_order = in_order(labels)?;
    let pieces = in_order.chunks(PIECE).zip(out.chunks_mut(PIECE));
    // Runs are found and written at about two labels a nanosecond.
    let unknown = parallel::map(in_order.len() / 2, pieces, |(labels, mut out)| {
        let mut unknown = false;
        for_each_run(labels, |label, len| {
            let class = classes.class_of(label);
            unknown |= class.is_none() && !classes.is_ignored(label);
            let (run, rest) = std::mem::take(&mut out).split_at_mut(len);
            run.fill(value(class));
            out = rest;
        });
        unknown
    });
    if unknown.contains(&true) {
        classes.check(&labels.view().into_dyn(), &vec![0; labels.ndim()], 0, 1)?;
    }
    Ok(())
}

/// Writes a value for the class of each voxel of a prediction in C order; a voxel that its reference ignores has no class,
/// whatever the prediction holds there. The shapes are the same, and the reference is checked already.
pub(super) fn write_classes_against<L: Label, M: Label, D: SpatialDim, T: Copy + Send>(
    prediction: &ArrayRef<L, D>,
    reference: &ArrayRef<M, D>,
    classes: &Classes,
    out: &mut [T],
    value: impl Fn(Option<usize>) -> T + Sync + Send,
) -> Result<()> {
    let (predictions, references) = (in_order(prediction)?, in_order(reference)?);
    let pieces = predictions.chunks(PIECE).zip(references.chunks(PIECE));
    let pieces = pieces.zip(out.chunks_mut(PIECE));
    let unknown = parallel::map(predictions.len() / 2, pieces, |((predictions, references), mut out)| {
        let mut unknown = false;
        for_each_run_of_pairs(predictions, references, |(label, reference), len| {
            let class = classes.class_of(label).filter(|_| !classes.is_ignored(reference));
            unknown |= is_unknown(label, reference, classes);
            let (run, rest) = std::mem::take(&mut out).split_at_mut(len);
            run.fill(value(class));
            out = rest;
        });
        unknown
    });
    if unknown.contains(&true) {
        check_against(prediction, reference, classes)?;
    }
    Ok(())
}

/// Names the first unknown label of a prediction at a voxel that its reference does not ignore.
pub(super) fn check_against<L: Label, M: Label, D: SpatialDim>(
    prediction: &ArrayRef<L, D>,
    reference: &ArrayRef<M, D>,
    classes: &Classes,
) -> Result<()> {
    let pairs = prediction.indexed_iter().zip(reference.iter());
    let mut unknown = pairs.filter(|((_, label), reference)| is_unknown(**label, **reference, classes));
    match unknown.next() {
        Some(((at, label), _)) => Err(Error::UnknownLabel {
            value: label.value(),
            index: at.into_dimension().slice().to_vec(),
            count: 1 + unknown.count(),
            classes: classes.len(),
            rater: 0,
            raters: 1,
        }),
        None => Ok(()),
    }
}

/// Whether a prediction holds a label that is no class where its reference counts.
fn is_unknown<L: Label, M: Label>(label: L, reference: M, classes: &Classes) -> bool {
    classes.class_of(label).is_none() && !classes.is_ignored(label) && !classes.is_ignored(reference)
}
