//! From the losses of voxels to one number.

/// How the losses of voxels become one. For the loss of every voxel see [`SoftCrossEntropy::per_voxel`](super::SoftCrossEntropy::per_voxel).
///
/// ```
/// use ndarray::array;
/// use soft_labels::loss::{Reduction, SoftCrossEntropy};
///
/// let (logits, targets) = (array![[[0.0, 0.0]], [[0.0, 0.0]]], array![[[1.0, 0.5]], [[0.0, 0.5]]]);
/// let loss = SoftCrossEntropy::of_map();
/// let mean = loss.value(&logits, &targets)?;
/// let sum = loss.reduction(Reduction::Sum).value(&logits, &targets)?;
/// assert_eq!(sum, 2.0 * mean);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Reduction {
    /// The sum over all voxels, divided by the [`Divisor`].
    #[default]
    Mean,
    /// The sum over all voxels.
    Sum,
}

/// What the mean divides by. It matters with class weights.
///
/// ```
/// use ndarray::array;
/// use soft_labels::loss::{Divisor, SoftCrossEntropy};
///
/// let (logits, targets) = (array![[[0.0, 0.0]], [[0.0, 0.0]]], array![[[1.0, 0.0]], [[0.0, 1.0]]]);
/// let loss = SoftCrossEntropy::of_map().class_weights([1.0, 3.0]);
/// let (by_voxels, by_weight) = (loss.value(&logits, &targets)?, loss.divisor(Divisor::Weight).value(&logits, &targets)?);
/// assert_eq!(by_voxels, 2.0 * by_weight); // 2 voxels, of weight 1 + 3
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Divisor {
    /// The number of voxels that count. PyTorch also divides by voxels for probability targets, but it counts all of them.
    #[default]
    Voxels,
    /// The sum of the class weights times the targets, as PyTorch does for targets that are class indices.
    Weight,
}
