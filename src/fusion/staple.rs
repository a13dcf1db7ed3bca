//! STAPLE: the truth and the raters' performance, estimated together.

use ndarray::ArrayView;

use super::estimate::{Pattern, Stop, check_size, estimate};
use super::patterns::Patterns;
use super::{StapleFusion, StaplePerformance};
use crate::common::arrays::check_count;
use crate::error::allowed;
use crate::input::window::{self, Window};
use crate::multirater::Votes;
use crate::{Classes, Error, Label, Place, Raters, Result, SoftFloat, SpatialDim};

/// Simultaneous truth and performance level estimation (Warfield, Zou & Wells, *IEEE TMI* 2004; several classes as in Rohlfing,
/// Russakoff & Maurer, *IEEE TMI* 2004).
///
/// Expectation maximisation between the posterior W of the hidden truth and a confusion matrix θ for each rater:
///
/// ```text
/// start   W_is = share of the raters who gave voxel i class s;      prior π_s = mean over voxels of W_is
/// M step  θ_r[j, s] = Σ_{i: rater r votes j} W_is / Σ_i W_is        P(rater r votes j | truth is s)
/// E step  W_is ∝ π_s Π_r θ_r[vote of rater r at i, s]
/// ```
///
/// until no entry of θ moves by more than the tolerance (1e-7; not checked after the first iteration) or the iterations are used up
/// (10,000). A class without any posterior keeps the column of a perfect rater, so that empty and full maps have an answer;
/// a voxel at which every class has become impossible keeps its posterior. For two classes this is binary STAPLE as ITK
/// computes it, but for that guard. The prior depends on the field of view: set [`Staple::crop_to_disagreement`], or crop before you
/// compare.
///
/// A rater who ignores a voxel has no vote there; voxels that all ignore are left out and have a posterior of 0.
///
/// ```
/// use ndarray::array;
/// use soft_labels::Classes;
/// use soft_labels::fusion::Staple;
///
/// // Two careful raters and one who misses half of the structure.
/// let careful = array![[0_u8, 1, 1, 0], [0, 1, 1, 0]];
/// let hasty = array![[0_u8, 0, 1, 0], [0, 0, 1, 0]];
/// let raters = [careful.view(), careful.view(), hasty.view()];
/// let fused = Staple::new().fuse::<_, f32, _>(&raters, &Classes::contiguous(2)?)?;
/// assert!(fused.posterior()[[1, 0, 1]] > 0.999);
/// assert!((fused.sensitivity(2, 1).unwrap() - 0.5).abs() < 1e-3);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Staple {
    tolerance: f64,
    iterations: usize,
    prior: Option<Vec<f64>>,
    /// Voxels around those that are disputed, if not all are read.
    margin: Option<usize>,
}

impl Default for Staple {
    fn default() -> Self {
        Self {
            tolerance: 1e-7,
            iterations: 10_000,
            prior: None,
            margin: None,
        }
    }
}

impl Staple {
    /// Tolerance 1e-7, at most 10,000 iterations, the prior from the data.
    ///
    /// ```
    /// assert_eq!(soft_labels::fusion::Staple::new(), soft_labels::fusion::Staple::default());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the tolerance: the largest step of an entry of θ in the last iteration.
    #[must_use]
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// Sets how many iterations are made at most. Without any the posterior is the share of votes and the confusion matrices are
    /// those of perfect raters.
    ///
    /// ```
    /// # use soft_labels::{Classes, fusion::Staple};
    /// # let (a, b) = (ndarray::array![[0_u8, 1, 1]], ndarray::array![[0_u8, 1, 0]]);
    /// let fused = Staple::new().max_iterations(1).fuse::<_, f64, _>(&[a.view(), b.view()], &Classes::contiguous(2)?)?;
    /// assert!(!fused.converged() && fused.iterations() == 1);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn max_iterations(self, iterations: usize) -> Self {
        Self { iterations, ..self }
    }

    /// Sets a prior probability for each class. They are divided by their sum.
    #[must_use]
    pub fn prior(self, prior: impl Into<Vec<f64>>) -> Self {
        Self {
            prior: Some(prior.into()),
            ..self
        }
    }

    /// Estimates on a part of the map alone: the box around the voxels at which two raters gave different classes, with so many
    /// voxels more on each side, as far as the map reaches. Outside of it the posterior is 1 for the class that the raters agree
    /// on. Where they agree everywhere, the box is the whole map.
    ///
    /// The prior and the specificity depend on the field of view: a scan with more air around the structure makes the structure
    /// rarer and every rater more specific. With the box they depend on the margin instead, which is the same for every scan.
    /// [`StapleFusion::window`] is the box.
    ///
    /// ```
    /// use ndarray::{Array2, s};
    /// use soft_labels::{Classes, fusion::Staple};
    ///
    /// let mut first = Array2::<u8>::zeros((100, 100));
    /// first.slice_mut(s![40..50, 40..50]).fill(1);
    /// let mut second = first.clone();
    /// second.slice_mut(s![40..50, 48..52]).fill(1);
    /// let fused = Staple::new()
    ///     .crop_to_disagreement(3)
    ///     .fuse::<_, f32, _>(&[first.view(), second.view()], &Classes::contiguous(2)?)?;
    /// assert_eq!(fused.window().ranges(), [37..53, 47..55]); // rows 40..50 and columns 50..52 are disputed
    /// assert_eq!(fused.posterior()[[1, 45, 41]], 1.0); // outside of it
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn crop_to_disagreement(self, margin: usize) -> Self {
        Self {
            margin: Some(margin),
            ..self
        }
    }

    /// Estimates the truth behind the raters' label maps. The posterior is allocated in C order.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Axes`], [`Error::Shape`], [`Error::UnknownLabel`]; [`Error::TooLarge`] for the posterior, or
    /// if the raters' confusion matrices would have more than 2^27 entries; [`Error::Setting`] if the tolerance is negative or
    /// NaN; [`Error::Count`], [`Error::Setting`] and [`Error::AllZero`] if the prior does not have one number for each class,
    /// finite, not negative and not all zero.
    ///
    /// ```
    /// # use soft_labels::{Classes, Error, fusion::Staple};
    /// let map = ndarray::array![[0_u8, 1]];
    /// let wrong = Staple::new().prior([1.0]).fuse::<_, f32, _>(&[map.view()], &Classes::contiguous(2)?);
    /// assert!(matches!(wrong, Err(Error::Count { per: "classes", expected: 2, actual: 1, .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn fuse<L: Label, F: SoftFloat, D: SpatialDim>(
        &self,
        raters: &[ArrayView<'_, L, D>],
        classes: &Classes,
    ) -> Result<StapleFusion<F, D::Larger>> {
        let raters = Raters::new(raters)?;
        let prior = self.checked_prior(classes.len())?;
        raters.check(classes)?;
        check_size(raters.len(), classes.len())?;
        let whole = Window::whole(raters.shape());
        let mut posterior = window::allocate::<F, D>(raters.shape(), classes.len(), whole.ranges())?;
        let found = Patterns::find(&raters)?;
        let mut patterns: Vec<_> = found
            .labels
            .iter()
            .zip(&found.counts)
            .map(|(labels, &voxels)| Pattern {
                votes: labels.iter().map(|&label| classes.class_of(label)).collect(),
                voxels: voxels as f64,
            })
            .collect();
        let shares: Vec<_> = patterns.iter().map(|pattern| pattern.shares(classes.len())).collect();
        let window = match self.margin {
            Some(margin) => found.disputed(&whole, margin, |pattern| patterns[pattern].is_disputed()),
            None => whole.clone(),
        };
        if window != whole {
            for (pattern, voxels) in patterns.iter_mut().zip(found.counts_in(&window)) {
                pattern.voxels = voxels as f64;
            }
        }
        let (performance, estimated) = estimate(&patterns, raters.len(), classes.len(), prior, self.stop())?;

        let voxels = posterior.as_slice_mut().expect("a new array is in C order");
        if window == whole {
            found.spread_planes(voxels, |class, pattern| F::round_from(estimated[pattern][class]));
        } else {
            found.spread_planes(voxels, |class, pattern| F::round_from(shares[pattern][class]));
            found.spread_planes_in(&window, voxels, |class, pattern| {
                F::round_from(estimated[pattern][class])
            });
        }
        Ok(StapleFusion {
            posterior,
            performance,
            window,
        })
    }

    /// Estimates how each rater performs, from votes that are counted: of a map, of a part of it, or of many cases that are
    /// merged. The margin of [`crop_to_disagreement`](Self::crop_to_disagreement) means nothing here, because votes have no
    /// place.
    ///
    /// # Errors
    /// Those of [`fuse`](Self::fuse) about settings and size.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::Classes;
    /// use soft_labels::fusion::Staple;
    /// use soft_labels::multirater::Votes;
    ///
    /// let classes = Classes::contiguous(2)?;
    /// let (careful, hasty) = (array![[0_u8, 1, 1, 0]], array![[0_u8, 0, 1, 0]]);
    /// let raters = [careful.view(), careful.view(), hasty.view()];
    /// let mut votes = Votes::count(&raters, &classes)?;
    /// votes.merge(&Votes::count(&raters, &classes)?); // a second case
    /// let performance = Staple::new().performance(&votes)?;
    /// assert!((performance.sensitivity(2, 1).unwrap() - 0.5).abs() < 1e-3);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn performance(&self, votes: &Votes) -> Result<StaplePerformance> {
        Ok(self.estimate_votes(votes)?.0)
    }

    /// The raters, weighted by how they perform: what [`SoftEncoder::encode_raters`](crate::SoftEncoder::encode_raters) takes.
    /// [`StaplePerformance::weights`] defines the weights.
    ///
    /// # Errors
    /// Those of [`fuse`](Self::fuse).
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::fusion::Staple;
    /// use soft_labels::{Classes, SoftEncoder, Svls};
    ///
    /// // Label maps of three raters, and what they become: mSVLS, to which the third contributes less.
    /// let careful = array![[0_u8, 1, 1, 0], [0, 1, 1, 0]];
    /// let hasty = array![[0_u8, 0, 1, 0], [0, 0, 1, 0]];
    /// let (maps, classes) = ([careful.view(), careful.view(), hasty.view()], Classes::contiguous(2)?);
    /// let raters = Staple::new().weighted_raters(&maps, &classes)?;
    /// assert!((raters.weights()[0] - 0.4).abs() < 1e-3 && (raters.weights()[2] - 0.2).abs() < 1e-3);
    /// let soft: Array3<f32> = Svls::default().encode_raters(&raters, &classes)?;
    /// assert_eq!(soft.shape(), [2, 2, 4]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn weighted_raters<'a, L: Label, D: SpatialDim>(
        &self,
        raters: &[ArrayView<'a, L, D>],
        classes: &Classes,
    ) -> Result<Raters<'a, L, D>> {
        let performance = match self.margin {
            // Votes have no place, so the posterior is made and dropped.
            Some(_) => self.fuse::<L, f32, D>(raters, classes)?.performance,
            None => self.performance(&Votes::count(raters, classes)?)?,
        };
        Raters::weighted(raters, &performance.weights())
    }

    /// The performance, and the posterior of each pattern of votes in their order.
    pub(super) fn estimate_votes(&self, votes: &Votes) -> Result<(StaplePerformance, Vec<Vec<f64>>)> {
        let prior = self.checked_prior(votes.classes())?;
        check_size(votes.raters(), votes.classes())?;
        let patterns: Vec<_> = votes
            .patterns()
            .map(|(votes, voxels)| Pattern {
                votes: votes.iter().map(|vote| vote.map(usize::from)).collect(),
                voxels: voxels as f64,
            })
            .collect();
        estimate(&patterns, votes.raters(), votes.classes(), prior, self.stop())
    }

    fn stop(&self) -> Stop {
        Stop {
            tolerance: self.tolerance,
            iterations: self.iterations,
        }
    }

    /// The prior, if one is given; an error of it or of the tolerance.
    fn checked_prior(&self, classes: usize) -> Result<Option<Vec<f64>>> {
        let prior = self.prior.as_deref().map(|prior| check_prior(prior, classes));
        let prior = prior.transpose()?;
        if self.tolerance.is_nan() || self.tolerance < 0.0 {
            return Err(Error::Setting {
                what: "tolerance",
                place: None,
                value: self.tolerance,
                allowed: allowed::TOLERANCE,
            });
        }
        Ok(prior)
    }
}

fn check_prior(prior: &[f64], classes: usize) -> Result<Vec<f64>> {
    check_count("prior probabilities", "classes", classes, prior.len())?;
    // Relative to the largest: the sum of two may be infinite.
    let most = prior.iter().copied().fold(0.0, f64::max);
    let sum: f64 = prior.iter().map(|p| p / most).sum();
    match prior.iter().position(|p| !p.is_finite() || *p < 0.0) {
        Some(class) => Err(Error::Setting {
            what: "prior probability",
            place: Some(Place::Class(class)),
            value: prior[class],
            allowed: allowed::WEIGHT,
        }),
        None if most == 0.0 => Err(Error::AllZero {
            what: "prior probability",
            per: "classes",
        }),
        None => Ok(prior.iter().map(|p| p / most / sum).collect()),
    }
}
