//! STAPLE: the truth and the raters' performance, estimated together.

use ndarray::{Array2, ArrayView, Axis};

use super::StapleFusion;
use super::patterns::Patterns;
use crate::common::arrays::{self, check_count};
use crate::common::parallel;
use crate::error::allowed;
use crate::input::window::{self, Window};
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
/// computes it, but for that guard. The prior depends on the field of view: crop before you compare.
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
}

impl Default for Staple {
    fn default() -> Self {
        Self {
            tolerance: 1e-7,
            iterations: 10_000,
            prior: None,
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
        let given = self
            .prior
            .as_deref()
            .map(|prior| check_prior(prior, classes))
            .transpose()?;
        if self.tolerance.is_nan() || self.tolerance < 0.0 {
            return Err(Error::Setting {
                what: "tolerance",
                place: None,
                value: self.tolerance,
                allowed: allowed::TOLERANCE,
            });
        }
        raters.check(classes)?;
        let entries = [raters.len(), classes.len(), classes.len()];
        if entries.iter().product::<usize>() > CONFUSION {
            return Err(Error::TooLarge {
                shape: entries.to_vec(),
            });
        }
        let mut posterior =
            window::allocate::<F, D>(raters.shape(), classes.len(), Window::whole(raters.shape()).ranges())?;
        let found = Patterns::find(&raters)?;
        let patterns: Vec<_> = found
            .labels
            .iter()
            .zip(&found.counts)
            .map(|(labels, &voxels)| Pattern {
                votes: labels.iter().map(|&label| classes.class_of(label)).collect(),
                voxels: voxels as f64,
            })
            .collect();

        // The confusions, the sums for them, and the posteriors. Asked for and given back, since none of them may fail later.
        let state = 2 * entries.iter().product::<usize>() + patterns.len().saturating_mul(classes.len());
        let shape = entries.to_vec();
        arrays::check_room::<f64>(state, || Error::TooLarge { shape })?;
        let mut state = State::new(&patterns, raters.len(), classes.len(), given);
        let (mut iterations, mut converged) = (0, false);
        while iterations < self.iterations && !converged {
            let step = state.update_confusion(&patterns);
            state.update_posterior(&patterns);
            iterations += 1;
            converged = iterations > 1 && step <= self.tolerance;
        }

        let voxels = posterior.as_slice_mut().expect("a new array is in C order");
        found.spread_planes(voxels, |class, pattern| F::round_from(state.posterior[pattern][class]));
        Ok(StapleFusion {
            posterior,
            confusion: state.confusion,
            mass: state.mass,
            prior: state.prior,
            iterations,
            converged,
        })
    }
}

/// The largest number of entries that the raters' confusion matrices may have together: a gigabyte.
const CONFUSION: usize = 1 << 27;

fn check_prior(prior: &[f64], classes: &Classes) -> Result<Vec<f64>> {
    check_count("prior probabilities", "classes", classes.len(), prior.len())?;
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

/// The votes of all raters for some voxels, a class or nothing for each, and how many voxels there are.
struct Pattern {
    votes: Vec<Option<usize>>,
    voxels: f64,
}

struct State {
    prior: Vec<f64>,
    confusion: Vec<Array2<f64>>,
    mass: Vec<Vec<f64>>,
    /// Of each pattern, for each class.
    posterior: Vec<Vec<f64>>,
}

impl State {
    fn new(patterns: &[Pattern], raters: usize, classes: usize, prior: Option<Vec<f64>>) -> Self {
        let posterior: Vec<Vec<f64>> = patterns
            .iter()
            .map(|pattern| {
                let mut counts = vec![0.0; classes];
                pattern.votes.iter().flatten().for_each(|&class| counts[class] += 1.0);
                let all = counts.iter().sum::<f64>();
                counts
                    .iter()
                    .map(|count| if all == 0.0 { 0.0 } else { count / all })
                    .collect()
            })
            .collect();
        let prior = prior.unwrap_or_else(|| {
            let mut sums = vec![0.0; classes];
            for (pattern, w) in patterns.iter().zip(&posterior) {
                sums.iter_mut().zip(w).for_each(|(sum, w)| *sum += pattern.voxels * w);
            }
            let labelled: f64 = patterns
                .iter()
                .filter(|pattern| pattern.votes.iter().any(Option::is_some))
                .map(|pattern| pattern.voxels)
                .sum();
            sums.iter()
                .map(|sum| if labelled == 0.0 { 0.0 } else { sum / labelled })
                .collect()
        });
        Self {
            prior,
            confusion: vec![Array2::eye(classes); raters],
            mass: vec![vec![0.0; classes]; raters],
            posterior,
        }
    }

    /// Estimates the confusion matrices from the posterior; the largest step of an entry.
    fn update_confusion(&mut self, patterns: &[Pattern]) -> f64 {
        let work = self.work(patterns);
        let posterior = &self.posterior;
        let raters = self.confusion.iter_mut().zip(&mut self.mass).enumerate();
        let steps = parallel::map(work, raters, |(rater, (confusion, mass))| {
            let mut sums = Array2::<f64>::zeros(confusion.raw_dim());
            for (pattern, w) in patterns.iter().zip(posterior) {
                if let Some(class) = pattern.votes[rater] {
                    let row = sums.row_mut(class).into_iter();
                    row.zip(w).for_each(|(sum, w)| *sum += pattern.voxels * w);
                }
            }
            *mass = sums.sum_axis(Axis(0)).to_vec();
            let mut step: f64 = 0.0;
            for ((vote, truth), entry) in confusion.indexed_iter_mut() {
                let estimate = match mass[truth] {
                    0.0 => f64::from(u8::from(vote == truth)),
                    mass => sums[[vote, truth]] / mass,
                };
                step = step.max((estimate - *entry).abs());
                *entry = estimate;
            }
            step
        });
        steps.into_iter().fold(0.0, f64::max)
    }

    /// Estimates the posterior from the confusion matrices.
    fn update_posterior(&mut self, patterns: &[Pattern]) {
        let work = self.work(patterns);
        let (prior, confusion) = (&self.prior, &self.confusion);
        let pieces = patterns.chunks(PIECE).zip(self.posterior.chunks_mut(PIECE));
        parallel::for_each(work, pieces, |(patterns, posterior)| {
            for (pattern, posterior) in patterns.iter().zip(posterior) {
                update(pattern, posterior, prior, confusion);
            }
        });
    }

    /// Nanoseconds that an estimate takes.
    fn work(&self, patterns: &[Pattern]) -> usize {
        patterns
            .len()
            .saturating_mul(self.confusion.len())
            .saturating_mul(self.prior.len())
    }
}

/// Patterns whose posteriors are estimated together.
const PIECE: usize = 64;

/// Estimates the posterior of a pattern.
fn update(pattern: &Pattern, posterior: &mut [f64], prior: &[f64], confusion: &[Array2<f64>]) {
    if pattern.votes.iter().all(Option::is_none) {
        return;
    }
    let mut likelihood = prior.to_vec();
    for (vote, confusion) in pattern.votes.iter().zip(confusion) {
        if let Some(class) = *vote {
            likelihood
                .iter_mut()
                .zip(confusion.row(class))
                .for_each(|(p, theta)| *p *= theta);
            raise(&mut likelihood);
        }
    }
    let sum: f64 = likelihood.iter().sum();
    if sum > 0.0 {
        posterior.iter_mut().zip(likelihood).for_each(|(w, p)| *w = p / sum);
    }
}

/// Multiplies tiny products by a power of two so that they do not underflow. Their ratios stay the same.
fn raise(likelihood: &mut [f64]) {
    const TINY: f64 = 1e-150;
    const RAISED: f64 = (1_u128 << 127) as f64 * (1_u128 << 127) as f64;
    let most = likelihood.iter().copied().fold(0.0, f64::max);
    if most > 0.0 && most < TINY {
        likelihood.iter_mut().for_each(|p| *p *= RAISED);
    }
}
