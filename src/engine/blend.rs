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

    /// Writes the values of each of the classes in the block at row and column `[h, w]`; `ignored` if voxels around it
    /// may be ignored. All others are of these classes, so the last class is what the others leave: sums are exact.
    pub(super) fn block<I: ClassIndex>(
        &mut self,
        values: &mut [Lanes<F>],
        classes: &[usize],
        ignored: bool,
        slabs: &[LabelPlanes<I>],
        [h, w]: [usize; 2],
    ) {
        let at = slabs[0].rows(h) + w;
        match self.table {
            _ if ignored => self.with_ignored(values, classes, slabs, at),
            Some(table) => self.by_table(table, values, classes, slabs, at),
            None if self.equal => self.equal_raters(values, classes, slabs, at),
            None => self.weighted_raters(values, classes, slabs, at),
        }
    }

    fn by_table<I: ClassIndex>(
        &mut self,
        table: &Table<F>,
        values: &mut [Lanes<F>],
        classes: &[usize],
        slabs: &[LabelPlanes<I>],
        at: usize,
    ) {
        let Some((last, others)) = values.split_last_mut() else {
            return;
        };
        let mut rest = [table.whole; BLOCK];
        for (values, &class) in others.iter_mut().zip(classes) {
            self.count(slabs, at, of_class(class));
            let indices = table.indices(&self.stencil.shells, self.found.as_flattened());
            lanes::subtract(&mut rest, &indices);
            lanes::look_up(values, &indices, &table.values);
        }
        lanes::look_up(last, &rest, &table.values);
    }

    /// Filtering is linear, so raters of equal weight are counted together.
    fn equal_raters<I: ClassIndex>(
        &mut self,
        values: &mut [Lanes<F>],
        classes: &[usize],
        slabs: &[LabelPlanes<I>],
        at: usize,
    ) {
        let recipe = self.recipe;
        let whole = self.stencil.full * slabs.len() as f64;
        self.weigh_each(slabs, at, classes, [whole; BLOCK], |class, found| {
            values[class]
                .iter_mut()
                .zip(found)
                .for_each(|(value, found)| *value = recipe.value(found / whole));
        });
    }

    fn weighted_raters<I: ClassIndex>(
        &mut self,
        values: &mut [Lanes<F>],
        classes: &[usize],
        slabs: &[LabelPlanes<I>],
        at: usize,
    ) {
        let full = self.stencil.full;
        let mut sums = vec![[0.0; BLOCK]; classes.len()];
        let mut whole = 0.0;
        for (rater, slab) in slabs.chunks(1).enumerate() {
            let weight = self.weights[rater];
            if weight > 0.0 {
                self.weigh_each(slab, at, classes, [full; BLOCK], |class, found| {
                    sums[class]
                        .iter_mut()
                        .zip(found)
                        .for_each(|(sum, found)| *sum += weight * (found / full));
                });
                whole += weight;
            }
        }
        for (values, sum) in values.iter_mut().zip(sums) {
            values
                .iter_mut()
                .zip(sum)
                .for_each(|(value, sum)| *value = self.recipe.value(sum / whole));
        }
    }

    /// An ignored voxel lends no weight, and what is left counts as all.
    fn with_ignored<I: ClassIndex>(
        &mut self,
        values: &mut [Lanes<F>],
        classes: &[usize],
        slabs: &[LabelPlanes<I>],
        at: usize,
    ) {
        let full = self.stencil.full;
        let mut voxels = vec![[Voxel::default(); BLOCK]; classes.len()];
        for (rater, slab) in slabs.iter().enumerate() {
            let weight = self.weights[rater];
            if weight == 0.0 {
                continue;
            }
            let own = &slab.ring()[self.own + at..][..BLOCK];
            let slab = std::slice::from_ref(slab);
            let valid = self.weigh(slab, at, |index| index != I::IGNORED);
            self.weigh_each(slab, at, classes, valid, |class, found| {
                for ((voxel, own), (found, valid)) in voxels[class].iter_mut().zip(own).zip(found.iter().zip(&valid)) {
                    if *own != I::IGNORED {
                        voxel.add(weight, *found, *valid, full);
                    }
                }
            });
        }
        for (values, voxels) in values.iter_mut().zip(voxels) {
            for (value, voxel) in values.iter_mut().zip(voxels) {
                *value = voxel
                    .share(self.equal, full)
                    .map_or(F::zero(), |share| self.recipe.value(share));
            }
        }
    }

    /// Tells the place of each class among the classes and the weight of the voxels around each voxel that hold it,
    /// summed over the slabs; that of all classes together is `whole`.
    fn weigh_each<I: ClassIndex>(
        &mut self,
        slabs: &[LabelPlanes<I>],
        at: usize,
        classes: &[usize],
        whole: Lanes<f64>,
        mut tell: impl FnMut(usize, &Lanes<f64>),
    ) {
        let Some((_, others)) = classes.split_last() else {
            return;
        };
        let mut rest = whole;
        for (place, &class) in others.iter().enumerate() {
            let found = self.weigh(slabs, at, of_class(class));
            lanes::subtract(&mut rest, &found);
            tell(place, &found);
        }
        tell(others.len(), &rest);
    }

    /// The weight of the voxels around each voxel, itself among them, whose class index fits, summed over the slabs.
    fn weigh<I: ClassIndex>(
        &mut self,
        slabs: &[LabelPlanes<I>],
        at: usize,
        fits: impl Fn(I) -> bool + Copy,
    ) -> Lanes<f64> {
        let mut weight = [0.0; BLOCK];
        for together in slabs.chunks(self.stencil.raters_at_once) {
            self.count(together, at, fits);
            for shell in &self.stencil.shells {
                let count = lanes::sum_at(self.found.as_flattened(), &shell.places);
                lanes::add_weighted(&mut weight, shell.weight, &count);
            }
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

/// Whether a class index is that of a class.
fn of_class<I: ClassIndex>(class: usize) -> impl Fn(I) -> bool + Copy {
    let class = I::from_class(class);
    move |index| index == class
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
    /// The index if all voxels are found.
    whole: u16,
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
        let whole = u16::try_from(weights.len() - 1).ok()?;
        let mut values = Box::new([F::zero(); TABLE]);
        values
            .iter_mut()
            .zip(weights)
            .for_each(|(value, weight)| *value = recipe.value(weight / stencil.full));
        Some(Self { strides, whole, values })
    }

    /// Which entries are meant by the voxels found in each row group.
    fn indices(&self, shells: &[Shell], found: &[u8]) -> Lanes<u16> {
        let mut indices = [0; BLOCK];
        let places = shells.iter().map(|shell| shell.places.as_slice());
        lanes::table_indices(&mut indices, found, self.strides.iter().copied().zip(places));
        indices
    }
}
