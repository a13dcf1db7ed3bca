//! The probability of a class at the voxels of a block whose neighbourhood is mixed.

use std::array::from_fn;

use super::index::ClassIndex;
use super::planes::LabelPlanes;
use super::stencil::Stencil;
use super::{BLOCK, LANES, Recipe};
use crate::SoftFloat;

/// One number for each voxel of a block. Loops over them by value, one step at a time, become vector code.
type Lanes<T> = [T; BLOCK];

/// Counts neighbours and turns counts into probabilities.
#[derive(Debug)]
pub(super) struct Blender<'a, F> {
    recipe: &'a Recipe,
    stencil: &'a Stencil,
    /// The raters' weights if they differ.
    weights: Option<&'a [f64]>,
    /// The value for every combination of counts, where these are few.
    table: Option<Table<F>>,
    /// Where the rows of each group are for the first row of the frame, and where that row itself is.
    rows: Vec<Vec<usize>>,
    own: usize,
    /// Voxels found in each shell.
    counts: Vec<Lanes<u8>>,
    /// Voxels found in the rows of one group, before they are shifted.
    sums: Vec<[u8; LANES]>,
}

impl<'a, F: SoftFloat> Blender<'a, F> {
    pub(super) fn new(recipe: &'a Recipe, stencil: &'a Stencil, weights: &'a [f64]) -> Self {
        Self {
            recipe,
            stencil,
            weights: weights.windows(2).any(|pair| pair[0] != pair[1]).then_some(weights),
            table: if weights.len() == 1 {
                Table::new(recipe, stencil)
            } else {
                None
            },
            rows: stencil.groups.iter().map(|group| vec![0; group.rows.len()]).collect(),
            own: 0,
            counts: vec![[0; BLOCK]; stencil.shells.len()],
            sums: vec![[0; LANES]; (BLOCK + 2 * stencil.radius[2]).div_ceil(LANES)],
        }
    }

    /// Goes to plane `d` of the frame.
    pub(super) fn enter<I: ClassIndex>(&mut self, d: usize, slab: &LabelPlanes<I>) {
        for (places, group) in self.rows.iter_mut().zip(&self.stencil.groups) {
            places
                .iter_mut()
                .zip(&group.rows)
                .for_each(|(place, &(dd, dh))| *place = slab.place(d + dd, dh));
        }
        let [dd, dh, dw] = self.stencil.radius;
        self.own = slab.place(d + dd, dh) + dw;
    }

    /// The values of the block at row and column `[h, w]`; `ignored` if voxels around it may be ignored.
    pub(super) fn block<I: ClassIndex>(
        &mut self,
        class: I,
        ignored: bool,
        slabs: &[LabelPlanes<I>],
        [h, w]: [usize; 2],
    ) -> [F; BLOCK] {
        let at = slabs[0].place(0, h) + w;
        if ignored {
            return self.with_ignored(class, slabs, at);
        }
        if self.table.is_some() {
            self.count(slabs, at, |index| index == class);
            if let Some(table) = &self.table {
                return table.look_up(&self.counts);
            }
        }
        let share = match self.weights {
            None => self.equal_raters(class, slabs, at),
            Some(weights) => self.weighted_raters(class, slabs, at, weights),
        };
        share.map(|share| self.recipe.value(share))
    }

    /// Filtering is linear, so raters of equal weight are counted together.
    fn equal_raters<I: ClassIndex>(&mut self, class: I, slabs: &[LabelPlanes<I>], at: usize) -> Lanes<f64> {
        let mut sum = [0.0; BLOCK];
        for together in slabs.chunks(self.stencil.raters_at_once) {
            let found = self.weigh(together, at, |index| index == class);
            sum.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
        }
        let whole = self.stencil.full * slabs.len() as f64;
        sum.map(|sum| sum / whole)
    }

    fn weighted_raters<I: ClassIndex>(
        &mut self,
        class: I,
        slabs: &[LabelPlanes<I>],
        at: usize,
        weights: &[f64],
    ) -> Lanes<f64> {
        let full = self.stencil.full;
        let (mut sum, mut whole) = ([0.0; BLOCK], 0.0);
        for (slab, &weight) in slabs.chunks(1).zip(weights).filter(|&(_, &weight)| weight > 0.0) {
            let found = self.weigh(slab, at, |index| index == class);
            sum.iter_mut()
                .zip(found)
                .for_each(|(sum, found)| *sum += weight * (found / full));
            whole += weight;
        }
        sum.map(|sum| sum / whole)
    }

    /// An ignored voxel lends no weight, and what is left counts as all.
    fn with_ignored<I: ClassIndex>(&mut self, class: I, slabs: &[LabelPlanes<I>], at: usize) -> [F; BLOCK] {
        let full = self.stencil.full;
        let mut voxels = [Voxel::default(); BLOCK];
        for (rater, slab) in slabs.chunks(1).enumerate() {
            let weight = self.weights.map_or(1.0, |weights| weights[rater]);
            if weight == 0.0 {
                continue;
            }
            let found = self.weigh(slab, at, |index| index == class);
            let valid = self.weigh(slab, at, |index| index != I::IGNORED);
            let own = &slab[0].ring()[self.own + at..][..BLOCK];
            for ((voxel, own), (found, valid)) in voxels.iter_mut().zip(own).zip(found.into_iter().zip(valid)) {
                if *own != I::IGNORED {
                    voxel.add(weight, found, valid, full);
                }
            }
        }
        let equal = self.weights.is_none();
        voxels.map(|voxel| {
            voxel
                .share(equal, full)
                .map_or(F::zero(), |share| self.recipe.value(share))
        })
    }

    /// The weight of the voxels around each voxel, itself among them, whose class index fits, summed over the slabs.
    fn weigh<I: ClassIndex>(&mut self, slabs: &[LabelPlanes<I>], at: usize, fits: impl Fn(I) -> bool) -> Lanes<f64> {
        self.count(slabs, at, fits);
        let mut weight = [0.0; BLOCK];
        for (&counts, shell) in self.counts.iter().zip(&self.stencil.shells) {
            for i in 0..BLOCK {
                weight[i] += shell * f64::from(counts[i]);
            }
        }
        weight
    }

    /// Counts the voxels of each shell whose class index fits, over all slabs, for the block `at` this distance from
    /// the first of the plane.
    fn count<I: ClassIndex>(&mut self, slabs: &[LabelPlanes<I>], at: usize, fits: impl Fn(I) -> bool) {
        self.counts.fill([0; BLOCK]);
        for (group, rows) in self.stencil.groups.iter().zip(&self.rows) {
            // Rows alike are added up first, and only their sum is shifted.
            for (column, sum) in (at..).step_by(LANES).zip(&mut self.sums) {
                let mut found = [0; LANES];
                for slab in slabs {
                    for row in rows {
                        let indices = &slab.ring()[row + column..][..LANES];
                        found = from_fn(|i| found[i] + u8::from(fits(indices[i])));
                    }
                }
                *sum = found;
            }
            let sums = self.sums.as_flattened();
            for &(dw, shell) in &group.taps {
                let shifted = &sums[dw..][..BLOCK];
                let mut count = self.counts[shell];
                for i in 0..BLOCK {
                    count[i] += shifted[i];
                }
                self.counts[shell] = count;
            }
        }
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

/// The value for every combination of counts of one rater.
#[derive(Debug)]
struct Table<F> {
    /// By how much one more voxel of each shell advances the index.
    strides: Vec<u16>,
    values: Vec<F>,
}

impl<F: SoftFloat> Table<F> {
    /// No more values than this: a table should stay in the first-level cache.
    const MAX: usize = 1 << 13;

    fn new(recipe: &Recipe, stencil: &Stencil) -> Option<Self> {
        let (mut weights, mut strides) = (vec![0.0], Vec::new());
        for (shell, &voxels) in stencil.shells.iter().zip(&stencil.voxels) {
            strides.push(u16::try_from(weights.len()).ok()?);
            if weights.len() * (voxels + 1) > Self::MAX {
                return None;
            }
            weights = (0..=voxels)
                .flat_map(|n| weights.iter().map(move |weight| weight + shell * n as f64))
                .collect();
        }
        let values = weights
            .into_iter()
            .map(|weight| recipe.value(weight / stencil.full))
            .collect();
        Some(Self { strides, values })
    }

    fn look_up(&self, counts: &[Lanes<u8>]) -> [F; BLOCK] {
        let mut at = [0_u16; BLOCK];
        for (counts, stride) in counts.iter().zip(&self.strides) {
            let mut steps = [0; BLOCK];
            steps
                .iter_mut()
                .zip(counts)
                .for_each(|(step, &count)| *step = u16::from(count));
            at.iter_mut().zip(steps).for_each(|(at, step)| *at += stride * step);
        }
        at.map(|at| self.values[usize::from(at)])
    }
}
