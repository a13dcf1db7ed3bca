//! Thresholded adaptive calibration error.

use ndarray::ArrayView;

use super::predictions::{BLOCK, IGNORED, Predictions};
use super::reliability::check_bins;
use crate::common::parallel;
use crate::{Classes, Error, Label, Result, SoftFloat, SpatialDim};

/// How the ranges of a class are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum BinWeight {
    /// Alike.
    #[default]
    Equal,
    /// By the number of predictions in them. It differs from [`Equal`](Self::Equal) only in that the last range holds the
    /// remainder.
    Mass,
}

/// Thresholded adaptive calibration error (Nixon et al., *Measuring Calibration in Deep Learning*, [CVPR workshops 2019]).
///
/// The predictions of each class above a threshold are sorted and cut into R ranges of the same number, of which the last
/// takes the remainder:
///
/// ```text
/// TACE = 1/K Σ_k 1/R Σ_r |accuracy(r, k) - confidence(r, k)|
/// ```
///
/// accuracy(r, k) is the fraction of voxels in the range whose label is k, and confidence(r, k) their mean probability. Equal
/// probabilities stay in the order of their voxels. Empty ranges (fewer predictions than R) and classes without any
/// prediction above the threshold are left out of the means; where nothing remains the result is NaN.
///
/// [`svls_paper`](Self::svls_paper) is what the SVLS paper's released code computes, which differs from the formula in the
/// paper's text. See [`metrics`](crate::metrics) for what that means for its table 1.
///
/// [CVPR workshops 2019]: https://arxiv.org/abs/1904.01685
///
/// ```
/// use ndarray::array;
/// use soft_labels::Classes;
/// use soft_labels::metrics::Tace;
///
/// let probabilities = array![[[0.9, 0.6, 0.4, 0.1]], [[0.1, 0.4, 0.6, 0.9]]];
/// let labels = array![[0_u8, 1, 0, 1]];
/// let tace = Tace::new().bins(2).evaluate(&probabilities, &labels, &Classes::contiguous(2)?)?;
/// // Of class 1: 0.1, 0.4 | 0.6, 0.9, and one of two is right in both ranges.
/// assert!((tace - (0.25 + 0.25) / 2.0).abs() < 1e-15);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tace {
    bins: usize,
    threshold: f64,
    background: bool,
    weight: BinWeight,
    /// The released code: another division by the number of bins, and NaN where a class has too few predictions.
    paper: bool,
}

impl Default for Tace {
    fn default() -> Self {
        Self {
            bins: 10,
            threshold: 1e-3,
            background: false,
            weight: BinWeight::Equal,
            paper: false,
        }
    }
}

impl Tace {
    /// 10 ranges of equal weight, predictions above 0.001, all classes but class 0.
    ///
    /// ```
    /// assert_eq!(soft_labels::metrics::Tace::new(), soft_labels::metrics::Tace::default());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// What the SVLS paper's released code computes: bins weighted by their mass, and the mean over bins, so the result is
    /// the usual one divided by the number of bins.
    ///
    /// ```text
    /// 1/K Σ_k 1/R Σ_r n_rk / N_k |accuracy(r, k) - confidence(r, k)|
    /// ```
    ///
    /// It is NaN, as there, if a class has fewer predictions above the threshold than there are ranges. The released code
    /// sorts equal probabilities in no stated order, so that its own results on saturated predictions vary.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::Classes;
    /// use soft_labels::metrics::Tace;
    ///
    /// let probabilities = array![[[0.9, 0.6, 0.4, 0.1]], [[0.1, 0.4, 0.6, 0.9]]];
    /// let (labels, classes) = (array![[0_u8, 1, 0, 1]], Classes::contiguous(2)?);
    /// let usual = Tace::new().bins(2).evaluate(&probabilities, &labels, &classes)?;
    /// let paper = Tace::svls_paper().bins(2).evaluate(&probabilities, &labels, &classes)?;
    /// assert!((paper - usual / 2.0).abs() < 1e-15);
    /// assert!(Tace::svls_paper().evaluate(&probabilities, &labels, &classes)?.is_nan()); // 4 voxels, 10 ranges
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn svls_paper() -> Self {
        Self {
            weight: BinWeight::Mass,
            paper: true,
            ..Self::default()
        }
    }

    /// Sets the number of ranges R. It is checked when volumes are evaluated.
    #[must_use]
    pub fn bins(self, bins: usize) -> Self {
        Self { bins, ..self }
    }

    /// Sets the threshold: predictions that are not above it are left out.
    #[must_use]
    pub fn threshold(self, threshold: f64) -> Self {
        Self { threshold, ..self }
    }

    /// Counts class 0 among the classes, too.
    #[must_use]
    pub fn include_background(self) -> Self {
        Self {
            background: true,
            ..self
        }
    }

    /// Sets how the ranges of a class are weighted in their mean.
    #[must_use]
    pub fn weight(self, weight: BinWeight) -> Self {
        Self { weight, ..self }
    }

    /// The error of one volume: probabilities (C, H, W) or (C, D, H, W) beside the labels (H, W) or (D, H, W).
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Axes`], [`Error::UnknownLabel`], [`Error::Probability`],
    /// [`Error::ProbabilitySum`], [`Error::Empty`] and [`Error::TooMany`] for the bins, [`Error::Setting`] if the threshold is
    /// NaN, [`Error::TooLarge`].
    ///
    /// The example of [`Tace`] uses it.
    pub fn evaluate<F: SoftFloat, L: Label, D: SpatialDim>(
        &self,
        probabilities: &ndarray::ArrayRef<F, D::Larger>,
        labels: &ndarray::ArrayRef<L, D>,
        classes: &Classes,
    ) -> Result<f64> {
        self.evaluate_all(&[(probabilities.view(), labels.view())], classes)
    }

    /// The error of several volumes pooled: their predictions are sorted together.
    ///
    /// # Errors
    /// Those of [`evaluate`](Self::evaluate).
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::Classes;
    /// use soft_labels::metrics::Tace;
    ///
    /// let probabilities = array![[[0.9, 0.6, 0.4, 0.1]], [[0.1, 0.4, 0.6, 0.9]]];
    /// let (labels, classes) = (array![[0_u8, 1, 0, 1]], Classes::contiguous(2)?);
    /// let volume = (probabilities.view(), labels.view());
    /// let tace = Tace::new().bins(2);
    /// assert_eq!(tace.evaluate_all(&[volume; 3], &classes)?, tace.evaluate(&probabilities, &labels, &classes)?);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[expect(clippy::type_complexity, reason = "pairs of views are what zip makes")]
    pub fn evaluate_all<F: SoftFloat, L: Label, D: SpatialDim>(
        &self,
        volumes: &[(ArrayView<'_, F, D::Larger>, ArrayView<'_, L, D>)],
        classes: &Classes,
    ) -> Result<f64> {
        check_bins(self.bins)?;
        if self.threshold.is_nan() {
            return Err(Error::Setting {
                what: "threshold",
                place: None,
                value: self.threshold,
                allowed: "a number",
            });
        }
        let volumes = volumes
            .iter()
            .map(|(probabilities, labels)| {
                let predictions = Predictions::new(probabilities, Some(classes.len()))?;
                let targets = predictions.targets(labels, classes)?;
                Ok((predictions, targets))
            })
            .collect::<Result<Vec<_>>>()?;
        let voxels: usize = volumes.iter().map(|(_, targets)| targets.len()).sum();
        let first = usize::from(!self.background);
        let work = voxels.saturating_mul(classes.len() - first).saturating_mul(COST);
        // A thread holds the samples of one class.
        let errors = parallel::map_with(work, first..classes.len(), Vec::new, |samples, class| {
            gather(class, self.threshold, &volumes, samples)?;
            Ok(self.error_of(samples))
        });
        let errors = errors.into_iter().collect::<Result<Vec<_>>>()?;
        let errors: Vec<_> = errors.into_iter().flatten().collect();
        Ok(errors.iter().sum::<f64>() / errors.len() as f64)
    }

    /// The error of a class from its samples, or nothing if it has none.
    fn error_of(&self, samples: &mut [Sample]) -> Option<f64> {
        let all = samples.len();
        if self.paper && all < self.bins {
            return Some(f64::NAN);
        }
        let size = all / self.bins;
        separate(samples, size, self.bins);
        let (mut rest, mut ranges, mut error) = (&*samples, 0, 0.0);
        for bin in 0..self.bins {
            let (range, others) = rest.split_at(if bin + 1 < self.bins { size } else { rest.len() });
            rest = others;
            if range.is_empty() {
                continue;
            }
            ranges += 1;
            error += match self.weight {
                BinWeight::Equal => apart(range),
                BinWeight::Mass => apart(range) * range.len() as f64 / all as f64,
            };
        }
        let divisor = match self.weight {
            _ if self.paper => self.bins as f64,
            BinWeight::Equal => f64::from(ranges),
            BinWeight::Mass => 1.0,
        };
        (ranges > 0).then(|| error / divisor)
    }
}

/// Nanoseconds that a prediction takes, most of them for sorting.
const COST: usize = 10;

/// Replaces the samples by the predictions of a class that are above a threshold and not ignored.
fn gather<F: SoftFloat>(
    class: usize,
    threshold: f64,
    volumes: &[(Predictions<'_, F>, Vec<u16>)],
    samples: &mut Vec<Sample>,
) -> Result<()> {
    samples.clear();
    let index = u16::try_from(class).expect("a class is below 65535");
    for (predictions, targets) in volumes {
        let values = predictions.probabilities_of(class).chunks(BLOCK);
        for (values, targets) in values.zip(targets.chunks(BLOCK)) {
            // Every sample is written, but the position only moves past those that count. This avoids a branch that is hard
            // to predict.
            let (mut kept, mut count) = ([Sample::default(); BLOCK], 0);
            for (p, &target) in values.iter().zip(targets) {
                let p = p.widen();
                kept[count % BLOCK] = Sample::new(p, samples.len() + count, target == index);
                count += usize::from((p > threshold) & (target != IGNORED));
            }
            samples.try_reserve(BLOCK).map_err(|_| Error::TooLarge {
                shape: vec![predictions.voxels],
            })?;
            samples.extend_from_slice(&kept[..count]);
        }
    }
    Ok(())
}

/// Sorts only partly: into bins of `size` samples; the last bin takes the remainder.
fn separate(samples: &mut [Sample], size: usize, ranges: usize) {
    let half = ranges / 2;
    if half > 0 && size > 0 {
        samples.select_nth_unstable(half * size);
        let (low, high) = samples.split_at_mut(half * size);
        separate(low, size, half);
        separate(high, size, ranges - half);
    }
}

/// |accuracy - confidence| of a range.
fn apart(range: &[Sample]) -> f64 {
    let (hits, sum) = range.iter().fold((0_u64, 0.0), |(hits, sum), sample| {
        (hits + u64::from(sample.hit()), sum + sample.probability())
    });
    (hits as f64 - sum).abs() / range.len() as f64
}

/// A prediction of a class: its probability, its place among the voxels, and whether the label is the class, so that
/// comparing sorts by probability and then by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Sample {
    /// The bits of numbers above 0 are ordered as the numbers.
    bits: u64,
    place_and_hit: u64,
}

impl Sample {
    fn new(probability: f64, place: usize, hit: bool) -> Self {
        Self {
            // A negative threshold lets through numbers that are not above 0: all of them count as 0.
            bits: probability.max(0.0).to_bits(),
            place_and_hit: (place as u64) << 1 | u64::from(hit),
        }
    }

    fn probability(self) -> f64 {
        f64::from_bits(self.bits)
    }

    fn hit(self) -> bool {
        self.place_and_hit & 1 == 1
    }
}
