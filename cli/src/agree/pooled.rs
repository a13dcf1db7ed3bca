//! A number of each case, and of all cases together.

use crate::summary::{Summary, intervals};
use crate::tables::Cell;

/// What a number is of all cases.
pub(crate) struct Numbers {
    /// Over the cases, each counting alike.
    pub(crate) averaged: Summary,
    /// Of all cases counted together.
    pub(crate) pooled: f64,
    pub(crate) pooled_interval: [f64; 2],
    /// Cases that have no such number, such as those that a rater did not draw.
    pub(crate) left_out: usize,
}

/// The columns of [`Numbers`]. "Averaged" and "pooled" are explained in the notes.
pub(crate) const OF_NUMBERS: [(&str, &str); 10] = [
    ("mean", "mean"),
    ("standard_deviation", "std. dev."),
    ("median", "median"),
    ("interval_low", "95 % from"),
    ("interval_high", "to"),
    ("cases", "cases"),
    ("left_out", "left out"),
    ("pooled", "pooled"),
    ("pooled_low", "95 % from"),
    ("pooled_high", "to"),
];

/// The column where there is one case.
pub(crate) const OF_ONE: [(&str, &str); 1] = [("value", "value")];

impl Numbers {
    /// `parts` are what a case adds to the number of all cases, if it has any part in it, and `of` is the number of such sums.
    pub(crate) fn of<const N: usize>(
        parts: &[Option<[f64; N]>],
        seed: u64,
        of: impl Fn([f64; N]) -> f64 + Sync,
    ) -> Self {
        let together = |cases: &mut dyn Iterator<Item = usize>| {
            let mut sums = None::<[f64; N]>;
            for part in cases.filter_map(|case| *parts.get(case)?) {
                let sums = sums.get_or_insert([0.0; N]);
                sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
            sums.map_or(f64::NAN, &of)
        };
        Self::new(parts.iter().map(|part| part.map_or(f64::NAN, &of)), seed, |drawn| {
            together(&mut drawn.iter().copied())
        })
    }

    /// `pooled` is the number of some cases together, of which one may be drawn several times.
    pub(crate) fn new(
        of_cases: impl ExactSizeIterator<Item = f64>,
        seed: u64,
        pooled: impl Fn(&[usize]) -> f64 + Sync,
    ) -> Self {
        let cases = of_cases.len();
        let averaged = Summary::of(of_cases, seed);
        let interval = intervals(cases, seed, |drawn| vec![pooled(drawn)]);
        Self {
            left_out: cases - averaged.cases - averaged.infinite,
            averaged,
            pooled: pooled(&(0..cases).collect::<Vec<_>>()),
            pooled_interval: interval.first().copied().unwrap_or([f64::NAN; 2]),
        }
    }

    /// The cells below [`OF_NUMBERS`], or below [`OF_ONE`].
    pub(crate) fn cells(&self, one: bool) -> Vec<Cell> {
        if one {
            return vec![self.averaged.mean.into()];
        }
        let Summary {
            mean,
            deviation,
            median,
            interval,
            cases,
            ..
        } = self.averaged;
        let mut cells: Vec<Cell> = [mean, deviation, median, interval[0], interval[1]]
            .map(Cell::from)
            .into();
        cells.extend([cases, self.left_out].map(Cell::from));
        cells.extend([self.pooled, self.pooled_interval[0], self.pooled_interval[1]].map(Cell::from));
        cells
    }
}
