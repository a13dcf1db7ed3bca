//! Probabilities beside the labels they are judged by, checked and in standard order.

use std::borrow::Cow;

use ndarray::{ArrayRef, RemoveAxis};

use crate::loss::{check_shape, in_order};
use crate::raters::check_axes;
use crate::{Classes, Error, Label, Result, SoftFloat, SpatialDim};

/// Voxels that are read together.
pub(super) const LANES: usize = 64;

/// By how much a probability may lie outside of 0 to 1, which half precision makes of a softmax, and their sum from 1, which
/// coarse quantisation does. Logits and independent sigmoids are farther off somewhere.
const SLACK: (f64, f64) = (1e-3, 0.25);

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
        let predictions = Self {
            values: in_order(probabilities),
            classes: count,
            voxels: shape.iter().product(),
            shape: shape.to_vec(),
        };
        predictions.check()?;
        Ok(predictions)
    }

    /// The probabilities of a class.
    pub(super) fn of_class(&self, class: usize) -> &[F] {
        &self.values[class * self.voxels..][..self.voxels]
    }

    /// The first voxel and the number of voxels of each block.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (usize, usize)> + use<F> {
        let voxels = self.voxels;
        (0..voxels).step_by(LANES).map(move |at| (at, LANES.min(voxels - at)))
    }

    fn check(&self) -> Result<()> {
        for (at, len) in self.blocks() {
            let (mut sum, mut within) = ([0.0; LANES], true);
            for class in 0..self.classes {
                for (sum, p) in sum.iter_mut().zip(&self.of_class(class)[at..at + len]) {
                    let p = p.wide();
                    within &= (p >= -SLACK.0) & (p <= 1.0 + SLACK.0);
                    *sum += p;
                }
            }
            let ones = sum[..len]
                .iter()
                .fold(true, |ones, sum| ones & ((sum - 1.0).abs() <= SLACK.1));
            if !(within && ones) {
                return Err(self.name_wrong(at..at + len, &sum));
            }
        }
        Ok(())
    }

    /// The error of the first wrong voxel among some.
    #[cold]
    fn name_wrong(&self, voxels: std::ops::Range<usize>, sums: &[f64]) -> Error {
        for (voxel, &sum) in voxels.clone().zip(sums) {
            let index = self.index(voxel);
            for class in 0..self.classes {
                let value = self.of_class(class)[voxel].wide();
                if !(-SLACK.0..=1.0 + SLACK.0).contains(&value) {
                    return Error::Probability { value, class, index };
                }
            }
            if (sum - 1.0).abs() > SLACK.1 {
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
        let (mut last, mut unknown) = (None, false);
        targets.extend(labels.iter().map(|&label| {
            // Neighbours mostly hold the same label.
            let class = match last {
                Some((same, class)) if same == label => class,
                _ => match classes.class_of(label).map(u16::try_from) {
                    Some(Ok(class)) => class,
                    _ => {
                        unknown |= !classes.is_ignored(label);
                        IGNORED
                    }
                },
            };
            last = Some((label, class));
            class
        }));
        if unknown {
            classes.check(&labels.view().into_dyn(), &vec![0; labels.ndim()], 0, 1)?;
        }
        Ok(targets)
    }
}

/// The class of an ignored voxel.
pub(super) const IGNORED: u16 = u16::MAX;
