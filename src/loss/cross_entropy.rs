//! Cross entropy with soft targets.

use ndarray::{Array, ArrayRef, ArrayView, ArrayViewD, Dimension, RemoveAxis};

use super::activation::Activation;
use super::batch::{Batch, Buffers, exponentials, new_gradient, new_losses, write_gradient};
use super::block::Block;
use super::class_weights;
use super::elementary::{BLOCK, LossFloat, PerVoxel};
use super::reduction::{Divisor, Reduction};
use super::targets::Targets;
use crate::Result;
use crate::common::parallel::total;

/// Cross entropy between soft targets and the softmax of logits: equation 3 of the [paper].
///
/// ```text
/// L = -1/n Σ_i Σ_c w_c t_ic log softmax(z_i)_c
/// ∂L/∂z_ic = (S_i softmax(z_i)_c - w_c t_ic) / n,    S_i = Σ_c w_c t_ic
/// ```
///
/// A voxel counts if its mask is true, or if there is no mask, and its target is not all zero: ignored voxels, whose
/// targets are, add nothing to the sum, to n or to the gradient. (PyTorch counts voxels of zero targets in n.) Terms of
/// target 0 are skipped, so that a logit of -∞ is no NaN there. The largest logit of a voxel is subtracted from all its
/// logits before the exponential, so that logits of any size give finite results as long as their differences are finite.
/// Logits that are NaN or +∞, or all -∞, give NaN.
///
/// For logits in `f32` the loss of a voxel is computed in `f32` (exponential and logarithm within 2 ulp) and summed
/// in `f64`.
///
/// [paper]: https://arxiv.org/abs/2104.05788
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::loss::SoftCrossEntropy;
///
/// let logits = array![[[0.0_f64, 1.0]], [[0.0, -1.0]]]; // (C, H, W)
/// let targets = array![[[0.5_f64, 1.0]], [[0.5, 0.0]]];
/// let mut gradient = Array3::zeros((2, 1, 2));
/// let loss = SoftCrossEntropy::of_map().value_and_gradient_into(&logits, &targets, &mut gradient)?;
///
/// assert!((loss - (2_f64.ln() + (1.0 + (-2_f64).exp()).ln()) / 2.0).abs() < 1e-15);
/// assert_eq!(gradient[[0, 0, 0]], 0.0); // softmax and target agree
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SoftCrossEntropy<'m> {
    reduction: Reduction,
    divisor: Divisor,
    class_weights: Option<Vec<f64>>,
    mask: Option<ArrayViewD<'m, bool>>,
    batched: bool,
    /// Whether the target's own entropy is taken off.
    divergence: bool,
}

impl<'m> SoftCrossEntropy<'m> {
    /// The mean over the valid voxels of one map: logits (C, H, W) or (C, D, H, W), without class weights.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::loss::SoftCrossEntropy;
    /// let loss = SoftCrossEntropy::of_map().value(&array![[[0.0]], [[0.0]]], &array![[[1.0]], [[0.0]]])?;
    /// assert_eq!(loss, 2_f64.ln());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn of_map() -> Self {
        Self::of(false)
    }

    /// The mean over the valid voxels of a batch: logits (N, C, H, W) or (N, C, D, H, W), without class weights.
    ///
    /// ```
    /// use ndarray::Array4;
    /// use soft_labels::loss::SoftCrossEntropy;
    ///
    /// let (logits, targets) = (Array4::<f32>::zeros((2, 3, 4, 4)), Array4::from_elem((2, 3, 4, 4), 1.0 / 3.0));
    /// let loss = SoftCrossEntropy::of_batch().value(&logits, &targets)?;
    /// assert!((loss - 3_f64.ln()).abs() < 1e-6);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn of_batch() -> Self {
        Self::of(true)
    }

    fn of(batched: bool) -> Self {
        Self {
            reduction: Reduction::default(),
            divisor: Divisor::default(),
            class_weights: None,
            mask: None,
            batched,
            divergence: false,
        }
    }

    /// Takes the target's own entropy off: the Kullback-Leibler divergence from the softmax to the target.
    ///
    /// ```text
    /// L = 1/n Σ_i Σ_c w_c t_ic (log t_ic - log softmax(z_i)_c)
    /// ```
    ///
    /// It is 0 where prediction and target agree, and its gradient is that of the cross entropy.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::loss::SoftCrossEntropy;
    /// let kl = SoftCrossEntropy::of_map().kl_divergence();
    /// assert_eq!(kl.value(&array![[[0.0]], [[0.0]]], &array![[[0.5]], [[0.5]]])?, 0.0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn kl_divergence(self) -> Self {
        Self {
            divergence: true,
            ..self
        }
    }

    /// Sets the reduction: the mean or the sum.
    #[must_use]
    pub fn reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
    }

    /// Sets a weight for each class, which multiplies its targets. The weights are checked when a loss is computed.
    #[must_use]
    pub fn class_weights(self, weights: impl Into<Vec<f64>>) -> Self {
        Self {
            class_weights: Some(weights.into()),
            ..self
        }
    }

    /// Sets what the mean divides by.
    #[must_use]
    pub fn divisor(self, divisor: Divisor) -> Self {
        Self { divisor, ..self }
    }

    /// Uses only the voxels where `mask` is true: (H, W), (D, H, W), or these behind a batch axis.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::loss::SoftCrossEntropy;
    ///
    /// let (logits, targets) = (array![[[0.0, 9.0]], [[0.0, 0.0]]], array![[[1.0, 0.0]], [[0.0, 1.0]]]);
    /// let mask = array![[true, false]];
    /// assert_eq!(SoftCrossEntropy::of_map().mask(mask.view()).value(&logits, &targets)?, 2_f64.ln());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn mask<D: Dimension>(self, mask: ArrayView<'m, bool, D>) -> Self {
        Self {
            mask: Some(mask.into_dyn()),
            ..self
        }
    }

    /// The loss.
    ///
    /// # Errors
    /// [`Error::Axes`](crate::Error::Axes), [`Error::Empty`](crate::Error::Empty) and [`Error::Shape`](crate::Error::Shape) if logits, targets and mask do not fit together,
    /// [`Error::Count`](crate::Error::Count) and [`Error::Setting`](crate::Error::Setting) for the class weights, for the mean [`Error::NoVoxels`](crate::Error::NoVoxels) if no voxel counts, and
    /// [`Error::NotDistribution`](crate::Error::NotDistribution) for sparse targets whose channels do not sum to 1. (Those of an array may have any sum.)
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::Error;
    /// use soft_labels::loss::SoftCrossEntropy;
    ///
    /// let nobody = SoftCrossEntropy::of_map().value(&array![[[0.0]], [[0.0]]], &array![[[0.0]], [[0.0]]]);
    /// assert_eq!(nobody, Err(Error::NoVoxels));
    /// ```
    pub fn value<F: LossFloat, D: Dimension>(
        &self,
        logits: &ArrayRef<F, D>,
        targets: &(impl Targets<F> + ?Sized),
    ) -> Result<f64> {
        let batch = self.batch(logits, targets)?;
        self.compute(&batch, &mut [], &mut [])
    }

    /// The loss and its gradient with respect to the logits, in C order.
    ///
    /// # Errors
    /// Those of [`value`](Self::value), and [`Error::TooLarge`](crate::Error::TooLarge).
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::loss::SoftCrossEntropy;
    /// let (_, gradient) = SoftCrossEntropy::of_map().value_and_gradient(&array![[[0.0]], [[0.0]]], &array![[[1.0]], [[0.0]]])?;
    /// assert_eq!(gradient, array![[[-0.5]], [[0.5]]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn value_and_gradient<F: LossFloat, D: Dimension>(
        &self,
        logits: &ArrayRef<F, D>,
        targets: &(impl Targets<F> + ?Sized),
    ) -> Result<(f64, Array<F, D>)> {
        new_gradient(logits, |gradient| {
            self.value_and_gradient_into(logits, targets, gradient)
        })
    }

    /// The loss; its gradient with respect to the logits is written to `gradient`, which may have any strides.
    ///
    /// # Errors
    /// Those of [`value`](Self::value), and [`Error::Shape`](crate::Error::Shape) for the gradient. After an unknown label the gradient is unspecified,
    /// after any other error untouched.
    ///
    /// The example of [`SoftCrossEntropy`] uses it.
    pub fn value_and_gradient_into<F: LossFloat, D: Dimension>(
        &self,
        logits: &ArrayRef<F, D>,
        targets: &(impl Targets<F> + ?Sized),
        gradient: &mut ArrayRef<F, D>,
    ) -> Result<f64> {
        write_gradient(logits, gradient, |gradient| {
            self.compute(&self.batch(logits, targets)?, &mut [], gradient)
        })
    }

    /// The loss of every voxel, 0 where a voxel does not count: the shape of the logits without the class axis.
    ///
    /// # Errors
    /// Those of [`value`](Self::value), and [`Error::TooLarge`](crate::Error::TooLarge).
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::loss::SoftCrossEntropy;
    /// let (logits, targets) = (array![[[0.0, 0.0]], [[0.0, 0.0]]], array![[[1.0, 0.0]], [[0.0, 0.0]]]);
    /// assert_eq!(SoftCrossEntropy::of_map().per_voxel(&logits, &targets)?, array![[2_f64.ln(), 0.0]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn per_voxel<F: LossFloat, D: RemoveAxis>(
        &self,
        logits: &ArrayRef<F, D>,
        targets: &(impl Targets<F> + ?Sized),
    ) -> Result<Array<F, D::Smaller>> {
        let batch = self.batch(logits, targets)?;
        new_losses(logits, &batch, |losses| {
            self.clone().reduction(Reduction::Sum).compute(&batch, losses, &mut [])
        })
    }

    fn batch<'a, F: LossFloat, D: Dimension>(
        &'a self,
        logits: &'a ArrayRef<F, D>,
        targets: &'a (impl Targets<F> + ?Sized),
    ) -> Result<Batch<'a, F>> {
        let batch = Batch::new(logits, targets, self.mask.as_ref(), self.batched, Activation::Softmax)?;
        if let Some(weights) = &self.class_weights {
            class_weights::checked::<F>(weights, batch.classes)?;
        }
        Ok(batch)
    }

    /// The loss. The losses of all voxels and the gradient are written unless they are empty.
    fn compute<F: LossFloat>(&self, batch: &Batch<'_, F>, losses: &mut [F], gradient: &mut [F]) -> Result<f64> {
        let divisor = match self.reduction {
            Reduction::Sum => 1.0,
            Reduction::Mean => self.count(batch)?,
        };
        let scale = F::round_from(1.0 / divisor);
        let outputs = batch.cut(losses).into_iter().zip(batch.cut(gradient));
        let sums = batch.map(
            outputs,
            #[inline(always)]
            |buffers, piece, (mut losses, mut gradient)| {
                self.compute_piece(batch, buffers, piece, scale, &mut losses, &mut gradient)
            },
        );
        batch.check()?;
        Ok(total(sums) / divisor)
    }

    /// The sum of the losses of a piece.
    #[inline(always)]
    fn compute_piece<F: LossFloat>(
        &self,
        batch: &Batch<'_, F>,
        buffers: &mut Buffers<F>,
        piece: Block,
        scale: F,
        losses_out: &mut [&mut [F]],
        gradient: &mut [&mut [F]],
    ) -> f64 {
        let mut sums = [0.0; BLOCK];
        for (block, range) in piece.blocks() {
            let counts = batch.read_targets(buffers, block);
            let Buffers {
                logits: exp, targets, ..
            } = &mut *buffers;
            batch.read_logits(exp, block);
            let mut losses = if self.divergence {
                self.negative_entropy(targets)
            } else {
                [F::zero(); BLOCK]
            };
            self.weigh(targets);
            let mut all = [F::zero(); BLOCK];
            for (logits, target) in exp.iter().zip(&*targets) {
                // A loop of its own: together with the next one it would become branches.
                let mut products = [F::zero(); BLOCK];
                for i in 0..BLOCK {
                    products[i] = target[i] * logits[i];
                    all[i] = all[i] + target[i];
                }
                for i in 0..BLOCK {
                    // Not 0 times infinity.
                    losses[i] = losses[i] - if target[i] == F::zero() { F::zero() } else { products[i] };
                }
            }
            let sum = exponentials(exp);
            let mut ln = sum;
            F::ln_of_large(&mut ln);
            for i in 0..BLOCK {
                let loss = losses[i] + all[i] * ln[i];
                losses[i] = if counts[i] { loss } else { F::zero() };
                sums[i] += losses[i].widen();
            }
            for out in losses_out.iter_mut() {
                out[range.clone()].copy_from_slice(&losses[..block.len]);
            }

            if !gradient.is_empty() {
                for i in 0..BLOCK {
                    all[i] = all[i] / sum[i];
                }
            }
            for ((slopes, exp), target) in gradient.iter_mut().zip(&*exp).zip(&*targets) {
                let slopes = slopes[range.clone()].iter_mut();
                for ((((slope, exp), target), all), counts) in slopes.zip(exp).zip(target).zip(&all).zip(&counts) {
                    let value = (*all * *exp - *target) * scale;
                    *slope = if *counts { value } else { F::zero() };
                }
            }
        }
        sums.iter().sum()
    }

    /// What the mean divides by.
    fn count<F: LossFloat>(&self, batch: &Batch<'_, F>) -> Result<f64> {
        if let (Divisor::Voxels, Some(voxels)) = (self.divisor, batch.known_count()) {
            return batch.some_voxels(voxels as f64);
        }
        let counts = batch.map(
            std::iter::repeat(()),
            #[inline(always)]
            |buffers, piece, ()| {
                let (mut voxels, mut weight) = (0, [0.0; BLOCK]);
                for (block, _) in piece.blocks() {
                    if self.divisor == Divisor::Voxels {
                        voxels += batch.count(block, buffers);
                        continue;
                    }
                    batch.read_targets(buffers, block);
                    self.weigh(&mut buffers.targets);
                    for target in &buffers.targets {
                        for i in 0..BLOCK {
                            weight[i] += target[i].widen();
                        }
                    }
                }
                (voxels, weight.iter().sum::<f64>())
            },
        );
        batch.check()?;
        batch.some_voxels(match self.divisor {
            Divisor::Voxels => counts.iter().map(|(voxels, _)| voxels).sum::<usize>() as f64,
            Divisor::Weight => total(counts.iter().map(|(_, weight)| *weight)),
        })
    }

    /// Multiplies targets by the weights of their classes.
    #[inline(always)]
    fn weigh<F: LossFloat>(&self, targets: &mut [PerVoxel<F>]) {
        for (target, &weight) in targets.iter_mut().zip(self.class_weights.iter().flatten()) {
            let weight = F::round_from(weight);
            target.iter_mut().for_each(|target| *target = *target * weight);
        }
    }

    /// Σ w t log t of each voxel.
    fn negative_entropy<F: LossFloat>(&self, targets: &[PerVoxel<F>]) -> PerVoxel<F> {
        let mut sum = [F::zero(); BLOCK];
        for (class, targets) in targets.iter().enumerate() {
            let weight = self.class_weights.as_ref().map_or(1.0, |weights| weights[class]);
            for (sum, &target) in sum.iter_mut().zip(targets) {
                if target > F::zero() {
                    *sum = *sum + F::round_from(weight) * target * target.ln();
                }
            }
        }
        sum
    }
}
