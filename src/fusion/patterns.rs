//! The labels of all raters at a voxel. Most voxels of a label map have one of few such patterns.

use std::collections::HashMap;

use crate::common::arrays::in_order;
use crate::common::parallel;
use crate::{Error, Label, Raters, Result, SpatialDim};

/// The patterns of labels in the raters' maps, in the order of their first voxel.
pub(super) struct Patterns<L> {
    /// The label of each rater.
    pub(super) labels: Vec<Vec<L>>,
    /// How many voxels have the pattern.
    pub(super) voxels: Vec<usize>,
    /// The pattern of each voxel in standard order.
    of_voxel: Vec<u32>,
}

/// Voxels whose patterns are found by themselves.
const PIECE: usize = 1 << 16;

impl<L: Label> Patterns<L> {
    pub(super) fn find<D: SpatialDim>(raters: &Raters<'_, L, D>) -> Result<Self> {
        let too_large = || Error::TooLarge {
            shape: raters.shape().to_vec(),
        };
        let maps: Vec<_> = raters.maps().iter().map(|map| in_order(map)).collect::<Result<_>>()?;
        let mut of_voxel: Vec<u32> = Vec::new();
        of_voxel
            .try_reserve_exact(raters.dim().size())
            .map_err(|_| too_large())?;
        of_voxel.resize(raters.dim().size(), 0);

        // Each piece numbers its own patterns. The pieces' patterns are joined in order, then voxels get the joint number.
        let threads = parallel::threads(of_voxel.len());
        let pieces = of_voxel.chunks_mut(PIECE).enumerate().collect();
        let found = parallel::map(threads, pieces, |(piece, of_voxel): (usize, &mut [u32])| {
            let mut found = Found::default();
            let (mut last, mut same): (u32, Option<Vec<L>>) = (0, None);
            for (voxel, pattern) in (piece * PIECE..).zip(of_voxel) {
                // Neighbours mostly have the same pattern.
                let repeats = |same: &Vec<L>| maps.iter().zip(same).all(|(map, label)| map[voxel] == *label);
                if !same.as_ref().is_some_and(repeats) {
                    let labels: Vec<_> = maps.iter().map(|map| map[voxel]).collect();
                    last = found.number(&labels)?;
                    same = Some(labels);
                }
                *pattern = last;
                if let Some(voxels) = found.voxels.get_mut(last as usize) {
                    *voxels += 1;
                }
            }
            Some(found)
        });
        let mut all = Found::default();
        let mut numbers = Vec::with_capacity(found.len());
        for found in found {
            let Found { labels, voxels, .. } = found.ok_or_else(too_large)?;
            let mut of_piece = Vec::with_capacity(labels.len());
            for (labels, count) in labels.iter().zip(voxels) {
                let number = all.number(labels).ok_or_else(too_large)?;
                if let Some(voxels) = all.voxels.get_mut(number as usize) {
                    *voxels += count;
                }
                of_piece.push(number);
            }
            numbers.push(of_piece);
        }
        let pieces = of_voxel.chunks_mut(PIECE).zip(&numbers).collect();
        parallel::map(threads, pieces, |(of_voxel, numbers): (&mut [u32], &Vec<u32>)| {
            let same = numbers.iter().zip(0..).all(|(number, place)| *number == place);
            if !same {
                of_voxel
                    .iter_mut()
                    .for_each(|pattern| *pattern = numbers[*pattern as usize]);
            }
        });
        Ok(Self {
            labels: all.labels,
            voxels: all.voxels,
            of_voxel,
        })
    }

    /// Writes to each voxel, in standard order, what `value` gives for its pattern and what it holds.
    pub(super) fn write<T: Copy + Send + Sync>(&self, voxels: &mut [T], value: impl Fn(u32, T) -> T + Sync + Send) {
        let pieces = voxels.chunks_mut(PIECE).zip(self.of_voxel.chunks(PIECE)).collect();
        let threads = parallel::threads(self.of_voxel.len());
        parallel::map(threads, pieces, |(voxels, patterns): (&mut [T], &[u32])| {
            voxels
                .iter_mut()
                .zip(patterns)
                .for_each(|(voxel, &pattern)| *voxel = value(pattern, *voxel));
        });
    }
}

/// Patterns in the order in which they are found.
struct Found<L> {
    known: HashMap<Vec<i128>, u32>,
    labels: Vec<Vec<L>>,
    voxels: Vec<usize>,
}

impl<L> Default for Found<L> {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            labels: Vec::new(),
            voxels: Vec::new(),
        }
    }
}

impl<L: Label> Found<L> {
    /// The number of a pattern, which is a new one if it is not known.
    fn number(&mut self, labels: &[L]) -> Option<u32> {
        let next = u32::try_from(self.labels.len()).ok()?;
        let key = labels.iter().map(|label| label.value()).collect();
        let number = *self.known.entry(key).or_insert(next);
        if number == next {
            self.labels.push(labels.to_vec());
            self.voxels.push(0);
        }
        Some(number)
    }
}
