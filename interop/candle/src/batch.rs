//! From label maps in memory to target tensors.

use candle_core::{Device, Error, Result, Tensor};
use ndarray::{Array, Dimension};
use soft_labels::batch::{Sample, encode, encode_scales};
use soft_labels::{Classes, Label, PerAxis, SoftEncoder, SpatialDim};

/// The soft labels of samples, windows of label maps, as one tensor on a device: (N, C, H, W) or (N, C, D, H, W).
///
/// They are encoded in `f32` straight to the buffer that becomes the tensor.
///
/// # Errors
/// Those of [`encode`], wrapped, and those of candle.
///
/// The example of this [crate] uses it.
pub fn soft_targets<L: Label, D: SpatialDim>(
    encoder: &impl SoftEncoder,
    samples: &[Sample<'_, L, D>],
    classes: &Classes,
    device: &Device,
) -> Result<Tensor> {
    tensor(
        encode::<L, f32, D>(encoder, samples, classes).map_err(Error::wrap)?,
        device,
    )
}

/// The soft labels of samples at several scales, for networks with outputs at several resolutions: a tensor for each scale.
///
/// A scale is the length of the boxes over which soft labels are averaged, in voxels: one number for all axes, or one for each.
///
/// # Errors
/// Those of [`encode_scales`], wrapped, and those of candle.
///
/// ```
/// use candle_core::Device;
/// use ndarray::Array3;
/// use soft_labels::batch::Sample;
/// use soft_labels::{Classes, Svls};
/// use soft_labels_candle::soft_target_scales;
///
/// let labels = Array3::<u8>::zeros((8, 32, 32));
/// let (samples, classes) = ([Sample::new(labels.view())?], Classes::contiguous(3)?);
/// let scales = soft_target_scales(&Svls::default(), &samples, &classes, &[[1, 1, 1], [1, 2, 2]], &Device::Cpu)?;
/// assert_eq!(scales[1].dims(), [1, 3, 8, 16, 16]); // (N, C, D, H, W)
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn soft_target_scales<L: Label, D: SpatialDim>(
    encoder: &impl SoftEncoder,
    samples: &[Sample<'_, L, D>],
    classes: &Classes,
    scales: &[impl Into<PerAxis<usize>> + Clone],
    device: &Device,
) -> Result<Vec<Tensor>> {
    let batches = encode_scales::<L, f32, D>(encoder, samples, classes, scales).map_err(Error::wrap)?;
    batches.into_iter().map(|batch| tensor(batch, device)).collect()
}

fn tensor<B: Dimension>(batch: Array<f32, B>, device: &Device) -> Result<Tensor> {
    let shape = batch.shape().to_vec();
    // A batch is in C order, as the tensor is.
    let (values, _) = batch.into_raw_vec_and_offset();
    Tensor::from_vec(values, shape, device)
}
