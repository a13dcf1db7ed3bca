//! Probabilities beside the labels they are judged by, checked and in C order.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{ArrayRef, Axis, RemoveAxis};

use super::labels::write_classes;
use crate::common::arrays::{self, check_shape, in_order};
use crate::common::parallel;
use crate::input::raters::check_soft_axes;
use crate::{Classes, Error, Label, Result, SoftFloat, SpatialDim};

/// Voxels of a block, which are read together.
pub(super) const BLOCK: usize = 64;

/// Probabilities of a piece: about a tenth of a millisecond's work.
const PIECE: usize = 1 << 16;

/// Whether probabilities of a voxel sum to 1.
fn is_one(sum: f64) -> bool {
    (1.0 - SLACK.1..=1.0 + SLACK.1).contains(&sum)
}

/// Tolerances: how far a probability may be outside 0 to 1, for half precision, and how far the sum of a voxel may be from
/// 1, for coarse quantisation. Logits and independent sigmoids usually exceed them.
const SLACK: (f64, f64) = (1e-3, 0.1);

/// The probabilities of a volume: C planes of voxels in C order.
pub(super) struct Predictions<'a, F: Clone> {
    values: Cow<'a, [F]>,
    pub(super) classes: usize,
    pub(super) voxels: usize,
    /// Shape without the class axis.
    shape: Vec<usize>,
}

impl<'a, F: SoftFloat> Predictions<'a, F> {
    /// Checks the shape. The values are checked once it is known which voxels count.
    pub(super) fn new<D: RemoveAxis>(probabilities: &'a ArrayRef<F, D>, classes: Option<usize>) -> Result<Self> {
        check_soft_axes(probabilities.ndim())?;
        let (count, shape) = (probabilities.len_of(Axis(0)), &probabilities.shape()[1..]);
        if let Some(classes) = classes {
            let expected = [&[classes], shape].concat();
            check_shape("array of probabilities", &expected, probabilities.shape())?;
        }
        if count == 0 {
            return Err(Error::Empty { what: "classes" });
        }
        Ok(Self {
            values: in_order(probabilities)?,
            // Without voxels there is nothing to read, so there are 0 classes.
            classes: if shape.contains(&0) { 0 } else { count },
            voxels: shape.iter().product(),
            shape: shape.to_vec(),
        })
    }

    /// The shape without the class axis.
    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The probabilities of a class.
    pub(super) fn probabilities_of(&self, class: usize) -> &[F] {
        &self.values[class * self.voxels..][..self.voxels]
    }

    /// The voxels of a piece, whole blocks. It depends on the number of classes alone.
    pub(super) fn piece(&self) -> usize {
        (PIECE / self.classes.max(1)).next_multiple_of(BLOCK).max(BLOCK)
    }

    /// The results for the voxels of all pieces, in order. `cost` is the nanoseconds that a probability takes.
    pub(super) fn map<R: Send>(&self, cost: usize, run: impl Fn(Range<usize>) -> R + Sync + Send) -> Vec<R> {
        parallel::map(self.work(cost), parallel::pieces(self.voxels, self.piece()), run)
    }

    /// The work for all probabilities if one takes so many nanoseconds.
    pub(super) fn work(&self, cost: usize) -> usize {
        self.values.len().saturating_mul(cost)
    }

    /// Checks the probabilities of the voxels that count. Where voxels are left out, whatever they hold is let pass.
    pub(super) fn check(&self, counts: impl Fn(usize) -> bool + Sync + Send) -> Result<()> {
        self.check_each(counts, false)
    }

    /// Checks probabilities, or zeros for all classes.
    pub(super) fn check_or_zero(&self) -> Result<()> {
        self.check_each(|_| true, true)
    }

    fn check_each(&self, counts: impl Fn(usize) -> bool + Sync + Send, or_zero: bool) -> Result<()> {
        let pieces = self.map(1, |voxels| self.check_piece(voxels, &counts, or_zero));
        pieces.into_iter().collect()
    }

    fn check_piece(&self, piece: Range<usize>, counts: impl Fn(usize) -> bool, or_zero: bool) -> Result<()> {
        let (low, high) = (F::round_from(-SLACK.0), F::round_from(1.0 + SLACK.0));
        for block in blocks(piece) {
            // NaN changes neither the lowest nor the highest value, but it makes the sum NaN.
            let (mut sums, mut lowest, mut highest) = ([0.0; BLOCK], [low; BLOCK], [high; BLOCK]);
            for class in 0..self.classes {
                let values = self.probabilities_of(class)[block.clone()].iter();
                let voxels = sums.iter_mut().zip(&mut lowest).zip(&mut highest);
                for (((sum, lowest), highest), &p) in voxels.zip(values) {
                    *sum += p.widen();
                    *lowest = if p < *lowest { p } else { *lowest };
                    *highest = if p > *highest { p } else { *highest };
                }
            }
            let wrong = lowest.iter().any(|&p| p < low) || highest.iter().any(|&p| p > high);
            if wrong || !sums[..block.len()].iter().all(|&sum| is_one(sum)) {
                for (voxel, &sum) in block.zip(&sums).filter(|&(voxel, _)| counts(voxel)) {
                    self.check_voxel(voxel, sum, [low, high], or_zero)?;
                }
            }
        }
        Ok(())
    }

    #[cold]
    fn check_voxel(&self, voxel: usize, sum: f64, [low, high]: [F; 2], or_zero: bool) -> Result<()> {
        let probability = |class| self.probabilities_of(class)[voxel];
        if let Some(class) = (0..self.classes).find(|&class| !(probability(class) >= low && probability(class) <= high))
        {
            return Err(Error::Probability {
                value: probability(class).widen(),
                class,
                index: self.index(voxel),
            });
        }
        let nothing = !self.is_predicted(voxel);
        match self.index(voxel) {
            _ if is_one(sum) || (nothing && or_zero) => Ok(()),
            index if nothing => Err(Error::NoPrediction { index }),
            index => Err(Error::ProbabilitySum { sum, index }),
        }
    }

    /// Whether any class has a probability at a voxel.
    pub(super) fn is_predicted(&self, voxel: usize) -> bool {
        (0..self.classes).any(|class| self.probabilities_of(class)[voxel] != F::zero())
    }

    fn index(&self, voxel: usize) -> Vec<usize> {
        index_of(voxel, &self.shape)
    }

    /// The class of each voxel of the labels that go with the probabilities, or [`IGNORED`], in C order. Checks the
    /// probabilities of the voxels that are not ignored.
    pub(super) fn targets<L: Label, D: SpatialDim>(
        &self,
        labels: &ArrayRef<L, D>,
        classes: &Classes,
    ) -> Result<Vec<u16>> {
        check_shape("label map", &self.shape, labels.shape())?;
        let mut targets = arrays::zeros(self.voxels, &self.shape)?;
        let index = |class: usize| u16::try_from(class).expect("a class is below 65535");
        let target = |class: Option<usize>| class.map_or(IGNORED, index);
        write_classes(labels, classes, &mut targets, target)?;
        self.check(|voxel| targets[voxel] != IGNORED)?;
        Ok(targets)
    }
}

/// The index of a voxel in C order.
pub(super) fn index_of(voxel: usize, shape: &[usize]) -> Vec<usize> {
    let mut rest = voxel;
    let mut index: Vec<_> = shape
        .iter()
        .rev()
        .map(|len| {
            let at = rest % len;
            rest /= len;
            at
        })
        .collect();
    index.reverse();
    index
}

/// Checks the probabilities of one class against all others at the voxels that count, in C order. In errors it is class 1, and
/// the others are class 0.
pub(super) fn check_map<F: SoftFloat>(values: &[F], shape: &[usize], counts: impl Fn(usize) -> bool) -> Result<()> {
    let (low, high) = (F::round_from(-SLACK.0), F::round_from(1.0 + SLACK.0));
    let wrong = (0..).zip(values).filter(|(_, p)| !(**p >= low && **p <= high));
    match wrong.map(|(voxel, _)| voxel).find(|&voxel| counts(voxel)) {
        Some(voxel) => Err(Error::Probability {
            value: values[voxel].widen(),
            class: 1,
            index: index_of(voxel, shape),
        }),
        None => Ok(()),
    }
}

/// Cuts a piece into blocks of voxels that are read together.
pub(super) fn blocks(piece: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    parallel::pieces(piece.len(), BLOCK).map(move |block| piece.start + block.start..piece.start + block.end)
}

/// The class of an ignored voxel.
pub(super) const IGNORED: u16 = u16::MAX;
