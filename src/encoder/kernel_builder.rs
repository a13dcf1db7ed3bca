//! The settings of an SVLS kernel.

use std::marker::PhantomData;

use super::kernel::{SvlsKernel, resolve};
use crate::input::per_axis::{PerAxis, per_axis};
use crate::{Error, Result, SpatialDim};

/// Builds an [`SvlsKernel`] whose axes differ, or whose sigma is in millimetres.
///
/// Every setting by axis takes one number for all axes, or an array, slice or `Vec` with one for each, in the order of the
/// label map's axes. What is not set is as in the paper: sigma 1 voxel, radius 1, strength 1.
///
/// ```
/// use ndarray::Ix3;
/// use soft_labels::SvlsKernel;
///
/// // No smoothing across thick slices, a wide kernel within them.
/// let kernel = SvlsKernel::<Ix3>::builder().sigma(1.5).radius([0, 2, 2]).build()?;
/// assert_eq!(kernel.weights().shape(), [1, 5, 5]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SvlsKernelBuilder<D> {
    pub(super) sigma: PerAxis<f64>,
    pub(super) in_mm: bool,
    pub(super) spacing: Option<PerAxis<f64>>,
    pub(super) radius: PerAxis<usize>,
    pub(super) strength: f64,
    dim: PhantomData<D>,
}

impl<D: SpatialDim> SvlsKernelBuilder<D> {
    /// The paper's settings.
    pub(super) fn new() -> Self {
        Self {
            sigma: 1.0.into(),
            in_mm: false,
            spacing: None,
            radius: 1.into(),
            strength: 1.0,
            dim: PhantomData,
        }
    }

    /// Sigma in voxels. Replaces an earlier sigma.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let kernel = SvlsKernel::<ndarray::Ix2>::builder().sigma([1.0, 2.0]).build()?;
    /// assert_eq!(kernel.sigma(), [1.0, 2.0]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn sigma(self, voxels: impl Into<PerAxis<f64>>) -> Self {
        Self {
            sigma: voxels.into(),
            in_mm: false,
            ..self
        }
    }

    /// Sigma in millimetres; needs the voxel spacing. Replaces an earlier sigma.
    ///
    /// ```
    /// # use soft_labels::{Error, SvlsKernel};
    /// let builder = SvlsKernel::<ndarray::Ix2>::builder().sigma_mm(1.0);
    /// assert_eq!(builder.clone().build(), Err(Error::MissingSpacing));
    /// assert_eq!(builder.spacing_mm([0.5, 2.0]).build()?.sigma(), [2.0, 0.5]);
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn sigma_mm(self, millimetres: impl Into<PerAxis<f64>>) -> Self {
        Self {
            sigma: millimetres.into(),
            in_mm: true,
            ..self
        }
    }

    /// Distance between the centres of neighbouring voxels on each axis, in millimetres.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let builder = SvlsKernel::<ndarray::Ix3>::builder().spacing_mm([5.0, 1.0, 1.0]);
    /// assert_eq!(builder.sigma_mm(1.0).build()?.sigma(), [0.2, 1.0, 1.0]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn spacing_mm(self, millimetres: impl Into<PerAxis<f64>>) -> Self {
        Self {
            spacing: Some(millimetres.into()),
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
    pub fn radius(self, voxels: impl Into<PerAxis<usize>>) -> Self {
        Self {
            radius: voxels.into(),
            ..self
        }
    }

    /// Strength λ, above 0 and at most 1: the neighbours together have λ/2 of the whole weight, the centre 1 - λ/2.
    ///
    /// ```text
    /// p = (1 - λ) one-hot + λ SVLS
    /// ```
    ///
    /// This goes beyond the paper, whose kernel has λ = 1: there the neighbours always have one half, whatever σ is. With
    /// much training data this can be too much smoothing. The annotated class keeps at least 1 - λ/2.
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::{Classes, SoftEncoder, Svls, SvlsKernel};
    ///
    /// let isolated = array![[0_u8, 0, 0], [0, 1, 0], [0, 0, 0]];
    /// let svls = Svls::new(SvlsKernel::builder().strength(0.5).build()?);
    /// let soft: Array3<f32> = svls.encode(&isolated, &Classes::contiguous(2)?)?;
    /// assert_eq!(soft[[1, 1, 1]], 0.75);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn strength(self, strength: f64) -> Self {
        Self { strength, ..self }
    }

    /// The same settings for another dimension.
    pub(crate) fn with_dimension<E>(self) -> SvlsKernelBuilder<E> {
        SvlsKernelBuilder {
            sigma: self.sigma,
            in_mm: self.in_mm,
            spacing: self.spacing,
            radius: self.radius,
            strength: self.strength,
            dim: PhantomData,
        }
    }

    /// The kernel.
    ///
    /// # Errors
    /// [`Error::KernelAxes`] if a setting has neither one value nor one for each axis; [`Error::Sigma`] and
    /// [`Error::Spacing`] if a value is not finite or not greater than 0; [`Error::Strength`]; [`Error::MissingSpacing`];
    /// [`Error::ZeroRadius`]; [`Error::KernelTooLarge`] if the kernel has more than 2²⁰ weights or a radius above 255.
    ///
    /// ```
    /// # use soft_labels::{Error, SvlsKernel};
    /// let builder = SvlsKernel::<ndarray::Ix2>::builder();
    /// assert_eq!(builder.clone().radius(0).build(), Err(Error::ZeroRadius));
    /// assert!(builder.sigma(0.15).radius([2, 3]).build().is_ok());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn build(self) -> Result<SvlsKernel<D>> {
        let (sigma, radius) = (self.sigma.values(), self.radius.values());
        check_positive(sigma, |axis, value| Error::Sigma { axis, value })?;
        let spacing = self.spacing.as_ref().map_or(&[][..], PerAxis::values);
        check_positive(spacing, |axis, value| Error::Spacing { axis, value })?;
        if !(self.strength > 0.0 && self.strength <= 1.0) {
            return Err(Error::Strength { value: self.strength });
        }
        if !self.in_mm {
            return resolve(sigma, radius, self.strength);
        }
        if spacing.is_empty() {
            return Err(Error::MissingSpacing);
        }
        let axes = D::NDIM.unwrap_or(spacing.len().max(sigma.len()));
        let (sigma, spacing) = (
            per_axis("sigma", sigma, Some(axes))?,
            per_axis("spacing", spacing, Some(axes))?,
        );
        let in_voxels: Vec<f64> = sigma
            .iter()
            .zip(spacing)
            .map(|(sigma, spacing)| sigma / spacing)
            .collect();
        check_positive(&in_voxels, |axis, value| Error::Sigma { axis, value })?;
        resolve(&in_voxels, radius, self.strength)
    }
}

impl<D: SpatialDim> From<SvlsKernel<D>> for SvlsKernelBuilder<D> {
    fn from(kernel: SvlsKernel<D>) -> Self {
        Self::new()
            .sigma(kernel.sigma())
            .radius(kernel.radius())
            .strength(kernel.strength())
    }
}

fn check_positive(values: &[f64], error: impl Fn(usize, f64) -> Error) -> Result<()> {
    match values.iter().position(|&value| !(value.is_finite() && value > 0.0)) {
        Some(axis) => Err(error(axis, values.get(axis).copied().unwrap_or(f64::NAN))),
        None => Ok(()),
    }
}
