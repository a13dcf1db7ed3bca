//! Majority vote.

use ndarray::{Array, ArrayView};

use super::patterns::Patterns;
use crate::common::arrays;
use crate::{Classes, Error, Label, Raters, Result, SpatialDim};

/// The label of a voxel at which two or more classes tie for the most votes. Lowest and highest are by the order of
/// classes.
///
/// ```
/// use ndarray::array;
/// use soft_labels::Classes;
/// use soft_labels::fusion::{Ties, majority_vote};
///
/// let (first, second) = (array![[0_u8, 1]], array![[2_u8, 1]]);
/// let vote = |ties| majority_vote(&[first.view(), second.view()], &Classes::contiguous(3)?, ties);
/// assert_eq!(vote(Ties::Lowest)?, array![[0, 1]]);
/// assert_eq!(vote(Ties::Highest)?, array![[2, 1]]);
/// assert_eq!(vote(Ties::Prefer(2))?, array![[2, 1]]);
/// assert_eq!(vote(Ties::Prefer(1))?, array![[0, 1]]); // class 1 has no vote there
/// assert_eq!(vote(Ties::Undecided(255))?, array![[255, 1]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Ties<L> {
    /// The lowest of the tied classes, mostly the background.
    #[default]
    Lowest,
    /// The highest of the tied classes. For two classes this is the rule "at least half of the raters", as LIDC-IDRI
    /// consensus masks are made.
    Highest,
    /// The class of this label if it is one of the tied classes, or else the lowest of them.
    Prefer(L),
    /// This label, whether or not it is a class: ITK's label voting, which uses the highest label plus 1.
    Undecided(L),
}

/// Probabilities so near to the largest tie with it: rounding, and what is left to converge, decide nothing.
pub(crate) const SLACK: f64 = 1e-6;

impl Ties<usize> {
    /// The class that wins among some that tie, which are in the order of classes.
    pub(crate) fn of(self, tied: &[usize]) -> Option<usize> {
        match self {
            Self::Highest => tied.last().copied(),
            Self::Undecided(class) if tied.len() > 1 => Some(class),
            Self::Prefer(class) if tied.contains(&class) => Some(class),
            _ => tied.first().copied(),
        }
    }
}

/// The label that most raters gave each voxel, in C order.
///
/// # Errors
/// [`Error::Empty`], [`Error::Axes`], [`Error::Shape`], [`Error::UnknownLabel`], [`Error::TooLarge`], and
/// [`Error::NoClass`] if the label to prefer is no class.
///
/// ```
/// use ndarray::array;
/// use soft_labels::Classes;
/// use soft_labels::fusion::{Ties, majority_vote};
///
/// let raters = [array![[4_u8, 255]], array![[4_u8, 255]], array![[0_u8, 255]]];
/// let classes = Classes::from_values([0, 4])?.with_ignore(255)?;
/// let vote = majority_vote(&raters.each_ref().map(|map| map.view()), &classes, Ties::Lowest)?;
/// assert_eq!(vote, array![[4, 255]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn majority_vote<L: Label, D: SpatialDim>(
    raters: &[ArrayView<'_, L, D>],
    classes: &Classes,
    ties: Ties<L>,
) -> Result<Array<L, D>> {
    let raters = Raters::new(raters)?;
    let prefer = match ties {
        Ties::Prefer(label) => Some(classes.class_of(label).ok_or_else(|| Error::NoClass {
            what: "label",
            value: label.value(),
            classes: classes.len(),
        })?),
        _ => None,
    };
    raters.check(classes)?;
    // Every label type has 0. Allocating zeros is cheaper than filling with another value.
    let zero = L::from_value(0).ok_or(Error::LabelType { value: 0 })?;
    let mut result = arrays::filled(raters.dim(), zero)?;
    let patterns = Patterns::find(&raters)?;
    // Without a vote all labels are the ignore value.
    let of_voxel = |labels: &Vec<L>| winner(labels, classes, prefer, ties).or(labels.first().copied());
    let winners: Vec<_> = patterns
        .labels
        .iter()
        .map(|labels| of_voxel(labels).expect("a pattern has a label for each rater"))
        .collect();
    let voxels = result.as_slice_mut().expect("a new array is in C order");
    patterns.spread(&winners, voxels);
    Ok(result)
}

/// The label that wins among the labels of a voxel, if any is a class.
fn winner<L: Label>(labels: &[L], classes: &Classes, prefer: Option<usize>, ties: Ties<L>) -> Option<L> {
    let mut votes: Vec<_> = labels
        .iter()
        .filter_map(|&label| Some((classes.class_of(label)?, label)))
        .collect();
    votes.sort_unstable_by_key(|&(class, _)| class);
    let by_class = || votes.chunk_by(|a, b| a.0 == b.0);
    let most = by_class().map(<[_]>::len).max()?;
    let mut tied: Vec<_> = by_class().filter(|votes| votes.len() == most).collect();
    let chosen = match ties {
        Ties::Highest => tied.pop(),
        Ties::Undecided(label) if tied.len() > 1 => return Some(label),
        _ => tied
            .iter()
            .find(|votes| votes.iter().any(|vote| Some(vote.0) == prefer))
            .or(tied.first())
            .copied(),
    };
    Some(chosen?.first()?.1)
}
