//! What a loss compares logits with: soft labels or label maps.

use burn::tensor::{Bool, FloatDType, Int, Tensor};
use soft_labels::Error;

use crate::LabelTargets;

/// Targets of a loss: soft labels of the shape of the logits, (N, C, H, W) or (N, C, D, H, W), or [`LabelTargets`]. The trait is
/// sealed.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use soft_labels_burn::{SoftCrossEntropyLossConfig, Targets};
///
/// fn loss(logits: Tensor<4>, targets: impl Targets<4>) -> soft_labels::Result<Tensor<1>> {
///     SoftCrossEntropyLossConfig::new().init(&logits.device())?.forward(logits, targets)
/// }
/// let zeros = Tensor::<4>::zeros([1, 2, 1, 1], &Device::default());
/// assert_eq!(loss(zeros.clone(), zeros + 0.5)?.into_scalar::<f32>(), 2_f32.ln());
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub trait Targets<const D: usize>: sealed::Source<D> {}

impl<const D: usize, T: sealed::Source<D>> Targets<D> for T {}

/// What softmax and sigmoids are told of channels that they are not for.
pub(crate) const FOR_DISTRIBUTIONS: Error = Error::NotDistribution {
    what: "the softmax of this loss",
    instead: "use the semimetric loss with sigmoid",
};

pub(crate) mod sealed {
    use super::{Bool, FloatDType, Int, Tensor};

    pub trait Source<const D: usize> {
        /// The shape of the logits that they are for.
        fn shape(&self) -> [usize; D];

        /// Which voxels count, with a class axis of length 1. For a softmax those whose target is not all zero; sigmoids count all
        /// voxels of soft labels.
        fn counting(&self, sigmoid: bool) -> Tensor<D, Bool>;

        /// The soft labels.
        fn soft(self, dtype: FloatDType) -> Tensor<D>;

        /// Classes and weights (N, 1, ..) that the soft labels are made of, if they take less memory.
        fn terms(&self, _: FloatDType) -> Option<Vec<(Tensor<D, Int>, Tensor<D>)>> {
            None
        }

        /// Whether the targets of a voxel are known not to sum to 1.
        fn is_distribution(&self) -> bool {
            true
        }
    }
}

impl<const D: usize> sealed::Source<D> for Tensor<D> {
    fn shape(&self) -> [usize; D] {
        self.dims()
    }

    fn counting(&self, sigmoid: bool) -> Tensor<D, Bool> {
        if sigmoid {
            let mut one_each = self.dims();
            one_each[1] = 1;
            Tensor::ones(one_each, &self.device())
        } else {
            self.clone().not_equal_elem(0.0).any_dim(1)
        }
    }

    fn soft(self, dtype: FloatDType) -> Self {
        self.cast(dtype)
    }
}

impl<const M: usize, const D: usize> sealed::Source<D> for LabelTargets<M> {
    fn shape(&self) -> [usize; D] {
        self.soft_shape()
    }

    fn counting(&self, _: bool) -> Tensor<D, Bool> {
        self.valid()
    }

    fn soft(self, dtype: FloatDType) -> Tensor<D> {
        self.encode_as(dtype)
    }

    fn terms(&self, dtype: FloatDType) -> Option<Vec<(Tensor<D, Int>, Tensor<D>)>> {
        self.terms(dtype)
    }

    fn is_distribution(&self) -> bool {
        self.is_distribution()
    }
}

impl<const D: usize, T: sealed::Source<D> + Clone> sealed::Source<D> for &T {
    fn shape(&self) -> [usize; D] {
        (**self).shape()
    }

    fn counting(&self, sigmoid: bool) -> Tensor<D, Bool> {
        (**self).counting(sigmoid)
    }

    fn soft(self, dtype: FloatDType) -> Tensor<D> {
        self.clone().soft(dtype)
    }

    fn terms(&self, dtype: FloatDType) -> Option<Vec<(Tensor<D, Int>, Tensor<D>)>> {
        (**self).terms(dtype)
    }

    fn is_distribution(&self) -> bool {
        (**self).is_distribution()
    }
}
