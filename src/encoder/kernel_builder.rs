//! The settings of an SVLS kernel.

use super::kernel::{Reach, SvlsKernel};
use crate::error::allowed;
use crate::input::per_axis::PerAxis;
use crate::{Error, Place, Result};

impl SvlsKernel {
    /// The kernel with this sigma, in voxels, and radius 1 on every axis.
    ///
    /// # Errors
    /// [`Error::Setting`] if sigma is not finite or not greater than 0.
    ///
    /// ```
    /// # use soft_labels::{Error, SvlsKernel};
    /// assert_eq!(SvlsKernel::isotropic(1.5)?.sigma(2)?, [1.5, 1.5]);
    /// assert!(matches!(SvlsKernel::isotropic(0.0), Err(Error::Setting { what: "sigma", value: 0.0, .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn isotropic(sigma: f64) -> Result<Self> {
        Self::builder().sigma(sigma).build()
    }

    /// A builder for sigma and radius by axis, and for sigma in millimetres.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let kernel = SvlsKernel::builder()
    ///     .sigma_mm(1.0)
    ///     .spacing_mm([3.22, 1.62, 1.62])
    ///     .radius([1, 2, 2])
    ///     .build()?;
    /// assert_eq!(kernel.weights(3)?.shape(), [3, 5, 5]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn builder() -> SvlsKernelBuilder {
        SvlsKernelBuilder::default()
    }
}

/// Builds an [`SvlsKernel`] whose axes differ, whose sigma is in millimetres or whose radius is not 1.
///
/// Every setting by axis takes one number for all axes, or an array, slice or `Vec` with one for each, in the order of the
/// label map's axes. What is not set is as in the paper: sigma 1 voxel, radius 1, strength 1. A setting that is set twice has
/// the later value.
///
/// ```
/// use soft_labels::SvlsKernel;
///
/// // No smoothing across thick slices, a wide kernel within them.
/// let kernel = SvlsKernel::builder().sigma(1.5).radius([0, 2, 2]).build()?;
/// assert_eq!(kernel.weights(3)?.shape(), [1, 5, 5]);
///
/// // As wide as three sigmas, in 2D and in 3D.
/// let kernel = SvlsKernel::builder().sigma(1.5).truncate(3.0).build()?;
/// assert_eq!(kernel.weights(2)?.shape(), [11, 11]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SvlsKernelBuilder {
    pub(super) sigma: Option<PerAxis<f64>>,
    pub(super) sigma_mm: Option<PerAxis<f64>>,
    pub(super) spacing_mm: Option<PerAxis<f64>>,
    pub(super) radius: Option<PerAxis<usize>>,
    pub(super) truncate: Option<f64>,
    pub(super) strength: Option<f64>,
}

impl SvlsKernelBuilder {
    /// Sigma in voxels.
    ///
    /// It says how fast the weights fall with the distance, not how far they reach: that is the
    /// [`radius`](Self::radius), which stays 1 unless it is set, or [`truncate`](Self::truncate).
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let kernel = SvlsKernel::builder().sigma([1.0, 2.0]).build()?;
    /// assert_eq!(kernel.sigma(2)?, [1.0, 2.0]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn sigma(self, voxels: impl Into<PerAxis<f64>>) -> Self {
        Self {
            sigma: Some(voxels.into()),
            ..self
        }
    }

    /// Sigma in millimetres, which needs the [voxel spacing](Self::spacing_mm).
    ///
    /// The radius does not follow from it: a sigma of 3 mm where voxels are 1 mm apart still has a radius of one voxel, and
    /// then it weighs all neighbours nearly alike. Say with [`truncate`](Self::truncate) how many sigmas the kernel is to
    /// reach, or with [`radius`](Self::radius) how many voxels.
    ///
    /// ```
    /// # use soft_labels::{Error, SvlsKernel};
    /// let builder = SvlsKernel::builder().sigma_mm(3.0);
    /// assert!(matches!(builder.clone().build(), Err(Error::Missing { missing: "spacing_mm", .. })));
    ///
    /// let builder = builder.spacing_mm([3.0, 1.0, 1.0]);
    /// assert_eq!(builder.clone().build()?.radius(3)?, [1, 1, 1]);
    /// assert_eq!(builder.truncate(2.0).build()?.radius(3)?, [2, 6, 6]);
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn sigma_mm(self, millimetres: impl Into<PerAxis<f64>>) -> Self {
        Self {
            sigma_mm: Some(millimetres.into()),
            ..self
        }
    }

    /// Distance between the centres of neighbouring voxels on each axis, in millimetres.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let builder = SvlsKernel::builder().spacing_mm([5.0, 1.0, 1.0]);
    /// assert_eq!(builder.sigma_mm(1.0).build()?.sigma(3)?, [0.2, 1.0, 1.0]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn spacing_mm(self, millimetres: impl Into<PerAxis<f64>>) -> Self {
        Self {
            spacing_mm: Some(millimetres.into()),
            ..self
        }
    }

    /// Radius in voxels: the kernel has 2r+1 weights along an axis. 0 is no smoothing along it.
    ///
    /// It is 1 if neither it nor [`truncate`](Self::truncate) is set, whatever sigma is. The work near boundaries grows with
    /// the number of weights; beyond 3σ they hardly count.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let kernel = SvlsKernel::builder().radius([0, 1, 1]).build()?;
    /// assert_eq!(kernel.radius(3)?, [0, 1, 1]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn radius(self, voxels: impl Into<PerAxis<usize>>) -> Self {
        Self {
            radius: Some(voxels.into()),
            ..self
        }
    }

    /// A radius that follows from sigma: ⌈t σ⌉ voxels on each axis, at least 1.
    ///
    /// The filters of `scipy.ndimage` have the same word for it; they round to the nearest whole number. A product that is above a whole
    /// number by less than a millionth of itself counts as that number, because 30 times 0.1 is a little more than 3 in
    /// floating point.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let kernel = SvlsKernel::builder().sigma([0.5, 1.0, 1.1]).truncate(3.0).build()?;
    /// assert_eq!(kernel.radius(3)?, [2, 3, 4]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn truncate(self, sigmas: f64) -> Self {
        Self {
            truncate: Some(sigmas),
            ..self
        }
    }

    /// Strength λ, above 0 and at most 1: the neighbours together have λ/2 of the sum of all weights, the centre 1 - λ/2.
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
        Self {
            strength: Some(strength),
            ..self
        }
    }

    /// The kernel.
    ///
    /// # Errors
    /// - [`Error::Conflict`] if both sigma and sigma in millimetres are set, or both radius and truncate;
    ///   [`Error::Missing`] if only one of spacing and sigma in millimetres is.
    /// - [`Error::Setting`] if sigma, spacing or truncate is not finite or not greater than 0, or the strength is not greater
    ///   than 0 and at most 1.
    /// - [`Error::Count`] if a list of settings has not 1, 2 or 3 entries, or two lists differ in length.
    /// - [`Error::AllZero`] if every radius is 0; [`Error::KernelTooLarge`] if the kernel has more than 2²⁰ weights or a radius above 255.
    ///
    /// ```
    /// # use soft_labels::{Error, SvlsKernel};
    /// let builder = SvlsKernel::builder();
    /// assert!(matches!(builder.clone().radius(0).build(), Err(Error::AllZero { what: "radius", .. })));
    /// assert!(matches!(builder.clone().spacing_mm(2.0).build(), Err(Error::Missing { .. })));
    /// assert!(builder.sigma(0.15).radius([2, 3]).build().is_ok());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn build(self) -> Result<SvlsKernel> {
        let paper = SvlsKernel::default();
        let (sigma, spacing) = match (self.sigma, self.sigma_mm, self.spacing_mm) {
            (Some(_), Some(_), _) => return Err(conflict("sigma", "sigma_mm")),
            (_, None, Some(_)) => return Err(missing("spacing_mm", "sigma_mm")),
            (None, Some(_), None) => return Err(missing("sigma_mm", "spacing_mm")),
            (None, Some(sigma), spacing @ Some(_)) => (sigma, spacing),
            (sigma, None, None) => (sigma.unwrap_or(paper.sigma), None),
        };
        let reach = match (self.radius, self.truncate) {
            (Some(_), Some(_)) => return Err(conflict("radius", "truncate")),
            (Some(radius), None) => Reach::Radius(radius),
            (None, Some(value)) if !is_positive(value) => {
                return Err(not_possible("truncate", value, allowed::POSITIVE));
            }
            (None, Some(sigmas)) => Reach::Truncate(sigmas),
            (None, None) => paper.reach,
        };
        let strength = self.strength.unwrap_or(paper.strength);
        if !(strength > 0.0 && strength <= 1.0) {
            return Err(not_possible("strength", strength, "greater than 0 and at most 1"));
        }
        let kernel = SvlsKernel {
            sigma,
            spacing,
            reach,
            strength,
        };
        check_positive("sigma", kernel.sigma.values())?;
        let spacing = kernel.spacing.as_ref().map_or(&[][..], PerAxis::values);
        check_positive("spacing", spacing)?;
        let axes = axes(&kernel);
        check_positive("sigma", &kernel.sigma_of(axes)?)?;
        if kernel.radius_of(axes)?.iter().all(|&radius| radius == 0) {
            return Err(Error::AllZero {
                what: "radius",
                per: "axes",
            });
        }
        Ok(kernel)
    }
}

/// For label maps of how many axes a kernel is: as many as its longest list has entries, or any number if it has no list.
fn axes(kernel: &SvlsKernel) -> Option<usize> {
    let spacing = kernel.spacing.as_ref().map_or(1, |spacing| spacing.values().len());
    let radius = match &kernel.reach {
        Reach::Radius(radius) => radius.values().len(),
        Reach::Truncate(_) => 1,
    };
    let longest = kernel.sigma.values().len().max(spacing).max(radius);
    (longest > 1).then_some(longest.min(3))
}

fn conflict(first: &'static str, second: &'static str) -> Error {
    Error::Conflict { first, second }
}

fn missing(given: &'static str, missing: &'static str) -> Error {
    Error::Missing { given, missing }
}

fn not_possible(what: &'static str, value: f64, allowed: &'static str) -> Error {
    Error::Setting {
        what,
        place: None,
        value,
        allowed,
    }
}

fn is_positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

fn check_positive(what: &'static str, values: &[f64]) -> Result<()> {
    match values.iter().enumerate().find(|&(_, &value)| !is_positive(value)) {
        Some((axis, &value)) => Err(Error::Setting {
            what,
            place: Some(Place::Axis(axis)),
            value,
            allowed: allowed::POSITIVE,
        }),
        None => Ok(()),
    }
}
