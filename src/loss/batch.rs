//! Logits, targets and mask together, checked and in C order.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{Array, ArrayRef, ArrayViewD, Axis, Dimension, RemoveAxis};

use super::activation::Activation;
use super::block::Block;
use super::elementary::{BLOCK, LossFloat, PerVoxel};
use super::label_targets::EncodedPiece;
use super::simd::wide;
use super::targets::{Ready, Targets, load};
use crate::common::arrays::{self, check_shape, in_order};
use crate::common::parallel;
use crate::{Error, Result};

/// Nanoseconds that a logit takes.
const COST: usize = 2;

/// The numbers of a block for each class.
pub(super) struct Buffers<F> {
    pub(super) logits: Vec<PerVoxel<F>>,
    pub(super) targets: Vec<PerVoxel<F>>,
    /// The targets of the piece, if they are made of label maps.
    encoded: EncodedPiece<F>,
}

/// The samples of a call.
pub(super) struct Batch<'a, F: LossFloat> {
    pub(super) samples: usize,
    pub(super) classes: usize,
    /// Voxels of a sample.
    pub(super) voxels: usize,
    /// Whether there is a batch axis.
    batched: bool,
    /// Voxels within which pieces stay, and voxels of a piece.
    unit: usize,
    piece: usize,
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
        activation: Activation,
    ) -> Result<Self> {
        let (samples, classes, spatial) = match logits.shape() {
            [samples, classes, spatial @ ..] if batched => (*samples, *classes, spatial),
            [classes, spatial @ ..] if !batched => (1, *classes, spatial),
            _ => (1, 0, &[][..]),
        };
        if spatial.len() != 2 && spatial.len() != 3 {
            return Err(Error::Axes {
                what: if batched {
                    "logits of a batch"
                } else {
                    "logits of one sample"
                },
                expected: if batched {
                    "(N, C, H, W) or (N, C, D, H, W)"
                } else {
                    "(C, H, W) or (C, D, H, W)"
                },
                actual: logits.ndim(),
            });
        }
        if classes == 0 {
            return Err(Error::Empty { what: "classes" });
        }
        if activation == Activation::Softmax && !targets.is_distribution() {
            return Err(Error::NotDistribution {
                what: "the softmax of this loss",
                instead: "use BinaryCrossEntropy, or DiceSemimetric with sigmoid",
            });
        }
        let mut targets = targets.ready(logits.shape(), batched)?;
        if let Some(mask) = mask {
            let mut expected = spatial.to_vec();
            if batched {
                expected.insert(0, samples);
            }
            check_shape("mask", &expected, mask.shape())?;
        }
        let mask = mask.map(|mask| in_order(mask)).transpose()?;
        let mask = match (targets.take_valid(), mask) {
            (Some(mut valid), Some(mask)) => {
                valid.iter_mut().zip(&*mask).for_each(|(valid, &keep)| *valid &= keep);
                Some(Cow::Owned(valid))
            }
            (valid, mask) => valid.map(Cow::Owned).or(mask),
        };
        let voxels = spatial.iter().product();
        let (unit, piece) = targets.cut(voxels, classes);
        Ok(Self {
            // Without logits there are no samples, even if the batch axis is long.
            samples: if logits.is_empty() { 0 } else { samples },
            classes,
            voxels,
            batched,
            unit: unit.max(1),
            piece: piece.max(1),
            logits: in_order(logits)?,
            targets,
            mask,
        })
    }

    /// An error if a label was read that is neither a class nor ignored.
    pub(super) fn check(&self) -> Result<()> {
        match &self.targets {
            Ready::Labels(maps) if maps.source.has_unknown() => maps.source.check(self.batched),
            _ => Ok(()),
        }
    }

    /// What the mean divides by, or an error if that is 0. Label maps are checked then, since nothing of them may be read.
    pub(super) fn some_voxels(&self, divisor: f64) -> Result<f64> {
        match &self.targets {
            _ if divisor != 0.0 => Ok(divisor),
            Ready::Labels(maps) => maps.source.check(self.batched).and(Err(Error::NoVoxels)),
            _ => Err(Error::NoVoxels),
        }
    }

    /// Numbers for a block: one entry for each class.
    fn buffer(&self) -> Vec<PerVoxel<F>> {
        vec![[F::zero(); BLOCK]; if self.samples == 0 { 0 } else { self.classes }]
    }

    /// The pieces of all samples. Their borders depend on the shape and the kind of targets alone.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Block> + use<F> {
        let (voxels, unit, piece) = (self.voxels, self.unit, self.piece);
        (0..self.samples).flat_map(move |sample| {
            let units = parallel::pieces(voxels, unit);
            units.flat_map(move |within| {
                parallel::pieces(within.len(), piece).map(move |range| Block {
                    sample,
                    start: within.start + range.start,
                    len: range.len(),
                })
            })
        })
    }

    /// The results for all pieces, in their order. Each piece has an output of its own.
    pub(super) fn map<O: Send, R: Send>(
        &self,
        outputs: impl IntoIterator<Item = O>,
        run: impl Fn(&mut Buffers<F>, Block, O) -> R + Sync + Send,
    ) -> Vec<R> {
        let buffers = || Buffers {
            logits: self.buffer(),
            targets: self.buffer(),
            encoded: EncodedPiece::new(),
        };
        let work = self.logits.len().saturating_mul(COST);
        parallel::map_with(work, self.pieces().zip(outputs), buffers, |buffers, (piece, output)| {
            if let Ready::Labels(maps) = &self.targets {
                maps.encode(piece, self.classes, &mut buffers.encoded);
            }
            wide(
                #[inline(always)]
                || run(buffers, piece, output),
            )
        })
    }

    /// Cuts planes of voxels, as many for each sample, into the parts of the pieces. Without planes the parts are empty.
    pub(super) fn cut<'o>(&self, planes: &'o mut [F]) -> Vec<Vec<&'o mut [F]>> {
        let of_sample = planes.len() / (self.samples * self.voxels).max(1);
        let mut parts: Vec<_> = self.pieces().map(|_| Vec::with_capacity(of_sample)).collect();
        let pieces = self.voxels / self.unit * self.unit.div_ceil(self.piece);
        for (plane, values) in planes.chunks_mut(self.voxels.max(1)).enumerate() {
            let parts = parts[plane / of_sample * pieces..].iter_mut();
            let units = values.chunks_mut(self.unit);
            parts
                .zip(units.flat_map(|unit| unit.chunks_mut(self.piece)))
                .for_each(|(part, values)| part.push(values));
        }
        parts
    }

    /// Reads the logits of a block and subtracts the largest logit of each voxel.
    #[inline(always)]
    pub(super) fn read_logits(&self, logits: &mut [PerVoxel<F>], block: Block) {
        let logits_of = |class: usize| &self.logits[self.range(class, block)];
        let mut most = [F::neg_infinity(); BLOCK];
        for class in 0..self.classes {
            for (most, &logit) in most.iter_mut().zip(logits_of(class)) {
                *most = if logit > *most { logit } else { *most };
            }
        }
        for (class, logits) in logits.iter_mut().enumerate() {
            for ((shifted, &logit), &most) in logits.iter_mut().zip(logits_of(class)).zip(&most) {
                *shifted = logit - most;
            }
        }
    }

    /// How many voxels of a block count, read without a copy where that is possible.
    #[inline(always)]
    pub(super) fn count(&self, block: Block, buffers: &mut Buffers<F>) -> usize {
        let counts = match (&self.targets, &self.mask) {
            (Ready::Dense(all), None) => {
                let mut counts = [false; BLOCK];
                for class in 0..self.classes {
                    let targets = &all[self.range(class, block)];
                    let both = counts.iter_mut().zip(targets);
                    both.for_each(|(counts, target)| *counts |= *target != F::zero());
                }
                counts
            }
            _ => self.read_targets(buffers, block),
        };
        counts.iter().map(|&counts| usize::from(counts)).sum()
    }

    /// Reads the targets of a block, those of masked voxels as zero, and says which voxels count.
    #[inline(always)]
    pub(super) fn read_targets(&self, buffers: &mut Buffers<F>, block: Block) -> PerVoxel<bool> {
        let targets = &mut buffers.targets;
        self.targets.read(targets, &buffers.encoded, self.voxels, block);
        if let Some(mask) = &self.mask {
            let mut keep = [false; BLOCK];
            load(
                &mut keep,
                &mask[block.sample * self.voxels + block.start..][..block.len],
                false,
            );
            for target in targets.iter_mut() {
                for i in 0..BLOCK {
                    target[i] = if keep[i] { target[i] } else { F::zero() };
                }
            }
        }
        let mut counts = [false; BLOCK];
        for target in targets {
            for i in 0..BLOCK {
                counts[i] |= target[i] != F::zero();
            }
        }
        counts
    }

    /// Writes the logits of a block as they are.
    #[inline(always)]
    pub(super) fn read_raw_logits(&self, logits: &mut [PerVoxel<F>], block: Block) {
        for (class, logits) in logits.iter_mut().enumerate() {
            load(logits, &self.logits[self.range(class, block)], F::zero());
        }
    }

    /// Writes the targets of a block, each channel of which counts alone, and returns which voxels the mask lets count.
    #[inline(always)]
    pub(super) fn read_memberships(&self, buffers: &mut Buffers<F>, block: Block) -> PerVoxel<bool> {
        self.targets
            .read(&mut buffers.targets, &buffers.encoded, self.voxels, block);
        let mut counts = [false; BLOCK];
        match &self.mask {
            Some(mask) => {
                let start = block.sample * self.voxels + block.start;
                load(&mut counts, &mask[start..start + block.len], false);
            }
            None => counts[..block.len].fill(true),
        }
        counts
    }

    /// How many voxels the mask lets count.
    pub(super) fn unmasked(&self) -> usize {
        match &self.mask {
            _ if self.samples == 0 => 0,
            Some(mask) => mask.iter().filter(|&&keep| keep).count(),
            None => self.samples * self.voxels,
        }
    }

    /// How many voxels count, if that is known without a look at the targets: somebody labelled each that is not masked.
    pub(super) fn known_count(&self) -> Option<usize> {
        matches!(self.targets, Ready::Labels(_)).then(|| self.unmasked())
    }

    /// Where a class's voxels of a block are among the logits in C order.
    #[inline(always)]
    fn range(&self, class: usize, block: Block) -> Range<usize> {
        let start = (block.sample * self.classes + class) * self.voxels + block.start;
        start..start + block.len
    }
}

/// Exponentials of shifted logits, in place, and for each voxel the sum of them.
#[inline(always)]
pub(super) fn exponentials<F: LossFloat>(logits: &mut [PerVoxel<F>]) -> PerVoxel<F> {
    let mut sum = [F::zero(); BLOCK];
    for logits in logits {
        F::exp_of_negative(logits);
        for i in 0..BLOCK {
            sum[i] = sum[i] + logits[i];
        }
    }
    sum
}

/// Lets `write` fill a gradient in C order and copies it to where it belongs if that has other strides.
pub(super) fn write_gradient<F: LossFloat, D: Dimension>(
    logits: &ArrayRef<F, D>,
    gradient: &mut ArrayRef<F, D>,
    write: impl FnOnce(&mut [F]) -> Result<f64>,
) -> Result<f64> {
    check_shape("gradient", logits.shape(), gradient.shape())?;
    if let Some(gradient) = gradient.as_slice_mut() {
        return write(gradient);
    }
    let mut copy = vec![F::zero(); gradient.len()];
    let value = write(&mut copy)?;
    gradient.iter_mut().zip(copy).for_each(|(to, from)| *to = from);
    Ok(value)
}

/// A new gradient in C order, filled by `write`.
pub(super) fn new_gradient<F: LossFloat, D: Dimension>(
    logits: &ArrayRef<F, D>,
    write: impl FnOnce(&mut Array<F, D>) -> Result<f64>,
) -> Result<(f64, Array<F, D>)> {
    let mut gradient = arrays::filled(logits.raw_dim(), F::zero())?;
    let value = write(&mut gradient)?;
    Ok((value, gradient))
}

/// The losses of all voxels, which `write` writes: the shape of the logits without the class axis.
pub(super) fn new_losses<F: LossFloat, D: RemoveAxis>(
    logits: &ArrayRef<F, D>,
    batch: &Batch<'_, F>,
    write: impl FnOnce(&mut [F]) -> Result<f64>,
) -> Result<Array<F, D::Smaller>> {
    let class_axis = Axis(usize::from(batch.batched));
    let mut losses = arrays::filled(logits.raw_dim().remove_axis(class_axis), F::zero())?;
    write(losses.as_slice_mut().expect("a new array is in C order"))?;
    Ok(losses)
}
