//! The predicted class, where several are as probable.

use ndarray::{Array, ArrayRef};

use super::predictions::{BLOCK, Predictions, blocks};
use super::top::{top_classes, top_labels};
use crate::common::parallel;
use crate::fusion::{SLACK, Ties};
use crate::{Classes, Error, Label, Result, SoftFloat, SpatialDim};

/// The predicted label map as that of [`top_labels`], with a rule for voxels at which several classes are the most probable:
/// probabilities that differ from the largest by at most 1e-6 tie. It is for the posterior of [`Staple`](crate::fusion::Staple) and
/// for means of raters, where ties are common.
///
/// # Errors
/// Those of [`top_labels`], and [`Error::NoClass`] if the label to prefer is no class.
///
/// ```
/// use ndarray::{Array2, array};
/// use soft_labels::fusion::Ties;
/// use soft_labels::{Classes, metrics};
///
/// let probabilities = array![[[0.9, 0.5, 0.2]], [[0.1, 0.5, 0.8]]];
/// let classes = Classes::from_values([0, 4])?;
/// let labels = |ties| -> soft_labels::Result<Array2<u8>> { metrics::top_labels_with_ties(&probabilities, &classes, ties) };
/// assert_eq!(labels(Ties::Lowest)?, array![[0, 0, 4]]);
/// assert_eq!(labels(Ties::Highest)?, array![[0, 4, 4]]);
/// assert_eq!(labels(Ties::Undecided(9))?, array![[0, 9, 4]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn top_labels_with_ties<F: SoftFloat, L: Label, D: SpatialDim>(
    probabilities: &ArrayRef<F, D::Larger>,
    classes: &Classes,
    ties: Ties<L>,
) -> Result<Array<L, D>> {
    let class_of = |label: L| {
        classes.class_of(label).ok_or(Error::NoClass {
            what: "label",
            value: label.value(),
            classes: classes.len(),
        })
    };
    // A class that no map has stands for the label of undecided voxels.
    let (rule, undecided) = match ties {
        Ties::Lowest => (Ties::Lowest, None),
        Ties::Highest => (Ties::Highest, None),
        Ties::Prefer(label) => (Ties::Prefer(class_of(label)?), None),
        Ties::Undecided(label) => (Ties::Undecided(usize::MAX), Some(label)),
    };
    let mut labels: Array<L, D> = top_labels(probabilities, classes)?;
    let of_classes: Vec<Option<L>> = classes.values().into_iter().map(L::from_value).collect();
    let predictions = Predictions::new(probabilities, Some(classes.len()))?;
    let piece = predictions.piece();
    let voxels = labels.as_slice_mut().expect("a new array is in C order");
    let outputs = parallel::pieces(predictions.voxels, piece).zip(voxels.chunks_mut(piece));
    parallel::for_each(predictions.work(2), outputs, |(piece, out)| {
        let mut tied = Vec::new();
        for (block, out) in blocks(piece).zip(out.chunks_mut(BLOCK)) {
            let (most, _) = top_classes(&predictions, block.clone());
            for ((voxel, out), most) in block.zip(out).zip(most) {
                let most = most.widen();
                let ties = |&class: &usize| {
                    let p = predictions.probabilities_of(class).get(voxel);
                    p.is_some_and(|p| p.widen() + SLACK >= most)
                };
                tied.clear();
                tied.extend((0..predictions.classes).filter(ties));
                // Where nothing is predicted, all are 0, and the voxel is ignored.
                if tied.len() < 2 || most == 0.0 {
                    continue;
                }
                let label = rule
                    .of(&tied)
                    .and_then(|class| of_classes.get(class).copied().flatten());
                if let Some(label) = label.or(undecided) {
                    *out = label;
                }
            }
        }
    });
    Ok(labels)
}
