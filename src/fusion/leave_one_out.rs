//! Each rater against what the others agree on.

use std::collections::HashMap;

use super::vote::SLACK;
use super::{Staple, Ties};
use crate::Result;
use crate::metrics::Confusion;
use crate::multirater::Votes;

/// Each rater against the majority vote of the others: a confusion matrix for each rater, with the rater as prediction and the vote
/// as reference.
///
/// Classes of `ties` are their positions, from 0. With [`Ties::Undecided`] of a number that is no class, voxels at which the others
/// tie are left out. Left out are also those that the rater ignores, and those that all others ignore.
///
/// ```
/// use ndarray::array;
/// use soft_labels::Classes;
/// use soft_labels::fusion::{Ties, leave_one_out_majority};
/// use soft_labels::metrics::{EmptyRegion, Region};
/// use soft_labels::multirater::Votes;
///
/// let maps = [array![[0_u8, 1, 1, 0]], array![[0_u8, 1, 1, 0]], array![[0_u8, 0, 1, 0]]];
/// let votes = Votes::count(&maps.each_ref().map(|map| map.view()), &Classes::contiguous(2)?)?;
/// let dice = |ties, rater: usize| {
///     leave_one_out_majority(&votes, ties)[rater].dice(&Region::class(1), EmptyRegion::Nan)
/// };
/// assert_eq!(dice(Ties::Lowest, 2), 2.0 / 3.0);
/// assert_eq!(dice(Ties::Lowest, 0), 2.0 / 3.0); // the others tie at one voxel, which is background then
/// assert_eq!(dice(Ties::Highest, 0), 1.0);
/// assert_eq!(dice(Ties::Undecided(9), 0), 1.0); // that voxel is left out
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn leave_one_out_majority(votes: &Votes, ties: Ties<usize>) -> Vec<Confusion> {
    let against_others = |rater: usize| {
        let mut counts = vec![0_u32; votes.classes()];
        against(votes, rater, |others| {
            counts.iter_mut().for_each(|count| *count = 0);
            for &class in others {
                if let Some(count) = counts.get_mut(usize::from(class)) {
                    *count += 1;
                }
            }
            let most = counts.iter().max().filter(|&&most| most > 0)?;
            winner(counts.iter().map(|count| count == most), ties)
        })
    };
    (0..votes.raters()).map(against_others).collect()
}

impl Staple {
    /// Each rater against STAPLE of the others, as [`leave_one_out_majority`] has it. The class of a voxel is that with the largest
    /// posterior; probabilities that differ from it by at most 1e-6 tie.
    ///
    /// # Errors
    /// Those of [`performance`](Self::performance).
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::Classes;
    /// use soft_labels::fusion::{Staple, Ties};
    /// use soft_labels::metrics::{EmptyRegion, Region};
    /// use soft_labels::multirater::Votes;
    ///
    /// let maps = [array![[0_u8, 1, 1, 0]], array![[0_u8, 1, 1, 0]], array![[0_u8, 0, 1, 0]]];
    /// let votes = Votes::count(&maps.each_ref().map(|map| map.view()), &Classes::contiguous(2)?)?;
    /// let of_raters = Staple::new().leave_one_out(&votes, Ties::Lowest)?;
    /// assert_eq!(of_raters[2].dice(&Region::class(1), EmptyRegion::Nan), 2.0 / 3.0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn leave_one_out(&self, votes: &Votes, ties: Ties<usize>) -> Result<Vec<Confusion>> {
        let against_others = |rater: usize| {
            let others = votes.without(rater);
            let (_, posterior) = self.estimate_votes(&others)?;
            let truth: Vec<Option<usize>> = posterior
                .iter()
                .map(|posterior| {
                    let most = posterior.iter().copied().fold(0.0, f64::max);
                    winner(posterior.iter().map(|p| p + SLACK >= most && most > 0.0), ties)
                })
                .collect();
            let of_others: HashMap<_, _> = others.patterns().map(|(votes, _)| votes).zip(truth).collect();
            let entries = votes.patterns().filter_map(|(all, voxels)| {
                let own = usize::from((*all.get(rater)?)?);
                let mut others = all.to_vec();
                *others.get_mut(rater)? = None;
                let truth = (*of_others.get(others.as_slice())?)?;
                Some((own, truth, voxels))
            });
            Ok(Confusion::of_entries(entries, votes.classes()))
        };
        (0..votes.raters()).map(against_others).collect()
    }
}

/// The class that wins, given which of all classes tie; nothing if the voxel is left out.
fn winner(tied: impl ExactSizeIterator<Item = bool>, ties: Ties<usize>) -> Option<usize> {
    let classes = tied.len();
    let tied: Vec<_> = tied
        .enumerate()
        .filter(|(_, tied)| *tied)
        .map(|(class, _)| class)
        .collect();
    ties.of(&tied).filter(|&class| class < classes)
}

/// A rater against the class that the votes of the others make.
fn against(votes: &Votes, rater: usize, mut truth: impl FnMut(&[u16]) -> Option<usize>) -> Confusion {
    let mut others = Vec::new();
    let entries = votes.patterns().filter_map(|(all, voxels)| {
        let own = usize::from((*all.get(rater)?)?);
        others.clear();
        let beside = all.iter().enumerate().filter(|&(at, _)| at != rater);
        others.extend(beside.filter_map(|(_, vote)| *vote));
        Some((own, truth(&others)?, voxels))
    });
    Confusion::of_entries(entries, votes.classes())
}
