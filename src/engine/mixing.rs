//! From the soft labels of classes to the channels of a result.

use super::BLOCK;
use super::block_loops::PerVoxel;
use crate::{Error, Result};

/// What each class means for each channel: T of `p_c = Σ_k q_k T[k, c]`, without its zeros.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixing {
    channels: usize,
    /// For each class, its channels, ascending, and the entry of each.
    rows: Vec<Vec<(usize, f64)>>,
    counted: bool,
}

impl Mixing {
    /// Of rows without zeros, ascending by channel.
    pub(crate) fn new(channels: usize, rows: Vec<Vec<(usize, f64)>>) -> Self {
        let counted = rows.iter().flatten().all(|&(_, entry)| entry == 1.0);
        Self {
            channels,
            rows,
            counted,
        }
    }

    pub(super) fn classes(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// Whether all entries are 0 or 1. Then neighbours are counted by channel, and a channel has the bits of its own binary
    /// mask.
    pub(super) fn is_counted(&self) -> bool {
        self.counted
    }

    /// Whether the channels of a voxel sum to 1, for any labels around it.
    pub(crate) fn is_distribution(&self) -> bool {
        let sum = |row: &Vec<(usize, f64)>| row.iter().map(|&(_, entry)| entry).sum::<f64>();
        self.rows.iter().all(|row| (sum(row) - 1.0).abs() <= Self::SLACK)
    }

    /// How far from 1 the sum of a row may be: its entries may be written with few digits or in `f32`.
    pub(crate) const SLACK: f64 = 1e-6;

    /// Whether some channel of some class is 0, so that the zeros can be left out.
    pub(crate) fn is_sparse(&self) -> bool {
        self.channels <= 1 || self.rows.iter().any(|row| row.len() < self.channels)
    }

    /// The channels of a class that are not 0, ascending.
    pub(super) fn row(&self, class: usize) -> &[(usize, f64)] {
        self.rows.get(class).map_or(&[], Vec::as_slice)
    }

    /// T' of pointwise soft labels, `on` for the own class and `off` for all others: `p_c = T'[label, c]`.
    pub(super) fn after_pointwise(&self, on: f64, off: f64) -> Result<Self> {
        check_size(self.rows.len(), self.channels)?;
        let mut sums = vec![0.0; self.channels];
        for &(channel, entry) in self.rows.iter().flatten() {
            sums[channel] += off * entry;
        }
        let rows = self.rows.iter().map(|row| {
            let mut all = sums.clone();
            for &(channel, entry) in row {
                all[channel] += (on - off) * entry;
            }
            all.into_iter().enumerate().filter(|&(_, entry)| entry != 0.0).collect()
        });
        Ok(Self::new(self.channels, rows.collect()))
    }
}

/// The largest number of entries of T that are held, and of classes times channels where most of them are not 0.
const MAX: usize = 1 << 24;

/// Returns an error if so many classes and channels are too many where most entries are not 0.
pub(crate) fn check_size(classes: usize, channels: usize) -> Result<()> {
    if classes.checked_mul(channels).is_some_and(|entries| entries <= MAX) {
        Ok(())
    } else {
        Err(Error::TooLarge {
            shape: vec![classes, channels],
        })
    }
}

/// The classes around a block, and the channels that they touch.
#[derive(Debug, Default)]
pub(super) struct Present {
    /// Ascending.
    pub(super) classes: Vec<usize>,
    /// Ascending; the classes themselves if they are not mixed.
    pub(super) channels: Vec<usize>,
}

impl Present {
    pub(super) fn set(&mut self, classes: impl Iterator<Item = usize>, mixing: Option<&Mixing>) {
        self.classes.clear();
        self.channels.clear();
        self.classes.extend(classes);
        // Sums of rounded numbers depend on the order.
        self.classes.sort_unstable();
        let Some(mixing) = mixing else {
            self.channels.extend_from_slice(&self.classes);
            return;
        };
        for &class in &self.classes {
            self.channels
                .extend(mixing.row(class).iter().map(|&(channel, _)| channel));
        }
        self.channels.sort_unstable();
        self.channels.dedup();
    }

    /// The places among the channels that the class at a place belongs to, and its entry for each.
    pub(super) fn links<'a>(
        &'a self,
        place: usize,
        mixing: Option<&'a Mixing>,
    ) -> impl Iterator<Item = (usize, f64)> + 'a {
        let own = mixing.is_none().then_some((place, 1.0));
        let row = mixing.map_or(&[][..], |mixing| mixing.row(self.classes[place]));
        let place_of = |channel: usize| self.channels.binary_search(&channel).ok();
        let of_row = row
            .iter()
            .filter_map(move |&(channel, entry)| Some((place_of(channel)?, entry)));
        own.into_iter().chain(of_row)
    }
}

/// Adds `factor` times the values.
#[inline(never)]
pub(super) fn add_scaled(sum: &mut PerVoxel<f64>, factor: f64, values: &PerVoxel<f64>) {
    for i in 0..BLOCK {
        sum[i] += factor * values[i];
    }
}
