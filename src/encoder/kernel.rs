//! The weights of SVLS.

use ndarray::{ArrayD, IxDyn};

use crate::common::arrays;
use crate::engine::taps::{self, Tap};
use crate::input::per_axis::{PerAxis, per_axis};
use crate::input::raters::check_axes;
use crate::{Error, Result};

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
/// Beyond the paper, [`strength`](crate::SvlsKernelBuilder::strength) λ makes the neighbours lighter: together they have λ/2
/// of the sum of all weights. The paper's kernel has λ = 1.
///
/// A kernel has no number of axes of its own. A setting that is one number counts for every axis of the label map that the
/// kernel meets, in 2D and in 3D. A setting that is a list must have an entry for each axis of that map; methods that take
/// `axes` return [`Error::Count`] where it has not, and [`Error::Axes`] unless `axes` is 2 or 3. Two kernels are
/// equal if they have the same settings.
///
/// ```
/// use soft_labels::SvlsKernel;
///
/// let kernel = SvlsKernel::default();
/// let cube = kernel.weights(3)?;
/// assert_eq!(cube.shape(), [3, 3, 3]);
/// assert_eq!(cube[[1, 1, 1]], 1.0);
/// assert!((cube[[1, 1, 0]] - 0.06164695).abs() < 1e-8); // face
/// assert!((cube[[1, 0, 0]] - 0.03739076).abs() < 1e-8); // edge
/// assert!((cube[[0, 0, 0]] - 0.02267864).abs() < 1e-8); // corner
/// assert_eq!(kernel.weights(2)?.shape(), [3, 3]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SvlsKernel {
    /// In voxels, or in millimetres where there is a spacing.
    pub(super) sigma: PerAxis<f64>,
    pub(super) spacing: Option<PerAxis<f64>>,
    pub(super) reach: Reach,
    pub(super) strength: f64,
}

/// What the radius is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reach {
    Radius(PerAxis<usize>),
    /// In multiples of sigma.
    Truncate(f64),
}

/// How much of a product of truncate and sigma is taken for an error of rounding. Spacing in the header of a file often has
/// 32 bits.
const ROUNDING: f64 = 1e-6;

impl SvlsKernel {
    /// Sigma on each axis of label maps of 2 or 3 axes, in voxels.
    ///
    /// # Errors
    /// [`Error::Count`] and [`Error::Axes`].
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let kernel = SvlsKernel::builder().sigma_mm(1.0).spacing_mm([5.0, 0.5, 0.5]).build()?;
    /// assert_eq!(kernel.sigma(3)?, [0.2, 2.0, 2.0]);
    /// assert!(kernel.sigma(2).is_err());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn sigma(&self, axes: usize) -> Result<Vec<f64>> {
        check_axes(axes)?;
        self.sigma_of(Some(axes))
    }

    /// Radius on each axis of label maps of 2 or 3 axes, in voxels. 0 is no smoothing along an axis.
    ///
    /// # Errors
    /// [`Error::Count`], [`Error::Axes`], and [`Error::KernelTooLarge`] if a kernel of so many axes has more than
    /// 2²⁰ weights.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// assert_eq!(SvlsKernel::default().radius(2)?, [1, 1]);
    /// let kernel = SvlsKernel::builder().sigma(1.5).truncate(3.0).build()?;
    /// assert_eq!(kernel.radius(3)?, [5, 5, 5]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn radius(&self, axes: usize) -> Result<Vec<usize>> {
        check_axes(axes)?;
        self.radius_of(Some(axes))
    }

    /// Strength λ: the neighbours together have λ/2 of the sum of all weights.
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// assert_eq!(SvlsKernel::default().strength(), 1.0);
    /// ```
    pub fn strength(&self) -> f64 {
        self.strength
    }

    /// The weights with the centre 1, as figure 2(a) of the paper draws them, for label maps of 2 or 3 axes: shape 2r+1 on
    /// each axis, summing to 2. With a strength λ the neighbours sum to λ / (2 - λ).
    ///
    /// # Errors
    /// [`Error::Count`], [`Error::Axes`] and [`Error::KernelTooLarge`].
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let w = SvlsKernel::default().weights(2)?;
    /// assert_eq!(w[[1, 1]], 1.0);
    /// assert!((w[[0, 1]] - 0.15561483).abs() < 1e-8); // side
    /// assert!((w[[0, 0]] - 0.09438517).abs() < 1e-8); // corner
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn weights(&self, axes: usize) -> Result<ArrayD<f64>> {
        self.scaled(axes, 1.0, self.strength / (2.0 - self.strength))
    }

    /// The weights that sum to 1, for label maps of 2 or 3 axes: those that average the one-hot maps. The centre has one
    /// half of it, or 1 - λ/2 with a strength λ.
    ///
    /// # Errors
    /// [`Error::Count`], [`Error::Axes`] and [`Error::KernelTooLarge`].
    ///
    /// ```
    /// # use soft_labels::SvlsKernel;
    /// let w = SvlsKernel::isotropic(1e-3)?.normalized(3)?;
    /// assert_eq!(w[[1, 1, 1]], 0.5);
    /// assert_eq!(w[[0, 1, 1]], 1.0 / 12.0); // the other half is on the six faces
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn normalized(&self, axes: usize) -> Result<ArrayD<f64>> {
        self.scaled(axes, 1.0 - self.strength / 2.0, self.strength / 2.0)
    }

    /// The neighbours on a label map of `axes` axes, with their weights relative to the heaviest.
    pub(super) fn taps(&self, axes: usize) -> Result<Vec<Tap>> {
        taps::gaussian(&self.sigma(axes)?, &self.radius(axes)?)
    }

    /// Sigma in voxels; as many entries as were given if the number of axes is not known.
    pub(super) fn sigma_of(&self, axes: Option<usize>) -> Result<Vec<f64>> {
        let sigma = per_axis("sigma", self.sigma.values(), axes)?;
        let Some(spacing) = &self.spacing else {
            return Ok(sigma);
        };
        let spacing = per_axis("spacing", spacing.values(), axes)?;
        Ok(sigma
            .iter()
            .zip(spacing)
            .map(|(sigma, spacing)| sigma / spacing)
            .collect())
    }

    /// The radius, which is checked; as many entries as were given if the number of axes is not known.
    pub(super) fn radius_of(&self, axes: Option<usize>) -> Result<Vec<usize>> {
        let radius = match &self.reach {
            Reach::Radius(radius) => per_axis("radius", radius.values(), axes)?,
            Reach::Truncate(sigmas) => self
                .sigma_of(axes)?
                .iter()
                .map(|sigma| truncated(sigmas * sigma))
                .collect(),
        };
        check_size(&radius)?;
        Ok(radius)
    }

    /// The weights with this centre and this sum of all neighbours.
    fn scaled(&self, axes: usize, centre: f64, neighbours: f64) -> Result<ArrayD<f64>> {
        let shape: Vec<_> = self.radius(axes)?.iter().map(|radius| 2 * radius + 1).collect();
        let taps = self.taps(axes)?;
        let sum: f64 = taps.iter().map(|tap| tap.weight).sum();
        // Neighbours come in C order without the centre, which is in their middle.
        let (before, after) = taps.split_at(taps.len() / 2);
        let weight = |tap: &Tap| tap.weight / sum * neighbours;
        let all = before
            .iter()
            .map(weight)
            .chain([centre])
            .chain(after.iter().map(weight));
        let mut weights = arrays::filled(IxDyn(&shape), 0.0)?;
        weights.iter_mut().zip(all).for_each(|(weight, value)| *weight = value);
        Ok(weights)
    }
}

impl Default for SvlsKernel {
    /// The paper's kernel: σ = 1 voxel and r = 1 on every axis.
    fn default() -> Self {
        Self {
            sigma: 1.0.into(),
            spacing: None,
            reach: Reach::Radius(1.into()),
            strength: 1.0,
        }
    }
}

/// The radius that holds a distance: the next whole number, and at least 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number that is too large becomes the largest, which is an error later"
)]
fn truncated(distance: f64) -> usize {
    (distance * (1.0 - ROUNDING)).ceil().max(1.0) as usize
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
