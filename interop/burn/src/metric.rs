//! Metrics for burn's training loop.

use std::sync::Arc;

use burn::tensor::activation::softmax;
use burn::tensor::{ExecutionError, FloatDType, Int, Tensor, TensorReadError};
use burn::train::metric::{
    Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericAttributes, NumericEntry, SerializedEntry,
    format_float,
};
use ndarray::{ArrayViewD, IxDyn};
use soft_labels::metrics::{Confusion, EmptyRegion, Region, Reliability, Scope, top_labels_against};
use soft_labels::{Classes, Error, Result};

/// What a [`SegmentationMetric`] is given: the logits of a batch and its label maps.
///
/// The output of a network's validation step implements [`Adaptor`](burn::train::metric::Adaptor) for it. The example of
/// [`SegmentationMetric`] shows how.
#[derive(Debug, Clone)]
pub struct SegmentationInput {
    /// (N, C, voxels)
    logits: Tensor<3>,
    /// (N, voxels)
    labels: Tensor<2, Int>,
    /// (C, H, W) or (C, D, H, W)
    of_logits: Vec<usize>,
    /// (N, H, W) or (N, D, H, W)
    of_labels: Vec<usize>,
}

impl SegmentationInput {
    /// Logits (N, C, H, W) or (N, C, D, H, W) and label maps (N, H, W) or (N, D, H, W). Shapes and labels are checked where the
    /// metric is updated.
    ///
    /// The example of [`SegmentationMetric`] uses it.
    pub fn new<const D: usize, const M: usize>(logits: Tensor<D>, labels: Tensor<M, Int>) -> Self {
        const { assert!(D == M + 1, "logits have one axis more than label maps") };
        const { assert!(D == 4 || D == 5, "logits are (N, C, H, W) or (N, C, D, H, W)") };
        let (of_logits, of_labels) = (logits.dims(), labels.dims());
        Self {
            logits: logits.reshape([of_logits[0], of_logits[1], of_logits[2..].iter().product()]),
            labels: labels.reshape([of_labels[0], of_labels[1..].iter().product()]),
            of_logits: of_logits[1..].to_vec(),
            of_labels: of_labels.to_vec(),
        }
    }

    /// Counts all samples.
    fn count(&self, pool: &mut Pool, classes: &Classes) -> std::result::Result<(), TensorReadError> {
        let [samples, ..] = self.logits.dims();
        let expected = [&[samples], self.of_logits.get(1..).unwrap_or_default()].concat();
        if expected != self.of_labels {
            return Err(told(&Error::Shape {
                what: "batch of label maps",
                place: None,
                expected,
                actual: self.of_labels.clone(),
            }));
        }
        let probabilities = softmax(self.logits.clone().cast(FloatDType::F32), 1);
        let probabilities: Vec<f32> = probabilities.try_into_data()?.try_into_vec()?;
        let labels: Vec<i64> = self.labels.clone().try_into_data()?.iter().collect();
        let of_sample = |values: usize| values.checked_div(samples).unwrap_or(0).max(1);
        let both = probabilities
            .chunks(of_sample(probabilities.len()))
            .zip(labels.chunks(of_sample(labels.len())));
        for (probabilities, labels) in both {
            let probabilities = ArrayViewD::from_shape(IxDyn(&self.of_logits), probabilities);
            let labels = ArrayViewD::from_shape(IxDyn(&self.of_labels[1..]), labels);
            let (Ok(probabilities), Ok(labels)) = (probabilities, labels) else {
                continue; // There are no voxels.
            };
            pool.add(&probabilities, &labels, classes)
                .map_err(|error| told(&error))?;
        }
        Ok(())
    }
}

/// What burn's metrics can say of an error.
fn told(error: &Error) -> TensorReadError {
    ExecutionError::WithContext {
        reason: error.to_string(),
    }
    .into()
}

/// A metric of [`soft_labels::metrics`] while a network is trained: Dice, or the expected calibration error.
///
/// The voxels of all batches of an epoch are counted together; the value of an epoch is no mean of those of its batches. It is
/// computed on the CPU. Ignored voxels do not count. Unknown labels and logits that are NaN are an error that ends the training.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use burn::train::metric::Adaptor;
/// use soft_labels::Classes;
/// use soft_labels_burn::{SegmentationInput, SegmentationMetric};
///
/// struct Output {
///     logits: Tensor<4>,
///     labels: Tensor<3, Int>,
/// }
///
/// impl Adaptor<SegmentationInput> for Output {
///     fn adapt(&self) -> SegmentationInput {
///         SegmentationInput::new(self.logits.clone(), self.labels.clone())
///     }
/// }
///
/// // For burn's `SupervisedTraining::metric_valid_numeric`.
/// let classes = Classes::contiguous(3)?.with_ignore(255)?;
/// let (dice, ece) = (SegmentationMetric::dice(&classes), SegmentationMetric::ece(&classes, 15)?);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SegmentationMetric {
    name: MetricName,
    classes: Classes,
    /// Where nothing is counted.
    empty: Pool,
    epoch: Pool,
    /// How many samples are in it.
    samples: usize,
    /// The value of the last batch, and its samples.
    batch: (f64, usize),
}

impl SegmentationMetric {
    /// The mean Dice of all classes but the first, of those that occur in predictions or label maps of the epoch.
    ///
    /// The example of [`SegmentationMetric`] uses it.
    pub fn dice(classes: &Classes) -> Self {
        Self::new("Dice", classes, Pool::Dice(Confusion::default()))
    }

    /// The expected calibration error of the most probable class, in so many bins.
    ///
    /// # Errors
    /// Those of [`Reliability::new`].
    ///
    /// The example of [`SegmentationMetric`] uses it.
    pub fn ece(classes: &Classes, bins: usize) -> Result<Self> {
        Ok(Self::new("ECE", classes, Pool::Ece(Reliability::new(bins)?)))
    }

    fn new(name: &str, classes: &Classes, empty: Pool) -> Self {
        Self {
            name: Arc::new(name.into()),
            classes: classes.clone(),
            epoch: empty.clone(),
            empty,
            samples: 0,
            batch: (f64::NAN, 0),
        }
    }

    fn of_epoch(&self) -> f64 {
        self.epoch.value(self.classes.len())
    }

    fn entry(&self, serialized: &NumericEntry) -> SerializedEntry {
        let [epoch, batch] = [self.of_epoch(), self.batch.0].map(|value| format_float(value, 4));
        SerializedEntry::new(format!("epoch {epoch} - batch {batch}"), serialized.serialize())
    }
}

fn aggregated((value, samples): (f64, usize)) -> NumericEntry {
    NumericEntry::Aggregated {
        aggregated_value: value,
        count: samples,
    }
}

impl Metric for SegmentationMetric {
    type Input = SegmentationInput;

    fn name(&self) -> MetricName {
        self.name.clone()
    }

    fn attributes(&self) -> MetricAttributes {
        MetricAttributes::Numeric(NumericAttributes {
            unit: None,
            higher_is_better: matches!(self.empty, Pool::Dice(_)),
        })
    }

    fn update(
        &mut self,
        item: &SegmentationInput,
        _: &MetricMetadata,
    ) -> std::result::Result<SerializedEntry, TensorReadError> {
        let mut batch = self.empty.clone();
        item.count(&mut batch, &self.classes)?;
        self.epoch.merge(&batch).map_err(|error| told(&error))?;
        let [samples, ..] = item.logits.dims();
        self.samples += samples;
        self.batch = (batch.value(self.classes.len()), samples);
        Ok(self.entry(&aggregated(self.batch)))
    }

    fn compute(&mut self) -> std::result::Result<SerializedEntry, TensorReadError> {
        Ok(self.entry(&self.final_value()))
    }

    fn clear(&mut self) {
        *self = Self::new(&self.name, &self.classes, self.empty.clone());
    }
}

impl Numeric for SegmentationMetric {
    fn value(&self) -> Option<NumericEntry> {
        (!self.batch.0.is_nan()).then(|| aggregated(self.batch))
    }

    fn running_value(&self) -> Option<NumericEntry> {
        let value = self.of_epoch();
        (!value.is_nan()).then(|| aggregated((value, self.samples)))
    }

    fn final_value(&self) -> NumericEntry {
        NumericEntry::Final(self.of_epoch())
    }
}

/// What is counted.
#[derive(Debug, Clone)]
enum Pool {
    Dice(Confusion),
    Ece(Reliability),
}

impl Pool {
    /// Counts a sample.
    fn add(
        &mut self,
        probabilities: &ArrayViewD<'_, f32>,
        labels: &ArrayViewD<'_, i64>,
        classes: &Classes,
    ) -> Result<()> {
        match self {
            Self::Dice(confusion) => {
                let prediction = top_labels_against(probabilities, labels, classes)?;
                confusion.merge(&Confusion::count::<i64, _, _>(&prediction, labels, classes)?);
                Ok(())
            }
            Self::Ece(bins) => bins.add(probabilities, labels, classes, Scope::All),
        }
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        match (self, other) {
            (Self::Dice(all), Self::Dice(other)) => all.merge(other),
            (Self::Ece(all), Self::Ece(other)) => all.merge(other)?,
            // They are all made of the same empty one.
            _ => {}
        }
        Ok(())
    }

    fn value(&self, classes: usize) -> f64 {
        match self {
            Self::Dice(confusion) => {
                let first = usize::from(classes > 1);
                let dice = (first..classes).map(|class| confusion.dice(&Region::class(class), EmptyRegion::Nan));
                let dice: Vec<f64> = dice.filter(|dice| !dice.is_nan()).collect();
                dice.iter().sum::<f64>() / dice.len() as f64
            }
            Self::Ece(bins) => bins.ece(),
        }
    }
}
