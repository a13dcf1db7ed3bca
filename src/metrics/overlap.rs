//! Dice and what else is said about the overlap of two regions.

/// What a region scores that neither prediction nor reference holds: one rule for overlaps and for surfaces.
///
/// If one of them holds it, Dice, Jaccard index and surface Dice are 0 and distances infinite.
/// [`SurfaceKind`](super::SurfaceKind) has the conventions of surfaces.
///
/// ```
/// use soft_labels::metrics::EmptyRegion;
/// assert_eq!(EmptyRegion::default(), EmptyRegion::One);
/// ```
///
/// # What other packages compute
///
/// | Dice and Jaccard index | neither holds the region | the prediction alone | the reference alone |
/// |---|---|---|---|
/// | here | [`score`](Self::score) | 0 | 0 |
/// | SVLS paper, Dice | 1: [`One`](Self::One) | 0 | 0 |
/// | nnU-Net | NaN, and left out of means: [`Nan`](Self::Nan) | 0 | 0 |
/// | MONAI 1.6 | NaN: `Nan`; `ignore_empty=False`: 1 | NaN, and left out of means; `ignore_empty=False`: 0 | 0 |
/// | `MetricsReloaded` | Dice 1: `One`; Jaccard index NaN: `Nan` | 0 | 0 |
/// | torchmetrics 1.9 | Dice NaN: `Nan`; Jaccard index -1 | 0 | 0 |
/// | DeepMind's surface-distance 0.1, Dice | NaN: `Nan` | 0 | 0 |
///
/// Precision without a prediction and recall without a reference are NaN; `MetricsReloaded` has precision 0 if there is a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum EmptyRegion {
    /// 1, and distances of 0: to find nothing where there is nothing is right.
    #[default]
    One,
    /// NaN, so that it can be left out of a mean.
    Nan,
    /// 0, and infinite distances.
    Zero,
}

impl EmptyRegion {
    /// Its Dice, Jaccard index or surface Dice.
    ///
    /// ```
    /// assert_eq!(soft_labels::metrics::EmptyRegion::One.score(), 1.0);
    /// ```
    pub fn score(self) -> f64 {
        match self {
            Self::One => 1.0,
            Self::Nan => f64::NAN,
            Self::Zero => 0.0,
        }
    }

    /// The distance of its surfaces.
    ///
    /// ```
    /// assert_eq!(soft_labels::metrics::EmptyRegion::One.distance(), 0.0);
    /// ```
    pub fn distance(self) -> f64 {
        match self {
            Self::One => 0.0,
            Self::Nan => f64::NAN,
            Self::Zero => f64::INFINITY,
        }
    }
}

/// The numbers of voxels of a region in the prediction P, in the reference R and in both. [`Confusion::overlap`] counts them.
///
/// [`Confusion::overlap`]: super::Confusion::overlap
///
/// ```
/// use soft_labels::metrics::{EmptyRegion, Overlap};
/// let overlap = Overlap { prediction: 3, reference: 5, both: 2 };
/// assert_eq!(overlap.dice(EmptyRegion::One), 0.5);
/// ```
///
/// With feature `serde` it is `{"prediction": 3, "reference": 5, "both": 2}` in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Overlap {
    /// |P|
    pub prediction: u64,
    /// |R|
    pub reference: u64,
    /// |P ∩ R|
    pub both: u64,
}

impl Overlap {
    /// The Dice similarity coefficient.
    ///
    /// ```text
    /// 2 |P ∩ R| / (|P| + |R|)
    /// ```
    ///
    /// [`EmptyRegion`] says what other packages do with empty regions.
    ///
    /// The example of [`Overlap`] uses it.
    pub fn dice(&self, empty: EmptyRegion) -> f64 {
        let sum = self.prediction as f64 + self.reference as f64;
        or_empty(2.0 * self.both as f64 / sum, empty)
    }

    /// The Jaccard index, or intersection over union.
    ///
    /// ```text
    /// |P ∩ R| / |P ∪ R|
    /// ```
    ///
    /// ```
    /// use soft_labels::metrics::{EmptyRegion, Overlap};
    /// let overlap = Overlap { prediction: 3, reference: 5, both: 2 };
    /// assert_eq!(overlap.jaccard(EmptyRegion::One), 2.0 / 6.0);
    /// assert_eq!(Overlap::default().jaccard(EmptyRegion::One), 1.0);
    /// ```
    pub fn jaccard(&self, empty: EmptyRegion) -> f64 {
        let both = self.both as f64;
        or_empty(both / (self.prediction as f64 + self.reference as f64 - both), empty)
    }

    /// The share of the prediction that is right, or positive predictive value; NaN if nothing is predicted.
    ///
    /// ```text
    /// |P ∩ R| / |P|
    /// ```
    ///
    /// ```
    /// use soft_labels::metrics::Overlap;
    /// assert_eq!(Overlap { prediction: 3, reference: 5, both: 2 }.precision(), 2.0 / 3.0);
    /// ```
    pub fn precision(&self) -> f64 {
        self.both as f64 / self.prediction as f64
    }

    /// The share of the reference that is found, or sensitivity; NaN if there is nothing to find.
    ///
    /// ```text
    /// |P ∩ R| / |R|
    /// ```
    ///
    /// ```
    /// use soft_labels::metrics::Overlap;
    /// assert_eq!(Overlap { prediction: 3, reference: 5, both: 2 }.recall(), 0.4);
    /// ```
    pub fn recall(&self) -> f64 {
        self.both as f64 / self.reference as f64
    }

    /// By how much more volume is predicted than there is, as a share of the reference; NaN if there is nothing to find.
    ///
    /// ```text
    /// (|P| - |R|) / |R|
    /// ```
    ///
    /// ```
    /// use soft_labels::metrics::Overlap;
    /// assert_eq!(Overlap { prediction: 3, reference: 5, both: 2 }.relative_volume_difference(), -0.4);
    /// ```
    pub fn relative_volume_difference(&self) -> f64 {
        if self.reference == 0 {
            return f64::NAN;
        }
        (self.prediction as f64 - self.reference as f64) / self.reference as f64
    }
}

/// A ratio, unless it is that of nothing to nothing.
pub(super) fn or_empty(ratio: f64, empty: EmptyRegion) -> f64 {
    if ratio.is_nan() { empty.score() } else { ratio }
}
