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
/// `confidence` is their mean and its `accuracy` the share of hits. MONAI takes 20 bins. The calibration of the top label
/// ([`Reliability::add`]) hides rare classes; the mean of these errors over classes does not. Bins of several cases can be
/// merged. Map and mask have one shape, of any axes.
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
    check_map(&values, probabilities.shape())?;
    let hits = in_order(hit)?;
    let places = Places::new(&reliability.edges());
    // At least 16 voxels for each bin: the bins of all pieces take no more than 1.5 bytes a voxel.
    let piece = PIECE.max(16 * bins);
    let of_pieces = parallel::map(
        values.len(),
        values.chunks(piece).zip(hits.chunks(piece)),
        |(values, hits)| {
            let mut of_piece = vec![Sums::default(); bins];
            for (p, &hit) in values.iter().zip(hits) {
                let p = p.widen();
                of_piece[places.of(p)].add(Sums {
                    count: 1,
                    correct: u64::from(hit),
                    confidence: p,
                });
            }
            of_piece
        },
    );
    of_pieces.iter().for_each(|of_piece| reliability.add_sums(of_piece));
    Ok(reliability)
}
