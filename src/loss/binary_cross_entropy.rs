//! Cross entropy of each channel alone.

use ndarray::{Array, ArrayRef, ArrayView, ArrayViewD, Dimension, RemoveAxis};

use super::activation::Activation;
use super::batch::{Batch, Buffers, new_gradient, new_losses, write_gradient};
use super::block::Block;
use super::class_weights;
use super::elementary::{BLOCK, LossFloat, PerVoxel};
use super::reduction::{Divisor, Reduction};
use super::targets::Targets;
use crate::Result;
use crate::common::parallel::total;

/// Cross entropy between soft memberships and the sigmoid of logits, each channel alone: for regions and structures that
/// overlap ([`Channels`](crate::Channels)).
///
/// ```text
/// L = -1/(n C) Σ_i Σ_c w_c (t_ic log σ(z_ic) + (1 - t_ic) log (1 - σ(z_ic)))
/// ∂L/∂z_ic = w_c (σ(z_ic) - t_ic) / (n C)
/// ```
///
/// Without class weights w this is PyTorch's `BCEWithLogitsLoss`. With soft labels as targets all voxels count, because
/// channels that are all 0 mean background; a [mask](Self::mask) has to leave out what nobody labelled. With
/// [`LabelTargets`](super::LabelTargets) ignored voxels do not count. Terms with the factor 0 are skipped, so that an infinite logit
/// that agrees with its target adds 0. Logits that are NaN give NaN.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::loss::BinaryCrossEntropy;
/// use soft_labels::{Channels, Classes, SoftEncoder, Svls};
///
/// let regions = Svls::default().with_channels(Channels::regions([[1, 2].as_slice(), &[2]])?);
/// let targets: Array3<f32> = regions.encode(&array![[0_u8, 1, 2]], &Classes::contiguous(3)?)?;
/// let logits = Array3::<f32>::zeros((2, 1, 3)); // from a network
/// let (loss, gradient) = BinaryCrossEntropy::of_map().value_and_gradient(&logits, &targets)?;
/// assert!((loss - 2_f64.ln()).abs() < 1e-6);
/// assert!(gradient[[0, 0, 2]] < 0.0); // a larger logit of the outer region lowers the loss here
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct BinaryCrossEntropy<'m> {
    reduction: Reduction,
    divisor: Divisor,
    class_weights: Option<Vec<f64>>,
    mask: Option<ArrayViewD<'m, bool>>,
    batched: bool,
}

impl<'m> BinaryCrossEntropy<'m> {
    /// The mean over the voxels and channels of one map: logits (C, H, W) or (C, D, H, W).
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::loss::BinaryCrossEntropy;
    /// let loss = BinaryCrossEntropy::of_map().value(&array![[[0.0]], [[0.0]]], &array![[[1.0]], [[1.0]]])?;
    /// assert_eq!(loss, 2_f64.ln());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn of_map() -> Self {
        Self::of(false)
    }

    /// The mean over the voxels and channels of a batch: logits (N, C, H, W) or (N, C, D, H, W).
    ///
    /// ```
    /// use ndarray::Array4;
    /// use soft_labels::loss::BinaryCrossEntropy;
    /// let (logits, targets) = (Array4::<f32>::zeros((2, 3, 4, 4)), Array4::ones((2, 3, 4, 4)));
    /// assert!((BinaryCrossEntropy::of_batch().value(&logits, &targets)? - 2_f64.ln()).abs() < 1e-6);
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
        }
    }

    /// Sets the reduction: the mean over voxels and channels, or the sum.
    #[must_use]
    pub fn reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
    }

    /// Sets a weight for each channel, which multiplies its loss. The weights are checked when a loss is computed.
    #[must_use]
    pub fn class_weights(self, weights: impl Into<Vec<f64>>) -> Self {
        Self {
            class_weights: Some(weights.into()),
            ..self
        }
    }

    /// Sets what the mean divides by: the number of voxels times that of channels, or times the sum of the channels' weights.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::loss::{BinaryCrossEntropy, Divisor};
    /// let loss = BinaryCrossEntropy::of_map().class_weights([1.0, 3.0]);
    /// let (logits, targets) = (array![[[0.0]], [[0.0]]], array![[[1.0]], [[1.0]]]);
    /// assert_eq!(loss.value(&logits, &targets)?, 2.0 * 2_f64.ln());
    /// assert_eq!(loss.divisor(Divisor::Weight).value(&logits, &targets)?, 2_f64.ln());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn divisor(self, divisor: Divisor) -> Self {
        Self { divisor, ..self }
    }

    /// Uses only the voxels where `mask` is true: (H, W), (D, H, W), or these behind a batch axis.
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
    /// [`Error::Axes`](crate::Error::Axes), [`Error::Empty`](crate::Error::Empty) and [`Error::Shape`](crate::Error::Shape) if logits, targets and mask do not fit together, [`Error::Count`](crate::Error::Count) and
    /// [`Error::Setting`](crate::Error::Setting) for the class weights, and for the mean [`Error::NoVoxels`](crate::Error::NoVoxels) if no voxel counts.
    ///
    /// The example of [`of_map`](Self::of_map) uses it.
    pub fn value<F: LossFloat, D: Dimension>(
        &self,
        logits: &ArrayRef<F, D>,
        targets: &(impl Targets<F> + ?Sized),
    ) -> Result<f64> {
        let batch = Batch::new(logits, targets, self.mask.as_ref(), self.batched, Activation::Sigmoid)?;
        self.compute(&batch, &mut [], &mut [])
    }

    /// The loss and its gradient with respect to the logits, in C order.
    ///
    /// # Errors
    /// Those of [`value`](Self::value), and [`Error::TooLarge`](crate::Error::TooLarge).
    ///
    /// The example of [`BinaryCrossEntropy`] uses it.
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
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::loss::BinaryCrossEntropy;
    /// let mut gradient = Array3::zeros((1, 1, 1));
    /// BinaryCrossEntropy::of_map().value_and_gradient_into(&array![[[0.0]]], &array![[[1.0]]], &mut gradient)?;
    /// assert_eq!(gradient, array![[[-0.5]]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn value_and_gradient_into<F: LossFloat, D: Dimension>(
        &self,
        logits: &ArrayRef<F, D>,
        targets: &(impl Targets<F> + ?Sized),
        gradient: &mut ArrayRef<F, D>,
    ) -> Result<f64> {
        write_gradient(logits, gradient, |gradient| {
            let batch = Batch::new(logits, targets, self.mask.as_ref(), self.batched, Activation::Sigmoid)?;
            self.compute(&batch, &mut [], gradient)
        })
    }

    /// The loss of every voxel, which is the sum over its channels, 0 where a voxel does not count: the shape of the logits without
    /// the channel axis.
    ///
    /// # Errors
    /// Those of [`value`](Self::value), and [`Error::TooLarge`](crate::Error::TooLarge).
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::loss::BinaryCrossEntropy;
    /// let each = BinaryCrossEntropy::of_map().per_voxel(&array![[[0.0]], [[0.0]]], &array![[[1.0]], [[0.0]]])?;
    /// assert_eq!(each, array![[2.0 * 2_f64.ln()]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn per_voxel<F: LossFloat, D: RemoveAxis>(
        &self,
        logits: &ArrayRef<F, D>,
        targets: &(impl Targets<F> + ?Sized),
    ) -> Result<Array<F, D::Smaller>> {
        let batch = Batch::new(logits, targets, self.mask.as_ref(), self.batched, Activation::Sigmoid)?;
        new_losses(logits, &batch, |losses| {
            self.clone().reduction(Reduction::Sum).compute(&batch, losses, &mut [])
        })
    }

    /// The loss. The losses of all voxels and the gradient are written unless they are empty.
    fn compute<F: LossFloat>(&self, batch: &Batch<'_, F>, losses: &mut [F], gradient: &mut [F]) -> Result<f64> {
        let mut weights = vec![1.0; batch.classes];
        if let Some(given) = &self.class_weights {
            weights.copy_from_slice(class_weights::checked::<F>(given, batch.classes)?);
        }
        let divisor = match (self.reduction, self.divisor) {
            (Reduction::Sum, _) => 1.0,
            (Reduction::Mean, Divisor::Voxels) => batch.some_voxels(batch.unmasked() as f64 * batch.classes as f64)?,
            (Reduction::Mean, Divisor::Weight) => {
                batch.some_voxels(batch.unmasked() as f64 * weights.iter().sum::<f64>())?
            }
        };
        let weights: Vec<F> = weights.into_iter().map(F::round_from).collect();
        let scale = F::round_from(1.0 / divisor);
        let outputs = batch.cut(losses).into_iter().zip(batch.cut(gradient));
        let sums = batch.map(
            outputs,
            #[inline(always)]
            |buffers, piece, (mut losses, mut gradient)| {
                compute_piece(batch, buffers, piece, &weights, scale, &mut losses, &mut gradient)
            },
        );
        batch.check()?;
        Ok(total(sums) / divisor)
    }
}

/// The sum of the losses of a piece.
#[inline(always)]
fn compute_piece<F: LossFloat>(
    batch: &Batch<'_, F>,
    buffers: &mut Buffers<F>,
    piece: Block,
    weights: &[F],
    scale: F,
    losses_out: &mut [&mut [F]],
    gradient: &mut [&mut [F]],
) -> f64 {
    let mut sums = [0.0; BLOCK];
    for (block, range) in piece.blocks() {
        let counts = batch.read_memberships(buffers, block);
        let Buffers { logits, targets, .. } = &mut *buffers;
        batch.read_raw_logits(logits, block);
        let mut all = [F::zero(); BLOCK];
        for (channel, ((logits, targets), &weight)) in logits.iter_mut().zip(&*targets).zip(weights).enumerate() {
            let mut losses = *logits;
            let sigmoid = sigmoid(logits, &mut losses);
            for i in 0..BLOCK {
                // The loss of the other side grows with the logit: -log σ(z) = z⁻ + log(1 + e^-|z|) where z is negative.
                let (z, t) = (logits[i], targets[i]);
                let (factor, size) = if z < F::zero() { (t, -z) } else { (F::one() - t, z) };
                let linear = if factor == F::zero() { F::zero() } else { factor * size };
                let loss = weight * (losses[i] + linear);
                all[i] = all[i] + if counts[i] { loss } else { F::zero() };
                sums[i] += if counts[i] { loss.widen() } else { 0.0 };
            }
            if let Some(slopes) = gradient.get_mut(channel) {
                let scale = weight * scale;
                let slopes = slopes[range.clone()].iter_mut();
                for ((((slope, x), t), &counts), _) in slopes.zip(sigmoid).zip(targets).zip(&counts).zip(0..block.len) {
                    *slope = if counts { (x - *t) * scale } else { F::zero() };
                }
            }
        }
        for out in losses_out.iter_mut() {
            out[range.clone()].copy_from_slice(&all[..block.len]);
        }
    }
    sums.iter().sum()
}

/// The sigmoid of each logit; writes log(1 + e^-|z|) to `losses`.
#[inline(always)]
pub(super) fn sigmoid<F: LossFloat>(logits: &PerVoxel<F>, losses: &mut PerVoxel<F>) -> PerVoxel<F> {
    let mut small = *logits;
    // NaN stays: it is not below zero.
    small
        .iter_mut()
        .for_each(|z| *z = if *z < F::zero() { *z } else { -*z });
    F::exp_of_negative(&mut small);
    for (loss, small) in losses.iter_mut().zip(&small) {
        *loss = F::one() + *small;
    }
    let mut sigmoid = *losses;
    for i in 0..BLOCK {
        let above = if logits[i] < F::zero() { small[i] } else { F::one() };
        sigmoid[i] = above / sigmoid[i];
    }
    F::ln_of_large(losses);
    sigmoid
}
