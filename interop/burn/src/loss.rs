//! Cross entropy with soft targets.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Bool, DType, Device, FloatDType, Tensor};

/// Makes a [`SoftCrossEntropyLoss`].
///
/// The example of this [crate] uses it.
#[derive(Config, Debug)]
pub struct SoftCrossEntropyLossConfig {
    /// A weight for each class, which multiplies its targets.
    pub weights: Option<Vec<f32>>,
}

impl SoftCrossEntropyLossConfig {
    /// Makes the loss on a device.
    ///
    /// # Panics
    /// If a weight is negative or not finite.
    pub fn init(&self, device: &Device) -> SoftCrossEntropyLoss {
        let possible = |weight: &f32| weight.is_finite() && *weight >= 0.0;
        assert!(
            self.weights.iter().flatten().all(possible),
            "class weights must be finite and not negative: {:?}",
            self.weights
        );
        let weights = self.weights.as_deref();
        SoftCrossEntropyLoss {
            weights: weights.map(|weights| Tensor::from_floats(weights, device)),
        }
    }
}

/// Cross entropy between the softmax of logits and soft targets, with the class axis second: (N, C, H, W) or (N, C, D, H, W).
///
/// ```text
/// -1/n Σ_i Σ_c w_c t_ic log softmax(z_i)_c
/// ```
///
/// n counts the valid voxels, whose target is not all zero: ignored ones have no part in the loss or its gradient, whatever their
/// logits are. (burn's own cross entropy divides by the sum of the weights instead.) A batch without any valid voxel gives NaN.
/// It agrees with `soft_labels::loss`. Tensors of 16 bits are computed in 32, and so is the loss.
#[derive(Module, Debug)]
pub struct SoftCrossEntropyLoss {
    /// A weight for each class.
    pub weights: Option<Tensor<1>>,
}

impl SoftCrossEntropyLoss {
    /// The mean over valid voxels.
    ///
    /// # Shapes
    /// - logits: `[batch_size, classes, height, width]` or `[batch_size, classes, depth, height, width]`; another number of axes
    ///   does not compile
    /// - targets: the same
    ///
    /// # Panics
    /// If the shapes differ, or there is not a weight for each class.
    pub fn forward<const D: usize>(&self, logits: Tensor<D>, targets: Tensor<D>) -> Tensor<1> {
        same_shape(&logits, &targets);
        let valid = targets.clone().not_equal_elem(0.0).any_dim(1);
        self.mean_over(logits, targets, valid)
    }

    /// The mean over valid voxels where a mask is true.
    ///
    /// # Shapes
    /// - logits: `[batch_size, classes, height, width]` or `[batch_size, classes, depth, height, width]`; another number of axes
    ///   does not compile
    /// - targets: the same
    /// - mask: the same with one class
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn forward_masked<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: Tensor<D>,
        mask: Tensor<D, Bool>,
    ) -> Tensor<1> {
        same_shape(&logits, &targets);
        let valid = targets.clone().not_equal_elem(0.0).any_dim(1);
        assert_eq!(
            mask.dims(),
            valid.dims(),
            "the mask must have one class axis of length 1"
        );
        let valid = valid.bool_and(mask);
        self.mean_over(logits, targets, valid)
    }

    fn mean_over<const D: usize>(&self, logits: Tensor<D>, targets: Tensor<D>, valid: Tensor<D, Bool>) -> Tensor<1> {
        // Sums of so many voxels need more than 16 bits.
        let dtype = match logits.dtype() {
            DType::F64 => FloatDType::F64,
            _ => FloatDType::F32,
        };
        let (logits, targets) = (logits.cast(dtype), targets.cast(dtype));
        let shape = targets.dims();
        let targets = match &self.weights {
            Some(weights) => {
                assert_eq!(weights.dims(), [shape[1]], "there must be a weight for each class");
                let mut one_each = [1; D];
                one_each[1] = shape[1];
                targets * weights.clone().cast(dtype).reshape(one_each)
            }
            None => targets,
        };
        let ignored = valid.clone().bool_not().expand(shape);
        let absent = targets.clone().equal_elem(0.0).bool_or(ignored.clone());
        // Where a target is 0 its logit has no part, not even as 0 times infinity.
        let terms = (targets * log_softmax(logits.mask_fill(ignored, 0.0), 1)).mask_fill(absent, 0.0);
        terms.sum().neg() / valid.float().cast(dtype).sum()
    }
}

fn same_shape<const D: usize>(logits: &Tensor<D>, targets: &Tensor<D>) {
    // One map is a batch of one: without a batch axis its classes would be taken for samples.
    const { assert!(D == 4 || D == 5, "logits are (N, C, H, W) or (N, C, D, H, W)") };
    assert_eq!(
        logits.dims(),
        targets.dims(),
        "logits and targets must have the same shape"
    );
}
