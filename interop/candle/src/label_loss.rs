//! Losses of label maps, computed by soft-labels.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, DType, Device, Error, Layout, Result, Shape, Tensor, WithDType, bail};
use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn};
use soft_labels::loss::{self, BinaryCrossEntropy, LossFloat, Overlap, Semimetric, SoftCrossEntropy};
use soft_labels::{Classes, Encoding, Raters};

/// Label maps (N, H, W) or (N, D, H, W) as the targets of a loss, and the encoder that makes their soft labels.
///
/// Labels are integers of any type. They are kept in main memory.
///
/// The example of [`label_loss`] uses it.
#[derive(Debug, Clone)]
pub struct LabelTargets {
    encoding: Encoding,
    classes: Classes,
    /// Those of each rater.
    maps: Arc<[ArrayD<i64>]>,
    weights: Option<Vec<f64>>,
}

impl LabelTargets {
    /// The targets of the label maps of a batch. The encoder is [`Svls`](soft_labels::Svls), another one, or an [`Encoding`].
    ///
    /// # Errors
    /// If the labels are no integers, and those of candle. Unknown labels are an error where the loss is computed.
    ///
    /// The example of [`label_loss`] uses it.
    pub fn new(encoder: impl Into<Encoding>, labels: &Tensor, classes: &Classes) -> Result<Self> {
        Self::raters(encoder, &[labels], None, classes)
    }

    /// The targets of the label maps of several raters, each for the whole batch; weights are one for each rater, or all alike.
    ///
    /// # Errors
    /// Those of [`new`](Self::new), if there is no rater, and if the maps differ in shape. Weights are checked where the loss is
    /// computed.
    ///
    /// ```
    /// use candle_core::{Device, Tensor};
    /// use soft_labels::{Classes, OneHot, loss::SoftCrossEntropy};
    /// use soft_labels_candle::{LabelTargets, label_loss};
    ///
    /// let (first, second) = (Tensor::new(&[[[0_u8]]], &Device::Cpu)?, Tensor::new(&[[[1_u8]]], &Device::Cpu)?);
    /// let targets = LabelTargets::raters(OneHot, &[&first, &second], Some(&[3.0, 1.0]), &Classes::contiguous(2)?)?;
    /// let logits = Tensor::new(&[[[[0.75_f32.ln()]], [[0.25_f32.ln()]]]], &Device::Cpu)?;
    /// let divergence = label_loss(&SoftCrossEntropy::of_batch().kl_divergence(), &logits, &targets)?;
    /// assert!(divergence.to_scalar::<f32>()? < 1e-6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn raters(
        encoder: impl Into<Encoding>,
        maps: &[&Tensor],
        weights: Option<&[f64]>,
        classes: &Classes,
    ) -> Result<Self> {
        let Some(first) = maps.first() else {
            return Err(Error::wrap(soft_labels::Error::Empty { what: "raters" }));
        };
        for (rater, labels) in maps.iter().enumerate() {
            if labels.dims() != first.dims() {
                return Err(Error::wrap(soft_labels::Error::Shape {
                    what: "batch of label maps",
                    place: Some(soft_labels::Place::Rater(rater)),
                    expected: first.dims().to_vec(),
                    actual: labels.dims().to_vec(),
                }));
            }
        }
        Ok(Self {
            encoding: encoder.into(),
            classes: classes.clone(),
            maps: maps.iter().map(|labels| whole_numbers(labels)).collect::<Result<_>>()?,
            weights: weights.map(<[f64]>::to_vec),
        })
    }

    /// The same for soft-labels.
    fn of_library(&self) -> soft_labels::Result<loss::LabelTargets<'_, i64, IxDyn>> {
        let samples = self.maps.first().map_or(0, |map| map.len_of(Axis(0)));
        let sample = |sample: usize| {
            let maps: Vec<_> = self.maps.iter().map(|map| map.index_axis(Axis(0), sample)).collect();
            match &self.weights {
                Some(weights) => Raters::weighted(&maps, weights),
                None => Raters::new(&maps),
            }
        };
        let samples = (0..samples).map(sample).collect::<soft_labels::Result<_>>()?;
        loss::LabelTargets::new(&self.encoding, samples, &self.classes)
    }
}

/// Labels in main memory.
fn whole_numbers(labels: &Tensor) -> Result<ArrayD<i64>> {
    if !labels.dtype().is_int() {
        bail!(
            "labels are integers, these are {:?}; resample label maps by nearest neighbour",
            labels.dtype()
        );
    }
    if labels.rank() != 3 && labels.rank() != 4 {
        bail!(
            "label maps are (N, H, W) or (N, D, H, W), these have shape {:?}; one map is a batch of one",
            labels.dims()
        );
    }
    let values = labels
        .to_device(&Device::Cpu)?
        .flatten_all()?
        .to_dtype(DType::I64)?
        .to_vec1()?;
    ArrayD::from_shape_vec(labels.dims(), values).map_err(Error::wrap)
}

/// A loss of [`soft_labels::loss`] without a mask, or with one that lives as long as the program: [`SoftCrossEntropy`],
/// [`BinaryCrossEntropy`], [`DiceSemimetric`](loss::DiceSemimetric) or [`JaccardSemimetric`](loss::JaccardSemimetric). The trait is
/// sealed.
///
/// The example of [`label_loss`] uses it.
pub trait LabelLoss: sealed::Loss {}

impl<T: sealed::Loss> LabelLoss for T {}

mod sealed {
    use ndarray::{ArrayD, ArrayViewD, IxDyn};
    use soft_labels::Result;
    use soft_labels::loss::{LabelTargets, LossFloat};

    pub trait Loss: Clone + Send + Sync + 'static {
        fn value_of<F: LossFloat>(
            &self,
            logits: &ArrayViewD<'_, F>,
            targets: &LabelTargets<'_, i64, IxDyn>,
        ) -> Result<f64>;

        fn gradient_of<F: LossFloat>(
            &self,
            logits: &ArrayViewD<'_, F>,
            targets: &LabelTargets<'_, i64, IxDyn>,
        ) -> Result<ArrayD<F>>;
    }
}

macro_rules! losses {
    ($([$($parameters:tt)*] $loss:ty;)*) => {$(
        impl<$($parameters)*> sealed::Loss for $loss {
            fn value_of<F: LossFloat>(
                &self,
                logits: &ArrayViewD<'_, F>,
                targets: &loss::LabelTargets<'_, i64, IxDyn>,
            ) -> soft_labels::Result<f64> {
                self.value(logits, targets)
            }

            fn gradient_of<F: LossFloat>(
                &self,
                logits: &ArrayViewD<'_, F>,
                targets: &loss::LabelTargets<'_, i64, IxDyn>,
            ) -> soft_labels::Result<ArrayD<F>> {
                self.value_and_gradient(logits, targets).map(|(_, gradient)| gradient)
            }
        }
    )*};
}

losses! {
    [] SoftCrossEntropy<'static>;
    [] BinaryCrossEntropy<'static>;
    [K: Overlap + Clone + Send + Sync + 'static] Semimetric<'static, K>;
}

/// A loss of logits (N, C, H, W) or (N, C, D, H, W) and label maps, whose soft labels are made a small part at a time: a tensor
/// without axes that can be differentiated.
///
/// It is computed on the CPU; logits on another device are copied there, and their gradient back. Value and gradient are those of
/// the loss. Where no voxel counts they are 0. Logits of 16 bits are computed in 32, and so is the loss.
///
/// # Errors
/// Those of the loss and of [`Raters::weighted`], wrapped: among them unknown labels and shapes that do not fit together.
///
/// ```
/// use candle_core::{DType, Device, Tensor, Var};
/// use soft_labels::loss::{DiceSemimetric, SoftCrossEntropy};
/// use soft_labels::{Classes, Svls};
/// use soft_labels_candle::{LabelTargets, label_loss};
///
/// let labels = Tensor::new(&[[[0_u8, 0, 1, 1]]], &Device::Cpu)?; // (N, H, W)
/// let logits = Var::zeros((1, 2, 1, 4), DType::F32, &Device::Cpu)?; // from a network
/// let targets = LabelTargets::new(Svls::default(), &labels, &Classes::contiguous(2)?)?;
/// let cross_entropy = label_loss(&SoftCrossEntropy::of_batch(), &logits, &targets)?;
/// let dice = label_loss(&DiceSemimetric::of_batch(), &logits, &targets)?;
/// assert!((cross_entropy.to_scalar::<f32>()? - 2_f32.ln()).abs() < 1e-6);
/// let gradients = (cross_entropy + dice)?.backward()?;
/// assert_eq!(gradients.get(&logits).unwrap().dims(), [1, 2, 1, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn label_loss(loss: &impl LabelLoss, logits: &Tensor, targets: &LabelTargets) -> Result<Tensor> {
    let dtype = match logits.dtype() {
        DType::F64 => DType::F64,
        _ => DType::F32,
    };
    let op = LossOp {
        loss: loss.clone(),
        targets: targets.clone(),
    };
    let here = logits.to_device(&Device::Cpu)?.to_dtype(dtype)?.contiguous()?;
    here.apply_op1(op)?.to_device(logits.device())
}

struct LossOp<L> {
    loss: L,
    targets: LabelTargets,
}

impl<L: LabelLoss> LossOp<L> {
    fn value<F: LossFloat + WithDType>(&self, logits: &[F], layout: &Layout) -> Result<F> {
        let logits = view(logits, layout)?;
        let value = self
            .targets
            .of_library()
            .and_then(|targets| self.loss.value_of(&logits, &targets));
        match value {
            Err(soft_labels::Error::NoVoxels) => Ok(F::from_f64(0.0)),
            value => value.map(F::from_f64).map_err(Error::wrap),
        }
    }

    fn gradient<F: LossFloat + WithDType>(&self, logits: &[F], layout: &Layout) -> Result<Tensor> {
        let logits = view(logits, layout)?;
        let gradient = self
            .targets
            .of_library()
            .and_then(|targets| self.loss.gradient_of(&logits, &targets));
        match gradient {
            Err(soft_labels::Error::NoVoxels) => Tensor::zeros(layout.shape(), F::DTYPE, &Device::Cpu),
            // A gradient is in C order, as the tensor is.
            gradient => {
                let (values, _) = gradient.map_err(Error::wrap)?.into_raw_vec_and_offset();
                Tensor::from_vec(values, layout.shape(), &Device::Cpu)
            }
        }
    }
}

fn view<'a, F>(values: &'a [F], layout: &Layout) -> Result<ArrayViewD<'a, F>> {
    let range = layout.contiguous_offsets().map(|(start, end)| start..end);
    let values = range.and_then(|range| values.get(range)).unwrap_or_default();
    ArrayViewD::from_shape(layout.dims(), values).map_err(Error::wrap)
}

fn unexpected<T>() -> Result<T> {
    bail!("logits are of f32 or f64 and on the CPU here")
}

impl<L: LabelLoss> CustomOp1 for LossOp<L> {
    fn name(&self) -> &'static str {
        "label-loss"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let value = match storage {
            CpuStorage::F32(logits) => CpuStorage::F32(vec![self.value(logits, layout)?]),
            CpuStorage::F64(logits) => CpuStorage::F64(vec![self.value(logits, layout)?]),
            _ => return unexpected(),
        };
        Ok((value, ().into()))
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, slope: &Tensor) -> Result<Option<Tensor>> {
        let (storage, layout) = logits.storage_and_layout();
        let gradient = match &*storage {
            candle_core::Storage::Cpu(CpuStorage::F32(logits)) => self.gradient(logits, layout)?,
            candle_core::Storage::Cpu(CpuStorage::F64(logits)) => self.gradient(logits, layout)?,
            _ => return unexpected(),
        };
        gradient.broadcast_mul(slope).map(Some)
    }
}
