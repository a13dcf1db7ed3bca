//! What a loss compares logits with: dense soft labels or sparse ones.

use std::borrow::Cow;

use ndarray::{ArrayBase, ArrayRef, Data, Dimension};

use super::block::Block;
use super::elementary::{BLOCK, LossFloat, PerVoxel};
use super::label_targets::{EncodedPiece, LabelMaps};
use crate::common::arrays::{check_shape, check_shape_of, in_order};
use crate::sparse::{SparseLabels, SparseParts};
use crate::{Place, Result, SpatialDim};

/// Targets of a loss: an array of the shape of the logits, one [`SparseLabels`] or for batches a slice of them, or
/// [`LabelTargets`](super::LabelTargets), which are made of label maps.
///
/// With sparse targets and label maps no dense target is ever made. The trait is sealed.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::loss::SoftCrossEntropy;
/// use soft_labels::sparse::{self, SparseLabels};
/// use soft_labels::{Classes, SoftEncoder, Svls};
///
/// let (labels, classes) = (array![[0_u8, 0, 1, 1]], Classes::contiguous(2)?);
/// let dense: Array3<f32> = Svls::default().encode(&labels, &classes)?;
/// let sparse: SparseLabels<f32, _> = sparse::encode(&Svls::default(), &labels, &classes)?;
/// let logits = Array3::from_shape_fn((2, 1, 4), |(class, _, w)| (class * w) as f32);
/// let loss = SoftCrossEntropy::of_map();
/// assert_eq!(loss.value(&logits, &dense)?, loss.value(&logits, &sparse)?);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub trait Targets<F: LossFloat>: sealed::Source<F> {}

impl<F: LossFloat, T: sealed::Source<F> + ?Sized> Targets<F> for T {}

/// Logits of a piece: about a tenth of a millisecond's work.
const PIECE: usize = 1 << 15;

/// Logits of a piece whose targets are made of label maps: the labels around it are read for it, too.
const ENCODED_PIECE: usize = 1 << 17;

/// The least voxels of a piece, so that with many classes the parts of the output need little memory.
const FEWEST: usize = 1 << 10;

/// Targets that are ready to be read: those of all samples in C order.
#[derive(Debug)]
pub enum Ready<'a, F: LossFloat> {
    Dense(Cow<'a, [F]>),
    Sparse(Vec<SparseParts<'a, F>>),
    Labels(LabelMaps<'a, F>),
}

pub(super) mod sealed {
    use super::Ready;
    use crate::Result;
    use crate::loss::LossFloat;

    pub trait Source<F: LossFloat> {
        /// The targets for logits of a shape, whose classes are on the second axis if `batched`.
        fn ready(&self, shape: &[usize], batched: bool) -> Result<Ready<'_, F>>;

        /// Whether the targets of a voxel are known not to sum to 1. Those of an array are not looked at: PyTorch's cross
        /// entropy takes any.
        fn is_distribution(&self) -> bool {
            true
        }
    }
}

impl<F: LossFloat, D: Dimension> sealed::Source<F> for ArrayRef<F, D> {
    fn ready(&self, shape: &[usize], _: bool) -> Result<Ready<'_, F>> {
        check_shape("target array", shape, self.shape())?;
        in_order(self).map(Ready::Dense)
    }
}

impl<F: LossFloat, S: Data<Elem = F>, D: Dimension> sealed::Source<F> for ArrayBase<S, D> {
    fn ready(&self, shape: &[usize], batched: bool) -> Result<Ready<'_, F>> {
        sealed::Source::ready(&**self, shape, batched)
    }
}

impl<F: LossFloat, D: SpatialDim> sealed::Source<F> for SparseLabels<F, D> {
    fn ready(&self, shape: &[usize], batched: bool) -> Result<Ready<'_, F>> {
        sealed::Source::ready(std::slice::from_ref(self), shape, batched)
    }

    fn is_distribution(&self) -> bool {
        self.is_distribution()
    }
}

impl<F: LossFloat, D: SpatialDim> sealed::Source<F> for [SparseLabels<F, D>] {
    fn ready(&self, shape: &[usize], batched: bool) -> Result<Ready<'_, F>> {
        let (samples, shape) = match shape {
            [samples, shape @ ..] if batched => (*samples, shape),
            _ => (1, shape),
        };
        check_shape("list of sparse targets", &[samples], &[self.len()])?;
        self.iter()
            .enumerate()
            .map(|(sample, labels)| {
                let actual = [&[labels.class_count()], labels.shape()].concat();
                check_shape_of("sparse target", Some(Place::Sample(sample)), shape, &actual)?;
                Ok(labels.parts())
            })
            .collect::<Result<_>>()
            .map(Ready::Sparse)
    }

    fn is_distribution(&self) -> bool {
        self.iter().all(SparseLabels::is_distribution)
    }
}

impl<F: LossFloat, D: SpatialDim> sealed::Source<F> for Vec<SparseLabels<F, D>> {
    fn ready(&self, shape: &[usize], batched: bool) -> Result<Ready<'_, F>> {
        sealed::Source::ready(self.as_slice(), shape, batched)
    }

    fn is_distribution(&self) -> bool {
        sealed::Source::<F>::is_distribution(self.as_slice())
    }
}

impl<F: LossFloat> Ready<'_, F> {
    /// Voxels within which pieces stay, and voxels of a piece.
    pub(super) fn cut(&self, voxels: usize, classes: usize) -> (usize, usize) {
        match self {
            Self::Labels(maps) => maps.cut((ENCODED_PIECE / classes).max(FEWEST)),
            // Whole blocks.
            _ => (voxels, (PIECE / classes).max(FEWEST).next_multiple_of(BLOCK)),
        }
    }

    /// Which voxels somebody labelled, where the targets do not say it.
    pub(super) fn take_valid(&mut self) -> Option<Vec<bool>> {
        match self {
            Self::Labels(maps) => maps.valid.take(),
            _ => None,
        }
    }

    /// Writes the targets of a block, one entry for each class; the rest of the block is 0.
    #[inline(always)]
    pub(super) fn read(&self, targets: &mut [PerVoxel<F>], encoded: &EncodedPiece<F>, voxels: usize, block: Block) {
        let (classes, Block { sample, start, len }) = (targets.len(), block);
        match self {
            Self::Dense(all) => {
                for (class, target) in targets.iter_mut().enumerate() {
                    let plane = &all[(sample * classes + class) * voxels..][..voxels];
                    load(target, &plane[start..start + len], F::zero());
                }
            }
            Self::Sparse(samples) => {
                targets.fill([F::zero(); BLOCK]);
                samples[sample].write(targets, start, len);
            }
            Self::Labels(_) => encoded.read(targets, block),
        }
    }
}

/// Copies numbers to the first voxels of a block and fills the rest.
#[inline(always)]
pub(super) fn load<F: Copy>(block: &mut PerVoxel<F>, from: &[F], rest: F) {
    match from.first_chunk() {
        Some(from) => *block = *from,
        None => {
            block[..from.len()].copy_from_slice(from);
            block[from.len()..].fill(rest);
        }
    }
}
