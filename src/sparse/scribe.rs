//! From what the engine tells to sparse soft labels.

use super::{NONE, SparseLabels};
use crate::engine::Listener;
use crate::{Error, Result, SoftFloat, SpatialDim};

/// Takes down what the engine tells.
pub(crate) struct Scribe<F, D> {
    labels: SparseLabels<F, D>,
}

impl<F: SoftFloat, D: SpatialDim> Scribe<F, D> {
    pub(crate) fn new(dim: D, class_count: usize) -> Result<Self> {
        let mut class = Vec::new();
        class.try_reserve_exact(dim.size()).map_err(|_| Error::TooLarge {
            shape: dim.slice().to_vec(),
        })?;
        Ok(Self {
            labels: SparseLabels {
                dim,
                class_count,
                class,
                uncertain: Vec::new(),
                ends: Vec::new(),
                pair_class: Vec::new(),
                pair_probability: Vec::new(),
                one: F::round_from(1.0),
            },
        })
    }

    pub(crate) fn finish(mut self) -> SparseLabels<F, D> {
        self.labels.uncertain.shrink_to_fit();
        self.labels.ends.shrink_to_fit();
        self.labels.pair_class.shrink_to_fit();
        self.labels.pair_probability.shrink_to_fit();
        self.labels
    }
}

impl<F: SoftFloat, D: SpatialDim> Listener<F> for Scribe<F, D> {
    fn run(&mut self, class: Option<usize>, len: usize) {
        let class = class.map_or(NONE, index);
        self.labels.class.resize(self.labels.class.len() + len, class);
    }

    fn block<const N: usize>(&mut self, classes: &[usize], values: &[[F; N]], len: usize) {
        let SparseLabels {
            class,
            uncertain,
            ends,
            pair_class,
            pair_probability,
            one,
            ..
        } = &mut self.labels;
        // All voxels at once, as vector code; then only those that are uncertain.
        let (mut best, mut most, mut count) = ([NONE; N], [F::zero(); N], [0_u16; N]);
        for (&class, values) in classes.iter().zip(values) {
            for i in 0..N {
                count[i] += u16::from(values[i] != F::zero());
                let better = values[i] > most[i];
                best[i] = if better { index(class) } else { best[i] };
                most[i] = if better { values[i] } else { most[i] };
            }
        }
        for i in 0..len {
            if count[i] > 1 || (count[i] == 1 && most[i] != *one) {
                for (&class, values) in classes.iter().zip(values).filter(|(_, values)| values[i] != F::zero()) {
                    pair_class.push(index(class));
                    pair_probability.push(values[i]);
                }
                uncertain.push(class.len() + i);
                ends.push(pair_class.len());
            }
        }
        class.extend_from_slice(&best[..len]);
    }
}

/// Classes are at most 65535, so that each has an index below [`NONE`].
#[expect(clippy::cast_possible_truncation, reason = "classes are counted when they are made")]
fn index(class: usize) -> u16 {
    class as u16
}
