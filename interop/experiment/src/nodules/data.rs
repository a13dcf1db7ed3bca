//! Real lung nodules, each as four radiologists drew it.

use std::ops::Range;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use ndarray::{Array3, Array4, ArrayView2, ArrayView3, Axis, s};
use ndarray_npy::ReadNpyExt;
use soft_labels::fusion::{Staple, Ties, majority_vote};
use soft_labels::{Classes, OneHot, multirater};

pub(crate) const RATERS: usize = 4;

/// Stands where two of four saw the nodule.
const DIVIDED: u8 = 255;

/// Nodules in the order of their patients: the slice of largest extent of each, at 1 mm.
#[derive(Debug)]
pub(crate) struct Nodules {
    /// (nodule, rater, H, W), 1 where the rater saw the nodule.
    pub(crate) masks: Array4<u8>,
    /// Background 0 and nodule 1; 255 where the raters are divided.
    pub(crate) classes: Classes,
    /// What the raters' majority marked; two of four are enough.
    majority: Array3<u8>,
    /// The same, but 255 where two of four saw the nodule.
    decided: Array3<u8>,
    /// What STAPLE finds likely.
    staple: Array3<u8>,
    patients: Vec<String>,
}

/// Which nodules are for what; no patient has nodules in two parts.
#[derive(Debug, Clone)]
pub(crate) struct Split {
    pub(crate) train: Range<usize>,
    /// For the choice of the learning rate.
    pub(crate) choice: Range<usize>,
    pub(crate) held_out: Range<usize>,
}

impl Nodules {
    pub(crate) fn load() -> Result<Self> {
        let bits = include_bytes!("../../data/lidc897_slices_4raters_bits.npy.gz");
        let bits = Array3::<u8>::read_npy(GzDecoder::new(&bits[..])).context("the nodules' file")?;
        let names = include_bytes!("../../data/lidc897_patients.txt.gz");
        let names = std::io::read_to_string(GzDecoder::new(&names[..])).context("the patients' file")?;
        let patients: Vec<_> = names
            .lines()
            .filter_map(|line| line.split(' ').next().map(str::to_owned))
            .collect();
        let (nodules, height, width) = bits.dim();
        ensure!(
            patients.len() == nodules,
            "{} patients for {nodules} nodules",
            patients.len()
        );
        let masks = Array4::from_shape_fn((nodules, RATERS, height, width), |(n, rater, y, x)| {
            bits[[n, y, x]] >> rater & 1
        });

        let classes = Classes::contiguous(2)?.with_ignore(DIVIDED)?;
        let [mut majority, mut decided, mut staple] = std::array::from_fn(|_| Array3::zeros(bits.raw_dim()));
        for (nodule, masks) in masks.outer_iter().enumerate() {
            let views: Vec<_> = masks.outer_iter().collect();
            let vote = |fused: &mut Array3<u8>, ties| -> soft_labels::Result<()> {
                fused
                    .index_axis_mut(Axis(0), nodule)
                    .assign(&majority_vote(&views, &classes, ties)?);
                Ok(())
            };
            vote(&mut majority, Ties::Highest)?;
            vote(&mut decided, Ties::Undecided(DIVIDED))?;
            let fusion = Staple::new().fuse::<_, f64, _>(&views, &classes)?;
            let likely = fusion.posterior().index_axis(Axis(0), 1).map(|&p| u8::from(p >= 0.5));
            staple.index_axis_mut(Axis(0), nodule).assign(&likely);
        }
        Ok(Self {
            masks,
            classes,
            majority,
            decided,
            staple,
            patients,
        })
    }

    /// Three fifths of the nodules to train on, then some for choices, and the last quarter to judge by, moved to where the
    /// next patient begins.
    pub(crate) fn split(&self) -> Split {
        let border = |at: usize| {
            let last = &self.patients[at - 1];
            at + self.patients[at..]
                .iter()
                .take_while(|patient| *patient == last)
                .count()
        };
        let all = self.patients.len();
        let (trained, chosen) = (border(all * 3 / 5), border(all * 3 / 4));
        Split {
            train: 0..trained,
            choice: trained..chosen,
            held_out: chosen..all,
        }
    }

    pub(crate) fn patients_in(&self, part: &Range<usize>) -> usize {
        self.patients[part.clone()].chunk_by(|a, b| a == b).count()
    }

    pub(crate) fn rater(&self, nodule: usize, rater: usize) -> ArrayView2<'_, u8> {
        self.masks.slice(s![nodule, rater, .., ..])
    }

    /// (rater, H, W)
    pub(crate) fn raters(&self, nodule: usize) -> ArrayView3<'_, u8> {
        self.masks.index_axis(Axis(0), nodule)
    }

    /// mOH, (C, H, W).
    pub(crate) fn mean(&self, nodule: usize) -> soft_labels::Result<Array3<f64>> {
        let raters: Vec<_> = self.raters(nodule).into_outer_iter().collect();
        multirater::average(&OneHot, &raters, &self.classes)
    }

    pub(crate) fn majority(&self, nodule: usize) -> ArrayView2<'_, u8> {
        self.majority.index_axis(Axis(0), nodule)
    }

    pub(crate) fn decided(&self, nodule: usize) -> ArrayView2<'_, u8> {
        self.decided.index_axis(Axis(0), nodule)
    }

    pub(crate) fn staple(&self, nodule: usize) -> ArrayView2<'_, u8> {
        self.staple.index_axis(Axis(0), nodule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_patient_stands_on_both_sides() {
        let nodules = Nodules::load().unwrap();
        let Split {
            train,
            choice,
            held_out,
        } = nodules.split();
        assert_eq!((train.start, held_out.end), (0, 897));
        assert_eq!((train.end, choice.end), (choice.start, held_out.start));
        for border in [train.end, choice.end] {
            assert_ne!(nodules.patients[border - 1], nodules.patients[border]);
        }
        let patients: usize = [train, choice, held_out]
            .iter()
            .map(|part| nodules.patients_in(part))
            .sum();
        assert_eq!(patients, 554);
    }

    #[test]
    fn two_of_four_are_a_majority() {
        let nodules = Nodules::load().unwrap();
        for (masks, majority) in nodules.masks.outer_iter().zip(nodules.majority.outer_iter()) {
            assert_eq!(masks.sum_axis(Axis(0)).map(|&votes| u8::from(votes >= 2)), majority);
        }
    }
}
