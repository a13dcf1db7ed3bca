//! The predicted class.

use std::ops::Range;

use ndarray::{Array, ArrayRef};

use super::predictions::{BLOCK, IGNORED, Predictions, blocks};
use crate::common::arrays;
use crate::common::parallel;
use crate::{Classes, Error, Label, Result, SoftFloat, SpatialDim};

/// The predicted label map: at each voxel the label of the class with the largest probability, the first of equals. A voxel
/// without any probability gets the ignore value, if the classes have one.
///
/// # Errors
/// [`Error::Shape`], [`Error::Axes`], [`Error::Probability`], [`Error::ProbabilitySum`], [`Error::TooLarge`],
/// [`Error::NoPrediction`] for a voxel without any probability where the classes have no ignore value,
/// and [`Error::LabelType`] if the element type cannot hold the label of a class.
///
/// ```
/// use ndarray::{Array2, array};
/// use soft_labels::{Classes, metrics};
///
/// let probabilities = array![[[0.9, 0.5, 0.2]], [[0.1, 0.5, 0.8]]];
/// let labels: Array2<u8> = metrics::top_labels(&probabilities, &Classes::from_values([0, 4])?)?;
/// assert_eq!(labels, array![[0, 0, 4]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn top_labels<F: SoftFloat, L: Label, D: SpatialDim>(
    probabilities: &ArrayRef<F, D::Larger>,
    classes: &Classes,
) -> Result<Array<L, D>> {
    let predictions = Predictions::new(probabilities, Some(classes.len()))?;
    if classes.ignore().is_some() {
        predictions.check_or_zero()?;
    } else {
        predictions.check(|_| true)?;
    }
    // After the check no other voxel has no probability above 0.
    label_map(&predictions, classes, |_, most| most == F::zero())
}

/// The predicted label map beside the reference that it is judged by: that of [`top_labels`], but where the reference ignores a
/// voxel the result has the ignore value, too, whatever the prediction holds there.
///
/// # Errors
/// Those of [`top_labels`], [`Error::NoPrediction`] if a voxel has no probability though its reference counts, and
/// [`Error::UnknownLabel`] of the reference.
///
/// ```
/// use ndarray::{Array2, array};
/// use soft_labels::{Classes, metrics};
///
/// let probabilities = array![[[0.9, 0.2, f64::NAN]], [[0.1, 0.8, 0.0]]];
/// let reference = array![[0_u8, 0, 255]];
/// let classes = Classes::contiguous(2)?.with_ignore(255)?;
/// let labels: Array2<u8> = metrics::top_labels_against(&probabilities, &reference, &classes)?;
/// assert_eq!(labels, array![[0, 1, 255]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn top_labels_against<F: SoftFloat, L: Label, M: Label, D: SpatialDim>(
    probabilities: &ArrayRef<F, D::Larger>,
    reference: &ArrayRef<M, D>,
    classes: &Classes,
) -> Result<Array<L, D>> {
    let predictions = Predictions::new(probabilities, Some(classes.len()))?;
    let targets = predictions.targets(reference, classes)?;
    label_map(&predictions, classes, |voxel, _| targets[voxel] == IGNORED)
}

/// The label map of predictions, given which voxels are ignored, from their place and their largest probability.
fn label_map<F: SoftFloat, L: Label, D: SpatialDim>(
    predictions: &Predictions<'_, F>,
    classes: &Classes,
    is_ignored: impl Fn(usize, F) -> bool + Sync + Send,
) -> Result<Array<L, D>> {
    let typed = |value| L::from_value(value).ok_or(Error::LabelType { value });
    let labels = classes.values().into_iter().map(typed).collect::<Result<Vec<L>>>()?;
    let ignored = classes.ignore().map(typed).transpose();
    let mut dim = D::zeros(predictions.shape().len());
    ndarray::Dimension::slice_mut(&mut dim).copy_from_slice(predictions.shape());
    let mut map = arrays::filled(dim, labels[0])?;
    let fill = ignored.clone().ok().flatten().unwrap_or(labels[0]);
    let piece = predictions.piece();
    let voxels = map.as_slice_mut().expect("a new array is in C order");
    let outputs = parallel::pieces(predictions.voxels, piece).zip(voxels.chunks_mut(piece));
    let any_ignored = parallel::map(predictions.work(1), outputs, |(piece, out)| {
        let mut any_ignored = false;
        for (block, out) in blocks(piece).zip(out.chunks_mut(BLOCK)) {
            let (most, best) = top_classes(predictions, block.clone());
            for (((out, voxel), &class), &most) in out.iter_mut().zip(block).zip(&best).zip(&most) {
                let ignored = is_ignored(voxel, most);
                any_ignored |= ignored;
                *out = if ignored { fill } else { labels[class as usize] };
            }
        }
        any_ignored
    });
    if any_ignored.contains(&true) {
        ignored?;
    }
    Ok(map)
}

/// The largest probability of each voxel of a block and the first class that has it.
pub(super) fn top_classes<F: SoftFloat>(
    predictions: &Predictions<'_, F>,
    block: Range<usize>,
) -> ([F; BLOCK], [u32; BLOCK]) {
    let (mut most, mut best, mut values) = ([F::zero(); BLOCK], [0; BLOCK], [F::zero(); BLOCK]);
    for (class, index) in (0..predictions.classes).zip(0..) {
        values[..block.len()].copy_from_slice(&predictions.probabilities_of(class)[block.clone()]);
        // Over whole arrays and without a branch for each voxel, so that it becomes vector code.
        for i in 0..BLOCK {
            let better = values[i] > most[i];
            best[i] = if better { index } else { best[i] };
            most[i] = if better { values[i] } else { most[i] };
        }
    }
    (most, best)
}
