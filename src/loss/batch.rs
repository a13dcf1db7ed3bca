//! Logits, targets and mask together, checked and in standard order.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{ArrayRef, ArrayViewD, Dimension};

use super::lanes::{LANES, Lanes, LossFloat};
use super::targets::{Ready, Targets, load};
use crate::common::arrays::{check_shape, in_order};
use crate::{Error, Result};

/// The samples of a call.
pub(super) struct Batch<'a, F: LossFloat> {
    pub(super) samples: usize,
    pub(super) classes: usize,
    /// Voxels of a sample.
    pub(super) voxels: usize,
    logits: Cow<'a, [F]>,
    targets: Ready<'a, F>,
    mask: Option<Cow<'a, [bool]>>,
}

impl<'a, F: LossFloat> Batch<'a, F> {
    pub(super) fn new<D: Dimension>(
        logits: &'a ArrayRef<F, D>,
        targets: &'a (impl Targets<F> + ?Sized),
        mask: Option<&'a ArrayViewD<'_, bool>>,
        batched: bool,
    ) -> Result<Self> {
        let (samples, classes, spatial) = match logits.shape() {
            [samples, classes, spatial @ ..] if batched => (*samples, *classes, spatial),
            [classes, spatial @ ..] if !batched => (1, *classes, spatial),
            _ => (1, 0, &[][..]),
        };
        if spatial.len() != 2 && spatial.len() != 3 {
            return Err(Error::LogitAxes {
                axes: logits.ndim(),
                batched,
            });
        }
        if classes == 0 {
            return Err(Error::NoClasses);
        }
        let targets = targets.ready(logits.shape(), batched)?;
        if let Some(mask) = mask {
            let mut expected = spatial.to_vec();
            if batched {
                expected.insert(0, samples);
            }
            check_shape("mask", &expected, mask.shape())?;
        }
        Ok(Self {
            // Nothing is nothing, however long its other axes are.
            samples: if logits.is_empty() { 0 } else { samples },
            classes,
            voxels: spatial.iter().product(),
            logits: in_order(logits)?,
            targets,
            mask: mask.map(|mask| in_order(mask)).transpose()?,
        })
    }

    /// Room for the numbers of a block: one entry for each class.
    pub(super) fn room(&self) -> Vec<Lanes<F>> {
        vec![[F::zero(); LANES]; if self.samples == 0 { 0 } else { self.classes }]
    }

    /// The blocks of voxels of all samples, as sample, first voxel and number of voxels.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (usize, usize, usize)> + use<F> {
        let voxels = self.voxels;
        (0..self.samples).flat_map(move |sample| {
            let starts = (0..voxels).step_by(LANES);
            starts.map(move |at| (sample, at, LANES.min(voxels - at)))
        })
    }

    /// Reads the logits of a block, less the largest one of each voxel.
    pub(super) fn read_logits(&self, logits: &mut [Lanes<F>], (sample, at, len): (usize, usize, usize)) {
        let of_class = |class: usize| &self.logits[self.place(sample, class, at)..][..len];
        let mut most = [F::neg_infinity(); LANES];
        for class in 0..self.classes {
            for (most, &logit) in most.iter_mut().zip(of_class(class)) {
                *most = if logit > *most { logit } else { *most };
            }
        }
        for (class, logits) in logits.iter_mut().enumerate() {
            for ((shifted, &logit), &most) in logits.iter_mut().zip(of_class(class)).zip(&most) {
                *shifted = logit - most;
            }
        }
    }

    /// How many voxels of a block count, read without a copy where that is possible.
    pub(super) fn count(&self, block: (usize, usize, usize), room: &mut [Lanes<F>]) -> usize {
        let (sample, at, len) = block;
        let counts = match (&self.targets, &self.mask) {
            (Ready::Dense(all), None) => {
                let mut counts = [false; LANES];
                for class in 0..self.classes {
                    let targets = &all[self.place(sample, class, at)..][..len];
                    let both = counts.iter_mut().zip(targets);
                    both.for_each(|(counts, target)| *counts |= *target != F::zero());
                }
                counts
            }
            _ => self.read_targets(room, block),
        };
        counts.iter().map(|&counts| usize::from(counts)).sum()
    }

    /// Reads the targets of a block, those of masked voxels as zero, and says which voxels count.
    pub(super) fn read_targets(
        &self,
        targets: &mut [Lanes<F>],
        (sample, at, len): (usize, usize, usize),
    ) -> Lanes<bool> {
        self.targets.read(targets, self.voxels, sample, at, len);
        if let Some(mask) = &self.mask {
            let mut keep = [false; LANES];
            load(&mut keep, &mask[sample * self.voxels + at..][..len], false);
            for target in targets.iter_mut() {
                for i in 0..LANES {
                    target[i] = if keep[i] { target[i] } else { F::zero() };
                }
            }
        }
        let mut counts = [false; LANES];
        for target in &*targets {
            for i in 0..LANES {
                counts[i] |= target[i] != F::zero();
            }
        }
        counts
    }

    /// Where a class's voxels of a block are in an array of the shape of the logits in standard order.
    pub(super) fn range(&self, class: usize, (sample, at, len): (usize, usize, usize)) -> Range<usize> {
        let start = self.place(sample, class, at);
        start..start + len
    }

    fn place(&self, sample: usize, class: usize, at: usize) -> usize {
        (sample * self.classes + class) * self.voxels + at
    }
}

/// Exponentials of shifted logits, in place, and for each voxel the sum of them.
pub(super) fn exponentials<F: LossFloat>(logits: &mut [Lanes<F>]) -> Lanes<F> {
    let mut sum = [F::zero(); LANES];
    for logits in logits {
        F::exp_of_negative(logits);
        for i in 0..LANES {
            sum[i] = sum[i] + logits[i];
        }
    }
    sum
}

/// Lets `write` fill a gradient in standard order and copies it to where it belongs if that has other strides.
pub(super) fn with_slice<F: LossFloat, D: Dimension>(
    gradient: &mut ArrayRef<F, D>,
    write: impl FnOnce(&mut [F]) -> Result<f64>,
) -> Result<f64> {
    if let Some(gradient) = gradient.as_slice_mut() {
        return write(gradient);
    }
    let mut copy = vec![F::zero(); gradient.len()];
    let value = write(&mut copy)?;
    gradient.iter_mut().zip(copy).for_each(|(to, from)| *to = from);
    Ok(value)
}
