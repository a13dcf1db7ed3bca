//! [`Svls`]: Spatially Varying Label Smoothing.

use super::sealed::Encoder;
use crate::engine::Smoothing;
use crate::{Result, SoftEncoder, SvlsKernel};

/// Spatially Varying Label Smoothing (SVLS): certain inside a structure, unsure near its boundary.
///
/// This is equation 2 of Islam & Glocker 2021 (arXiv 2104.05788). The [`SvlsKernel`] has the weights w, and its centre weighs
/// as much as all neighbours. Borders are padded with the nearest voxel.
///
/// ```text
/// p_c(v) = Σ_u w(u) [label(v+u) = c] / Σ_u w(u)
/// ```
///
/// For every valid voxel the probabilities sum to 1. The annotated class has at least one half, exactly, so no other class
/// is more probable. They can be equal: an isolated voxel has one half for its own class and one half for the class around
/// it. Where a voxel and all its neighbours have one class, that class is exactly 1; a class that does not occur there is
/// exactly 0. Ignored neighbours are left out of both sums. The mean over raters ([`multirater`](crate::multirater)) is
/// mSVLS, equation 4.
///
/// Beyond the paper, a kernel of [`strength`](crate::SvlsKernelBuilder::strength) λ gives (1 - λ) one-hot + λ SVLS. The
/// annotated class then has at least 1 - λ/2.
///
/// Weights are rounded so that their sums are exact: for one rater to multiples of about 2⁻⁵² of their sum, for several
/// raters more coarsely. A neighbour whose weight rounds to 0 is left out.
///
/// One value is for label maps of two and of three axes, unless a setting of its kernel is a list.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Classes, SoftEncoder, Svls, SvlsKernel};
///
/// let labels = array![[0_u8, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]];
/// let classes = Classes::contiguous(2)?;
/// let soft: Array3<f32> = Svls::default().encode(&labels, &classes)?; // the paper's kernel
/// assert_eq!(soft[[0, 1, 0]], 1.0);
/// assert!((soft[[0, 1, 1]] - 0.8278).abs() < 1e-4); // beside the boundary
///
/// let wide = Svls::new(SvlsKernel::builder().sigma(2.0).radius(2).build()?);
/// let soft: Array3<f32> = wide.encode(&labels, &classes)?;
/// assert!(soft[[0, 1, 0]] < 1.0);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Svls {
    kernel: SvlsKernel,
}

impl Svls {
    /// SVLS with this kernel.
    ///
    /// ```
    /// # use soft_labels::{SoftEncoder, Svls, SvlsKernel};
    /// let svls = Svls::new(SvlsKernel::builder().sigma(1.5).truncate(3.0).build()?);
    /// assert_eq!(svls.radius(2)?, [5, 5]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn new(kernel: SvlsKernel) -> Self {
        Self { kernel }
    }

    /// The kernel.
    ///
    /// ```
    /// # use soft_labels::{Svls, SvlsKernel};
    /// assert_eq!(Svls::default().kernel(), &SvlsKernel::isotropic(1.0)?); // the paper's
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn kernel(&self) -> &SvlsKernel {
        &self.kernel
    }
}

impl Encoder for Svls {
    fn smoothing(&self, _classes: usize, axes: usize) -> Result<Smoothing> {
        Ok(Smoothing::by_neighbours(
            self.kernel.taps(axes)?,
            self.kernel.strength(),
        ))
    }
}

impl SoftEncoder for Svls {}
