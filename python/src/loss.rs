//! Losses of a network's logits, from soft labels or from label maps.

use ndarray::{ArrayD, ArrayViewD, ArrayViewMutD, Axis, IxDyn};
use numpy::{PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use soft_labels::loss::{
    BinaryCrossEntropy, DiceSemimetric, Divisor, JaccardSemimetric, LabelTargets, LossFloat, Overlap, OverlapForm,
    Reduction, Semimetric, SoftCrossEntropy, Targets,
};
use soft_labels::{Error, Label, Raters};

use crate::arrays::{each_label, each_probability, first, read, read_all, typed, views};
use crate::error::value;
use crate::objects::{Classes, Encoding};
use crate::threads;

/// A loss with its settings. Targets are the label maps (N, ..) of each rater, or one array of soft labels.
#[pyclass(frozen, module = "soft_labels")]
pub(crate) struct Loss {
    kind: Kind,
    classes: soft_labels::Classes,
    encoding: soft_labels::Encoding,
    rater_weights: Option<Vec<f64>>,
    class_weights: Option<Vec<f64>>,
    by_weight: bool,
    sum: bool,
    sigmoid: bool,
    product: bool,
    over_batch: bool,
    background: bool,
    smooth: f64,
}

#[derive(Clone, Copy)]
enum Kind {
    CrossEntropy,
    Dice,
    Jaccard,
}

/// Where results beside the value go.
enum Out<'a, F> {
    Nothing,
    Gradient(ArrayViewMutD<'a, F>),
    PerVoxel(ArrayViewMutD<'a, F>),
}

/// Which of them is asked for.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Value,
    Gradient,
    PerVoxel,
}

/// Sets up a loss that is a sum over voxels, and computes it. The two of them share no trait.
macro_rules! by_voxel {
    ($loss:expr, $settings:ident, $logits:ident, $targets:ident, $mask:ident, $out:ident) => {{
        let mut loss = $loss.reduction($settings.reduction()).divisor($settings.divisor());
        if let Some(weights) = &$settings.class_weights {
            loss = loss.class_weights(&**weights);
        }
        if let Some(mask) = $mask {
            loss = loss.mask(mask);
        }
        match $out {
            Out::Nothing => loss.value($logits, $targets),
            Out::Gradient(mut gradient) => loss.value_and_gradient_into($logits, $targets, &mut gradient),
            Out::PerVoxel(mut losses) => assign(&mut losses, &loss.per_voxel($logits, $targets)?),
        }
    }};
}

#[pymethods]
impl Loss {
    #[new]
    #[pyo3(signature = (
        kind, classes, encoding, *, rater_weights, class_weights, by_weight, sum, sigmoid, product, over_batch, background, smooth
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are the settings")]
    #[expect(clippy::fn_params_excessive_bools, reason = "they are the settings")]
    fn new(
        kind: &str,
        classes: &Bound<'_, Classes>,
        encoding: &Bound<'_, Encoding>,
        rater_weights: Option<Vec<f64>>,
        class_weights: Option<Vec<f64>>,
        by_weight: bool,
        sum: bool,
        sigmoid: bool,
        product: bool,
        over_batch: bool,
        background: bool,
        smooth: f64,
    ) -> PyResult<Self> {
        let kind = match kind {
            "cross_entropy" => Kind::CrossEntropy,
            "dice" => Kind::Dice,
            "jaccard" => Kind::Jaccard,
            _ => return Err(value(format!("there is no loss {kind}"))),
        };
        Ok(Self {
            kind,
            classes: classes.get().0.clone(),
            encoding: encoding.get().0.clone(),
            rater_weights,
            class_weights,
            by_weight,
            sum,
            sigmoid,
            product,
            over_batch,
            background,
            smooth,
        })
    }

    /// The value, or nothing if no voxel counts.
    fn value(
        &self,
        py: Python<'_>,
        logits: &Bound<'_, PyUntypedArray>,
        targets: Vec<Bound<'_, PyUntypedArray>>,
        mask: Option<Bound<'_, PyUntypedArray>>,
    ) -> PyResult<Option<f64>> {
        self.run(py, logits, &targets, mask.as_ref(), Wanted::Value, None)
    }

    /// The value; the gradient is written to `out`.
    fn gradient(
        &self,
        py: Python<'_>,
        logits: &Bound<'_, PyUntypedArray>,
        targets: Vec<Bound<'_, PyUntypedArray>>,
        mask: Option<Bound<'_, PyUntypedArray>>,
        out: &Bound<'_, PyUntypedArray>,
    ) -> PyResult<Option<f64>> {
        self.run(py, logits, &targets, mask.as_ref(), Wanted::Gradient, Some(out))
    }

    /// Writes the loss of each voxel to `out`.
    fn per_voxel(
        &self,
        py: Python<'_>,
        logits: &Bound<'_, PyUntypedArray>,
        targets: Vec<Bound<'_, PyUntypedArray>>,
        mask: Option<Bound<'_, PyUntypedArray>>,
        out: &Bound<'_, PyUntypedArray>,
    ) -> PyResult<Option<f64>> {
        self.run(py, logits, &targets, mask.as_ref(), Wanted::PerVoxel, Some(out))
    }
}

impl Loss {
    /// Targets are the label maps (N, ..) of each rater, or one array of the element type of the logits.
    fn run(
        &self,
        py: Python<'_>,
        logits: &Bound<'_, PyUntypedArray>,
        targets: &[Bound<'_, PyUntypedArray>],
        mask: Option<&Bound<'_, PyUntypedArray>>,
        wanted: Wanted,
        out: Option<&Bound<'_, PyUntypedArray>>,
    ) -> PyResult<Option<f64>> {
        let target = first(targets)?.dtype();
        each_probability!(logits.dtype(), F => {
            let logits = read::<F>(logits)?;
            let mask = mask.map(read::<bool>).transpose()?;
            let mask = mask.as_ref().map(|mask| mask.as_array());
            let mut out = out.map(|out| typed::<F>(out)?.try_readwrite().map_err(value)).transpose()?;
            let out = match out.as_mut().map(|out| out.as_array_mut()) {
                Some(out) if wanted == Wanted::Gradient => Out::Gradient(out),
                Some(out) => Out::PerVoxel(out),
                None => Out::Nothing,
            };
            let logits = logits.as_array();
            if numpy::PyArrayDescrMethods::is_equiv_to(&target, &numpy::dtype::<F>(py)) {
                let soft = read::<F>(first(targets)?)?;
                let soft = soft.as_array();
                return end(threads::run(py, || self.compute(&logits, &soft, mask, out))?);
            }
            each_label!(target, L => {
                let maps = read_all::<L>(targets)?;
                let maps = views(&maps);
                if maps.iter().any(|map| map.ndim() == 0 || map.shape() != maps[0].shape()) {
                    return Err(value("the raters' label maps of a batch have the same shape (N, ..)"));
                }
                end(threads::run(py, || self.compute(&logits, &self.targets(&maps)?, mask, out))?)
            })
        })
    }

    /// The targets of a batch of label maps, (N, ..) of each rater, all of one shape.
    fn targets<'a, L: Label>(&self, maps: &[ArrayViewD<'a, L>]) -> soft_labels::Result<LabelTargets<'a, L, IxDyn>> {
        let samples = maps.first().map_or(0, |map| map.len_of(Axis(0)));
        let raters = |sample: usize| {
            let of_sample: Vec<_> = maps
                .iter()
                .map(|map| map.clone().index_axis_move(Axis(0), sample))
                .collect();
            match &self.rater_weights {
                Some(weights) => Raters::weighted(&of_sample, weights),
                None => Raters::new(&of_sample),
            }
        };
        let samples = (0..samples).map(raters).collect::<soft_labels::Result<_>>()?;
        LabelTargets::new(&self.encoding, samples, &self.classes)
    }

    fn compute<F: LossFloat>(
        &self,
        logits: &ArrayViewD<'_, F>,
        targets: &impl Targets<F>,
        mask: Option<ArrayViewD<'_, bool>>,
        out: Out<'_, F>,
    ) -> soft_labels::Result<f64> {
        match self.kind {
            Kind::CrossEntropy if self.sigmoid => {
                by_voxel!(BinaryCrossEntropy::of_batch(), self, logits, targets, mask, out)
            }
            Kind::CrossEntropy => by_voxel!(SoftCrossEntropy::of_batch(), self, logits, targets, mask, out),
            Kind::Dice => self.region(DiceSemimetric::of_batch(), logits, targets, mask, out),
            Kind::Jaccard => self.region(JaccardSemimetric::of_batch(), logits, targets, mask, out),
        }
    }

    fn reduction(&self) -> Reduction {
        if self.sum { Reduction::Sum } else { Reduction::Mean }
    }

    fn divisor(&self) -> Divisor {
        if self.by_weight {
            Divisor::Weight
        } else {
            Divisor::Voxels
        }
    }

    fn region<'a, F: LossFloat, K: Overlap>(
        &self,
        loss: Semimetric<'a, K>,
        logits: &ArrayViewD<'_, F>,
        targets: &impl Targets<F>,
        mask: Option<ArrayViewD<'a, bool>>,
        out: Out<'_, F>,
    ) -> soft_labels::Result<f64> {
        let form = if self.product {
            OverlapForm::Product
        } else {
            OverlapForm::L1
        };
        let mut loss = loss.reduction(self.reduction()).form(form).smooth(self.smooth);
        if let Some(weights) = &self.class_weights {
            loss = loss.class_weights(&**weights);
        }
        if self.sigmoid {
            loss = loss.sigmoid();
        }
        if self.over_batch {
            loss = loss.over_batch();
        }
        if !self.background {
            loss = loss.without_background();
        }
        if let Some(mask) = mask {
            return region_value(&loss.mask(mask), logits, targets, out);
        }
        region_value(&loss, logits, targets, out)
    }
}

fn region_value<F: LossFloat, K: Overlap>(
    loss: &Semimetric<'_, K>,
    logits: &ArrayViewD<'_, F>,
    targets: &impl Targets<F>,
    out: Out<'_, F>,
) -> soft_labels::Result<f64> {
    match out {
        Out::Gradient(mut gradient) => loss.value_and_gradient_into(logits, targets, &mut gradient),
        Out::Nothing | Out::PerVoxel(_) => loss.value(logits, targets),
    }
}

/// Copies the losses of the voxels to where they were asked for.
fn assign<F: LossFloat>(out: &mut ArrayViewMutD<'_, F>, losses: &ArrayD<F>) -> soft_labels::Result<f64> {
    if out.shape() != losses.shape() {
        return Err(Error::Shape {
            what: "array for the losses of voxels",
            place: None,
            expected: losses.shape().to_vec(),
            actual: out.shape().to_vec(),
        });
    }
    out.assign(losses);
    Ok(0.0)
}

/// No voxel that counts is no value.
fn end(result: soft_labels::Result<f64>) -> PyResult<Option<f64>> {
    match result {
        Ok(loss) => Ok(Some(loss)),
        Err(Error::NoVoxels) => Ok(None),
        Err(error) => Err(value(error)),
    }
}
