//! Logits, targets and mask together, checked and in standard order.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{ArrayRef, ArrayViewD, Dimension};

use super::elementary::{LANES, Lanes, LossFloat};
use super::targets::{Ready, Targets, load};
use crate::common::arrays::{check_shape, in_order};
use crate::common::parallel::{self, PIECE};
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

    /// A buffer for the numbers of a block: one entry for each class.
    pub(super) fn buffer(&self) -> Vec<Lanes<F>> {
        vec![[F::zero(); LANES]; if self.samples == 0 { 0 } else { self.classes }]
    }

    /// The pieces of all samples, in order.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let of_sample = |sample| parallel::pieces(self.voxels).map(move |voxels| Piece { sample, voxels });
        (0..self.samples).flat_map(of_sample).collect()
    }

    /// How many threads are worth their while.
    pub(super) fn threads(&self) -> usize {
        parallel::threads(self.logits.len())
    }

    /// The slices of `values` (sample, plane, voxel) that belong to each piece, one for each plane.
    pub(super) fn split<'v, T>(&self, values: &'v mut [T], planes: usize) -> Vec<Vec<&'v mut [T]>> {
        let mut pieces = Vec::new();
        for sample in values.chunks_exact_mut((planes * self.voxels).max(1)) {
            let mut planes: Vec<_> = sample
                .chunks_exact_mut(self.voxels)
                .map(|plane| plane.chunks_mut(PIECE))
                .collect();
            loop {
                let piece: Vec<_> = planes.iter_mut().filter_map(Iterator::next).collect();
                if piece.is_empty() {
                    break;
                }
                pieces.push(piece);
            }
        }
        pieces
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
    pub(super) fn count(&self, block: (usize, usize, usize), buffer: &mut [Lanes<F>]) -> usize {
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
            _ => self.read_targets(buffer, block),
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

    fn place(&self, sample: usize, class: usize, at: usize) -> usize {
        (sample * self.classes + class) * self.voxels + at
    }
}

/// Some consecutive voxels of a sample.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) sample: usize,
    pub(super) voxels: Range<usize>,
}

impl Piece {
    /// Its blocks, as sample, first voxel and number of voxels; and the range of their voxels within the piece.
    pub(super) fn blocks(&self) -> impl Iterator<Item = ((usize, usize, usize), Range<usize>)> + use<> {
        let (sample, Range { start, end }) = (self.sample, self.voxels.clone());
        (start..end).step_by(LANES).map(move |at| {
            let len = LANES.min(end - at);
            ((sample, at, len), at - start..at - start + len)
        })
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
