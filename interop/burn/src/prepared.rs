//! Logits, targets and mask together, checked.

use burn::tensor::{Bool, DType, FloatDType, Tensor};
use soft_labels::{Error, Place, Result};

use crate::Targets;
use crate::targets::FOR_DISTRIBUTIONS;

/// Checked arguments of a loss.
pub(crate) struct Prepared<const D: usize, T> {
    /// In 32 or 64 bits; 0 where a voxel does not count, whatever its logits are.
    pub(crate) logits: Tensor<D>,
    pub(crate) targets: T,
    /// Which voxels count, with a class axis of length 1.
    pub(crate) counting: Tensor<D, Bool>,
    pub(crate) dtype: FloatDType,
}

impl<const D: usize, T: Targets<D>> Prepared<D, T> {
    pub(crate) fn new(logits: Tensor<D>, targets: T, mask: Option<Tensor<D, Bool>>, sigmoid: bool) -> Result<Self> {
        // One map is a batch of one: without a batch axis its classes would be taken for samples.
        const { assert!(D == 4 || D == 5, "logits are (N, C, H, W) or (N, C, D, H, W)") };
        let shape = logits.dims();
        check_shape("target", shape, targets.shape())?;
        if shape[1] == 0 {
            return Err(Error::Empty { what: "classes" });
        }
        if shape.contains(&0) {
            return Err(Error::NoVoxels);
        }
        if !sigmoid && !targets.is_distribution() {
            return Err(FOR_DISTRIBUTIONS);
        }
        let mut counting = targets.counting(sigmoid);
        if let Some(mask) = mask {
            let mut one_each = shape;
            one_each[1] = 1;
            check_shape("mask", one_each, mask.dims())?;
            counting = counting.bool_and(mask);
        }
        // Sums of so many voxels need more than 16 bits.
        let dtype = match logits.dtype() {
            DType::F64 => FloatDType::F64,
            _ => FloatDType::F32,
        };
        let ignored = counting.clone().bool_not().expand(shape);
        let logits = logits.cast(dtype).mask_fill(ignored, 0.0);
        Ok(Self {
            logits,
            targets,
            counting,
            dtype,
        })
    }
}

fn check_shape<const D: usize>(what: &'static str, expected: [usize; D], actual: [usize; D]) -> Result<()> {
    if expected == actual {
        return Ok(());
    }
    Err(Error::Shape {
        what,
        place: None,
        expected: expected.to_vec(),
        actual: actual.to_vec(),
    })
}

/// Checks class weights and makes a tensor of them.
pub(crate) fn check_weights(weights: &[f32]) -> Result<()> {
    let possible = |weight: f32| weight.is_finite() && weight >= 0.0;
    match weights.iter().position(|&weight| !possible(weight)) {
        Some(class) => Err(Error::Setting {
            what: "weight",
            place: Some(Place::Class(class)),
            value: weights[class].into(),
            allowed: "finite and not negative",
        }),
        None => Ok(()),
    }
}

/// The class weights as (1, C, 1, ..), if there is one for each class.
pub(crate) fn spread_weights<const D: usize>(
    weights: &Tensor<1>,
    shape: [usize; D],
    dtype: FloatDType,
) -> Result<Tensor<D>> {
    let [count] = weights.dims();
    if count != shape[1] {
        return Err(Error::Count {
            what: "class weights",
            per: "classes",
            expected: shape[1],
            actual: count,
        });
    }
    let mut one_each = [1; D];
    one_each[1] = count;
    Ok(weights.clone().cast(dtype).reshape(one_each))
}
