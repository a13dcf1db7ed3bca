//! The Dice and the Jaccard loss for soft targets.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Bool, Device, Tensor};
use soft_labels::Error;

use crate::Targets;
use crate::prepared::{Prepared, check_weights, spread_weights};

/// What a [`SemimetricLoss`] measures.
///
/// The example of [`SemimetricLossConfig`] uses it.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// [`soft_labels::loss::DiceSemimetric`]
    Dice,
    /// [`soft_labels::loss::JaccardSemimetric`]
    Jaccard,
}

/// Which of the two forms of a [`SemimetricLoss`] is taken. They are equal for hard targets;
/// [`OverlapForm`](soft_labels::loss::OverlapForm) has the formulas.
///
/// ```
/// use soft_labels_burn::{Form, Overlap, SemimetricLossConfig};
/// assert_eq!(SemimetricLossConfig::new(Overlap::Jaccard).form, Form::L1);
/// ```
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum Form {
    /// The sum of prediction and target in the denominator.
    L1,
    /// Their product.
    Product,
}

/// Makes a [`SemimetricLoss`].
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use soft_labels_burn::{Overlap, SemimetricLossConfig};
///
/// let device = Device::default();
/// let targets = Tensor::<4>::from_floats([[[[0.25, 1.0]], [[0.75, 0.0]]]], &device); // (N, C, H, W)
/// let agreeing = targets.clone().clamp_min(1e-30).log();
/// let dice = SemimetricLossConfig::new(Overlap::Dice).with_background(false).init(&device)?;
/// assert!(dice.forward(agreeing, targets)?.into_scalar::<f32>() < 1e-6);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Config, Debug)]
pub struct SemimetricLossConfig {
    /// Dice or Jaccard.
    pub overlap: Overlap,
    /// Which form.
    #[config(default = "Form::L1")]
    pub form: Form,
    /// A weight for each class in the mean over classes.
    pub weights: Option<Vec<f32>>,
    /// Whether the first class has a part in the mean.
    #[config(default = true)]
    pub background: bool,
    /// Whether sums run over all samples of a batch, not over each alone: nnU-Net's `batch_dice`.
    #[config(default = false)]
    pub over_batch: bool,
    /// A number added to each denominator, so that classes of few voxels weigh less.
    #[config(default = 0.0)]
    pub smooth: f64,
    /// Whether predictions are sigmoids of each channel, not a softmax: for regions and structures that overlap. Then all voxels of
    /// soft targets count, and a mask leaves out those that nobody labelled; label maps say themselves which these are.
    #[config(default = false)]
    pub sigmoid: bool,
}

impl SemimetricLossConfig {
    /// Makes the loss on a device.
    ///
    /// # Errors
    /// [`Error::Setting`] if a weight or the smoothing is negative or not finite, [`Error::AllZero`] if no class that has a part has
    /// weight.
    ///
    /// The example of [`SemimetricLossConfig`] uses it.
    pub fn init(&self, device: &Device) -> soft_labels::Result<SemimetricLoss> {
        if !self.smooth.is_finite() || self.smooth < 0.0 {
            return Err(Error::Setting {
                what: "smoothing constant",
                place: None,
                value: self.smooth,
                allowed: "finite and not negative",
            });
        }
        if let Some(weights) = &self.weights {
            check_weights(weights)?;
            if weights
                .iter()
                .skip(usize::from(!self.background))
                .all(|&weight| weight == 0.0)
            {
                return Err(Error::AllZero {
                    what: "weight",
                    per: "classes",
                });
            }
        }
        let weights = self.weights.as_deref();
        Ok(SemimetricLoss {
            weights: weights.map(|weights| Tensor::from_floats(weights, device)),
            overlap: self.overlap,
            form: self.form,
            background: self.background,
            over_batch: self.over_batch,
            smooth: self.smooth,
            sigmoid: self.sigmoid,
        })
    }
}

/// A loss of the overlap of regions between soft targets and predictions x, whose minimum is at the target: for Dice in the form L1
///
/// ```text
/// mean over samples and classes of  Σ_i |x_ic - t_ic| / Σ_i (x_ic + t_ic)
/// ```
///
/// Voxels whose target is all zero do not count, nor do samples without any that counts; if there is none, the loss is 0. It agrees
/// with [`soft_labels::loss::Semimetric`]. Tensors of 16 bits are computed in 32, and so is the loss.
#[derive(Module, Debug)]
pub struct SemimetricLoss {
    /// A weight for each class.
    pub weights: Option<Tensor<1>>,
    #[module(skip)]
    overlap: Overlap,
    #[module(skip)]
    form: Form,
    background: bool,
    over_batch: bool,
    smooth: f64,
    sigmoid: bool,
}

impl SemimetricLoss {
    /// The mean over samples and classes.
    ///
    /// # Shapes
    /// - logits: `[batch_size, classes, height, width]` or `[batch_size, classes, depth, height, width]`; another number of axes
    ///   does not compile
    /// - targets: soft labels of the same shape, or [`LabelTargets`](crate::LabelTargets)
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Count`] unless there is a weight for each class, [`Error::Empty`] without classes or without one
    /// beside the background, [`Error::NoVoxels`] if an axis has length 0, and with a softmax [`Error::NotDistribution`] for label maps whose channels need not sum to 1.
    ///
    /// The example of [`SemimetricLossConfig`] uses it.
    pub fn forward<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Targets<D>,
    ) -> soft_labels::Result<Tensor<1>> {
        self.mean_over(logits, targets, None)
    }

    /// The mean over samples and classes, of voxels where a mask is true.
    ///
    /// # Shapes
    /// - logits and targets: those of [`forward`](Self::forward)
    /// - mask: that of the logits with one class
    ///
    /// # Errors
    /// Those of [`forward`](Self::forward), also for the mask.
    ///
    /// The example of [`SoftCrossEntropyLoss::forward_masked`](crate::SoftCrossEntropyLoss::forward_masked) makes a mask.
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
        let prepared = Prepared::new(logits, targets, mask, self.sigmoid)?;
        let weights = self.weights_of(&prepared.logits)?;
        let keep = prepared.counting.cast(prepared.dtype);
        let targets = prepared.targets.soft(prepared.dtype);
        let predictions = match self.sigmoid {
            true => sigmoid(prepared.logits),
            false => softmax(prepared.logits, 1),
        };
        let mut axes: Vec<usize> = (2..shape.len()).collect();
        if self.over_batch {
            axes.push(0);
        }
        let sums = |each: Tensor<D>| (each * keep.clone()).sum_dims(&axes);
        let apart = sums((predictions.clone() - targets.clone()).abs());
        let both = sums(predictions.clone() + targets.clone());
        let counted = both.clone().not_equal_elem(0.0).any_dim(1).cast(prepared.dtype);
        let (factor, below) = match (self.overlap, self.form) {
            (Overlap::Dice, Form::L1) => (1.0, both),
            (Overlap::Jaccard, Form::L1) => (2.0, both + apart.clone()),
            (Overlap::Dice, Form::Product) => (1.0, sums(predictions * targets) * 2.0 + apart.clone()),
            (Overlap::Jaccard, Form::Product) => (1.0, sums(predictions * targets) + apart.clone()),
        };
        let below = below + self.smooth;
        // A class without any prediction or target adds 0, as its |x - t| is 0.
        let nothing = below.clone().equal_elem(0.0);
        let losses = apart / below.mask_fill(nothing, 1.0) * factor;
        let samples = counted.sum().clamp_min(1.0);
        Ok((losses * weights.clone()).sum() / (samples * weights.sum()))
    }

    /// The weight of each class as (1, C, 1, ..).
    fn weights_of<const D: usize>(&self, logits: &Tensor<D>) -> soft_labels::Result<Tensor<D>> {
        let shape = logits.dims();
        if !self.background && shape[1] == 1 {
            return Err(Error::Empty {
                what: "classes but the background",
            });
        }
        let weights = match &self.weights {
            Some(weights) => weights.clone(),
            None => Tensor::ones([shape[1]], &logits.device()),
        };
        let weights = spread_weights(&weights, shape, logits.dtype().into())?;
        Ok(match self.background {
            true => weights,
            false => weights.slice_fill([0..1, 0..1], 0.0),
        })
    }
}
