//! The temperature that calibrates logits.

use ndarray::{ArrayRef, Dimension};

use super::labels::write_classes;
use super::predictions::IGNORED;
use crate::common::arrays::{self, check_shape, in_order};
use crate::common::parallel;
use crate::{Classes, Error, Label, Place, Result, SoftFloat};

/// Voxels that are summed up together.
const PIECE: usize = 1 << 12;

/// Nanoseconds that a logit takes.
const COST: usize = 8;

/// What 1 / T is looked for between.
const RANGE: [f64; 2] = [1e-3, 1e3];

/// The temperature T for which softmax(z / T) has the least mean negative log-likelihood of the labels: the one parameter of
/// temperature scaling (Guo et al., *On Calibration of Modern Neural Networks*, [ICML 2017]). Above 1 the network was too
/// confident.
///
/// ```text
/// T = argmin -1/n Σ_i log softmax(z_i / T)[label(i)]
/// ```
///
/// Logits have the class axis first, (C, ..), beside the labels (..), of any axes; they are finite. From probabilities take
/// their logarithms, with the smallest positive number in the place of 0. The likelihood is convex in 1/T, so Newton's method
/// with bisection finds its minimum, to about 12 digits. T is at most 1000, which it is for logits that say nothing or the
/// wrong, and at least 0.001, which it is where each label has the largest logit. Ignored voxels do not count.
///
/// # Errors
/// [`Error::Shape`], [`Error::UnknownLabel`], [`Error::Setting`] if a logit of a voxel that counts is not finite,
/// [`Error::NoVoxels`], [`Error::TooLarge`].
///
/// [ICML 2017]: https://arxiv.org/abs/1706.04599
///
/// ```
/// use ndarray::array;
/// use soft_labels::{Classes, metrics};
///
/// // It is sure of class 1 by a logit of 4, and right three times of four: 4 / T = ln 3.
/// let logits = array![[0.0, 0.0, 0.0, 0.0], [4.0, 4.0, 4.0, 4.0]];
/// let temperature = metrics::temperature(&logits, &array![1_u8, 1, 1, 0], &Classes::contiguous(2)?)?;
/// assert!((temperature - 4.0 / 3_f64.ln()).abs() < 1e-9);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn temperature<F: SoftFloat, L: Label, D: Dimension>(
    logits: &ArrayRef<F, D::Larger>,
    labels: &ArrayRef<L, D>,
    classes: &Classes,
) -> Result<f64> {
    let expected = [&[classes.len()], labels.shape()].concat();
    check_shape("array of logits", &expected, logits.shape())?;
    let mut targets = arrays::zeros(labels.len(), labels.shape())?;
    let target = |class: Option<usize>| class.map_or(IGNORED, |class| u16::try_from(class).unwrap_or(IGNORED));
    write_classes(labels, classes, &mut targets, target)?;
    let (logits, count) = (in_order(logits)?, targets.len());
    let counts = |voxel: &usize| targets.get(*voxel) != Some(&IGNORED);
    let counted = (0..count).filter(counts).count();
    if counted == 0 {
        return Err(Error::NoVoxels);
    }
    for (class, plane) in logits.chunks(count).enumerate() {
        let wrong = |&(voxel, value): &(usize, &F)| !value.widen().is_finite() && counts(&voxel);
        if let Some((_, value)) = plane.iter().enumerate().find(wrong) {
            return Err(Error::Setting {
                what: "logit",
                place: Some(Place::Class(class)),
                value: value.widen(),
                allowed: "finite",
            });
        }
    }

    let slope = |inverse: f64| {
        let work = logits.len().saturating_mul(COST);
        let pieces = parallel::map(work, parallel::pieces(count, PIECE), |piece| {
            let (mut first, mut second) = (0.0, 0.0);
            for voxel in piece.filter(counts) {
                let of_voxel = || logits.iter().skip(voxel).step_by(count).map(|logit| logit.widen());
                let target = of_voxel().nth(usize::from(targets[voxel])).unwrap_or(f64::NAN);
                let [of_voxel_first, of_voxel_second] = slopes(of_voxel, target, inverse);
                first += of_voxel_first;
                second += of_voxel_second;
            }
            [first, second]
        });
        let sums = pieces
            .iter()
            .fold([0.0, 0.0], |[a, b], [first, second]| [a + first, b + second]);
        sums.map(|sum| sum / counted as f64)
    };
    Ok(1.0 / root(slope))
}

/// Of one voxel: the first and the second derivative of its negative log-likelihood by 1 / T. They are the mean of its logits,
/// weighted by their probabilities, less the logit of its label, and their variance.
fn slopes<I: Iterator<Item = f64>>(logits: impl Fn() -> I, target: f64, inverse: f64) -> [f64; 2] {
    let most = logits().fold(f64::NEG_INFINITY, f64::max);
    let (mut weights, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for logit in logits() {
        let below = logit - most;
        let weight = (inverse * below).exp();
        weights += weight;
        sum += weight * below;
        squares += weight * below * below;
    }
    let mean = sum / weights;
    [mean - (target - most), squares / weights - mean * mean]
}

/// Where a rising function is 0, within [`RANGE`]. It is given with its derivative.
fn root(function: impl Fn(f64) -> [f64; 2]) -> f64 {
    let [mut low, mut high] = RANGE;
    if function(low)[0] >= 0.0 {
        return low;
    }
    if function(high)[0] <= 0.0 {
        return high;
    }
    let mut at = 1.0;
    for _ in 0..200 {
        let [value, derivative] = function(at);
        if value < 0.0 {
            low = at;
        } else {
            high = at;
        }
        let newton = at - value / derivative;
        // Bisection where Newton's step leaves the range, and where rounding leaves no derivative.
        let next = if derivative > 0.0 && low < newton && newton < high {
            newton
        } else {
            (low * high).sqrt()
        };
        if (next - at).abs() <= 1e-12 * at {
            return next;
        }
        at = next;
    }
    at
}
