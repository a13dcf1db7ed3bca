//! Numbers of many cases in few.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// How often the cases are drawn for an interval.
pub(crate) const DRAWS: usize = 2000;

/// The distribution of a metric over the cases in which it exists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Summary {
    /// Cases with a finite value: those of the mean, its interval and the deviation.
    pub(crate) cases: usize,
    /// Cases with an infinite value, such as the distance to a structure that was missed.
    pub(crate) infinite: usize,
    pub(crate) mean: f64,
    /// The standard deviation, with the number of cases less 1.
    pub(crate) deviation: f64,
    /// With the infinite values in it, so that a method does not look better by missing more cases.
    pub(crate) median: f64,
    /// The 95 % interval of the mean by the bootstrap, from percentile 2.5 to 97.5.
    pub(crate) interval: [f64; 2],
}

impl Summary {
    /// Values that are NaN are left out: the metric does not exist in those cases.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>, seed: u64) -> Self {
        let mut all: Vec<f64> = values.into_iter().filter(|value| !value.is_nan()).collect();
        all.sort_by(f64::total_cmp);
        let values: Vec<f64> = all.iter().copied().filter(|value| value.is_finite()).collect();
        let mean = mean(&values);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let mut random = Pcg64::seed_from_u64(seed);
        let mut means: Vec<f64> = (0..DRAWS)
            .map(|_| {
                let drawn = (0..values.len()).map(|_| values[random.random_range(0..values.len())]);
                drawn.sum::<f64>() / values.len() as f64
            })
            .collect();
        means.sort_by(f64::total_cmp);
        Self {
            cases: values.len(),
            infinite: all.len() - values.len(),
            mean,
            deviation: (squares / (values.len() as f64 - 1.0)).sqrt(),
            median: percentile(&all, 50.0),
            interval: [2.5, 97.5].map(|percent| percentile(&means, percent)),
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// A percentile of sorted values, linear between two of them; NaN of none.
fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let at = percent / 100.0 * last as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(last);
    let part = at - below as f64;
    // Between two equal values, of which infinite ones have no difference, is the value itself.
    if part == 0.0 || sorted[below] == sorted[above] {
        return sorted[below];
    }
    sorted[below] + (sorted[above] - sorted[below]) * part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let summary = Summary::of([4.0, f64::NAN, 1.0, 2.0, f64::INFINITY, 9.0], 1);
        assert_eq!((summary.cases, summary.infinite), (4, 1));
        assert_eq!((summary.mean, summary.median), (4.0, 4.0));
        assert!((summary.deviation - (38.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        let [low, high] = summary.interval;
        assert!(1.0 < low && low < 2.5 && 5.5 < high && high < 9.0, "{low} {high}");
    }

    #[test]
    fn a_median_of_infinite_values() {
        let median = |values: &[f64]| Summary::of(values.iter().copied(), 1).median;
        assert_eq!(
            median(&[1.0, f64::INFINITY, f64::INFINITY, f64::INFINITY]),
            f64::INFINITY
        );
        assert_eq!(median(&[1.0, 2.0, f64::INFINITY, f64::INFINITY]), f64::INFINITY);
        assert_eq!(median(&[1.0, 2.0, f64::INFINITY]), 2.0);
    }

    /// The interval of a mean of 400 numbers that are spread evenly over 0..1 is about 1.96 standard errors on either side.
    #[test]
    fn the_interval_is_that_of_the_mean() {
        let values = (0..400).map(|i| (f64::from(i) + 0.5) / 400.0);
        let [low, high] = Summary::of(values, 3).interval;
        let error = 1.96 * (1.0 / 12.0 / 400.0_f64).sqrt();
        assert!((low - (0.5 - error)).abs() < 0.1 * error, "{low}");
        assert!((high - (0.5 + error)).abs() < 0.1 * error, "{high}");
    }

    #[test]
    fn of_nothing() {
        let summary = Summary::of([f64::NAN], 1);
        assert_eq!(summary.cases, 0);
        assert!(summary.mean.is_nan() && summary.median.is_nan() && summary.interval[0].is_nan());
        assert!(Summary::of([1.0], 1).deviation.is_nan());
    }
}
