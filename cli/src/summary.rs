//! Numbers of many cases in few.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

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

/// The 95 % intervals of numbers of some cases by the bootstrap: the numbers of as many cases, drawn with replacement, from
/// percentile 2.5 to 97.5. A draw in which a number does not exist is left out for it.
pub(crate) fn intervals(cases: usize, seed: u64, numbers: impl Fn(&[usize]) -> Vec<f64> + Sync) -> Vec<[f64; 2]> {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut drawn = Vec::with_capacity(DRAWS);
    while drawn.len() < DRAWS {
        // Some at a time, so that the lists of many cases need little memory.
        let lists: Vec<Vec<usize>> = (0..TOGETHER.min(DRAWS - drawn.len()))
            .map(|_| (0..cases).map(|_| random.random_range(0..cases)).collect())
            .collect();
        let found: Vec<_> = lists.par_iter().map(|list| numbers(list)).collect();
        drawn.extend(found);
    }
    let count = drawn.iter().map(Vec::len).max().unwrap_or(0);
    let interval = |at: usize| {
        let found = drawn.iter().filter_map(|numbers| numbers.get(at).copied());
        let mut found: Vec<f64> = found.filter(|number| !number.is_nan()).collect();
        found.sort_by(f64::total_cmp);
        [2.5, 97.5].map(|percent| percentile(&found, percent))
    };
    (0..count).map(interval).collect()
}

/// Draws whose numbers are computed at the same time.
const TOGETHER: usize = 64;

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

    /// The mean as one of several numbers has the interval of [`Summary`], which draws the same cases; the other is NaN if case 0
    /// is drawn.
    #[test]
    fn numbers_that_are_drawn_together() {
        let values: Vec<f64> = (0..30).map(|i| f64::from(i * i)).collect();
        let numbers = |drawn: &[usize]| {
            let sum: f64 = drawn.iter().map(|&case| values[case]).sum();
            let other = if drawn.contains(&0) { f64::NAN } else { 1.0 };
            vec![sum / drawn.len() as f64, other]
        };
        let found = intervals(values.len(), 5, numbers);
        assert_eq!(found, [Summary::of(values.clone(), 5).interval, [1.0, 1.0]]);
        assert_eq!(intervals(3, 5, |_| Vec::new()), Vec::<[f64; 2]>::new());
    }

    #[test]
    fn of_nothing() {
        let summary = Summary::of([f64::NAN], 1);
        assert_eq!(summary.cases, 0);
        assert!(summary.mean.is_nan() && summary.median.is_nan() && summary.interval[0].is_nan());
        assert!(Summary::of([1.0], 1).deviation.is_nan());
    }
}
