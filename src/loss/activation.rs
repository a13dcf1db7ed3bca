//! From logits to predictions: the sums of a region loss, and its gradient.

use super::batch::{Batch, Buffers, exponentials};
use super::binary_cross_entropy::sigmoid;
use super::block::Block;
use super::elementary::{BLOCK, LossFloat, PerVoxel};
use super::overlap::{Slopes, Sums};
use super::targets::load;

/// From logits to predictions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Activation {
    Softmax,
    Sigmoid,
}

impl Activation {
    /// Reads the targets of a block, computes its predictions, and returns which voxels count.
    #[inline(always)]
    fn read<F: LossFloat>(self, batch: &Batch<'_, F>, buffers: &mut Buffers<F>, block: Block) -> PerVoxel<bool> {
        match self {
            Self::Softmax => {
                batch.read_logits(&mut buffers.logits, block);
                softmax(&mut buffers.logits);
                batch.read_targets(buffers, block)
            }
            Self::Sigmoid => {
                let logits = &mut buffers.logits;
                batch.read_raw_logits(logits, block);
                let mut unused = [F::zero(); BLOCK];
                logits
                    .iter_mut()
                    .for_each(|logits| *logits = sigmoid(logits, &mut unused));
                batch.read_memberships(buffers, block)
            }
        }
    }

    /// The sums of each class of each sample. The predictions are written unless `predictions` is empty.
    pub(super) fn sums<F: LossFloat>(self, batch: &Batch<'_, F>, predictions: &mut [F]) -> Vec<Sums> {
        let of_pieces = batch.map(
            batch.cut(predictions),
            #[inline(always)]
            |buffers, piece, mut out| {
                let mut sums = vec![Sums::default(); batch.classes];
                for (block, range) in piece.blocks() {
                    let counts = self.read(batch, buffers, block);
                    let Buffers { logits, targets, .. } = &*buffers;
                    for (out, prediction) in out.iter_mut().zip(logits) {
                        out[range.clone()].copy_from_slice(&prediction[..block.len]);
                    }
                    for ((sums, prediction), target) in sums.iter_mut().zip(logits).zip(targets) {
                        // Four sums side by side, because one addition has to wait for the one before it.
                        let mut sides = [Sums::default(); 4];
                        for i in 0..BLOCK {
                            let (x, t) = (prediction[i].widen(), target[i].widen());
                            let side = &mut sides[i % 4];
                            side.apart += if counts[i] { (x - t).abs() } else { 0.0 };
                            side.both += if counts[i] { x + t } else { 0.0 };
                            side.product += if counts[i] { x * t } else { 0.0 };
                        }
                        sides.into_iter().for_each(|side| sums.add(side));
                    }
                }
                sums
            },
        );
        let mut sums = vec![Sums::default(); batch.samples * batch.classes];
        for (piece, of_piece) in batch.pieces().zip(of_pieces) {
            let sums_of_sample = sums[piece.sample * batch.classes..].iter_mut();
            sums_of_sample
                .zip(of_piece)
                .for_each(|(sums, of_piece)| sums.add(of_piece));
        }
        sums
    }

    /// Writes the gradient over the predictions; `slopes` has those of each class of each sample.
    pub(super) fn write_slopes<F: LossFloat>(self, batch: &Batch<'_, F>, slopes: &[Slopes], gradient: &mut [F]) {
        batch.map(
            batch.cut(gradient),
            #[inline(always)]
            |buffers, piece, mut gradient| {
                let mut by_prediction = vec![[0.0; BLOCK]; batch.classes];
                for (block, range) in piece.blocks() {
                    let counts = match self {
                        Self::Softmax => batch.read_targets(buffers, block),
                        Self::Sigmoid => batch.read_memberships(buffers, block),
                    };
                    for (prediction, from) in buffers.logits.iter_mut().zip(&gradient) {
                        load(prediction, &from[range.clone()], F::zero());
                    }
                    let Buffers { logits, targets, .. } = &*buffers;
                    // With respect to the predictions, and then through them: ∂L/∂z_c = x_c (g_c - Σ_k g_k x_k) for a softmax, and
                    // g_c x_c (1 - x_c) for a sigmoid.
                    let mut mean = [0.0; BLOCK];
                    let of_sample = &slopes[block.sample * batch.classes..][..batch.classes];
                    for (((by_prediction, slopes), prediction), target) in
                        by_prediction.iter_mut().zip(of_sample).zip(logits).zip(targets)
                    {
                        for i in 0..BLOCK {
                            let (x, t) = (prediction[i].widen(), target[i].widen());
                            let sign = if x > t { slopes.apart } else { 0.0 };
                            let sign = if x < t { -slopes.apart } else { sign };
                            by_prediction[i] = sign + slopes.both + slopes.product * t;
                            mean[i] += by_prediction[i] * x;
                        }
                    }
                    for ((gradient, prediction), by_prediction) in gradient.iter_mut().zip(logits).zip(&by_prediction) {
                        for (i, out) in gradient[range.clone()].iter_mut().enumerate() {
                            let x = prediction[i].widen();
                            let slope = match self {
                                Self::Softmax => x * (by_prediction[i] - mean[i]),
                                Self::Sigmoid => by_prediction[i] * x * (1.0 - x),
                            };
                            *out = if counts[i] { F::round_from(slope) } else { F::zero() };
                        }
                    }
                }
            },
        );
    }
}

/// Writes the softmax of a block over its shifted logits.
#[inline(always)]
fn softmax<F: LossFloat>(logits: &mut [PerVoxel<F>]) {
    let sum = exponentials(logits);
    for logits in logits {
        for i in 0..BLOCK {
            logits[i] = logits[i] / sum[i];
        }
    }
}
