//! The Dice and the Jaccard loss for soft targets.

use std::marker::PhantomData;

use ndarray::{Array, ArrayRef, ArrayView, ArrayViewD, Dimension};

use super::activation::Activation;
use super::batch::{Batch, new_gradient, write_gradient};
use super::class_weights;
use super::elementary::LossFloat;
use super::overlap::{Dice, Jaccard, Overlap, OverlapForm, Sums};
use super::reduction::Reduction;
use super::targets::Targets;
use crate::{Error, Result};

/// The Dice semimetric loss (DML of Wang, Popordanoska et al., *Dice Semimetric Losses*, [MICCAI 2023]).
///
/// ```text
/// L = mean over samples and classes of  Σ_i |x_ic - t_ic| / Σ_i (x_ic + t_ic),    x = softmax(z)
/// ```
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
pub type DiceSemimetric<'m> = Semimetric<'m, Dice>;

/// The Jaccard metric loss (JML of Wang, Ning and Blaschko, *Jaccard Metric Losses*, [NeurIPS 2023]).
///
/// ```text
/// L = mean over samples and classes of  2 Σ_i |x_ic - t_ic| / Σ_i (x_ic + t_ic + |x_ic - t_ic|),    x = softmax(z)
/// ```
///
/// [NeurIPS 2023]: https://arxiv.org/abs/2302.05666
///
/// ```
/// use ndarray::array;
/// use soft_labels::loss::JaccardSemimetric;
/// let loss = JaccardSemimetric::of_map().value(&array![[[0.0]], [[0.0]]], &array![[[1.0]], [[0.0]]])?;
/// assert!((loss - (2.0 * 0.5 / (1.5 + 0.5) + 2.0 * 0.5 / (0.5 + 0.5)) / 2.0).abs() < 1e-15);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub type JaccardSemimetric<'m> = Semimetric<'m, Jaccard>;

/// A loss of the overlap of regions between soft targets and predictions, whose minimum is at the target:
/// [`DiceSemimetric`] or [`JaccardSemimetric`].
///
/// For hard targets and hard predictions it is 1 - Dice or 1 - Jaccard, as the common soft losses are. But those have
/// their minimum at a hard prediction even where the target is soft. This one has it at x = t, where it is 0.
///
/// With a softmax a voxel counts if its target is not all zero, and if there is a mask, where that is true. With sigmoids see
/// [`sigmoid`](Self::sigmoid). A sample without a voxel that counts has no part in the mean. A class without any prediction or target in the voxels that count adds 0; in `f32` that
/// is also one whose softmax underflows everywhere. The gradient takes 0 for the slope of |x - t| where x = t.
#[derive(Debug, Clone, PartialEq)]
pub struct Semimetric<'m, K> {
    mask: Option<ArrayViewD<'m, bool>>,
    batched: bool,
    activation: Activation,
    form: OverlapForm,
    over_batch: bool,
    background: bool,
    smooth: f64,
    class_weights: Option<Vec<f64>>,
    reduction: Reduction,
    kind: PhantomData<K>,
}

impl<'m, K: Overlap> Semimetric<'m, K> {
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
        Self::of(false)
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
        Self::of(true)
    }

    fn of(batched: bool) -> Self {
        Self {
            mask: None,
            batched,
            activation: Activation::Softmax,
            form: OverlapForm::default(),
            over_batch: false,
            background: true,
            smooth: 0.0,
            class_weights: None,
            reduction: Reduction::default(),
            kind: PhantomData,
        }
    }

    /// Takes the sigmoid of each channel instead of the softmax, x = σ(z): for regions and structures that overlap
    /// ([`Channels`](crate::Channels)). With soft labels as targets all voxels count then, because channels that are all
    /// 0 mean background; a [mask](Self::mask) has to leave out what nobody labelled. With
    /// [`LabelTargets`](super::LabelTargets) ignored voxels do not count.
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

    /// Chooses one of the two forms of the loss.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::loss::{DiceSemimetric, OverlapForm};
    /// let (logits, targets) = (array![[[0.0]]], array![[[0.75]]]);
    /// let product = DiceSemimetric::of_map().sigmoid().form(OverlapForm::Product).value(&logits, &targets)?;
    /// assert!((product - 0.25 / (2.0 * 0.5 * 0.75 + 0.25)).abs() < 1e-15);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn form(self, form: OverlapForm) -> Self {
        Self { form, ..self }
    }

    /// Takes the sums over all samples of a batch, not of each alone: the mean is over classes then (nnU-Net's `batch_dice`).
    ///
    /// ```
    /// use ndarray::{Array4, array};
    /// use soft_labels::loss::DiceSemimetric;
    /// let targets = array![[[[1.0]]], [[[0.5]]]]; // two samples of one voxel
    /// let loss = DiceSemimetric::of_batch().sigmoid().over_batch().value(&Array4::zeros((2, 1, 1, 1)), &targets)?;
    /// assert_eq!(loss, (0.5 + 0.0) / (1.5 + 1.0));
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn over_batch(self) -> Self {
        Self {
            over_batch: true,
            ..self
        }
    }

    /// Leaves the first class out of the mean.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::loss::DiceSemimetric;
    /// let (logits, targets) = (array![[[0.0]], [[0.0]]], array![[[1.0]], [[0.0]]]);
    /// assert_eq!(DiceSemimetric::of_map().without_background().value(&logits, &targets)?, 1.0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn without_background(self) -> Self {
        Self {
            background: false,
            ..self
        }
    }

    /// Adds a number to each denominator, so that classes of few voxels weigh less. The minimum stays at the target, where the
    /// loss is 0.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::loss::DiceSemimetric;
    /// let loss = DiceSemimetric::of_map().sigmoid().smooth(1.0).value(&array![[[0.0]]], &array![[[1.0]]])?;
    /// assert_eq!(loss, 0.5 / (1.5 + 1.0));
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn smooth(self, smooth: f64) -> Self {
        Self { smooth, ..self }
    }

    /// Sets a weight for each class; the mean over classes is weighted then. The weights are checked when a loss is computed.
    #[must_use]
    pub fn class_weights(self, weights: impl Into<Vec<f64>>) -> Self {
        Self {
            class_weights: Some(weights.into()),
            ..self
        }
    }

    /// Sets the reduction: the mean over samples and classes, or the sum.
    #[must_use]
    pub fn reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
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
    /// [`Error::Axes`], [`Error::Empty`], [`Error::Shape`], for the mean [`Error::NoVoxels`] if no voxel counts,
    /// [`Error::Count`], [`Error::Setting`] and [`Error::AllZero`] for weights and smoothing, and with a softmax [`Error::NotDistribution`] for targets whose channels are
    /// known not to sum to 1. (Those of an array may have any sum.)
    ///
    /// The example of [`DiceSemimetric`] uses it.
    pub fn value<F: LossFloat, D: Dimension>(
        &self,
        logits: &ArrayRef<F, D>,
        targets: &(impl Targets<F> + ?Sized),
    ) -> Result<f64> {
        let batch = Batch::new(logits, targets, self.mask.as_ref(), self.batched, self.activation)?;
        self.compute(&batch, &mut [])
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
    /// assert!(gradient[[0, 0, 0]] < 0.0);
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
    /// Those of [`value`](Self::value), and [`Error::Shape`] for the gradient. After an error the gradient is unspecified.
    pub fn value_and_gradient_into<F: LossFloat, D: Dimension>(
        &self,
        logits: &ArrayRef<F, D>,
        targets: &(impl Targets<F> + ?Sized),
        gradient: &mut ArrayRef<F, D>,
    ) -> Result<f64> {
        write_gradient(logits, gradient, |gradient| {
            let batch = Batch::new(logits, targets, self.mask.as_ref(), self.batched, self.activation)?;
            self.compute(&batch, gradient)
        })
    }

    /// The loss. The gradient is written unless it is empty.
    fn compute<F: LossFloat>(&self, batch: &Batch<'_, F>, gradient: &mut [F]) -> Result<f64> {
        let weights = self.weights::<F>(batch.classes)?;
        let mut sums = self.activation.sums(batch, gradient);
        batch.check()?;
        if self.over_batch {
            // A sample of its own for every class, of all samples together.
            let of_batch = total_of_samples(&sums, batch.classes);
            sums.clear();
            (0..batch.samples).for_each(|_| sums.extend_from_slice(&of_batch));
        }
        let terms = if self.over_batch { 1 } else { batch.samples };
        // Where a voxel counts, its probabilities add up to something.
        let counting = sums[..terms.min(batch.samples) * batch.classes].chunks(batch.classes);
        let counting = counting.filter(|sample| sample.iter().any(|sums| sums.both != 0.0));
        let all: f64 = weights.iter().sum();
        let divisor = match (counting.clone().count(), self.reduction) {
            (0, Reduction::Mean) => return Err(Error::NoVoxels),
            (_, Reduction::Sum) => 1.0,
            (samples, Reduction::Mean) => samples as f64 * all,
        };
        if divisor == 0.0 {
            return Err(Error::AllZero {
                what: "weight",
                per: "classes",
            });
        }
        let coefficients = K::coefficients(self.form, self.smooth);
        let value: f64 = counting
            .flat_map(|sample| sample.iter().zip(&weights))
            .map(|(sums, weight)| weight * coefficients.loss(*sums))
            .sum();
        if !gradient.is_empty() {
            let with_weights = sums.iter().zip(weights.iter().cycle());
            let slopes: Vec<_> = with_weights
                .map(|(sums, weight)| coefficients.slopes(*sums, weight / divisor))
                .collect();
            self.activation.write_slopes(batch, &slopes, gradient);
        }
        Ok(value / divisor)
    }

    /// The weight of each class.
    fn weights<F: LossFloat>(&self, classes: usize) -> Result<Vec<f64>> {
        if !self.smooth.is_finite() || self.smooth < 0.0 {
            return Err(Error::Setting {
                what: "smoothing constant",
                place: None,
                value: self.smooth,
                allowed: "finite and not negative",
            });
        }
        let mut weights = match &self.class_weights {
            Some(weights) => class_weights::checked::<F>(weights, classes)?.to_vec(),
            None => vec![1.0; classes],
        };
        if !self.background {
            if classes == 1 {
                return Err(Error::Empty {
                    what: "classes but the background",
                });
            }
            weights[0] = 0.0;
        }
        Ok(weights)
    }
}

/// The sums of each class over all samples.
fn total_of_samples(sums: &[Sums], classes: usize) -> Vec<Sums> {
    let mut all = vec![Sums::default(); classes];
    for sample in sums.chunks(classes) {
        all.iter_mut().zip(sample).for_each(|(all, sums)| all.add(*sums));
    }
    all
}
