//! Cross entropy with soft targets.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Bool, Device, Tensor};

use crate::Targets;
use crate::prepared::{Prepared, check_weights, spread_weights};

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
    /// # Errors
    /// [`Error::Setting`](soft_labels::Error::Setting) if a weight is negative or not finite.
    ///
    /// The example of this [crate] uses it.
    pub fn init(&self, device: &Device) -> soft_labels::Result<SoftCrossEntropyLoss> {
        check_weights(self.weights.as_deref().unwrap_or_default())?;
        let weights = self.weights.as_deref();
        Ok(SoftCrossEntropyLoss {
            weights: weights.map(|weights| Tensor::from_floats(weights, device)),
        })
    }
}

/// Cross entropy between the softmax of logits and soft targets, with the class axis second.
///
/// ```text
/// -1/n Σ_i Σ_c w_c t_ic log softmax(z_i)_c
/// ```
///
/// n counts the valid voxels, whose target is not all zero: ignored ones have no part in the loss or its gradient, whatever their
/// logits are. (burn's own cross entropy divides by the sum of the weights instead.) Without any valid voxel the loss is 0. It
/// agrees with [`soft_labels::loss::SoftCrossEntropy`]. Tensors of 16 bits are computed in 32, and so is the loss.
///
/// Of label maps the loss needs no soft labels: it is also a sum over the classes c of a voxel and its neighbours, each `-log q_c`
/// times a weight. It is computed so where that takes less memory: for one-hot labels of three classes or more, and with the default
/// kernel for 27 classes or more in 2D and 81 in 3D.
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
    /// - targets: soft labels of the same shape, or [`LabelTargets`](crate::LabelTargets)
    ///
    /// # Errors
    /// [`Error::Shape`](soft_labels::Error::Shape), [`Error::Count`](soft_labels::Error::Count) unless there is a weight for each
    /// class, [`Error::Empty`](soft_labels::Error::Empty) without classes, [`Error::NoVoxels`](soft_labels::Error::NoVoxels) if an
    /// axis has length 0, and [`Error::NotDistribution`](soft_labels::Error::NotDistribution) for label maps whose channels need not
    /// sum to 1.
    ///
    /// The example of this [crate] uses it.
    pub fn forward<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Targets<D>,
    ) -> soft_labels::Result<Tensor<1>> {
        self.mean_over(logits, targets, None)
    }

    /// The mean over valid voxels where a mask is true.
    ///
    /// # Shapes
    /// - logits and targets: those of [`forward`](Self::forward)
    /// - mask: that of the logits with one class
    ///
    /// # Errors
    /// Those of [`forward`](Self::forward), also for the mask.
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use soft_labels_burn::SoftCrossEntropyLossConfig;
    ///
    /// let device = Device::default();
    /// let logits = Tensor::<4>::from_floats([[[[0.0, 9.0]], [[0.0, -9.0]]]], &device); // (N, C, H, W)
    /// let targets = Tensor::<4>::from_floats([[[[1.0, 0.0]], [[0.0, 1.0]]]], &device);
    /// let mask = Tensor::<4>::from_floats([[[[1.0, 0.0]]]], &device).equal_elem(1.0);
    /// let loss = SoftCrossEntropyLossConfig::new().init(&device)?.forward_masked(logits, targets, mask)?;
    /// assert_eq!(loss.into_scalar::<f32>(), 2_f32.ln());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn forward_masked<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Targets<D>,
        mask: Tensor<D, Bool>,
    ) -> soft_labels::Result<Tensor<1>> {
        self.mean_over(logits, targets, Some(mask))
    }

    fn mean_over<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Targets<D>,
        mask: Option<Tensor<D, Bool>>,
    ) -> soft_labels::Result<Tensor<1>> {
        let shape = logits.dims();
        let Prepared {
            logits,
            targets,
            counting,
            dtype,
        } = Prepared::new(logits, targets, mask, false)?;
        let weights = self.weights.as_ref();
        let weights = weights
            .map(|weights| spread_weights(weights, shape, dtype))
            .transpose()?;
        let log_probabilities = log_softmax(logits, 1);
        let sum = match targets.terms(dtype) {
            Some(terms) => {
                let weighted = match weights {
                    Some(weights) => log_probabilities * weights,
                    None => log_probabilities,
                };
                let terms = terms
                    .into_iter()
                    .map(|(class, weight)| product(weighted.clone().gather(1, class), weight, &counting));
                terms.reduce(|sum, term| sum + term).expect("a voxel is a term").sum()
            }
            None => {
                let targets = targets.soft(dtype);
                let targets = match weights {
                    Some(weights) => targets * weights,
                    None => targets,
                };
                product(log_probabilities, targets, &counting).sum()
            }
        };
        let count = counting.cast(dtype).sum().clamp_min(1.0);
        Ok(sum.neg() / count)
    }
}

/// The product where a target is not 0 and its voxel counts: a logit has no part elsewhere, not even as 0 times infinity.
fn product<const D: usize>(log_probabilities: Tensor<D>, targets: Tensor<D>, counting: &Tensor<D, Bool>) -> Tensor<D> {
    let ignored = counting.clone().bool_not().expand(targets.dims());
    let absent = targets.clone().equal_elem(0.0).bool_or(ignored);
    (targets * log_probabilities).mask_fill(absent, 0.0)
}
