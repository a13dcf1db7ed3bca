//! Cross entropy with soft targets.

use candle_core::{DType, Result, Tensor, bail};
use candle_nn::ops::log_softmax;

/// Cross entropy between the softmax of logits and soft targets, with the class axis second: (N, C, H, W) or
/// (N, C, D, H, W).
///
/// ```text
/// -1/n Σ_i Σ_c w_c t_ic log softmax(z_i)_c
/// ```
///
/// `weights` (C) has a weight for each class, not negative, and `mask` (N, H, W) or (N, D, H, W), of `u8`, is 0 where a voxel does
/// not count. n counts the voxels that are not masked and whose target is not all zero: ignored ones have no part in the loss or its
/// gradient, whatever their logits are. Without any the loss is 0. It agrees with `soft_labels::loss`. Tensors of 16 bits are
/// computed in 32, and so is the loss.
///
/// # Errors
/// If shapes do not fit together, and those of candle.
///
/// The example of this [crate] uses it.
pub fn soft_cross_entropy(
    logits: &Tensor,
    targets: &Tensor,
    weights: Option<&Tensor>,
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    let shape = targets.dims();
    if logits.dims() != shape {
        bail!(
            "logits have shape {:?} and targets {shape:?}; they must be the same",
            logits.dims()
        );
    }
    // One map is a batch of one: without a batch axis its classes would be taken for samples.
    let (samples, classes, spatial) = match shape {
        [samples, classes, spatial @ ..] if spatial.len() == 2 || spatial.len() == 3 => (*samples, *classes, spatial),
        _ => bail!("logits are (N, C, H, W) or (N, C, D, H, W), these have shape {shape:?}; one map is a batch of one"),
    };
    // Sums of so many voxels need more than 16 bits.
    let dtype = match logits.dtype() {
        DType::F64 => DType::F64,
        _ => DType::F32,
    };
    let (logits, targets) = (logits.to_dtype(dtype)?, targets.to_dtype(dtype)?);
    let mut valid = targets.ne(0_f64)?.max_keepdim(1)?;
    if let Some(mask) = mask {
        let expected = [&[samples], spatial].concat();
        if mask.dims() != expected {
            bail!("the mask has shape {:?}, but {expected:?} is needed", mask.dims());
        }
        valid = valid.mul(&mask.ne(0_u8)?.unsqueeze(1)?)?;
    }
    let targets = match weights {
        Some(weights) => {
            let mut one_each = vec![1; shape.len()];
            one_each[1] = classes;
            targets.broadcast_mul(&weights.to_dtype(dtype)?.reshape(one_each)?)?
        }
        None => targets,
    };
    let everywhere = valid.broadcast_as(targets.shape())?;
    let present = targets.ne(0_f64)?.mul(&everywhere)?;
    // Where a target is 0 its logit has no part, not even as 0 times infinity.
    let zeros = targets.zeros_like()?;
    let log_probabilities = log_softmax(&everywhere.where_cond(&logits, &zeros)?, 1)?;
    let terms = present.where_cond(&targets.mul(&log_probabilities)?, &zeros)?;
    let count = valid.to_dtype(dtype)?.sum_all()?.maximum(1_f64)?;
    terms.sum_all()?.neg()?.div(&count)
}
