//! Cross entropy with soft targets.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Bool, Device, Tensor};

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
/// n counts the valid voxels, whose target is not all zero: ignored ones have no part in the loss or its gradient. A batch
/// without any valid voxel gives NaN, as burn's own cross entropy does. It agrees with `soft_labels::loss`.
#[derive(Module, Debug)]
pub struct SoftCrossEntropyLoss {
    /// A weight for each class.
    pub weights: Option<Tensor<1>>,
}

impl SoftCrossEntropyLoss {
    /// The mean over valid voxels.
    ///
    /// # Shapes
    /// - logits: `[batch_size, classes, ..]`
    /// - targets: the same
    ///
    /// # Panics
    /// If the shapes differ, or there is not a weight for each class.
    pub fn forward<const D: usize>(&self, logits: Tensor<D>, targets: Tensor<D>) -> Tensor<1> {
        let valid = targets.clone().not_equal_elem(0.0).any_dim(1);
        self.mean_over(logits, targets, valid)
    }

    /// The mean over valid voxels where a mask is true.
    ///
    /// # Shapes
    /// - logits: `[batch_size, classes, ..]`
    /// - targets: the same
    /// - mask: `[batch_size, 1, ..]`
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn forward_masked<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: Tensor<D>,
        mask: Tensor<D, Bool>,
    ) -> Tensor<1> {
        let valid = targets.clone().not_equal_elem(0.0).any_dim(1).bool_and(mask);
        self.mean_over(logits, targets, valid)
    }

    fn mean_over<const D: usize>(&self, logits: Tensor<D>, targets: Tensor<D>, valid: Tensor<D, Bool>) -> Tensor<1> {
        assert_eq!(
            logits.dims(),
            targets.dims(),
            "logits and targets must have the same shape"
        );
        let classes = targets.dims()[1];
        let targets = match &self.weights {
            Some(weights) => {
                assert_eq!(weights.dims(), [classes], "there must be a weight for each class");
                let mut shape = [1; D];
                shape[1] = classes;
                targets * weights.clone().reshape(shape)
            }
            None => targets,
        };
        let absent = targets
            .clone()
            .equal_elem(0.0)
            .bool_or(valid.clone().bool_not().expand(targets.dims()));
        // Where a target is 0 its logit has no part, not even as 0 times infinity.
        let terms = (targets * log_softmax(logits, 1)).mask_fill(absent, 0.0);
        terms.sum().neg() / valid.float().sum()
    }
}
