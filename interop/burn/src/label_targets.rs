//! Label maps on a device as the targets of a loss.

use burn::tensor::{Bool, FloatDType, Int, Tensor};
use ndarray::Array2;
use soft_labels::{Classes, Encoding, Error, Place, Raters, Result};

use crate::class_index::class_index;
use crate::neighbours;
use crate::plan::Plan;

/// Label maps (N, H, W) or (N, D, H, W) as the targets of a loss: an encoder makes their soft labels by tensor operations, on
/// their device.
///
/// Labels may be any integers of burn. They are read when the targets are made, which waits for the device. The maps may be on the
/// device without autodiff: they are constants.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use soft_labels::{Classes, Svls};
/// use soft_labels_burn::{LabelTargets, SoftCrossEntropyLossConfig};
///
/// let device = Device::default();
/// let labels = Tensor::<3, Int>::from_ints([[[0, 0, 1, 1]], [[1, 1, 1, 2]]], &device); // (N, H, W)
/// let targets = LabelTargets::new(Svls::default(), labels, &Classes::contiguous(3)?)?;
/// let logits = Tensor::<4>::zeros([2, 3, 1, 4], &device); // from a network
/// let loss = SoftCrossEntropyLossConfig::new().init(&device)?.forward(logits, targets)?;
/// assert!((loss.into_scalar::<f32>() - 3_f32.ln()).abs() < 1e-6);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LabelTargets<const M: usize> {
    plan: Plan,
    raters: Vec<Rater<M>>,
}

#[derive(Debug, Clone)]
struct Rater<const M: usize> {
    /// The class of each voxel, or the number of classes where it is ignored.
    index: Tensor<M, Int>,
    weight: f64,
}

impl<const M: usize> LabelTargets<M> {
    /// The targets of the label maps of a batch. The encoder is [`Svls`](soft_labels::Svls), another one, or an [`Encoding`].
    ///
    /// # Errors
    /// [`Error::UnknownLabel`], whose voxel is counted with the batch axis; [`Error::Empty`] without a sample, [`Error::NoVoxels`] if an
    /// axis has length 0, and those of the encoder.
    ///
    /// The example of [`LabelTargets`] uses it.
    pub fn new(encoder: impl Into<Encoding>, labels: Tensor<M, Int>, classes: &Classes) -> Result<Self> {
        Self::raters(encoder, vec![labels], None, classes)
    }

    /// The targets of the label maps of several raters, each for the whole batch; weights are one for each rater, or all alike.
    ///
    /// # Errors
    /// Those of [`new`](Self::new), [`Error::Shape`] if the maps differ in shape, and for the weights those of
    /// [`Raters::weighted`].
    ///
    /// ```
    /// use burn::tensor::{Device, Int, Tensor};
    /// use soft_labels::{Classes, OneHot};
    /// use soft_labels_burn::LabelTargets;
    ///
    /// let map = |label| Tensor::<3, Int>::from_ints([[[label]]], &Device::default());
    /// let targets = LabelTargets::raters(OneHot, vec![map(0), map(1)], Some(&[3.0, 1.0]), &Classes::contiguous(2)?)?;
    /// assert_eq!(targets.encode::<4>().into_data(), [[[[0.75_f32]], [[0.25]]]].into());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn raters(
        encoder: impl Into<Encoding>,
        maps: Vec<Tensor<M, Int>>,
        weights: Option<&[f64]>,
        classes: &Classes,
    ) -> Result<Self> {
        const { assert!(M == 3 || M == 4, "label maps are (N, H, W) or (N, D, H, W)") };
        let raters = maps.len();
        let shape = maps.first().map(Tensor::dims).ok_or(Error::Empty { what: "raters" })?;
        if shape[0] == 0 {
            return Err(Error::Empty { what: "samples" });
        }
        // burn takes a length of 0 for that of another axis where it reshapes.
        if shape.contains(&0) {
            return Err(Error::NoVoxels);
        }
        let plan = Plan::new(&encoder.into(), classes, M - 1)?;
        let weights = weights_of(raters, weights)?;
        let mut checked = Vec::with_capacity(raters);
        for (rater, (labels, weight)) in maps.into_iter().zip(weights).enumerate() {
            if labels.dims() != shape {
                return Err(Error::Shape {
                    what: "batch of label maps",
                    place: Some(Place::Rater(rater)),
                    expected: shape.to_vec(),
                    actual: labels.dims().to_vec(),
                });
            }
            let labels = labels.without_autodiff();
            let index = class_index(labels, classes, rater, raters)?;
            checked.push(Rater { index, weight });
        }
        Ok(Self { plan, raters: checked })
    }

    /// The soft labels (N, C, H, W) or (N, C, D, H, W) in `f32`, on the device of the label maps; C are the encoder's channels.
    ///
    /// They agree with those of the encoder itself to a few units of the last place. `D` is one more than `M`; anything else does
    /// not compile.
    ///
    /// ```
    /// use burn::tensor::{Device, Int, Tensor};
    /// use soft_labels::{Classes, Svls};
    /// use soft_labels_burn::LabelTargets;
    ///
    /// let labels = Tensor::<3, Int>::from_ints([[[0, 0, 1]]], &Device::default());
    /// let soft: Tensor<4> = LabelTargets::new(Svls::default(), labels, &Classes::contiguous(2)?)?.encode();
    /// assert_eq!(soft.dims(), [1, 2, 1, 3]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn encode<const D: usize>(&self) -> Tensor<D> {
        self.encode_as(FloatDType::F32)
    }

    pub(crate) fn encode_as<const D: usize>(&self, dtype: FloatDType) -> Tensor<D> {
        const { assert!(D == M + 1, "soft labels have one axis more than label maps") };
        let all = self.shares(dtype);
        let soft = self.raters.iter().zip(all).map(|(rater, share)| {
            let share = share.unsqueeze_dim(1);
            neighbours::encode::<M, D>(&rater.index, &self.plan, dtype) * share
        });
        let soft = soft.reduce(|sum, soft| sum + soft).expect("there is a rater");
        match &self.plan.matrix {
            Some(matrix) => neighbours::mixed(&soft, matrix),
            None => soft,
        }
    }

    pub(crate) fn is_distribution(&self) -> bool {
        self.plan.is_distribution
    }

    /// The shape of the soft labels.
    pub(crate) fn soft_shape<const D: usize>(&self) -> [usize; D] {
        const { assert!(D == M + 1, "soft labels have one axis more than label maps") };
        let mut shape = [self.plan.channels(); D];
        if let Some(first) = self.raters.first() {
            let labels = first.index.dims();
            shape[0] = labels[0];
            shape[2..].copy_from_slice(&labels[1..]);
        }
        shape
    }

    /// Which voxels somebody labelled, with a class axis of length 1.
    pub(crate) fn valid<const D: usize>(&self) -> Tensor<D, Bool> {
        // A rater without weight does not count.
        let weighty = self.raters.iter().filter(|rater| rater.weight > 0.0);
        let valid = weighty.map(|rater| self.plan.known(rater.index.clone()));
        let valid = valid.reduce(Tensor::bool_or).expect("some rater has weight");
        valid.unsqueeze_dim(1)
    }

    /// The classes that each voxel's soft label is made of, and their weights: one pair of (N, 1, ..) for each neighbour. Where a
    /// neighbour is ignored its weight is 0. `None` if the soft labels take less memory.
    pub(crate) fn terms<const D: usize>(&self, dtype: FloatDType) -> Option<Vec<(Tensor<D, Int>, Tensor<D>)>> {
        // A class takes up to 8 bytes and its weight 4, a number of the soft labels 4.
        if self.plan.matrix.is_some() || 3 * self.plan.terms() * self.raters.len() > self.plan.classes {
            return None;
        }
        let raters = self.raters.iter().zip(self.shares(dtype));
        let terms = raters.flat_map(|(rater, share)| neighbours::terms(&rater.index, &share, &self.plan));
        let with_class_axis =
            |(index, weight): (Tensor<M, Int>, Tensor<M>)| (index.unsqueeze_dim(1), weight.unsqueeze_dim(1));
        Some(terms.map(with_class_axis).collect())
    }

    /// The weight of each rater at each voxel: 0 where the rater ignores it, and 1 in all where anybody labelled it.
    fn shares(&self, dtype: FloatDType) -> Vec<Tensor<M>> {
        let share = |rater: &Rater<M>| self.plan.known(rater.index.clone()).cast(dtype) * rater.weight;
        let shares: Vec<_> = self.raters.iter().map(share).collect();
        let Some(total) = shares.iter().cloned().reduce(|sum, share| sum + share) else {
            return shares;
        };
        let nobody = total.clone().equal_elem(0.0);
        let total = total.mask_fill(nobody, 1.0);
        shares.into_iter().map(|share| share / total.clone()).collect()
    }
}

/// The weights of raters, which sum to 1 and are checked as the library checks them.
fn weights_of(raters: usize, weights: Option<&[f64]>) -> Result<Vec<f64>> {
    let map = Array2::<u8>::zeros((1, 1));
    let maps = vec![map.view(); raters];
    let checked = match weights {
        Some(weights) => Raters::weighted(&maps, weights)?,
        None => Raters::new(&maps)?,
    };
    Ok(checked.weights().to_vec())
}
