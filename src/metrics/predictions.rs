//! Probabilities beside the labels they are judged by, checked and in standard order.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{ArrayRef, Axis, RemoveAxis};

use super::labels::write_classes;
use crate::common::arrays::{self, check_shape, in_order};
use crate::common::parallel;
use crate::input::raters::check_soft_axes;
use crate::{Classes, Error, Label, Result, SoftFloat, SpatialDim};

/// Voxels that are read together.
pub(super) const LANES: usize = 64;

/// Probabilities of a piece: about a tenth of a millisecond's work.
const PIECE: usize = 1 << 16;

/// Tolerances: how far a probability may be outside 0 to 1, for half precision, and how far the sum of a voxel may be from
/// 1, for coarse quantisation. Logits and independent sigmoids usually exceed them.
const SLACK: (f64, f64) = (1e-3, 0.1);

/// The probabilities of a volume: C planes of voxels in standard order.
pub(super) struct Predictions<'a, F: Clone> {
    values: Cow<'a, [F]>,
    pub(super) classes: usize,
    pub(super) voxels: usize,
    /// Shape without the class axis.
    shape: Vec<usize>,
}

impl<'a, F: SoftFloat> Predictions<'a, F> {
    /// Checks that the class axis is as long as it should be, and the values.
    pub(super) fn new<D: RemoveAxis>(probabilities: &'a ArrayRef<F, D>, classes: Option<usize>) -> Result<Self> {
        let predictions = Self::unchecked(probabilities, classes)?;
        predictions.check(|sum| (1.0 - SLACK.1..=1.0 + SLACK.1).contains(&sum))?;
        Ok(predictions)
    }

    /// Soft labels to judge by: those of an ignored voxel sum to 0.
    pub(super) fn reference<D: RemoveAxis>(soft: &'a ArrayRef<F, D>) -> Result<Self> {
        let reference = Self::unchecked(soft, None)?;
        reference.check(|sum| sum == 0.0 || (1.0 - SLACK.1..=1.0 + SLACK.1).contains(&sum))?;
        Ok(reference)
    }

    fn unchecked<D: RemoveAxis>(probabilities: &'a ArrayRef<F, D>, classes: Option<usize>) -> Result<Self> {
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
    pub(super) fn of_class(&self, class: usize) -> &[F] {
        &self.values[class * self.voxels..][..self.voxels]
    }

    /// The voxels of a piece, whole blocks. It depends on the number of classes alone.
    pub(super) fn piece(&self) -> usize {
        (PIECE / self.classes.max(1)).next_multiple_of(LANES).max(LANES)
    }

    /// The results for the voxels of all pieces, in order. `cost` is the nanoseconds that a probability takes.
    pub(super) fn map<R: Send>(&self, cost: usize, run: impl Fn(Range<usize>) -> R + Sync + Send) -> Vec<R> {
        parallel::map(self.work(cost), parallel::pieces(self.voxels, self.piece()), run)
    }

    /// The work for all probabilities if one takes so many nanoseconds.
    pub(super) fn work(&self, cost: usize) -> usize {
        self.values.len().saturating_mul(cost)
    }

    fn check(&self, fits: impl Fn(f64) -> bool + Sync + Send) -> Result<()> {
        self.map(1, |voxels| self.check_piece(voxels, &fits))
            .into_iter()
            .collect()
    }

    fn check_piece(&self, piece: Range<usize>, fits: impl Fn(f64) -> bool) -> Result<()> {
        let (low, high) = (F::round_from(-SLACK.0), F::round_from(1.0 + SLACK.0));
        for block in blocks(piece) {
            // NaN changes neither the lowest nor the highest value, but it makes the sum NaN.
            let (mut sums, mut lowest, mut highest) = ([0.0; LANES], [low; LANES], [high; LANES]);
            for class in 0..self.classes {
                let values = self.of_class(class)[block.clone()].iter();
                let lanes = sums.iter_mut().zip(&mut lowest).zip(&mut highest);
                for (((sum, lowest), highest), &p) in lanes.zip(values) {
                    *sum += p.wide();
                    *lowest = if p < *lowest { p } else { *lowest };
                    *highest = if p > *highest { p } else { *highest };
                }
            }
            let wrong = lowest.iter().any(|&p| p < low) || highest.iter().any(|&p| p > high);
            if wrong || !sums[..block.len()].iter().all(|&sum| fits(sum)) {
                return Err(self.name_wrong(block, &sums, [low, high], fits));
            }
        }
        Ok(())
    }

    /// The error of the first wrong voxel among some.
    #[cold]
    fn name_wrong(&self, voxels: Range<usize>, sums: &[f64], [low, high]: [F; 2], fits: impl Fn(f64) -> bool) -> Error {
        for (voxel, &sum) in voxels.zip(sums) {
            let index = self.index(voxel);
            for class in 0..self.classes {
                let p = self.of_class(class)[voxel];
                if !(p >= low && p <= high) {
                    let value = p.wide();
                    return Error::Probability { value, class, index };
                }
            }
            if !fits(sum) {
                return Error::ProbabilitySum { sum, index };
            }
        }
        Error::NoVoxels
    }

    fn index(&self, voxel: usize) -> Vec<usize> {
        let mut rest = voxel;
        let mut index: Vec<_> = self
            .shape
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

    /// The class of each voxel of the labels that go with the probabilities, or [`IGNORED`], in standard order.
    pub(super) fn targets<L: Label, D: SpatialDim>(
        &self,
        labels: &ArrayRef<L, D>,
        classes: &Classes,
    ) -> Result<Vec<u16>> {
        check_shape("label map", &self.shape, labels.shape())?;
        let mut targets = arrays::zeros(self.voxels, &self.shape)?;
        let target = |class: Option<usize>| class.and_then(|class| u16::try_from(class).ok()).unwrap_or(IGNORED);
        write_classes(labels, classes, &mut targets, target)?;
        Ok(targets)
    }
}

/// Cuts a piece into blocks of voxels that are read together.
pub(super) fn blocks(piece: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    parallel::pieces(piece.len(), LANES).map(move |block| piece.start + block.start..piece.start + block.end)
}

/// The class of an ignored voxel.
pub(super) const IGNORED: u16 = u16::MAX;
