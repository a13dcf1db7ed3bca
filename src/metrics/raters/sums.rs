//! The sums that agreement is computed from.

use crate::multirater::Vote;

/// What [Fleiss' kappa](super::fleiss_kappa) and [Krippendorff's alpha](super::krippendorff_alpha) are computed from: a few sums
/// over voxels, which can be merged over cases. [`Votes::agreement`](crate::multirater::Votes::agreement) makes them.
///
/// ```
/// use ndarray::array;
/// use soft_labels::Classes;
/// use soft_labels::multirater::Votes;
///
/// let classes = Classes::contiguous(2)?;
/// let (first, second) = (array![[0_u8, 1, 1]], array![[0_u8, 1, 0]]);
/// let votes = Votes::count(&[first.view(), second.view()], &classes)?;
/// let mut both = votes.agreement();
/// both.merge(&Votes::count(&[first.view(), first.view()], &classes)?.agreement());
/// assert!(votes.fleiss_kappa() < both.fleiss_kappa());
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Agreement {
    raters: usize,
    /// Of the voxels that all raters labelled.
    complete: Sums,
    /// Of the voxels that two raters or more labelled.
    all: Sums,
}

impl Agreement {
    /// The sums of votes, each with the number of voxels that have it.
    pub(crate) fn of<'a>(raters: usize, classes: usize, patterns: impl Iterator<Item = (&'a [Vote], u64)>) -> Self {
        let (mut complete, mut all) = (Sums::new(vec![0.0; classes]), Sums::new(vec![0.0; classes]));
        let (mut chosen, mut counts) = (Vec::new(), Vec::new());
        for (votes, voxels) in patterns {
            chosen.clear();
            chosen.extend(votes.iter().flatten().copied());
            chosen.sort_unstable();
            let of_class = |votes: &[u16]| Some((usize::from(*votes.first()?), votes.len() as f64));
            counts.clear();
            counts.extend(chosen.chunk_by(|a, b| a == b).filter_map(of_class));
            if chosen.len() == votes.len() {
                complete.add(counts.iter().copied(), voxels as f64);
            }
            all.add(counts.iter().copied(), voxels as f64);
        }
        Self { raters, complete, all }
    }

    /// Adds the sums of another case. If it has another number of raters, kappa is that of the cases with the most.
    ///
    /// The example of [`Agreement`] uses it.
    pub fn merge(&mut self, other: &Self) {
        self.all.merge(&other.all);
        if self.raters < other.raters {
            self.complete = Sums::default();
            self.raters = other.raters;
        }
        if self.raters == other.raters {
            self.complete.merge(&other.complete);
        }
    }

    /// [Fleiss' kappa](super::fleiss_kappa) of the voxels that have a vote of every rater. NaN where there are none, for one rater, and
    /// where all votes are for one class.
    ///
    /// The example of [`Agreement`] uses it.
    pub fn fleiss_kappa(&self) -> f64 {
        self.complete.fleiss_kappa(self.raters as f64)
    }

    /// [Krippendorff's alpha](super::krippendorff_alpha) of the voxels that have two votes or more.
    ///
    /// ```
    /// # use soft_labels::{Classes, multirater::Votes};
    /// let map = ndarray::array![[0_u8, 1]];
    /// let votes = Votes::count(&[map.view(), map.view()], &Classes::contiguous(2)?)?;
    /// assert_eq!(votes.agreement().krippendorff_alpha(), 1.0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn krippendorff_alpha(&self) -> f64 {
        self.all.krippendorff_alpha()
    }
}

/// What both numbers are computed from. Voxels with fewer than two raters count in neither.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Sums {
    /// The votes of each class.
    totals: Vec<f64>,
    /// The squares of a voxel's counts.
    squares: f64,
    /// How many pairs of a voxel's raters disagree, in either order, by how many raters there are beside one.
    disagreement: f64,
    voxels: f64,
    votes: f64,
}

impl Sums {
    pub(super) fn new(totals: Vec<f64>) -> Self {
        Self {
            totals,
            squares: 0.0,
            disagreement: 0.0,
            voxels: 0.0,
            votes: 0.0,
        }
    }

    /// Adds voxels that are alike: how many raters chose each class.
    pub(super) fn add(&mut self, counts: impl Iterator<Item = (usize, f64)> + Clone, voxels: f64) {
        let raters: f64 = counts.clone().map(|(_, count)| count).sum();
        if raters < 2.0 {
            return;
        }
        let squares: f64 = counts.clone().map(|(_, count)| count * count).sum();
        self.squares += voxels * squares;
        self.disagreement += voxels * ((raters * raters - squares) / (raters - 1.0));
        self.voxels += voxels;
        self.votes += voxels * raters;
        for (class, count) in counts {
            if let Some(total) = self.totals.get_mut(class) {
                *total += voxels * count;
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        if self.totals.len() < other.totals.len() {
            self.totals.resize(other.totals.len(), 0.0);
        }
        self.totals
            .iter_mut()
            .zip(&other.totals)
            .for_each(|(sum, more)| *sum += more);
        self.squares += other.squares;
        self.disagreement += other.disagreement;
        self.voxels += other.voxels;
        self.votes += other.votes;
    }

    /// Fleiss' kappa, if all voxels have this number of raters.
    pub(super) fn fleiss_kappa(&self, raters: f64) -> f64 {
        let agreement = (self.squares / self.voxels - raters) / (raters * (raters - 1.0));
        let share = |total: &f64| total / self.votes;
        let chance: f64 = self.totals.iter().map(|total| share(total) * share(total)).sum();
        if chance < 1.0 {
            (agreement - chance) / (1.0 - chance)
        } else {
            f64::NAN
        }
    }

    pub(super) fn krippendorff_alpha(&self) -> f64 {
        let squares: f64 = self.totals.iter().map(|total| total * total).sum();
        let expected = (self.votes * self.votes - squares) / (self.votes * (self.votes - 1.0));
        if expected > 0.0 {
            1.0 - self.disagreement / self.votes / expected
        } else {
            f64::NAN
        }
    }
}
