//! Calibration of one class against all others.

use ndarray::{ArrayRef, Dimension};

use super::predictions::check_map;
use super::reliability::{Places, Reliability, Sums};
use crate::common::arrays::{check_shape, in_order};
use crate::common::parallel;
use crate::{Result, SoftFloat};

/// Voxels that are counted together.
const PIECE: usize = 1 << 16;

/// The probability of one class against where the class is, counted in bins: [`Reliability::ece`], [`Reliability::ace`] and
/// [`Reliability::mce`] of the class.
///
/// `hit` says which voxels the class has. Bin b of B holds the probabilities in (b/B, (b+1)/B], and the first also 0; its
/// `confidence` is their mean and its `accuracy` the share of hits. Bins of several cases can be merged. Map and mask have one
/// shape, of any axes. [`ClassReliability`](super::ClassReliability) counts all classes of a map, and says what other packages
/// compute.
///
/// # Errors
/// [`Error::Empty`](crate::Error::Empty) and [`Error::TooMany`](crate::Error::TooMany) for the bins,
/// [`Error::Shape`](crate::Error::Shape), [`Error::Probability`](crate::Error::Probability) (as of class 1),
/// [`Error::TooLarge`](crate::Error::TooLarge).
///
/// ```
/// use ndarray::array;
/// use soft_labels::metrics::class_calibration;
///
/// let bins = class_calibration(&array![1.0, 1.0, 1.0, 1.0, 0.0], &array![false, false, true, true, true], 2)?;
/// assert_eq!((bins.ece(), bins.ace(), bins.mce()), (0.6, 0.75, 1.0));
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn class_calibration<F: SoftFloat, D: Dimension>(
    probabilities: &ArrayRef<F, D>,
    hit: &ArrayRef<bool, D>,
    bins: usize,
) -> Result<Reliability> {
    let mut reliability = Reliability::new(bins)?;
    check_shape("mask of hits", probabilities.shape(), hit.shape())?;
    let values = in_order(probabilities)?;
    check_map(&values, probabilities.shape(), |_| true)?;
    let hits = in_order(hit)?;
    count_class(&values, |voxel| Some(hits[voxel]), &mut reliability);
    Ok(reliability)
}

/// Counts the probabilities of a class in bins. `hit` says of a voxel whether it has the class, or nothing if it does not count.
pub(super) fn count_class<F: SoftFloat>(
    values: &[F],
    hit: impl Fn(usize) -> Option<bool> + Sync + Send,
    reliability: &mut Reliability,
) {
    let bins = reliability.bins.len();
    let places = Places::new(&reliability.edges());
    // At least 16 voxels for each bin: the bins of all pieces take no more than 1.5 bytes a voxel.
    let pieces = parallel::pieces(values.len(), PIECE.max(16 * bins));
    let of_pieces = parallel::map(values.len(), pieces, |piece| {
        let mut of_piece = vec![Sums::default(); bins];
        let (mut run, mut sums) = (0, Sums::default());
        for (p, voxel) in values[piece.clone()].iter().zip(piece) {
            let Some(hit) = hit(voxel) else { continue };
            let p = p.widen();
            let bin = places.of(p);
            // Neighbouring voxels are mostly in the same bin. Their sums are added to the bin when it changes.
            if bin != run {
                of_piece[run].add(std::mem::take(&mut sums));
                run = bin;
            }
            sums.add(Sums {
                count: 1,
                correct: u64::from(hit),
                confidence: p,
            });
        }
        of_piece[run].add(sums);
        of_piece
    });
    of_pieces.iter().for_each(|of_piece| reliability.add_sums(of_piece));
}
