//! The votes of all raters, counted.

mod band;
mod count;

use std::collections::BTreeMap;

use ndarray::{ArrayRef, ArrayView};

use crate::metrics::{Agreement, Confusion, Region};
use crate::{Classes, Label, Raters, Result, SpatialDim};

/// How many voxels have each combination of the raters' classes: all that is needed of label maps to say how well raters agree,
/// in little memory, for one case or for many that are merged.
///
/// A rater who ignores a voxel has no vote there. Voxels that all ignore are not counted.
///
/// ```
/// use ndarray::array;
/// use soft_labels::Classes;
/// use soft_labels::metrics::{EmptyRegion, Region};
/// use soft_labels::multirater::Votes;
///
/// let maps = [array![[0_u8, 1, 1, 2]], array![[0_u8, 1, 2, 2]], array![[0_u8, 1, 1, 0]]];
/// let votes = Votes::count(&maps.each_ref().map(|map| map.view()), &Classes::contiguous(3)?)?;
/// assert_eq!(votes.voxels(), 4);
///
/// // Two raters, and one structure of them.
/// let confusion = votes.confusion(0, 1).unwrap();
/// assert_eq!(confusion.dice(&Region::class(2), EmptyRegion::Nan), 2.0 / 3.0);
///
/// // All raters, where any of them sees something.
/// assert!(votes.union().fleiss_kappa() < votes.fleiss_kappa());
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Votes {
    raters: usize,
    classes: usize,
    /// By the class of each rater, if there is one.
    patterns: BTreeMap<Box<[Vote]>, u64>,
}

/// A class, or nothing.
pub(crate) type Vote = Option<u16>;

impl Votes {
    /// Counts all voxels of label maps of one shape, (H, W) or (D, H, W), one for each rater.
    ///
    /// # Errors
    /// [`Error::Empty`](crate::Error::Empty) without raters, [`Error::Axes`](crate::Error::Axes),
    /// [`Error::Shape`](crate::Error::Shape), [`Error::UnknownLabel`](crate::Error::UnknownLabel),
    /// [`Error::TooLarge`](crate::Error::TooLarge).
    ///
    /// The example of [`Votes`] uses it.
    pub fn count<L: Label, D: SpatialDim>(raters: &[ArrayView<'_, L, D>], classes: &Classes) -> Result<Self> {
        let patterns = count::all(&Raters::new(raters)?, classes)?;
        Ok(Self::of_patterns(patterns, raters.len(), classes))
    }

    /// Counts the voxels at which a mask of the same shape is true.
    ///
    /// # Errors
    /// Those of [`count`](Self::count).
    ///
    /// ```
    /// # use ndarray::array;
    /// # use soft_labels::{Classes, multirater::Votes};
    /// let (first, second) = (array![[0_u8, 1, 1]], array![[0_u8, 1, 0]]);
    /// let raters = [first.view(), second.view()];
    /// let votes = Votes::count_within(&raters, &Classes::contiguous(2)?, &array![[false, true, true]])?;
    /// assert_eq!(votes.voxels(), 2);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn count_within<L: Label, D: SpatialDim>(
        raters: &[ArrayView<'_, L, D>],
        classes: &Classes,
        mask: &ArrayRef<bool, D>,
    ) -> Result<Self> {
        let patterns = count::within(&Raters::new(raters)?, classes, mask)?;
        Ok(Self::of_patterns(patterns, raters.len(), classes))
    }

    fn of_patterns(patterns: BTreeMap<Box<[Vote]>, u64>, raters: usize, classes: &Classes) -> Self {
        Self {
            raters,
            classes: classes.len(),
            patterns,
        }
    }

    /// The same votes with a rater more, who has none: one who did not draw the case. The raters from this position on move up by
    /// one; past the end the new one is the last.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use soft_labels::{Classes, multirater::Votes};
    /// let (first, third) = (array![[0_u8, 1]], array![[0_u8, 0]]);
    /// let votes = Votes::count(&[first.view(), third.view()], &Classes::contiguous(2)?)?.with_missing(1);
    /// assert_eq!((votes.raters(), votes.voxels(), votes.complete_voxels()), (3, 2, 0));
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn with_missing(self, rater: usize) -> Self {
        let insert = |votes: &[Vote]| {
            let (before, after) = votes.split_at(rater.min(votes.len()));
            before
                .iter()
                .copied()
                .chain([None])
                .chain(after.iter().copied())
                .collect()
        };
        let mut more = self.map(|votes| Some(insert(votes)));
        more.raters = self.raters + 1;
        more
    }

    /// Adds the votes of another case. A rater has the same position in both; if one case has fewer raters, the last ones have no
    /// votes there.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use soft_labels::{Classes, multirater::Votes};
    /// let map = array![[0_u8, 1]];
    /// let mut votes = Votes::count(&[map.view()], &Classes::contiguous(2)?)?;
    /// votes.merge(&votes.clone());
    /// assert_eq!(votes.voxels(), 4);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn merge(&mut self, other: &Self) {
        let raters = self.raters.max(other.raters);
        if self.raters < raters {
            *self = self.padded(raters);
        }
        self.classes = self.classes.max(other.classes);
        let padded = (other.raters < raters).then(|| other.padded(raters));
        for (votes, voxels) in &padded.as_ref().unwrap_or(other).patterns {
            *self.patterns.entry(votes.clone()).or_default() += voxels;
        }
    }

    fn padded(&self, raters: usize) -> Self {
        let mut more = self.map(|votes| {
            let mut votes = votes.to_vec();
            votes.resize(raters, None);
            Some(votes.into())
        });
        more.raters = raters;
        more
    }

    /// One structure against all else, as two classes: 1 where a rater's class is in the region, and 0 elsewhere.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use soft_labels::{Classes, metrics::Region, multirater::Votes};
    /// let (first, second) = (array![[0_u8, 1, 2]], array![[0_u8, 2, 1]]);
    /// let votes = Votes::count(&[first.view(), second.view()], &Classes::contiguous(3)?)?;
    /// let whole = Region::of_labels(&Classes::contiguous(3)?, [1, 2])?;
    /// assert_eq!(votes.structure(&whole).fleiss_kappa(), 1.0); // they name its parts differently
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[must_use]
    pub fn structure(&self, region: &Region) -> Self {
        let inside = |vote: &Vote| vote.map(|class| u16::from(region.contains(class.into())));
        let mut two = self.map(|votes| Some(votes.iter().map(inside).collect()));
        two.classes = 2;
        two
    }

    /// The votes in the union of the raters' foregrounds: of the voxels that at least one rater gave to another class than the
    /// first.
    ///
    /// The example of [`Votes`] uses it.
    #[must_use]
    pub fn union(&self) -> Self {
        let foreground = |vote: &Vote| vote.is_some_and(|class| class > 0);
        self.map(|votes| votes.iter().any(foreground).then(|| votes.into()))
    }

    /// The votes without those of a rater, who stays as one without votes.
    pub(crate) fn without(&self, rater: usize) -> Self {
        self.map(|votes| {
            let mut votes: Box<[Vote]> = votes.into();
            if let Some(vote) = votes.get_mut(rater) {
                *vote = None;
            }
            Some(votes)
        })
    }

    /// Other votes for the same voxels. Voxels without a vote are dropped.
    fn map(&self, votes: impl Fn(&[Vote]) -> Option<Box<[Vote]>>) -> Self {
        let mut patterns = BTreeMap::<Box<[Vote]>, u64>::new();
        for (old, voxels) in &self.patterns {
            if let Some(votes) = votes(old).filter(|votes| votes.iter().any(Option::is_some)) {
                *patterns.entry(votes).or_default() += voxels;
            }
        }
        Self {
            raters: self.raters,
            classes: self.classes,
            patterns,
        }
    }

    /// The votes of all raters, and how many voxels have them, in an order that the votes alone decide.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = (&[Vote], u64)> {
        self.patterns.iter().map(|(votes, &voxels)| (&**votes, voxels))
    }

    /// Number of raters. The example of [`with_missing`](Self::with_missing) uses it.
    pub fn raters(&self) -> usize {
        self.raters
    }

    /// Number of classes.
    ///
    /// ```
    /// # use soft_labels::{Classes, multirater::Votes};
    /// # let map = ndarray::array![[0_u8, 1]];
    /// assert_eq!(Votes::count(&[map.view()], &Classes::contiguous(5)?)?.classes(), 5);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many voxels have a vote. The example of [`Votes`] uses it.
    pub fn voxels(&self) -> u64 {
        self.patterns.values().sum()
    }

    /// How many voxels have a vote of every rater. The example of [`with_missing`](Self::with_missing) uses it.
    pub fn complete_voxels(&self) -> u64 {
        let complete = self.patterns().filter(|(votes, _)| votes.iter().all(Option::is_some));
        complete.map(|(_, voxels)| voxels).sum()
    }

    /// How many voxels a rater gave to a region; `None` without such a rater.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use soft_labels::{Classes, metrics::Region, multirater::Votes};
    /// let (first, second) = (array![[0_u8, 1, 1]], array![[0_u8, 1, 0]]);
    /// let votes = Votes::count(&[first.view(), second.view()], &Classes::contiguous(2)?)?;
    /// assert_eq!(votes.voxels_of(0, &Region::class(1)), Some(2));
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn voxels_of(&self, rater: usize, region: &Region) -> Option<u64> {
        let inside = |vote: Vote| vote.is_some_and(|class| region.contains(class.into()));
        let of_rater = |(votes, voxels): (&[Vote], u64)| inside(votes.get(rater).copied().flatten()).then_some(voxels);
        (rater < self.raters).then(|| self.patterns().filter_map(of_rater).sum())
    }

    /// The confusion matrix of two raters, of whom either may be the reference: Dice and Jaccard are the same both ways. Voxels
    /// that one of them ignores are left out. `None` without such a rater.
    ///
    /// The example of [`Votes`] uses it.
    pub fn confusion(&self, prediction: usize, reference: usize) -> Option<Confusion> {
        let both = |(votes, voxels): (&[Vote], u64)| {
            let vote = |rater: usize| votes.get(rater).copied().flatten().map(usize::from);
            Some((vote(prediction)?, vote(reference)?, voxels))
        };
        (prediction.max(reference) < self.raters)
            .then(|| Confusion::of_entries(self.patterns().filter_map(both), self.classes))
    }

    /// The sums from which kappa and alpha are computed, which take less room than the votes. The example of [`Agreement`] uses it.
    pub fn agreement(&self) -> Agreement {
        Agreement::of(self.raters, self.classes, self.patterns())
    }

    /// [Fleiss' kappa](crate::metrics::fleiss_kappa) of the voxels that have a vote of every rater. NaN where there are none, for
    /// one rater, and where all votes are for one class.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use soft_labels::{Classes, multirater::Votes};
    /// let maps = [array![[0_u8, 0, 1, 1]], array![[0_u8, 1, 1, 0]]];
    /// let votes = Votes::count(&maps.each_ref().map(|map| map.view()), &Classes::contiguous(2)?)?;
    /// assert_eq!(votes.fleiss_kappa(), 0.0);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn fleiss_kappa(&self) -> f64 {
        self.agreement().fleiss_kappa()
    }

    /// [Krippendorff's alpha](crate::metrics::krippendorff_alpha) of the voxels that have two votes or more.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use soft_labels::{Classes, multirater::Votes};
    /// let classes = Classes::contiguous(2)?.with_ignore(255)?;
    /// let maps = [array![[0_u8, 1, 0]], array![[0_u8, 1, 255]], array![[0_u8, 255, 255]]];
    /// let votes = Votes::count(&maps.each_ref().map(|map| map.view()), &classes)?;
    /// assert_eq!(votes.krippendorff_alpha(), 1.0); // two voxels have two votes
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn krippendorff_alpha(&self) -> f64 {
        self.agreement().krippendorff_alpha()
    }
}
