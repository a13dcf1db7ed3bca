//! From label maps to counted votes.

use std::collections::{BTreeMap, HashMap};

use ndarray::ArrayRef;

use super::Vote;
use crate::common::arrays::{check_shape, in_order};
use crate::common::parallel;
use crate::common::runs::{for_each_common_run, for_each_run};
use crate::{Classes, Label, Raters, Result, SpatialDim};

/// Smallest number of voxels in a piece.
const PIECE: usize = 1 << 16;

/// The votes of all voxels.
pub(super) fn all<L: Label, D: SpatialDim>(
    raters: &Raters<'_, L, D>,
    classes: &Classes,
) -> Result<BTreeMap<Box<[Vote]>, u64>> {
    count(raters, classes, None)
}

/// The votes of the voxels at which a mask is true.
pub(super) fn within<L: Label, D: SpatialDim>(
    raters: &Raters<'_, L, D>,
    classes: &Classes,
    mask: &ArrayRef<bool, D>,
) -> Result<BTreeMap<Box<[Vote]>, u64>> {
    check_shape("mask", raters.shape(), mask.shape())?;
    let mask = in_order(mask)?;
    count(raters, classes, Some(&mask))
}

fn count<L: Label, D: SpatialDim>(
    raters: &Raters<'_, L, D>,
    classes: &Classes,
    mask: Option<&[bool]>,
) -> Result<BTreeMap<Box<[Vote]>, u64>> {
    raters.check(classes)?;
    let maps: Vec<_> = raters.maps().iter().map(|map| in_order(map)).collect::<Result<_>>()?;
    let voxels = raters.shape().iter().product::<usize>();
    // A label is compared in about half a nanosecond. Counts are whole numbers: any pieces give the same.
    let work = (voxels / 2).saturating_mul(maps.len());
    let piece = voxels.div_ceil(4 * parallel::threads(work)).max(PIECE);
    let counted = parallel::map(work, parallel::pieces(voxels, piece), |range| {
        let maps: Vec<&[L]> = maps.iter().map(|map| &map[range.clone()]).collect();
        let mut counts: HashMap<Vec<i128>, u64> = HashMap::new();
        let mut labels = Vec::with_capacity(maps.len());
        let mut add = |maps: &[&[L]]| {
            for_each_common_run(maps, |start, len| {
                labels.clear();
                labels.extend(maps.iter().map(|map| map[start].value()));
                match counts.get_mut(&labels) {
                    Some(count) => *count += len as u64,
                    None => drop(counts.insert(labels.clone(), len as u64)),
                }
            });
        };
        match mask {
            None => add(&maps),
            Some(mask) => {
                let mut start = 0;
                for_each_run(&mask[range], |inside, len| {
                    if inside {
                        let part: Vec<_> = maps.iter().map(|map| &map[start..start + len]).collect();
                        add(&part);
                    }
                    start += len;
                });
            }
        }
        counts
    });
    let mut patterns = BTreeMap::<Box<[Vote]>, u64>::new();
    for (labels, voxels) in counted.into_iter().flatten() {
        // Every label is a class or ignored, and there are fewer classes than a u16 has values.
        let class = |&label: &i128| {
            classes
                .class_of_value(label)
                .and_then(|class| u16::try_from(class).ok())
        };
        let votes: Box<[Vote]> = labels.iter().map(class).collect();
        if votes.iter().any(Option::is_some) {
            *patterns.entry(votes).or_default() += voxels;
        }
    }
    Ok(patterns)
}
