//! Means, deviations and paired differences with bootstrap intervals.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Resamples of an interval.
const RESAMPLES: usize = 20_000;

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// With the divisor n - 1.
pub(crate) fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}

/// A mean difference with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Difference {
    pub(crate) mean: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Difference {
    /// Of differences by seed and case: seeds and cases are both drawn with replacement, and the interval is that between
    /// the percentiles that leave out `outside` of the means, half of it on each side.
    pub(crate) fn new(differences: &[Vec<f64>], outside: f64) -> Self {
        let (seeds, cases) = (differences.len(), differences.first().map_or(0, Vec::len));
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut means: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                let mut weights = vec![0.0; cases];
                (0..cases).for_each(|_| weights[rng.random_range(0..cases)] += 1.0);
                let of_seed = |of_cases: &Vec<f64>| of_cases.iter().zip(&weights).map(|(d, w)| d * w).sum::<f64>();
                let sum: f64 = (0..seeds)
                    .map(|_| of_seed(&differences[rng.random_range(0..seeds)]))
                    .sum();
                sum / (seeds * cases) as f64
            })
            .collect();
        means.sort_by(f64::total_cmp);
        let cut = (outside / 2.0 * RESAMPLES as f64) as usize;
        Self {
            mean: mean(&differences.concat()),
            low: means[cut],
            high: means[RESAMPLES - 1 - cut],
        }
    }

    /// Of the first values minus the second, both by seed and case; nothing if one of them is missing.
    pub(crate) fn between(first: &[Vec<f64>], second: &[Vec<f64>], outside: f64) -> Option<Self> {
        let pairs = first.iter().zip(second);
        let differences: Vec<Vec<f64>> = pairs
            .map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect())
            .collect();
        let any = differences.first().is_some_and(|of_cases| !of_cases.is_empty());
        any.then(|| Self::new(&differences, outside))
    }

    /// Whether the interval does not hold zero.
    pub(crate) fn is_apart(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_three_numbers() {
        assert_eq!(
            (mean(&[1.0, 2.0, 6.0]), deviation(&[1.0, 2.0, 6.0])),
            (3.0, 7_f64.sqrt())
        );
    }

    #[test]
    fn intervals_are_those_of_the_normal_distribution() {
        // One seed, cases 0..100: the mean's deviation is that of the cases over 10.
        let cases: Vec<f64> = (0..100).map(f64::from).collect();
        let spread = deviation(&cases) / 10.0;
        let found = Difference::new(std::slice::from_ref(&cases), 0.05);
        assert_eq!(found.mean, 49.5);
        assert!((found.low - (49.5 - 1.96 * spread)).abs() < 0.2, "{found:?}");
        assert!((found.high - (49.5 + 1.96 * spread)).abs() < 0.2, "{found:?}");
        let wider = Difference::new(&[cases], 0.001);
        assert!(wider.low < found.low && wider.high > found.high);
    }

    #[test]
    fn seeds_that_disagree_widen_the_interval() {
        let agreed = Difference::new(&[vec![1.0; 20], vec![1.0; 20]], 0.05);
        assert!(agreed.is_apart());
        let divided = Difference::new(&[vec![1.0; 20], vec![-0.5; 20]], 0.05);
        assert!(!divided.is_apart());
    }
}
