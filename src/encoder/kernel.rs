//! The SVLS weight tensor.

use std::marker::PhantomData;

use ndarray::Array;

use crate::engine::taps::{self, Tap};
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
/// This is section 2 of Islam & Glocker 2021 (arXiv 2104.05788); [`Default`] is the paper's kernel, σ = 1 and r = 1 on
/// each axis. The neighbours are summed themselves, each relative to the heaviest one, so that every finite σ > 0
/// works: for σ → 0 the neighbours' half goes to the nearest of them alone.
///
/// A kernel of dimension [`IxDyn`](type@ndarray::IxDyn) given one sigma and one radius serves label maps of two and of three axes.
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
        Self::builder().sigma([sigma]).build()
    }

    /// A builder for sigma and radius by axis, and for sigma in millimetres.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// use ndarray::Ix3;
    ///
    /// let kernel = SvlsKernel::<Ix3>::builder()
    ///     .sigma_mm([1.0; 3])
    ///     .spacing_mm([3.22, 1.62, 1.62])
    ///     .radius([1, 2, 2])
    ///     .build()?;
    /// assert_eq!(kernel.weights().shape(), [3, 5, 5]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn builder() -> SvlsKernelBuilder<D> {
        SvlsKernelBuilder {
            sigma: vec![1.0],
            in_mm: false,
            spacing: None,
            radius: vec![1],
            dim: PhantomData,
        }
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
        resolve(&self.sigma, &self.radius)
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
    /// The weights with the centre 1, as figure 2(a) of the paper draws them: shape 2r+1 on each axis, summing to 2.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let w = SvlsKernel::<ndarray::Ix2>::default().weights();
    /// assert_eq!(w[[1, 1]], 1.0);
    /// assert!((w[[0, 1]] - 0.15561483).abs() < 1e-8); // side
    /// assert!((w[[0, 0]] - 0.09438517).abs() < 1e-8); // corner
    /// ```
    pub fn weights(&self) -> Array<f64, D> {
        let mut shape = D::zeros(self.radius.len());
        for (len, radius) in shape.slice_mut().iter_mut().zip(&self.radius) {
            *len = 2 * radius + 1;
        }
        let taps = taps::gaussian(&self.sigma, &self.radius);
        let sum: f64 = taps.iter().map(|tap| tap.weight).sum();
        // Neighbours come in standard order without the centre, which is in their middle.
        let (before, after) = taps.split_at(taps.len() / 2);
        let neighbour = |tap: &Tap| tap.weight / sum;
        let all = before
            .iter()
            .map(neighbour)
            .chain([1.0])
            .chain(after.iter().map(neighbour));
        let mut weights = Array::zeros(shape);
        weights.iter_mut().zip(all).for_each(|(weight, value)| *weight = value);
        weights
    }

    /// The weights that sum to 1, half of it at the centre: those that average the one-hot maps.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let w = SvlsKernel::<ndarray::Ix3>::isotropic(1e-3)?.normalized();
    /// assert_eq!(w[[1, 1, 1]], 0.5);
    /// assert_eq!(w[[0, 1, 1]], 1.0 / 12.0); // all on the six faces
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn normalized(&self) -> Array<f64, D> {
        self.weights() * 0.5
    }
}

impl<D: SpatialDim> Default for SvlsKernel<D> {
    /// The paper's kernel: σ = 1 voxel and r = 1 on every axis.
    fn default() -> Self {
        let axes = D::NDIM.unwrap_or(1);
        Self {
            sigma: vec![1.0; axes],
            radius: vec![1; axes],
            dim: PhantomData,
        }
    }
}

/// Builds an [`SvlsKernel`] whose axes differ, or whose sigma is in millimetres.
///
/// Every setting takes one value for all axes or one value for each, in the order of the label map's axes. What is
/// not set is as in the paper: sigma 1 voxel, radius 1.
///
/// ```
/// use ndarray::Ix3;
/// use soft_labels::SvlsKernel;
///
/// // No smoothing across thick slices, a wide kernel within them.
/// let kernel = SvlsKernel::<Ix3>::builder().sigma([1.5]).radius([0, 2, 2]).build()?;
/// assert_eq!(kernel.weights().shape(), [1, 5, 5]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SvlsKernelBuilder<D> {
    sigma: Vec<f64>,
    in_mm: bool,
    spacing: Option<Vec<f64>>,
    radius: Vec<usize>,
    dim: PhantomData<D>,
}

impl<D: SpatialDim> SvlsKernelBuilder<D> {
    /// Sigma in voxels. Replaces an earlier sigma.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let kernel = SvlsKernel::<ndarray::Ix2>::builder().sigma([1.0, 2.0]).build()?;
    /// assert_eq!(kernel.sigma(), [1.0, 2.0]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn sigma(self, voxels: impl AsRef<[f64]>) -> Self {
        Self {
            sigma: voxels.as_ref().to_vec(),
            in_mm: false,
            ..self
        }
    }

    /// Sigma in millimetres; needs the voxel spacing. Replaces an earlier sigma.
    ///
    /// ```
    /// # use soft_labels::{Error, SvlsKernel};
    /// let builder = SvlsKernel::<ndarray::Ix2>::builder().sigma_mm([1.0]);
    /// assert_eq!(builder.clone().build(), Err(Error::MissingSpacing));
    /// assert_eq!(builder.spacing_mm([0.5, 2.0]).build()?.sigma(), [2.0, 0.5]);
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn sigma_mm(self, millimetres: impl AsRef<[f64]>) -> Self {
        Self {
            sigma: millimetres.as_ref().to_vec(),
            in_mm: true,
            ..self
        }
    }

    /// Distance between the centres of neighbouring voxels on each axis, in millimetres.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let builder = SvlsKernel::<ndarray::Ix3>::builder().spacing_mm([5.0, 1.0, 1.0]);
    /// assert_eq!(builder.sigma_mm([1.0]).build()?.sigma(), [0.2, 1.0, 1.0]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn spacing_mm(self, millimetres: impl AsRef<[f64]>) -> Self {
        Self {
            spacing: Some(millimetres.as_ref().to_vec()),
            ..self
        }
    }

    /// Radius in voxels: the kernel has 2r+1 weights along an axis. 0 is no smoothing along it. The work near boundaries
    /// grows with the number of weights; beyond 3σ they hardly count.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let kernel = SvlsKernel::<ndarray::Ix3>::builder().radius([0, 1, 1]).build()?;
    /// assert_eq!(kernel.radius(), [0, 1, 1]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn radius(self, voxels: impl AsRef<[usize]>) -> Self {
        Self {
            radius: voxels.as_ref().to_vec(),
            ..self
        }
    }

    /// The kernel.
    ///
    /// # Errors
    /// [`Error::KernelAxes`] if a setting has neither one value nor one for each axis; [`Error::Sigma`] and
    /// [`Error::Spacing`] if a value is not finite or not greater than 0; [`Error::MissingSpacing`];
    /// [`Error::ZeroRadius`]; [`Error::KernelTooLarge`] above 2²⁰ weights, or 255 voxels along an axis.
    ///
    /// ```
    /// # use soft_labels::{Error, SvlsKernel};
    /// let builder = SvlsKernel::<ndarray::Ix2>::builder();
    /// assert_eq!(builder.clone().radius([0]).build(), Err(Error::ZeroRadius));
    /// assert!(builder.sigma([0.15]).radius([2, 3]).build().is_ok());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn build(self) -> Result<SvlsKernel<D>> {
        check_positive(&self.sigma, |axis, value| Error::Sigma { axis, value })?;
        let spacing = self.spacing.unwrap_or_default();
        check_positive(&spacing, |axis, value| Error::Spacing { axis, value })?;
        if !self.in_mm {
            return resolve(&self.sigma, &self.radius);
        }
        if spacing.is_empty() {
            return Err(Error::MissingSpacing);
        }
        let axes = D::NDIM.unwrap_or(spacing.len().max(self.sigma.len()));
        let (sigma, spacing) = (
            per_axis("sigma", &self.sigma, Some(axes))?,
            per_axis("spacing", &spacing, Some(axes))?,
        );
        let in_voxels: Vec<f64> = sigma
            .iter()
            .zip(spacing)
            .map(|(sigma, spacing)| sigma / spacing)
            .collect();
        check_positive(&in_voxels, |axis, value| Error::Sigma { axis, value })?;
        resolve(&in_voxels, &self.radius)
    }
}

/// The kernel of dimension `D` with these settings, given for one axis or for all.
fn resolve<D: SpatialDim>(sigma: &[f64], radius: &[usize]) -> Result<SvlsKernel<D>> {
    let (sigma, radius) = (per_axis("sigma", sigma, D::NDIM)?, per_axis("radius", radius, D::NDIM)?);
    if radius.iter().all(|&r| r == 0) {
        return Err(Error::ZeroRadius);
    }
    check_size(&radius)?;
    Ok(SvlsKernel {
        sigma,
        radius,
        dim: PhantomData,
    })
}

/// One value for each axis, where one may have been given for all. As given if the number of axes is not known.
fn per_axis<T: Copy>(what: &'static str, values: &[T], axes: Option<usize>) -> Result<Vec<T>> {
    match (values, axes) {
        (&[value], Some(axes)) => Ok(vec![value; axes]),
        (&[_] | &[_, _] | &[_, _, _], None) => Ok(values.to_vec()),
        (_, Some(axes)) if values.len() == axes => Ok(values.to_vec()),
        _ => Err(Error::KernelAxes {
            what,
            expected: axes.unwrap_or(3),
            actual: values.len(),
        }),
    }
}

fn check_positive(values: &[f64], error: impl Fn(usize, f64) -> Error) -> Result<()> {
    match values.iter().position(|&value| !(value.is_finite() && value > 0.0)) {
        Some(axis) => Err(error(axis, values.get(axis).copied().unwrap_or(f64::NAN))),
        None => Ok(()),
    }
}

/// A kernel has at most [`taps::MAX`] weights and reaches at most [`taps::MAX_RADIUS`] voxels far.
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
