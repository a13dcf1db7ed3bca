//! The dimensions a label map can have.

use ndarray::{Dimension, Ix2, Ix3, IxDyn, RemoveAxis};

/// Dimension of a label map: [`Ix2`](type@Ix2) (H, W), [`Ix3`](type@Ix3) (D, H, W), or [`IxDyn`](type@IxDyn) with two or three axes.
///
/// The soft labels have one axis more, the classes, and it comes first: `D::Larger`. The trait is sealed.
///
/// ```
/// use ndarray::{Array, ArrayRef};
/// use soft_labels::{Classes, OneHot, Result, SoftEncoder, SpatialDim};
///
/// fn one_hot<D: SpatialDim>(labels: &ArrayRef<u8, D>) -> Result<Array<f32, D::Larger>> {
///     OneHot.encode(labels, &Classes::contiguous(2)?)
/// }
/// assert_eq!(one_hot(&ndarray::array![[0_u8, 1]])?.shape(), [2, 1, 2]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub trait SpatialDim: Dimension<Larger: RemoveAxis<Smaller = Self>> + sealed::Sealed {}

impl SpatialDim for Ix2 {}
impl SpatialDim for Ix3 {}
impl SpatialDim for IxDyn {}

/// A [`SpatialDim`] whose number of axes is part of the type: [`Ix2`](type@Ix2) or [`Ix3`](type@Ix3). The trait is sealed.
///
/// ```
/// use ndarray::Ix2;
/// use soft_labels::{FixedSpatialDim, SvlsKernel};
///
/// fn heaviest_neighbour<D: FixedSpatialDim>(kernel: &SvlsKernel<D>) -> f64 {
///     kernel.weights().iter().filter(|&&w| w != 1.0).fold(0.0, |a, &b| a.max(b))
/// }
/// assert!((heaviest_neighbour(&SvlsKernel::<Ix2>::default()) - 0.15561483).abs() < 1e-8);
/// ```
pub trait FixedSpatialDim: SpatialDim {}

impl FixedSpatialDim for Ix2 {}
impl FixedSpatialDim for Ix3 {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Ix2 {}
    impl Sealed for super::Ix3 {}
    impl Sealed for super::IxDyn {}
}
