//! The Dice loss for soft targets.

use ndarray::{Array, ArrayRef, ArrayView, ArrayViewD, Dimension};

use super::batch::{Activation, Batch, Buffers, exponentials, new_gradient, write_gradient};
use super::binary_cross_entropy::sigmoid;
use super::block::Block;
use super::elementary::{BLOCK, LossFloat, PerVoxel};
use super::targets::Targets;
use crate::{Error, Result};

/// The Dice semimetric loss between soft targets and the softmax of logits (DML₁ of Wang, Popordanoska et al., *Dice
/// Semimetric Losses*, [MICCAI 2023]).
///
/// ```text
/// L = mean over samples and classes of  Σ_i |x_ic - t_ic| / Σ_i (x_ic + t_ic),    x = softmax(z)
/// ```
///
/// For hard targets and hard predictions it is 1 - Dice, as the common soft Dice loss is. But that one, 1 - 2Σxt/Σ(x+t), has
/// its minimum at a hard prediction even where the target is soft; this one has it at x = t, where it is 0.
///
/// A voxel counts if its mask is true, or if there is no mask, and its target is not all zero; a sample without any such
/// voxel has no part in the mean. A class without any prediction or target in the voxels that count adds 0; in `f32` that
/// is also one whose softmax underflows everywhere. The gradient takes 0 for the slope of |x - t| where x = t.
///
/// [MICCAI 2023]: https://arxiv.org/abs/2303.16296
///
/// ```
/// use ndarray::array;
/// use soft_labels::loss::DiceSemimetric;
///
/// let targets = array![[[0.25_f64, 1.0]], [[0.75, 0.0]]];
/// let agreeing = targets.mapv(|t: f64| t.max(1e-300).ln());
/// assert!(DiceSemimetric::of_map().value(&agreeing, &targets)? < 1e-15);
/// assert!(DiceSemimetric::of_map().value(&(&agreeing * 2.0), &targets)? > 0.05); // harder than the target
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DiceSemimetric<'m> {
    mask: Option<ArrayViewD<'m, bool>>,
    batched: bool,
    activation: Activation,
}

/// Σ|x - t| and Σ(x + t) of a class in a sample.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    apart: f64,
    both: f64,
}

impl<'m> DiceSemimetric<'m> {
    /// The mean over the classes of one map: logits (C, H, W) or (C, D, H, W).
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::loss::DiceSemimetric;
    /// let loss = DiceSemimetric::of_map().value(&array![[[0.0]], [[0.0]]], &array![[[1.0]], [[0.0]]])?;
    /// assert!((loss - (0.5 / 1.5 + 0.5 / 0.5) / 2.0).abs() < 1e-15);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn of_map() -> Self {
        Self {
            mask: None,
            batched: false,
            activation: Activation::Softmax,
        }
    }

    /// The mean over the samples and classes of a batch: logits (N, C, H, W) or (N, C, D, H, W).
    ///
    /// ```
    /// use ndarray::Array4;
    /// use soft_labels::loss::DiceSemimetric;
    ///
    /// let (logits, targets) = (Array4::<f64>::zeros((2, 3, 4, 4)), Array4::from_elem((2, 3, 4, 4), 1.0 / 3.0));
    /// assert!(DiceSemimetric::of_batch().value(&logits, &targets)? < 1e-15);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn of_batch() -> Self {
        Self {
            mask: None,
            batched: true,
            activation: Activation::Softmax,
        }
    }

    /// Takes the sigmoid of each channel instead of the softmax, x = σ(z): for regions and structures that overlap
    /// ([`Channels`](crate::Channels)). Then all voxels count, since one whose channels are all 0 is background; those that
    /// nobody labelled have to be left out by a [mask](Self::mask).
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::loss::DiceSemimetric;
    /// let (logits, targets) = (array![[[0.0]], [[0.0]]], array![[[0.5]], [[1.0]]]);
    /// let loss = DiceSemimetric::of_map().sigmoid().value(&logits, &targets)?;
    /// assert!((loss - (0.0 + 0.5 / 1.5) / 2.0).abs() < 1e-15);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn sigmoid(self) -> Self {
        Self {
            activation: Activation::Sigmoid,
            ..self
        }
    }

    // `mask` stands in all losses: a shared builder would need a trait that users have to import.

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
    /// [`Error::Axes`], [`Error::Empty`], [`Error::Shape`], [`Error::NoVoxels`] if no voxel counts, and with a softmax
    /// [`Error::NotDistribution`] for sparse targets whose channels do not sum to 1. (Those of an array may have any sum.)
    ///
    /// The example of [`DiceSemimetric`] uses it.
    pub fn value<F: LossFloat, D: Dimension>(
        &self,
        logits: &ArrayRef<F, D>,
        targets: &(impl Targets<F> + ?Sized),
    ) -> Result<f64> {
        let batch = Batch::new(logits, targets, self.mask.as_ref(), self.batched, self.activation)?;
        let sums = self.activation.sums(&batch);
        Ok(value(&sums, terms(&batch, &sums)?))
    }

    /// The loss and its gradient with respect to the logits, in C order.
    ///
    /// # Errors
    /// Those of [`value`](Self::value), and [`Error::TooLarge`].
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::loss::DiceSemimetric;
    /// let (_, gradient) = DiceSemimetric::of_map().value_and_gradient(&array![[[0.0]], [[0.0]]], &array![[[1.0]], [[0.0]]])?;
    /// assert!(gradient[[0, 0, 0]] < 0.0 && gradient[[0, 0, 0]] == -gradient[[1, 0, 0]]);
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
    /// Those of [`value`](Self::value), and [`Error::Shape`] for the gradient.
    pub fn value_and_gradient_into<F: LossFloat, D: Dimension>(
        &self,
        logits: &ArrayRef<F, D>,
        targets: &(impl Targets<F> + ?Sized),
        gradient: &mut ArrayRef<F, D>,
    ) -> Result<f64> {
        write_gradient(logits, gradient, |gradient| {
            let batch = Batch::new(logits, targets, self.mask.as_ref(), self.batched, self.activation)?;
            let sums = self.activation.sums(&batch);
            let terms = terms(&batch, &sums)?;
            self.activation.write_slopes(&batch, &sums, terms, gradient);
            Ok(value(&sums, terms))
        })
    }
}

fn value(sums: &[Sums], terms: f64) -> f64 {
    sums.iter().map(|sums| sums.share(sums.apart)).sum::<f64>() / terms
}

/// The number of terms of the mean: the classes of each sample of which some voxel counts.
fn terms<F: LossFloat>(batch: &Batch<'_, F>, sums: &[Sums]) -> Result<f64> {
    // Where a voxel counts, its probabilities add up to something.
    let counts = |sample: &&[Sums]| sample.iter().any(|sums| sums.both != 0.0);
    match sums.chunks(batch.classes).filter(counts).count() {
        0 => Err(Error::NoVoxels),
        samples => Ok((samples * batch.classes) as f64),
    }
}

impl Sums {
    /// A number divided by Σ(x + t), or 0 if that sum is 0.
    fn share(self, number: f64) -> f64 {
        if self.both == 0.0 { 0.0 } else { number / self.both }
    }
}

/// Writes the softmax of a block over its shifted logits.
fn softmax<F: LossFloat>(logits: &mut [PerVoxel<F>]) {
    let sum = exponentials(logits);
    for logits in logits {
        for i in 0..BLOCK {
            logits[i] = logits[i] / sum[i];
        }
    }
}

impl Activation {
    /// Reads the targets of a block, computes its predictions, and returns which voxels count.
    fn read<F: LossFloat>(self, batch: &Batch<'_, F>, buffers: &mut Buffers<F>, block: Block) -> PerVoxel<bool> {
        let Buffers { logits, targets } = buffers;
        match self {
            Self::Softmax => {
                batch.read_logits(logits, block);
                softmax(logits);
                batch.read_targets(targets, block)
            }
            Self::Sigmoid => {
                batch.read_raw_logits(logits, block);
                let mut unused = [F::zero(); BLOCK];
                logits
                    .iter_mut()
                    .for_each(|logits| *logits = sigmoid(logits, &mut unused));
                batch.read_memberships(targets, block)
            }
        }
    }

    /// The sums of each class of each sample.
    fn sums<F: LossFloat>(self, batch: &Batch<'_, F>) -> Vec<Sums> {
        let of_pieces = batch.map(std::iter::repeat(()), |buffers, piece, ()| {
            let mut sums = vec![Sums::default(); batch.classes];
            for (block, _) in piece.blocks() {
                let counts = self.read(batch, buffers, block);
                let Buffers { logits, targets } = &*buffers;
                for ((sums, prediction), target) in sums.iter_mut().zip(logits).zip(targets) {
                    // Four sums side by side, because one addition has to wait for the one before it.
                    let (mut apart, mut both) = ([0.0; 4], [0.0; 4]);
                    for i in 0..BLOCK {
                        let (x, t) = (prediction[i].widen(), target[i].widen());
                        apart[i % 4] += if counts[i] { (x - t).abs() } else { 0.0 };
                        both[i % 4] += if counts[i] { x + t } else { 0.0 };
                    }
                    sums.apart += apart.iter().sum::<f64>();
                    sums.both += both.iter().sum::<f64>();
                }
            }
            sums
        });
        let mut sums = vec![Sums::default(); batch.samples * batch.classes];
        for (piece, of_piece) in batch.pieces().zip(of_pieces) {
            let sums_of_sample = sums[piece.sample * batch.classes..].iter_mut();
            for (sums, of_piece) in sums_of_sample.zip(of_piece) {
                sums.apart += of_piece.apart;
                sums.both += of_piece.both;
            }
        }
        sums
    }

    fn write_slopes<F: LossFloat>(self, batch: &Batch<'_, F>, sums: &[Sums], terms: f64, gradient: &mut [F]) {
        batch.map(batch.cut(gradient), |buffers, piece, mut gradient| {
            let mut slopes = vec![[0.0; BLOCK]; batch.classes];
            for (block, range) in piece.blocks() {
                let counts = self.read(batch, buffers, block);
                let Buffers { logits, targets } = &*buffers;
                // With respect to the predictions, and then through them: ∂L/∂z_c = x_c (g_c - Σ_k g_k x_k) for a softmax, and
                // g_c x_c (1 - x_c) for a sigmoid.
                let mut mean = [0.0; BLOCK];
                let sums_of_sample = &sums[block.sample * batch.classes..][..batch.classes];
                for (((slopes, sums), prediction), target) in
                    slopes.iter_mut().zip(sums_of_sample).zip(logits).zip(targets)
                {
                    // A class has three slopes, one for each sign of x - t.
                    let [below, equal, above] =
                        [-1.0, 0.0, 1.0].map(|sign| sums.share(sign - sums.share(sums.apart)) / terms);
                    for i in 0..BLOCK {
                        let (x, t) = (prediction[i].widen(), target[i].widen());
                        slopes[i] = if x > t { above } else { equal };
                        slopes[i] = if x < t { below } else { slopes[i] };
                        mean[i] += slopes[i] * x;
                    }
                }
                for ((gradient, prediction), slopes) in gradient.iter_mut().zip(logits).zip(&slopes) {
                    for (i, out) in gradient[range.clone()].iter_mut().enumerate() {
                        let x = prediction[i].widen();
                        let slope = match self {
                            Self::Softmax => x * (slopes[i] - mean[i]),
                            Self::Sigmoid => slopes[i] * x * (1.0 - x),
                        };
                        *out = if counts[i] { F::round_from(slope) } else { F::zero() };
                    }
                }
            }
        });
    }
}
