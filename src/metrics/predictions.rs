//! Probabilities beside the labels they are judged by, checked and in standard order.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{ArrayRef, RemoveAxis};

use crate::common::arrays::{check_shape, in_order};
use crate::common::parallel::{self, PIECE};
use crate::common::runs::for_each_run;
use crate::input::raters::check_axes;
use crate::{Classes, Error, Label, Result, SoftFloat, SpatialDim};

/// Voxels that are read together.
pub(super) const LANES: usize = 64;

/// By how much a probability may lie outside of 0 to 1, which half precision makes of a softmax, and their sum from 1, which
/// coarse quantisation does. Logits and independent sigmoids are farther off somewhere.
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
        let (&count, shape) = probabilities
            .shape()
            .split_first()
            .ok_or(Error::LabelAxes { axes: 0 })?;
        check_axes(shape.len())?;
        if let Some(classes) = classes {
            let expected = [&[classes], shape].concat();
            check_shape("array of probabilities", &expected, probabilities.shape())?;
        }
        if count == 0 {
            return Err(Error::NoClasses);
        }
        Ok(Self {
            values: in_order(probabilities)?,
            // Without voxels there is nothing of any class, however many there are.
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

    /// How many threads are worth their while.
    pub(super) fn threads(&self) -> usize {
        parallel::threads(self.classes * self.voxels)
    }

    /// What work makes of each piece of the voxels, in order.
    pub(super) fn map_pieces<R: Send>(&self, work: impl Fn(Range<usize>) -> R + Sync + Send) -> Vec<R> {
        parallel::map(self.threads(), parallel::pieces(self.voxels).collect(), work)
    }

    fn check(&self, fits: impl Fn(f64) -> bool + Sync + Send) -> Result<()> {
        self.map_pieces(|piece| self.check_piece(piece, &fits))
            .into_iter()
            .collect()
    }

    fn check_piece(&self, piece: Range<usize>, fits: &impl Fn(f64) -> bool) -> Result<()> {
        let (low, high) = (F::round_from(-SLACK.0), F::round_from(1.0 + SLACK.0));
        for (at, len) in blocks(piece) {
            // NaN is neither least nor most, but makes the sum NaN.
            let (mut sums, mut lowest, mut highest) = ([0.0; LANES], [low; LANES], [high; LANES]);
            for class in 0..self.classes {
                let values = self.of_class(class)[at..at + len].iter();
                let lanes = sums.iter_mut().zip(&mut lowest).zip(&mut highest);
                for (((sum, lowest), highest), &p) in lanes.zip(values) {
                    *sum += p.wide();
                    *lowest = if p < *lowest { p } else { *lowest };
                    *highest = if p > *highest { p } else { *highest };
                }
            }
            let wrong = lowest.iter().any(|&p| p < low) || highest.iter().any(|&p| p > high);
            if wrong || !sums[..len].iter().all(|&sum| fits(sum)) {
                return Err(self.name_wrong(at..at + len, &sums, [low, high], fits));
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
        let mut targets = Vec::new();
        targets.try_reserve_exact(self.voxels).map_err(|_| Error::TooLarge {
            shape: self.shape.clone(),
        })?;
        targets.resize(self.voxels, IGNORED);
        let in_order = in_order(labels)?;
        let work = in_order.chunks(PIECE).zip(targets.chunks_mut(PIECE)).collect();
        let unknown = parallel::map(self.threads(), work, |(labels, targets): (&[L], &mut [u16])| {
            let (mut at, mut unknown) = (0, false);
            for_each_run(labels, |label, len| {
                let class = classes.class_of(label).and_then(|class| u16::try_from(class).ok());
                unknown |= class.is_none() && !classes.is_ignored(label);
                targets[at..at + len].fill(class.unwrap_or(IGNORED));
                at += len;
            });
            unknown
        });
        if unknown.contains(&true) {
            classes.check(&labels.view().into_dyn(), &vec![0; labels.ndim()], 0, 1)?;
        }
        Ok(targets)
    }
}

/// The first voxel and the number of voxels of each block of a piece.
pub(super) fn blocks(piece: Range<usize>) -> impl Iterator<Item = (usize, usize)> {
    let Range { start, end } = piece;
    (start..end).step_by(LANES).map(move |at| (at, LANES.min(end - at)))
}

/// The class of an ignored voxel.
pub(super) const IGNORED: u16 = u16::MAX;
