//! Builds sparse soft labels; each builder is a visitor for one part of the voxels.

use super::{NONE, SparseLabels};
use crate::common::arrays;
use crate::engine::{self, Plan, Visitor};
use crate::{Classes, Error, Label, Raters, Result, SoftFloat, SpatialDim};

/// The sparse soft labels of all voxels.
pub(super) fn build<L: Label, F: SoftFloat, D: SpatialDim>(
    plan: &Plan,
    raters: &Raters<'_, L, D>,
    classes: &Classes,
) -> Result<SparseLabels<F, D>> {
    let mut class = arrays::filled(ndarray::Ix1(raters.dim().size()), 0)?
        .into_raw_vec_and_offset()
        .0;
    let mut parts: Vec<Uncertain<F>> = Vec::new();
    engine::visit(plan, raters, classes, |lengths| {
        parts.resize_with(lengths.len(), Uncertain::default);
        let mut rest = class.as_mut_slice();
        let mut start = 0;
        lengths
            .iter()
            .zip(&mut parts)
            .map(|(&len, uncertain)| {
                let (class, others) = std::mem::take(&mut rest).split_at_mut(len);
                rest = others;
                let builder = Builder {
                    class,
                    next: 0,
                    start,
                    uncertain,
                    one: F::round_from(1.0),
                };
                start += len;
                builder
            })
            .collect()
    })?;
    let Some(Uncertain {
        voxels,
        ends,
        pair_class,
        pair_probability,
        ..
    }) = Uncertain::joined(parts)
    else {
        let shape = [&[plan.channels(classes)], raters.shape()].concat();
        return Err(Error::TooLarge { shape });
    };
    Ok(SparseLabels {
        dim: raters.dim(),
        class_count: plan.channels(classes),
        distribution: plan.is_distribution(),
        class,
        uncertain: voxels,
        ends,
        pair_class,
        pair_probability,
        one: F::round_from(1.0),
    })
}

/// The voxels with more than one class, as in [`SparseLabels`].
struct Uncertain<F> {
    voxels: Vec<usize>,
    ends: Vec<usize>,
    pair_class: Vec<u16>,
    pair_probability: Vec<F>,
    /// Whether there was no memory for more.
    full: bool,
}

impl<F> Default for Uncertain<F> {
    fn default() -> Self {
        Self {
            voxels: Vec::new(),
            ends: Vec::new(),
            pair_class: Vec::new(),
            pair_probability: Vec::new(),
            full: false,
        }
    }
}

impl<F: SoftFloat> Uncertain<F> {
    /// All parts as one, with no more memory than they need.
    fn joined(parts: Vec<Self>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_default();
        if all.full {
            return None;
        }
        for part in parts {
            let pairs = all.pair_class.len();
            if part.full || !all.has_room(part.voxels.len(), part.pair_class.len()) {
                return None;
            }
            all.voxels.extend(part.voxels);
            all.ends.extend(part.ends.into_iter().map(|end| pairs + end));
            all.pair_class.extend(part.pair_class);
            all.pair_probability.extend(part.pair_probability);
        }
        all.voxels.shrink_to_fit();
        all.ends.shrink_to_fit();
        all.pair_class.shrink_to_fit();
        all.pair_probability.shrink_to_fit();
        Some(all)
    }

    /// Makes room for more voxels of so many pairs each. What does not fit in memory is an error at the end.
    fn with_room(&mut self, voxels: usize, pairs: usize) -> Option<&mut Self> {
        self.full |= !self.has_room(voxels, voxels.saturating_mul(pairs));
        (!self.full).then_some(self)
    }

    /// Adds a voxel with its pairs.
    fn push(&mut self, voxel: usize, pairs: impl Iterator<Item = (usize, F)>) {
        for (channel, probability) in pairs {
            self.pair_class.push(index(channel));
            self.pair_probability.push(probability);
        }
        self.voxels.push(voxel);
        self.ends.push(self.pair_class.len());
    }

    /// Makes room for more voxels with their pairs, if there is memory.
    fn has_room(&mut self, voxels: usize, pairs: usize) -> bool {
        self.voxels.try_reserve(voxels).is_ok()
            && self.ends.try_reserve(voxels).is_ok()
            && self.pair_class.try_reserve(pairs).is_ok()
            && self.pair_probability.try_reserve(pairs).is_ok()
    }
}

struct Builder<'a, F> {
    /// The class of each voxel, and the index of the next voxel to write.
    class: &'a mut [u16],
    next: usize,
    /// The place of the first among all voxels.
    start: usize,
    uncertain: &'a mut Uncertain<F>,
    one: F,
}

impl<F> Builder<'_, F> {
    /// Where the classes of the next voxels belong.
    fn take(&mut self, len: usize) -> &mut [u16] {
        let classes = &mut self.class[self.next..self.next + len];
        self.next += len;
        classes
    }
}

impl<F: SoftFloat> Visitor<F> for Builder<'_, F> {
    fn run(&mut self, values: &[(usize, F)], len: usize) {
        let best = match *values {
            [] => NONE,
            [(channel, value)] if value == self.one => index(channel),
            _ => {
                let Some(uncertain) = self.uncertain.with_room(len, values.len()) else {
                    self.next += len;
                    return;
                };
                let first = self.start + self.next;
                for voxel in first..first + len {
                    uncertain.push(voxel, values.iter().copied());
                }
                let (mut best, mut most) = (NONE, F::zero());
                for &(channel, value) in values {
                    if value > most {
                        (best, most) = (index(channel), value);
                    }
                }
                best
            }
        };
        self.take(len).fill(best);
    }

    fn block<const N: usize>(&mut self, channels: &[usize], values: &[[F; N]], len: usize) {
        // All voxels at once, as vector code; then only those that are uncertain.
        let (mut best, mut most, mut count) = ([NONE; N], [F::zero(); N], [0_u16; N]);
        for (&channel, values) in channels.iter().zip(values) {
            for i in 0..N {
                count[i] += u16::from(values[i] != F::zero());
                let better = values[i] > most[i];
                best[i] = if better { index(channel) } else { best[i] };
                most[i] = if better { values[i] } else { most[i] };
            }
        }
        let first = self.start + self.next;
        let Some(uncertain) = self.uncertain.with_room(len, channels.len()) else {
            self.next += len;
            return;
        };
        for i in 0..len {
            if count[i] > 1 || (count[i] == 1 && most[i] != self.one) {
                let pairs = channels
                    .iter()
                    .zip(values)
                    .map(|(&channel, values)| (channel, values[i]));
                uncertain.push(first + i, pairs.filter(|(_, value)| *value != F::zero()));
            }
        }
        self.take(len).copy_from_slice(&best[..len]);
    }
}

/// Classes are at most 65535, so that each has an index below [`NONE`].
#[expect(clippy::cast_possible_truncation, reason = "classes are counted when they are made")]
fn index(class: usize) -> u16 {
    class as u16
}
