//! The expectation maximisation of STAPLE, over the votes of all raters and how many voxels have them.

use ndarray::{Array2, Axis};

use super::StaplePerformance;
use crate::common::arrays::check_room;
use crate::common::parallel;
use crate::{Error, Result};

/// The largest number of entries that the raters' confusion matrices may have together: a gigabyte.
const CONFUSION: usize = 1 << 27;

/// The entries of the raters' confusion matrices, if there is room for them.
pub(super) fn check_size(raters: usize, classes: usize) -> Result<usize> {
    let shape = [raters, classes, classes];
    let entries = shape.iter().fold(1_usize, |all, len| all.saturating_mul(*len));
    if entries > CONFUSION {
        return Err(Error::TooLarge { shape: shape.to_vec() });
    }
    Ok(entries)
}

/// How long to iterate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    pub(super) tolerance: f64,
    pub(super) iterations: usize,
}

/// What is estimated of the raters, and the posterior of each pattern for each class.
pub(super) fn estimate(
    patterns: &[Pattern],
    raters: usize,
    classes: usize,
    prior: Option<Vec<f64>>,
    stop: Stop,
) -> Result<(StaplePerformance, Vec<Vec<f64>>)> {
    let entries = check_size(raters, classes)?;
    let shape = vec![raters, classes, classes];
    // The confusions, the sums for them, and the posteriors. Asked for and given back, since none of them may fail later.
    let state = 2 * entries + patterns.len().saturating_mul(classes);
    check_room::<f64>(state, || Error::TooLarge { shape })?;
    let mut state = State::new(patterns, raters, classes, prior);
    let (mut iterations, mut converged) = (0, false);
    while iterations < stop.iterations && !converged {
        let step = state.update_confusion(patterns);
        state.update_posterior(patterns);
        iterations += 1;
        converged = iterations > 1 && step <= stop.tolerance;
    }
    let performance = StaplePerformance {
        confusion: state.confusion,
        mass: state.mass,
        prior: state.prior,
        iterations,
        converged,
    };
    Ok((performance, state.posterior))
}

/// The votes of all raters for some voxels, a class or nothing for each, and how many voxels there are.
pub(super) struct Pattern {
    pub(super) votes: Vec<Option<usize>>,
    pub(super) voxels: f64,
}

impl Pattern {
    /// The share of the votes that each class has; 0 without votes.
    pub(super) fn shares(&self, classes: usize) -> Vec<f64> {
        let mut counts = vec![0.0; classes];
        self.votes.iter().flatten().for_each(|&class| counts[class] += 1.0);
        let all = counts.iter().sum::<f64>();
        if all > 0.0 {
            counts.iter_mut().for_each(|count| *count /= all);
        }
        counts
    }

    /// Whether two raters gave two classes.
    pub(super) fn is_disputed(&self) -> bool {
        let mut votes = self.votes.iter().flatten();
        let first = votes.next();
        votes.any(|vote| Some(vote) != first)
    }
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
        let posterior: Vec<Vec<f64>> = patterns.iter().map(|pattern| pattern.shares(classes)).collect();
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
