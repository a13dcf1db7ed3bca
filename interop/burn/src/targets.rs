//! From label maps to target tensors.

use burn::tensor::{Device, Tensor, TensorData};
use ndarray::{Ix2, Ix3};
use soft_labels::batch::{Sample, encode};
use soft_labels::{Classes, Label, Result, SoftEncoder, SpatialDim};

/// The tensor of a batch: of four axes, (N, C, H, W), for label maps in 2D and of five, (N, C, D, H, W), in 3D.
pub trait BatchDim: SpatialDim {
    /// The tensor.
    type Batch;

    /// Makes the tensor of data that has its number of axes.
    #[doc(hidden)]
    fn tensor(data: TensorData, device: &Device) -> Self::Batch;
}

impl BatchDim for Ix2 {
    type Batch = Tensor<4>;

    fn tensor(data: TensorData, device: &Device) -> Self::Batch {
        Tensor::from_data(data, device)
    }
}

impl BatchDim for Ix3 {
    type Batch = Tensor<5>;

    fn tensor(data: TensorData, device: &Device) -> Self::Batch {
        Tensor::from_data(data, device)
    }
}

/// The soft labels of samples, windows of label maps, as one tensor on a device.
///
/// They are encoded in `f32` straight to the buffer that becomes the tensor.
///
/// # Errors
/// Those of [`encode`].
///
/// The example of this [crate] uses it.
pub fn soft_targets<L: Label, D: BatchDim>(
    encoder: &impl SoftEncoder,
    samples: &[Sample<'_, L, D>],
    classes: &Classes,
    device: &Device,
) -> Result<D::Batch> {
    let batch = encode::<L, f32, D>(encoder, samples, classes)?;
    let shape = batch.shape().to_vec();
    // A batch is in C order, as the tensor is.
    let (values, _) = batch.into_raw_vec_and_offset();
    Ok(D::tensor(TensorData::new(values, shape), device))
}
