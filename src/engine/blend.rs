//! The probability of a class at the voxels of a block whose neighbourhood is mixed.

use super::index::ClassIndex;
use super::lanes::{self, Lanes};
use super::planes::LabelPlanes;
use super::stencil::{Shell, Stencil};
use super::{BLOCK, Recipe, SPAN};
use crate::SoftFloat;

/// Weights that differ are multiplied by this, so that the product of a tiny one with a share is not subnormal.
const RAISED: f64 = (1_u128 << 127) as f64 * (1_u128 << 127) as f64;

/// Counts neighbours and turns counts into probabilities.
#[derive(Debug)]
pub(super) struct Blender<'a, F> {
    recipe: &'a Recipe,
    stencil: &'a Stencil,
    /// The raters' weights: all 1, or [`RAISED`] as they differ.
    weights: Vec<f64>,
    equal: bool,
    /// The value for every combination of counts, where these are few.
    table: Option<&'a Table<F>>,
    /// Where the rows of each group are for the first row of the frame, and where that row itself is.
    rows: Vec<Vec<usize>>,
    own: usize,
    /// Voxels found in each column of the rows of each group.
    found: Vec<[u8; SPAN]>,
}

impl<'a, F: SoftFloat> Blender<'a, F> {
    pub(super) fn new(recipe: &'a Recipe, stencil: &'a Stencil, table: Option<&'a Table<F>>, weights: &[f64]) -> Self {
        let equal = weights.windows(2).all(|pair| pair[0] == pair[1]);
        Self {
            recipe,
            stencil,
            weights: weights
                .iter()
                .map(|weight| if equal { 1.0 } else { weight * RAISED })
                .collect(),
            equal,
            table,
            rows: stencil.groups.iter().map(|rows| vec![0; rows.len()]).collect(),
            own: 0,
            found: vec![[0; SPAN]; stencil.spans * stencil.groups.len()],
        }
    }

    /// Goes to plane `d` of the frame.
    pub(super) fn enter<I: ClassIndex>(&mut self, d: usize, slab: &LabelPlanes<I>) {
        for (places, rows) in self.rows.iter_mut().zip(&self.stencil.groups) {
            places
                .iter_mut()
                .zip(rows)
                .for_each(|(place, [dd, dh])| *place = slab.place(d + dd, *dh));
        }
        let [dd, dh, dw] = self.stencil.radius;
        self.own = slab.place(d + dd, dh) + dw;
    }

    /// Writes the values of the block at row and column `[h, w]`; `ignored` if voxels around it may be ignored.
    pub(super) fn block<I: ClassIndex>(
        &mut self,
        values: &mut Lanes<F>,
        class: I,
        ignored: bool,
        slabs: &[LabelPlanes<I>],
        [h, w]: [usize; 2],
    ) {
        let at = slabs[0].rows(h) + w;
        if ignored {
            return self.with_ignored(values, class, slabs, at);
        }
        if let Some(table) = self.table {
            self.count(slabs, at, move |index| index == class);
            return table.look_up(values, &self.stencil.shells, self.found.as_flattened());
        }
        let shares = if self.equal {
            self.equal_raters(class, slabs, at)
        } else {
            self.weighted_raters(class, slabs, at)
        };
        values
            .iter_mut()
            .zip(shares)
            .for_each(|(value, share)| *value = self.recipe.value(share));
    }

    /// Filtering is linear, so raters of equal weight are counted together.
    fn equal_raters<I: ClassIndex>(&mut self, class: I, slabs: &[LabelPlanes<I>], at: usize) -> Lanes<f64> {
        let mut sum = [0.0; BLOCK];
        for together in slabs.chunks(self.stencil.raters_at_once) {
            let found = self.weigh(together, at, move |index| index == class);
            sum.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
        }
        let whole = self.stencil.full * slabs.len() as f64;
        sum.map(|sum| sum / whole)
    }

    fn weighted_raters<I: ClassIndex>(&mut self, class: I, slabs: &[LabelPlanes<I>], at: usize) -> Lanes<f64> {
        let full = self.stencil.full;
        let (mut sum, mut whole) = ([0.0; BLOCK], 0.0);
        for (rater, slab) in slabs.chunks(1).enumerate() {
            let weight = self.weights[rater];
            if weight > 0.0 {
                let found = self.weigh(slab, at, move |index| index == class);
                sum.iter_mut()
                    .zip(found)
                    .for_each(|(sum, found)| *sum += weight * (found / full));
                whole += weight;
            }
        }
        sum.map(|sum| sum / whole)
    }

    /// An ignored voxel lends no weight, and what is left counts as all.
    fn with_ignored<I: ClassIndex>(&mut self, values: &mut Lanes<F>, class: I, slabs: &[LabelPlanes<I>], at: usize) {
        let full = self.stencil.full;
        let mut voxels = [Voxel::default(); BLOCK];
        for (rater, slab) in slabs.chunks(1).enumerate() {
            let weight = self.weights[rater];
            if weight == 0.0 {
                continue;
            }
            let found = self.weigh(slab, at, move |index| index == class);
            let valid = self.weigh(slab, at, |index| index != I::IGNORED);
            let own = &slab[0].ring()[self.own + at..][..BLOCK];
            for ((voxel, own), (found, valid)) in voxels.iter_mut().zip(own).zip(found.into_iter().zip(valid)) {
                if *own != I::IGNORED {
                    voxel.add(weight, found, valid, full);
                }
            }
        }
        for (value, voxel) in values.iter_mut().zip(voxels) {
            *value = voxel
                .share(self.equal, full)
                .map_or(F::zero(), |share| self.recipe.value(share));
        }
    }

    /// The weight of the voxels around each voxel, itself among them, whose class index fits, summed over the slabs.
    fn weigh<I: ClassIndex>(
        &mut self,
        slabs: &[LabelPlanes<I>],
        at: usize,
        fits: impl Fn(I) -> bool + Copy,
    ) -> Lanes<f64> {
        self.count(slabs, at, fits);
        let mut weight = [0.0; BLOCK];
        for shell in &self.stencil.shells {
            let count = lanes::sum_at(self.found.as_flattened(), &shell.places);
            lanes::add_weighted(&mut weight, shell.weight, &count);
        }
        weight
    }

    /// Counts the voxels of each row group whose class index fits, over all slabs. Rows alike are added up here, and
    /// shifted only when they are taken together to shells.
    fn count<I: ClassIndex>(&mut self, slabs: &[LabelPlanes<I>], at: usize, fits: impl Fn(I) -> bool + Copy) {
        self.found.fill([0; SPAN]);
        for slab in slabs {
            lanes::count_rows(&mut self.found, self.stencil.spans, slab.ring(), &self.rows, at, fits);
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
pub(super) struct Table<F> {
    /// By how much one more voxel of each shell advances the index.
    strides: Vec<u16>,
    values: Box<[F; TABLE]>,
}

/// No more values than this: a table should stay in the first-level cache.
const TABLE: usize = 1 << 12;

impl<F: SoftFloat> Table<F> {
    pub(super) fn new(recipe: &Recipe, stencil: &Stencil) -> Option<Self> {
        let (mut weights, mut strides) = (vec![0.0], Vec::new());
        for Shell { weight, voxels, .. } in &stencil.shells {
            strides.push(u16::try_from(weights.len()).ok()?);
            if weights.len() * (voxels + 1) > TABLE {
                return None;
            }
            weights = (0..=*voxels)
                .flat_map(|n| weights.iter().map(move |sum| sum + weight * n as f64))
                .collect();
        }
        let mut values = Box::new([F::zero(); TABLE]);
        values
            .iter_mut()
            .zip(weights)
            .for_each(|(value, weight)| *value = recipe.value(weight / stencil.full));
        Some(Self { strides, values })
    }

    /// Writes the values for the voxels found in each row group.
    fn look_up(&self, values: &mut Lanes<F>, shells: &[Shell], found: &[u8]) {
        let mut indices = [0; BLOCK];
        let places = shells.iter().map(|shell| shell.places.as_slice());
        lanes::table_indices(&mut indices, found, self.strides.iter().copied().zip(places));
        lanes::look_up(values, &indices, &self.values);
    }
}
