//! How results look in JSON and the like. What is read is checked, so that it is as sound as what was counted.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::reliability::{Reliability, Sums, check_bins};
use super::{ClassReliability, Confusion, Region};
use crate::Classes;
use crate::input::classes;

/// `f64` holds every number of voxels up to this one exactly, and sums of many of them fit in 64 bits.
const MOST_VOXELS: u64 = 1 << f64::MANTISSA_DIGITS;

/// Probabilities may be a little above 1, for half precision, and their sum is rounded.
const HIGHEST: f64 = 1.01;

/// The classes of a [`Region`].
#[derive(Serialize, Deserialize)]
pub(super) struct ListOfClasses(Vec<usize>);

impl TryFrom<ListOfClasses> for Region {
    type Error = crate::Error;

    fn try_from(list: ListOfClasses) -> crate::Result<Self> {
        Self::of_classes(list.0)
    }
}

impl From<Region> for ListOfClasses {
    fn from(region: Region) -> Self {
        Self(region.classes().to_vec())
    }
}

/// The bins of a [`Reliability`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bins {
    bins: Vec<Sums>,
}

impl TryFrom<Bins> for Reliability {
    type Error = String;

    fn try_from(Bins { bins }: Bins) -> Result<Self, String> {
        check_bins(bins.len()).map_err(|error| error.to_string())?;
        check_voxels(bins.iter().map(|bin| bin.count))?;
        for (index, bin) in bins.iter().enumerate() {
            let Sums {
                count,
                correct,
                confidence,
            } = *bin;
            if correct > count {
                return Err(format!(
                    "bin {index} has {correct} correct voxels of {count}; use at most {count}"
                ));
            }
            let most = HIGHEST * count as f64;
            if !(0.0..=most).contains(&confidence) {
                return Err(format!(
                    "the confidences of bin {index} sum to {confidence}; for {count} voxels it must be within 0 and {count}"
                ));
            }
        }
        Ok(Self { bins })
    }
}

impl From<Reliability> for Bins {
    fn from(reliability: Reliability) -> Self {
        Self { bins: reliability.bins }
    }
}

/// The classes of a [`ClassReliability`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BinsOfClasses {
    classes: Vec<Reliability>,
}

impl TryFrom<BinsOfClasses> for ClassReliability {
    type Error = String;

    fn try_from(BinsOfClasses { classes }: BinsOfClasses) -> Result<Self, String> {
        classes::check_count("classes", classes.len()).map_err(|error| error.to_string())?;
        let shape = |class: &Reliability| (class.bins.len(), class.count());
        let mut hits = 0;
        for (index, class) in classes.iter().enumerate() {
            let ((bins, voxels), (expected, counted)) = (shape(class), shape(&classes[0]));
            if (bins, voxels) != (expected, counted) {
                return Err(format!(
                    "class {index} has {bins} bins with {voxels} voxels, and class 0 has {expected} bins with {counted}; all \
                     classes need as many"
                ));
            }
            hits += u128::from(class.correct());
        }
        match classes.first().map(Reliability::count) {
            Some(voxels) if u128::from(voxels) != hits => Err(format!(
                "{voxels} voxels have a class, but the classes have {hits} in all; each voxel has one class"
            )),
            _ => Ok(Self { classes }),
        }
    }
}

impl From<ClassReliability> for BinsOfClasses {
    fn from(ClassReliability { classes }: ClassReliability) -> Self {
        Self { classes }
    }
}

/// The entries of a [`Confusion`] that are not 0, ascending: class of the prediction, class of the reference, voxels.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    classes: usize,
    counts: Vec<(Option<usize>, usize, u64)>,
}

impl TryFrom<Counts> for Confusion {
    type Error = String;

    fn try_from(
        Counts {
            classes,
            counts: listed,
        }: Counts,
    ) -> Result<Self, String> {
        if classes > Classes::MAX {
            return Err(format!("{classes} classes are too many; use at most {}", Classes::MAX));
        }
        check_voxels(listed.iter().map(|&(_, _, voxels)| voxels))?;
        let mut counts = HashMap::with_capacity(listed.len());
        for (predicted, reference, voxels) in listed {
            if let Some(class) = [predicted, Some(reference)]
                .into_iter()
                .flatten()
                .find(|&class| class >= classes)
            {
                return Err(format!(
                    "class {class} is none of the {classes} classes; use one that is"
                ));
            }
            if counts.insert((predicted, reference), voxels).is_some() {
                let predicted = predicted.map_or("null".to_owned(), |class| class.to_string());
                return Err(format!(
                    "classes {predicted} and {reference} are listed twice; list each pair once"
                ));
            }
        }
        counts.retain(|_, voxels| *voxels > 0);
        Ok(Self { counts, classes })
    }
}

impl From<Confusion> for Counts {
    fn from(Confusion { counts, classes }: Confusion) -> Self {
        let mut counts: Vec<_> = counts
            .into_iter()
            .map(|((predicted, reference), voxels)| (predicted, reference, voxels))
            .collect();
        counts.sort_unstable();
        Self { classes, counts }
    }
}

fn check_voxels(mut counts: impl Iterator<Item = u64>) -> Result<(), String> {
    counts
        .try_fold(0_u64, |sum, count| {
            sum.checked_add(count).filter(|&sum| sum <= MOST_VOXELS)
        })
        .map(|_| ())
        .ok_or_else(|| format!("there are more than {MOST_VOXELS} voxels; use at most so many"))
}
