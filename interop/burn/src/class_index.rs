//! From labels to positions among the classes, on a device.

use burn::tensor::{Bool, DType, Int, IntDType, Tensor};
use soft_labels::{Classes, Error, Result};

/// The class of each voxel, or the number of classes where it is ignored.
pub(crate) fn class_index<const M: usize>(
    labels: Tensor<M, Int>,
    classes: &Classes,
    rater: usize,
    raters: usize,
) -> Result<Tensor<M, Int>> {
    // 16 bits cannot hold the number of classes, nor 8 bits what is compared with.
    let labels = match labels.dtype() {
        DType::I8 | DType::I16 | DType::U8 | DType::U16 => labels.cast(IntDType::I32),
        _ => labels,
    };
    let dtype = labels.dtype();
    let count = as_int(classes.len());
    // The type that the device's own indices have.
    let zeros = Tensor::<M, Int>::zeros(labels.dims(), &labels.device());
    let of_device = IntDType::from(zeros.dtype());
    let values = classes.values();
    let (index, known) = if values.iter().copied().eq((0..).take(values.len())) {
        let known = labels
            .clone()
            .greater_equal_elem(0)
            .bool_and(labels.clone().lower_elem(count));
        let unknown = known.clone().bool_not();
        (labels.clone().mask_fill(unknown, count).cast(of_device), known)
    } else {
        let (mut index, mut known) = (zeros.add_scalar(count), Tensor::zeros(labels.dims(), &labels.device()));
        for (class, &value) in values.iter().enumerate() {
            if let Some(here) = equal(&labels, dtype, value) {
                index = index.mask_fill(here.clone(), as_int(class));
                known = known.bool_or(here);
            }
        }
        (index, known)
    };
    let ignored = classes.ignore().and_then(|value| equal(&labels, dtype, value));
    let known = ignored.into_iter().fold(known, Tensor::bool_or);
    if known.all().into_scalar::<bool>() {
        return Ok(index);
    }
    Err(unknown(&labels, dtype, classes, rater, raters))
}

/// A number of classes, or of voxels of an axis, as tensors have it.
pub(crate) fn as_int(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Where a label has a value, if its type can hold that.
fn equal<const M: usize>(labels: &Tensor<M, Int>, dtype: DType, value: i128) -> Option<Tensor<M, Bool>> {
    match dtype {
        DType::I32 => i32::try_from(value).ok().map(|value| labels.clone().equal_elem(value)),
        DType::U32 => u32::try_from(value).ok().map(|value| labels.clone().equal_elem(value)),
        DType::U64 => u64::try_from(value).ok().map(|value| labels.clone().equal_elem(value)),
        _ => i64::try_from(value).ok().map(|value| labels.clone().equal_elem(value)),
    }
}

/// Names the first unknown label. The labels are copied to the host for that.
fn unknown<const M: usize>(
    labels: &Tensor<M, Int>,
    dtype: DType,
    classes: &Classes,
    rater: usize,
    raters: usize,
) -> Error {
    let data = labels.to_data();
    let labels_of: Vec<(i128, bool)> = match dtype {
        DType::U64 => data
            .iter::<u64>()
            .map(|label| (label.into(), is_unknown(label, classes)))
            .collect(),
        _ => data
            .iter::<i64>()
            .map(|label| (label.into(), is_unknown(label, classes)))
            .collect(),
    };
    let first = labels_of.iter().position(|(_, unknown)| *unknown).unwrap_or(0);
    let mut rest = first;
    let mut index = vec![0; M];
    for (at, length) in index.iter_mut().zip(labels.dims()).rev() {
        (*at, rest) = (rest % length, rest / length);
    }
    Error::UnknownLabel {
        value: labels_of.get(first).map_or(0, |(value, _)| *value),
        index,
        count: labels_of.iter().filter(|(_, unknown)| *unknown).count(),
        classes: classes.len(),
        rater,
        raters,
    }
}

fn is_unknown<L: soft_labels::Label>(label: L, classes: &Classes) -> bool {
    classes.class_of(label).is_none() && !classes.is_ignored(label)
}
