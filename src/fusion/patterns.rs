//! What all raters say of a voxel: most voxels of a label map share one of few such patterns.

use std::collections::HashMap;

use crate::common::arrays::in_order;
use crate::{Error, Label, Raters, Result, SpatialDim};

/// The patterns of labels in the raters' maps, in the order of their first voxel.
pub(super) struct Patterns<L> {
    /// The label of each rater.
    pub(super) labels: Vec<Vec<L>>,
    /// The pattern of each voxel in standard order.
    pub(super) of_voxel: Vec<u32>,
}

impl<L: Label> Patterns<L> {
    pub(super) fn find<D: SpatialDim>(raters: &Raters<'_, L, D>) -> Result<Self> {
        let too_large = || Error::TooLarge {
            shape: raters.shape().to_vec(),
        };
        let maps: Vec<_> = raters.maps().iter().map(|map| in_order(map)).collect::<Result<_>>()?;
        let voxels = raters.dim().size();
        let mut known: HashMap<Vec<i128>, u32> = HashMap::new();
        let mut labels: Vec<Vec<L>> = Vec::new();
        let mut of_voxel = Vec::new();
        of_voxel.try_reserve_exact(voxels).map_err(|_| too_large())?;
        let (mut last, mut same): (u32, Option<Vec<L>>) = (0, None);
        for voxel in 0..voxels {
            // Neighbours mostly have the same pattern.
            let repeats = |same: &Vec<L>| maps.iter().zip(same).all(|(map, label)| map[voxel] == *label);
            if !same.as_ref().is_some_and(repeats) {
                let said: Vec<_> = maps.iter().map(|map| map[voxel]).collect();
                let next = u32::try_from(labels.len()).map_err(|_| too_large())?;
                last = *known
                    .entry(said.iter().map(|label| label.value()).collect())
                    .or_insert(next);
                if last == next {
                    labels.push(said.clone());
                }
                same = Some(said);
            }
            of_voxel.push(last);
        }
        Ok(Self { labels, of_voxel })
    }

    /// What each voxel has, given what its pattern has.
    pub(super) fn spread<T: Copy>(&self, of_patterns: &[T]) -> impl Iterator<Item = T> {
        self.of_voxel.iter().map(|&pattern| of_patterns[pattern as usize])
    }
}
