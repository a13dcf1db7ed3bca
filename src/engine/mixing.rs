//! From the soft labels of classes to the channels of a result.

use super::BLOCK;
use super::block_loops::PerVoxel;
use crate::{Error, Result, SoftFloat};

/// What each class means for each channel: T of `p_c = Σ_k q_k T[k, c]`, without its zeros.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixing {
    channels: usize,
    /// For each class, its channels, ascending, and the entry of each.
    rows: Vec<Vec<(usize, f64)>>,
    counted: bool,
    distribution: bool,
}

impl Mixing {
    /// Of rows without zeros, ascending by channel.
    pub(crate) fn new(channels: usize, rows: Vec<Vec<(usize, f64)>>) -> Self {
        let sum = |row: &Vec<(usize, f64)>| row.iter().map(|&(_, entry)| entry).sum::<f64>();
        Self {
            channels,
            counted: rows.iter().flatten().all(|&(_, entry)| entry == 1.0),
            distribution: rows.iter().all(|row| (sum(row) - 1.0).abs() <= Self::SLACK),
            rows,
        }
    }

    /// The same where each channel is by itself, whatever the channels of a voxel sum to.
    pub(crate) fn memberships(channels: usize, rows: Vec<Vec<(usize, f64)>>) -> Self {
        Self {
            distribution: false,
            ..Self::new(channels, rows)
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
        self.distribution
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
        Ok(Self {
            distribution: self.distribution,
            ..Self::new(self.channels, rows.collect())
        })
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

/// The classes around a block, and what the channels that they touch are made of.
#[derive(Debug, Default)]
pub(super) struct Present {
    /// Ascending.
    pub(super) classes: Vec<usize>,
    /// The channels that they touch, ascending; the classes themselves if they are not mixed.
    pub(super) channels: Vec<Touched>,
    /// What is computed, once for all channels that are alike: for each column an entry for each of the classes. Empty if classes
    /// are not mixed. Then there is a column for each class.
    entries: Vec<f64>,
    columns: usize,
    /// Of each channel, its place among those that are touched, if `at` is that of this block.
    places: Vec<(u64, usize)>,
    at: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Touched {
    pub(super) channel: usize,
    /// Which column has its values, or nothing if it has all that is around the block.
    pub(super) column: Option<usize>,
}

impl Present {
    /// Sets the classes. If `shared`, channels that are alike have one column, and those that have all classes have none.
    pub(super) fn set(&mut self, classes: impl Iterator<Item = usize>, mixing: Option<&Mixing>, shared: bool) {
        self.classes.clear();
        self.channels.clear();
        self.entries.clear();
        self.classes.extend(classes);
        // Sums of rounded numbers depend on the order.
        self.classes.sort_unstable();
        if let Some(mixing) = mixing {
            self.touch(mixing);
            self.read(mixing);
            if shared && mixing.counted {
                self.share();
            }
        } else {
            self.columns = self.classes.len();
            let channels = self.classes.iter().enumerate();
            self.channels.extend(channels.map(|(column, &channel)| Touched {
                channel,
                column: Some(column),
            }));
        }
    }

    /// Finds the channels of the classes. Each has a column of its own.
    fn touch(&mut self, mixing: &Mixing) {
        self.at += 1;
        self.places.resize(mixing.channels, (0, 0));
        for &class in &self.classes {
            for &(channel, _) in mixing.row(class) {
                if self.places[channel].0 != self.at {
                    self.places[channel].0 = self.at;
                    self.channels.push(Touched { channel, column: None });
                }
            }
        }
        if !self.channels.is_sorted_by_key(|touched| touched.channel) {
            self.channels.sort_unstable_by_key(|touched| touched.channel);
        }
        self.columns = self.channels.len();
        for (column, touched) in self.channels.iter_mut().enumerate() {
            touched.column = Some(column);
            self.places[touched.channel].1 = column;
        }
    }

    fn read(&mut self, mixing: &Mixing) {
        let classes = self.classes.len();
        self.entries.resize(self.columns * classes, 0.0);
        for (place, &class) in self.classes.iter().enumerate() {
            for &(channel, entry) in mixing.row(class) {
                self.entries[self.places[channel].1 * classes + place] = entry;
            }
        }
    }

    /// Leaves one column of those that are alike, and none of those that are full.
    fn share(&mut self) {
        let classes = self.classes.len();
        let mut kept = 0;
        for touched in &mut self.channels {
            let Some(column) = touched.column else { continue };
            let range = column * classes..(column + 1) * classes;
            let (before, own) = self.entries.split_at(range.start);
            let own = &own[..classes];
            touched.column = if own.iter().all(|&entry| entry == 1.0) {
                None
            } else if let Some(alike) = before[..kept * classes]
                .chunks_exact(classes)
                .position(|other| other == own)
            {
                Some(alike)
            } else {
                self.entries.copy_within(range, kept * classes);
                kept += 1;
                Some(kept - 1)
            };
        }
        self.columns = kept;
        self.entries.truncate(kept * classes);
    }

    /// How many columns of values there are.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// The entries of a column, one for each class, if classes are mixed.
    pub(super) fn entries(&self, column: usize) -> &[f64] {
        let classes = self.classes.len();
        &self.entries[column * classes..][..classes]
    }

    /// The columns that count the class at a place.
    pub(super) fn columns_of(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        let classes = self.classes.len().max(1);
        let mixed = self.entries.chunks_exact(classes).enumerate();
        let mixed = mixed.filter_map(move |(column, entries)| (entries[place] != 0.0).then_some(column));
        let own = self
            .entries
            .is_empty()
            .then_some(place)
            .filter(|&place| place < self.columns);
        own.into_iter().chain(mixed)
    }
}

/// The sums of the shares of classes, each times its entry, in the order of the classes.
#[inline(never)]
pub(super) fn mix<F: SoftFloat>(values: &mut PerVoxel<F>, shares: &[PerVoxel<f64>], entries: &[f64]) {
    for start in (0..BLOCK).step_by(PART) {
        let mut sums = [0.0; PART];
        for (shares, &entry) in shares.iter().zip(entries) {
            let shares: &[f64; PART] = shares[start..].first_chunk().expect("a block has whole parts");
            for i in 0..PART {
                sums[i] += entry * shares[i];
            }
        }
        for i in 0..PART {
            values[start + i] = F::round_from(sums[i]);
        }
    }
}

/// Voxels whose sums are in registers together.
const PART: usize = 8;
