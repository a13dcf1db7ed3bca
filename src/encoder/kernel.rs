//! The SVLS weight tensor.

use std::marker::PhantomData;

use ndarray::Array;

use super::kernel_builder::SvlsKernelBuilder;
use crate::engine::taps::{self, Tap};
use crate::input::per_axis::per_axis;
use crate::{Error, FixedSpatialDim, Result, SpatialDim};

/// The weights with which SVLS smooths: a Gaussian whose centre weighs as much as all its neighbours together.
///
/// With a radius r and a sigma σ on each axis a, in voxels:
///
/// ```text
/// g(x) = exp(-½ Σₐ (xₐ / σₐ)²)     for x ≠ 0, |xₐ| ≤ rₐ
/// g(0) = Σ_{x≠0} g(x)
/// w(x) = g(x) / g(0)               the centre is 1 and the others sum to 1
/// ```
///
/// This is section 2 of Islam & Glocker 2021 (arXiv 2104.05788); [`Default`] is the paper's kernel, σ = 1 and r = 1 on each
/// axis. The neighbours themselves are summed, each relative to the heaviest one, so every finite σ > 0 works. For σ → 0
/// only the nearest neighbours have weight; together they have one half.
///
/// Beyond the paper, [`strength`](SvlsKernelBuilder::strength) λ makes the neighbours lighter: together they have λ/2 of the
/// whole weight. The paper's kernel has λ = 1.
///
/// A kernel of dimension [`IxDyn`](type@ndarray::IxDyn) with one sigma and one radius is for label maps of two and of three axes.
///
/// ```
/// use ndarray::{Ix3, array};
/// use soft_labels::SvlsKernel;
///
/// let w = SvlsKernel::<Ix3>::default().weights();
/// assert_eq!(w.shape(), [3, 3, 3]);
/// assert_eq!(w[[1, 1, 1]], 1.0);
/// assert!((w[[1, 1, 0]] - 0.06164695).abs() < 1e-8); // face
/// assert!((w[[1, 0, 0]] - 0.03739076).abs() < 1e-8); // edge
/// assert!((w[[0, 0, 0]] - 0.02267864).abs() < 1e-8); // corner
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SvlsKernel<D> {
    /// One entry for each axis; for [`IxDyn`](type@ndarray::IxDyn) also a single one, for as many axes as the label map has.
    sigma: Vec<f64>,
    radius: Vec<usize>,
    strength: f64,
    dim: PhantomData<D>,
}

impl<D: SpatialDim> SvlsKernel<D> {
    /// The kernel with this sigma, in voxels, and radius 1 on every axis.
    ///
    /// # Errors
    /// [`Error::Sigma`] if sigma is not finite or not greater than 0.
    ///
    /// ```
    /// # use soft_labels::{Error, SvlsKernel};
    /// use ndarray::Ix2;
    ///
    /// assert_eq!(SvlsKernel::<Ix2>::isotropic(1.5)?.sigma(), [1.5, 1.5]);
    /// assert_eq!(SvlsKernel::<Ix2>::isotropic(0.0), Err(Error::Sigma { axis: 0, value: 0.0 }));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn isotropic(sigma: f64) -> Result<Self> {
        Self::builder().sigma(sigma).build()
    }

    /// A builder for sigma and radius by axis, and for sigma in millimetres.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// use ndarray::Ix3;
    ///
    /// let kernel = SvlsKernel::<Ix3>::builder()
    ///     .sigma_mm(1.0)
    ///     .spacing_mm([3.22, 1.62, 1.62])
    ///     .radius([1, 2, 2])
    ///     .build()?;
    /// assert_eq!(kernel.weights().shape(), [3, 5, 5]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn builder() -> SvlsKernelBuilder<D> {
        SvlsKernelBuilder::new()
    }

    /// Sigma in voxels, one entry for each axis (for [`IxDyn`](type@ndarray::IxDyn) one entry may stand for all axes).
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// assert_eq!(SvlsKernel::<ndarray::Ix2>::default().sigma(), [1.0, 1.0]);
    /// ```
    pub fn sigma(&self) -> &[f64] {
        &self.sigma
    }

    /// Radius in voxels, one entry for each axis (for [`IxDyn`](type@ndarray::IxDyn) one entry may stand for all axes).
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// assert_eq!(SvlsKernel::<ndarray::Ix3>::default().radius(), [1, 1, 1]);
    /// ```
    pub fn radius(&self) -> &[usize] {
        &self.radius
    }

    /// Strength λ: the neighbours together have λ/2 of the whole weight.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// assert_eq!(SvlsKernel::<ndarray::Ix3>::default().strength(), 1.0);
    /// ```
    pub fn strength(&self) -> f64 {
        self.strength
    }

    /// The same kernel with another dimension type.
    ///
    /// # Errors
    /// [`Error::KernelAxes`] if the kernel is for another number of axes, [`Error::KernelTooLarge`].
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// use ndarray::{Ix2, Ix3, IxDyn};
    ///
    /// let kernel = SvlsKernel::<IxDyn>::isotropic(2.0)?;
    /// assert_eq!(kernel.into_dimensionality::<Ix3>()?, SvlsKernel::<Ix3>::isotropic(2.0)?);
    /// assert!(SvlsKernel::<Ix3>::isotropic(2.0)?.into_dimensionality::<Ix2>().is_err());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn into_dimensionality<E: SpatialDim>(self) -> Result<SvlsKernel<E>> {
        resolve(&self.sigma, &self.radius, self.strength)
    }

    /// The neighbours on a label map of `axes` axes, with their weights relative to the heaviest.
    pub(crate) fn taps(&self, axes: usize) -> Result<Vec<Tap>> {
        let sigma = per_axis("sigma", &self.sigma, Some(axes))?;
        let radius = per_axis("radius", &self.radius, Some(axes))?;
        check_size(&radius)?;
        Ok(taps::gaussian(&sigma, &radius))
    }
}

impl<D: FixedSpatialDim> SvlsKernel<D> {
    /// The weights with the centre 1, as figure 2(a) of the paper draws them: shape 2r+1 on each axis, summing to 2. With a
    /// strength λ the neighbours sum to λ / (2 - λ).
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let w = SvlsKernel::<ndarray::Ix2>::default().weights();
    /// assert_eq!(w[[1, 1]], 1.0);
    /// assert!((w[[0, 1]] - 0.15561483).abs() < 1e-8); // side
    /// assert!((w[[0, 0]] - 0.09438517).abs() < 1e-8); // corner
    /// ```
    pub fn weights(&self) -> Array<f64, D> {
        self.scaled(1.0, self.strength / (2.0 - self.strength))
    }

    /// The weights that sum to 1: those that average the one-hot maps. The centre has one half of it, or 1 - λ/2 with a
    /// strength λ.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let w = SvlsKernel::<ndarray::Ix3>::isotropic(1e-3)?.normalized();
    /// assert_eq!(w[[1, 1, 1]], 0.5);
    /// assert_eq!(w[[0, 1, 1]], 1.0 / 12.0); // the other half is on the six faces
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn normalized(&self) -> Array<f64, D> {
        self.scaled(1.0 - self.strength / 2.0, self.strength / 2.0)
    }

    /// The weights with this centre and this sum of all neighbours.
    fn scaled(&self, centre: f64, neighbours: f64) -> Array<f64, D> {
        let mut shape = D::zeros(self.radius.len());
        for (len, radius) in shape.slice_mut().iter_mut().zip(&self.radius) {
            *len = 2 * radius + 1;
        }
        let taps = taps::gaussian(&self.sigma, &self.radius);
        let sum: f64 = taps.iter().map(|tap| tap.weight).sum();
        // Neighbours come in standard order without the centre, which is in their middle.
        let (before, after) = taps.split_at(taps.len() / 2);
        let weight = |tap: &Tap| tap.weight / sum * neighbours;
        let all = before
            .iter()
            .map(weight)
            .chain([centre])
            .chain(after.iter().map(weight));
        let mut weights = Array::zeros(shape);
        weights.iter_mut().zip(all).for_each(|(weight, value)| *weight = value);
        weights
    }
}

impl<D: SpatialDim> Default for SvlsKernel<D> {
    /// The paper's kernel: σ = 1 voxel and r = 1 on every axis.
    fn default() -> Self {
        let axes = D::NDIM.unwrap_or(1);
        Self {
            sigma: vec![1.0; axes],
            radius: vec![1; axes],
            strength: 1.0,
            dim: PhantomData,
        }
    }
}

/// The kernel of dimension `D` with these settings: one value for all axes, or one for each.
pub(super) fn resolve<D: SpatialDim>(sigma: &[f64], radius: &[usize], strength: f64) -> Result<SvlsKernel<D>> {
    let (sigma, radius) = (per_axis("sigma", sigma, D::NDIM)?, per_axis("radius", radius, D::NDIM)?);
    if radius.iter().all(|&r| r == 0) {
        return Err(Error::ZeroRadius);
    }
    check_size(&radius)?;
    Ok(SvlsKernel {
        sigma,
        radius,
        strength,
        dim: PhantomData,
    })
}

/// Checks that a kernel has at most [`taps::MAX`] weights and reaches at most [`taps::MAX_RADIUS`] voxels far.
fn check_size(radius: &[usize]) -> Result<()> {
    let far = radius.iter().any(|&r| r > taps::MAX_RADIUS);
    let size = radius
        .iter()
        .try_fold(1_usize, |size, &r| size.checked_mul(2 * r.min(taps::MAX_RADIUS) + 1));
    match size {
        Some(size) if size <= taps::MAX && !far => Ok(()),
        _ => Err(Error::KernelTooLarge {
            radius: radius.to_vec(),
            max: taps::MAX,
            max_radius: taps::MAX_RADIUS,
        }),
    }
}
