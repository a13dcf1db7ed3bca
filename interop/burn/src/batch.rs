//! From label maps in memory to target tensors.

use burn::tensor::{Device, Tensor, TensorData};
use ndarray::{Array, Dimension, Ix2, Ix3};
use soft_labels::batch::{Sample, encode, encode_scales};
use soft_labels::{Classes, Label, PerAxis, Result, SoftEncoder, SpatialDim};

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
    Ok(tensor::<D, _>(encode(encoder, samples, classes)?, device))
}

/// The soft labels of samples at several scales, for networks with outputs at several resolutions: a tensor for each scale.
///
/// A scale is the length of the boxes over which soft labels are averaged, in voxels: one number for all axes, or one for each.
///
/// # Errors
/// Those of [`encode_scales`].
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use ndarray::Array3;
/// use soft_labels::batch::Sample;
/// use soft_labels::{Classes, Svls};
/// use soft_labels_burn::soft_target_scales;
///
/// let labels = Array3::<u8>::zeros((8, 32, 32));
/// let (samples, classes) = ([Sample::new(labels.view())?], Classes::contiguous(3)?);
/// let scales: Vec<Tensor<5>> =
///     soft_target_scales(&Svls::default(), &samples, &classes, &[[1, 1, 1], [1, 2, 2]], &Device::default())?;
/// assert_eq!(scales[1].dims(), [1, 3, 8, 16, 16]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn soft_target_scales<L: Label, D: BatchDim>(
    encoder: &impl SoftEncoder,
    samples: &[Sample<'_, L, D>],
    classes: &Classes,
    scales: &[impl Into<PerAxis<usize>> + Clone],
    device: &Device,
) -> Result<Vec<D::Batch>> {
    let batches = encode_scales(encoder, samples, classes, scales)?;
    Ok(batches.into_iter().map(|batch| tensor::<D, _>(batch, device)).collect())
}

fn tensor<D: BatchDim, B: Dimension>(batch: Array<f32, B>, device: &Device) -> D::Batch {
    let shape = batch.shape().to_vec();
    // A batch is in C order, as the tensor is.
    let (values, _) = batch.into_raw_vec_and_offset();
    D::tensor(TensorData::new(values, shape), device)
}
