//! The probability of a class at the voxels of a block whose neighbourhood is mixed.

use super::index::ClassIndex;
use super::planes::LabelPlanes;
use super::stencil::Stencil;
use super::{BLOCK, Recipe};

/// One number for each voxel of a block.
type Lanes<T> = [T; BLOCK];

/// Where a block is: the plane and row of the frame, and the column of its first voxel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) d: usize,
    pub(super) h: usize,
    pub(super) w: usize,
}

/// Counts neighbours and turns counts into probabilities.
#[derive(Debug)]
pub(super) struct Blender<'a> {
    recipe: &'a Recipe,
    stencil: &'a Stencil,
    /// The raters' weights if they differ.
    weights: Option<&'a [f64]>,
    /// Neighbours found in each shell.
    counts: Vec<Lanes<u8>>,
    /// The same for one row group before it is shifted; half a block to a vector register.
    row: Vec<[u8; BLOCK / 2]>,
}

impl<'a> Blender<'a> {
    pub(super) fn new(recipe: &'a Recipe, stencil: &'a Stencil, weights: &'a [f64]) -> Self {
        Self {
            recipe,
            stencil,
            weights: weights.windows(2).any(|pair| pair[0] != pair[1]).then_some(weights),
            counts: vec![[0; BLOCK]; stencil.shells.len()],
            row: vec![[0; BLOCK / 2]; (BLOCK + 2 * stencil.radius[2]).div_ceil(BLOCK / 2)],
        }
    }

    /// The value of voxels around which only this class is found.
    pub(super) fn on(&self) -> f64 {
        self.recipe.on
    }

    /// The value of voxels around which this class is not found.
    pub(super) fn off(&self) -> f64 {
        self.recipe.off
    }

    /// The values of a block where no rater ignores a voxel.
    pub(super) fn block<I: ClassIndex>(&mut self, class: I, slabs: &[LabelPlanes<I>], place: Place) -> Lanes<f64> {
        let full = self.stencil.full;
        let share = match self.weights {
            // Filtering is linear, so equal raters are counted together.
            None => {
                let mut sum = [0.0; BLOCK];
                for together in slabs.chunks(self.stencil.raters_at_once) {
                    let found = self.weigh(together, place, |index| index == class);
                    sum.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
                }
                let whole = full * slabs.len() as f64;
                sum.map(|sum| sum / whole)
            }
            Some(weights) => {
                let (mut sum, mut whole) = ([0.0; BLOCK], 0.0);
                for (slab, &weight) in slabs.iter().zip(weights).filter(|&(_, &weight)| weight > 0.0) {
                    let found = self.weigh(std::slice::from_ref(slab), place, |index| index == class);
                    sum.iter_mut()
                        .zip(found)
                        .for_each(|(sum, found)| *sum += weight * (found / full));
                    whole += weight;
                }
                sum.map(|sum| sum / whole)
            }
        };
        share.map(|share| self.value(share))
    }

    /// The values of a block where some rater ignores a voxel: it lends no weight, and what is left counts as all.
    pub(super) fn block_with_ignored<I: ClassIndex>(
        &mut self,
        class: I,
        slabs: &[LabelPlanes<I>],
        place: Place,
    ) -> Lanes<f64> {
        let full = self.stencil.full;
        let mut voxels = [Voxel::default(); BLOCK];
        for (rater, slab) in slabs.iter().enumerate() {
            let weight = self
                .weights
                .map_or(1.0, |weights| weights.get(rater).copied().unwrap_or(0.0));
            if weight == 0.0 {
                continue;
            }
            let slab = std::slice::from_ref(slab);
            let found = self.weigh(slab, place, |index| index == class);
            let valid = self.weigh(slab, place, |index| index != I::IGNORED);
            let own = self.own(&slab[0], place);
            for ((voxel, own), (found, valid)) in voxels.iter_mut().zip(own).zip(found.into_iter().zip(valid)) {
                if *own != I::IGNORED {
                    voxel.add(weight, found, valid, full);
                }
            }
        }
        voxels.map(|voxel| {
            voxel
                .share(self.weights.is_none(), full)
                .map_or(0.0, |share| self.value(share))
        })
    }

    fn value(&self, share: f64) -> f64 {
        self.recipe.on * share + self.recipe.off * (1.0 - share)
    }

    /// The class indices of the block's own voxels.
    fn own<'s, I: ClassIndex>(&self, slab: &'s LabelPlanes<I>, place: Place) -> &'s [I] {
        let [dd, dh, dw] = self.stencil.radius;
        &slab.row(place.d, dd, place.h, dh)[place.w + dw..][..BLOCK]
    }

    /// The weight of the voxels around each voxel, itself among them, whose class index fits, summed over the slabs.
    fn weigh<I: ClassIndex>(&mut self, slabs: &[LabelPlanes<I>], place: Place, fits: impl Fn(I) -> bool) -> Lanes<f64> {
        self.counts.fill([0; BLOCK]);
        for group in &self.stencil.groups {
            self.row.fill([0; BLOCK / 2]);
            for slab in slabs {
                for &(dd, dh) in &group.rows {
                    let row = &slab.row(place.d, dd, place.h, dh)[place.w..];
                    for (count, indices) in self.row.iter_mut().zip(row.as_chunks::<{ BLOCK / 2 }>().0) {
                        count
                            .iter_mut()
                            .zip(indices)
                            .for_each(|(count, &index)| *count += u8::from(fits(index)));
                    }
                }
            }
            let row = self.row.as_flattened();
            for &(dw, shell) in &group.taps {
                let shifted = &row[dw..][..BLOCK];
                self.counts[shell]
                    .iter_mut()
                    .zip(shifted)
                    .for_each(|(count, found)| *count += found);
            }
        }
        let mut weight = [0.0; BLOCK];
        for (counts, shell) in self.counts.iter().zip(&self.stencil.shells) {
            weight
                .iter_mut()
                .zip(counts)
                .for_each(|(weight, &count)| *weight += shell * f64::from(count));
        }
        weight
    }
}

/// What the raters that did not ignore a voxel say of a class there.
#[derive(Debug, Clone, Copy, Default)]
struct Voxel {
    /// Sum of the raters' weights, and of their weighted shares.
    weight: f64,
    weighted: f64,
    /// Sum of what was found; exact.
    found: f64,
    /// Whether some rater ignores a neighbour.
    partial: bool,
}

impl Voxel {
    fn add(&mut self, weight: f64, found: f64, valid: f64, full: f64) {
        self.weight += weight;
        self.weighted += weight * (found / valid);
        self.found += found;
        self.partial |= valid != full;
    }

    /// The share of the class, or nothing if every rater ignores the voxel.
    fn share(self, equal: bool, full: f64) -> Option<f64> {
        if self.weight == 0.0 {
            None
        } else if equal && !self.partial {
            // As where nothing is ignored, to the last bit.
            Some(self.found / (full * self.weight))
        } else {
            Some(self.weighted / self.weight)
        }
    }
}
