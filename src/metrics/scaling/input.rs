//! A network's outputs as logits, voxel by voxel.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{ArrayRef, Dimension};

use super::Outputs;
use super::sums::Scale;
use crate::common::arrays::{self, check_shape, in_order};
use crate::common::parallel;
use crate::metrics::labels::write_classes;
pub(super) use crate::metrics::predictions::Predictions as Probabilities;
use crate::metrics::predictions::{BLOCK, IGNORED, blocks, index_of};
use crate::{Classes, Error, Label, Result, SoftFloat, SpatialDim};

/// Voxels that are summed up together.
const PIECE: usize = 1 << 12;

/// Nanoseconds that a logit takes.
const COST: usize = 8;

/// Squares of larger logits, times a temperature of a thousandth, would leave the range of `f64`.
const MOST: f64 = 1e100;

/// C planes of voxels in C order.
pub(in crate::metrics) struct Input<'a, F: Clone> {
    values: Cow<'a, [F]>,
    pub(super) classes: usize,
    pub(super) voxels: usize,
    /// Shape without the class axis.
    shape: Vec<usize>,
    /// What takes the place of a probability of 0. Logits have none.
    zero: Option<f64>,
}

impl<'a, F: SoftFloat> Input<'a, F> {
    pub(super) fn new<D: Dimension>(values: &'a ArrayRef<F, D>, outputs: Outputs) -> Result<Self> {
        let (&classes, shape) = values.shape().split_first().unwrap_or((&0, &[]));
        let zero = match outputs {
            Outputs::Logits => None,
            Outputs::Probabilities { smallest } => {
                if !(smallest > 0.0 && smallest <= 1.0) {
                    return Err(Error::Setting {
                        what: "smallest probability",
                        place: None,
                        value: smallest,
                        allowed: "greater than 0 and at most 1",
                    });
                }
                Some((smallest / 2.0 / classes.max(1) as f64).max(f64::from_bits(1)))
            }
        };
        Ok(Self {
            values: in_order(values)?,
            classes,
            voxels: shape.iter().product(),
            shape: shape.to_vec(),
            zero,
        })
    }

    fn plane(&self, class: usize) -> &[F] {
        self.values
            .get(class * self.voxels..(class + 1) * self.voxels)
            .unwrap_or(&[])
    }

    /// Reads the logits of a block, the classes of a voxel beside one another.
    fn read(&self, block: &Range<usize>, logits: &mut [f64]) {
        for class in 0..self.classes {
            let of_class = logits.iter_mut().skip(class).step_by(self.classes);
            let values = self.plane(class).get(block.clone()).unwrap_or(&[]);
            for (logit, value) in of_class.zip(values) {
                let value = value.widen();
                *logit = match self.zero {
                    None => value,
                    Some(zero) => (if value > 0.0 { value } else { zero }).ln(),
                };
            }
        }
    }

    /// Visits the logits of the voxels of a piece that count.
    pub(super) fn visit(
        &self,
        piece: Range<usize>,
        counts: impl Fn(usize) -> bool,
        mut visit: impl FnMut(usize, &[f64]),
    ) {
        let mut logits = vec![0.0; BLOCK * self.classes];
        for block in blocks(piece) {
            if !block.clone().any(&counts) {
                continue;
            }
            self.read(&block, &mut logits);
            for (voxel, logits) in block.zip(logits.chunks_exact(self.classes.max(1))) {
                if counts(voxel) {
                    visit(voxel, logits);
                }
            }
        }
    }

    /// The results of all pieces of at least so many voxels. A voxel is computed so many times.
    pub(super) fn map<R: Send>(
        &self,
        least: usize,
        times: usize,
        run: impl Fn(Range<usize>) -> R + Sync + Send,
    ) -> Vec<R> {
        let work = self.values.len().saturating_mul(COST).saturating_mul(times);
        parallel::map(work, parallel::pieces(self.voxels, PIECE.max(least)), run)
    }

    /// Writes probabilities, planes of classes in C order. Where a voxel does not count, or has no probability, they are 0.
    pub(super) fn probabilities<G: SoftFloat>(
        &self,
        scale: &Scale,
        counts: impl Fn(usize) -> bool + Sync + Send,
        out: &mut [G],
    ) {
        let mut planes: Vec<_> = out
            .chunks_mut(self.voxels.max(1))
            .map(|plane| plane.chunks_mut(PIECE))
            .collect();
        let pieces = parallel::pieces(self.voxels, PIECE).map(|piece| {
            let out: Vec<_> = planes.iter_mut().filter_map(Iterator::next).collect();
            (piece, out)
        });
        let pieces: Vec<_> = pieces.collect();
        let work = self.values.len().saturating_mul(COST);
        parallel::for_each(work, pieces.into_iter(), |(piece, mut out)| {
            out.iter_mut().for_each(|plane| plane.fill(G::zero()));
            let start = piece.start;
            let mut probabilities = vec![0.0; self.classes];
            let predicted = |voxel: usize| {
                self.zero.is_none()
                    || (0..self.classes).any(|class| self.plane(class).get(voxel).is_some_and(|p| *p != F::zero()))
            };
            self.visit(
                piece,
                |voxel| counts(voxel) && predicted(voxel),
                |voxel, logits| {
                    scale.softmax(logits, &mut probabilities);
                    for (plane, &p) in out.iter_mut().zip(&probabilities) {
                        if let Some(place) = plane.get_mut(voxel - start) {
                            *place = G::round_from(p);
                        }
                    }
                },
            );
        });
    }
}

/// An error that names the first logit of a voxel that counts which is NaN, infinite or too large.
pub(in crate::metrics) fn check_logits<F: SoftFloat>(
    input: &Input<'_, F>,
    counts: impl Fn(usize) -> bool + Sync + Send,
) -> Result<()> {
    let wrong = |value: &F| !(-MOST..=MOST).contains(&value.widen());
    let first = |piece: Range<usize>| {
        let of_class = |class| {
            let plane = input.plane(class);
            let in_piece = piece.clone().zip(plane.get(piece.clone()).unwrap_or(&[]));
            let mut wrong = in_piece.filter(|(voxel, value)| wrong(value) && counts(*voxel));
            wrong.next().map(|(voxel, value)| (voxel, class, value.widen()))
        };
        (0..input.classes)
            .filter_map(of_class)
            .min_by_key(|(voxel, class, _)| (*voxel, *class))
    };
    match input.map(0, 1, first).into_iter().flatten().next() {
        Some((voxel, class, value)) => Err(Error::Logit {
            value,
            class,
            index: index_of(voxel, &input.shape),
        }),
        None => Ok(()),
    }
}

/// Outputs beside the labels that they are judged by. Both are checked.
pub(in crate::metrics) struct Case<'a, F: Clone> {
    pub(super) input: Input<'a, F>,
    /// The class of each voxel, or [`IGNORED`].
    targets: Vec<u16>,
}

impl<'a, F: SoftFloat> Case<'a, F> {
    /// Logits, on any axes.
    pub(in crate::metrics) fn of_logits<L: Label, D: Dimension>(
        logits: &'a ArrayRef<F, D::Larger>,
        labels: &ArrayRef<L, D>,
        classes: &Classes,
    ) -> Result<Self> {
        let expected = [&[classes.len()], labels.shape()].concat();
        check_shape("array of logits", &expected, logits.shape())?;
        let mut targets = arrays::zeros(labels.len(), labels.shape())?;
        let target = |class: Option<usize>| class.map_or(IGNORED, |class| u16::try_from(class).unwrap_or(IGNORED));
        write_classes(labels, classes, &mut targets, target)?;
        let input = Input::new(logits, Outputs::Logits)?;
        let case = Self { input, targets };
        check_logits(&case.input, |voxel| case.target(voxel).is_some())?;
        Ok(case)
    }

    pub(super) fn new<L: Label, D: SpatialDim>(
        values: &'a ArrayRef<F, D::Larger>,
        outputs: Outputs,
        labels: &ArrayRef<L, D>,
        classes: &Classes,
    ) -> Result<Self> {
        match outputs {
            Outputs::Logits => Self::of_logits(values, labels, classes),
            Outputs::Probabilities { .. } => Ok(Self {
                targets: Probabilities::new(values, Some(classes.len()))?.targets(labels, classes)?,
                input: Input::new(values, outputs)?,
            }),
        }
    }

    /// The class of a voxel that counts.
    pub(super) fn target(&self, voxel: usize) -> Option<usize> {
        let target = self.targets.get(voxel).filter(|&&target| target != IGNORED);
        target.map(|&target| usize::from(target))
    }

    /// How many voxels count.
    pub(in crate::metrics) fn voxels(&self) -> usize {
        self.targets.iter().filter(|&&target| target != IGNORED).count()
    }
}
