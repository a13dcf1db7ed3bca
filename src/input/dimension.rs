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
#[diagnostic::on_unimplemented(
    message = "a label map has two axes (H, W) or three (D, H, W), so `{Self}` is not its dimension",
    label = "neither `Ix2`, `Ix3` nor `IxDyn`",
    note = "drop axes of length 1, and encode one label map at a time"
)]
pub trait SpatialDim:
    Dimension<Larger: RemoveAxis<Smaller = Self, Larger: RemoveAxis<Smaller = Self::Larger>>> + sealed::Sealed
{
}

impl SpatialDim for Ix2 {}
impl SpatialDim for Ix3 {}
impl SpatialDim for IxDyn {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Ix2 {}
    impl Sealed for super::Ix3 {}
    impl Sealed for super::IxDyn {}
}
