//! The probability of a class at the voxels of a block whose neighbourhood is mixed.

use super::block_loops::{self, PerVoxel};
use super::index::ClassIndex;
use super::mixing::{Mixing, Present, mix};
use super::plane_ring::PlaneRing;
use super::stencil::Stencil;
use super::table::Table;
use super::{BLOCK, SPAN, Smoothing};
use crate::SoftFloat;

/// Weights that differ are multiplied by this, so that the product of a tiny one with a share is not subnormal.
const SCALE_UP: f64 = (1_u128 << 127) as f64 * (1_u128 << 127) as f64;

/// Counts neighbours and turns counts into probabilities.
#[derive(Debug)]
pub(super) struct BlockEncoder<'a, F> {
    smoothing: &'a Smoothing,
    stencil: &'a Stencil,
    /// What becomes of the classes, if they are not the channels themselves.
    mixing: Option<&'a Mixing>,
    /// The raters' weights: all 1 if they are equal, otherwise multiplied by [`SCALE_UP`].
    weights: Vec<f64>,
    equal: bool,
    /// The value for every combination of counts, where these are few.
    table: Option<&'a Table<F>>,
    /// Where in a ring the rows of each group start for the first row of the tile, and where that row itself starts.
    rows: Vec<Vec<usize>>,
    own: usize,
    /// For each row group and column: how many voxels have a matching class index.
    counts: Vec<[u8; SPAN]>,
    /// The indices of the table for each column.
    sums: Vec<PerVoxel<u16>>,
}

impl<'a, F: SoftFloat> BlockEncoder<'a, F> {
    pub(super) fn new(
        smoothing: &'a Smoothing,
        stencil: &'a Stencil,
        mixing: Option<&'a Mixing>,
        table: Option<&'a Table<F>>,
        weights: &[f64],
    ) -> Self {
        let equal = weights.windows(2).all(|pair| pair[0] == pair[1]);
        Self {
            smoothing,
            stencil,
            mixing,
            weights: weights
                .iter()
                .map(|weight| if equal { 1.0 } else { weight * SCALE_UP })
                .collect(),
            equal,
            table,
            rows: stencil.groups.iter().map(|rows| vec![0; rows.len()]).collect(),
            own: 0,
            counts: vec![[0; SPAN]; stencil.spans * stencil.groups.len()],
            sums: Vec::new(),
        }
    }

    /// Goes to plane `d` of the tile.
    pub(super) fn go_to<I: ClassIndex>(&mut self, d: usize, ring: &PlaneRing<I>) {
        for (starts, rows) in self.rows.iter_mut().zip(&self.stencil.groups) {
            starts
                .iter_mut()
                .zip(rows)
                .for_each(|(start, [dd, dh])| *start = ring.row_start(d + dd, *dh));
        }
        let [dd, dh, dw] = self.stencil.radius;
        self.own = ring.row_start(d + dd, dh) + dw;
    }

    /// The class indices of a block if there is one rater.
    pub(super) fn annotated<'r, I: ClassIndex>(&self, rings: &'r [PlaneRing<I>], [h, w]: [usize; 2]) -> &'r [I] {
        match rings {
            [ring] => &ring.indices()[self.own + ring.rows(h) + w..][..BLOCK],
            _ => &[],
        }
    }

    /// Writes the values of each column in the block at row and column `[h, w]`. All voxels around it have one of the classes or,
    /// if `ignored`, none. Sums are exact, so the last class gets what the others leave.
    pub(super) fn encode<I: ClassIndex>(
        &mut self,
        values: &mut [PerVoxel<F>],
        present: &Present,
        ignored: bool,
        rings: &[PlaneRing<I>],
        [h, w]: [usize; 2],
    ) {
        let at = rings[0].rows(h) + w;
        let counted = self.mixing.is_none_or(Mixing::is_counted);
        match self.table {
            Some(table) if !ignored && counted => self.by_table(table, values, present, rings, at),
            _ if !ignored && self.equal && counted => self.equal_raters(values, present, rings, at),
            _ if counted => self.each_column(values, present, rings, at),
            _ => self.mixed(values, present, ignored, rings, at),
        }
    }

    fn by_table<I: ClassIndex>(
        &mut self,
        table: &Table<F>,
        values: &mut [PerVoxel<F>],
        present: &Present,
        rings: &[PlaneRing<I>],
        at: usize,
    ) {
        let Some((_, others)) = present.classes.split_last() else {
            return;
        };
        // An index of the table is a sum over voxels, as a weight is. That of a column of several classes is the sum of theirs.
        let mut sums = std::mem::take(&mut self.sums);
        let mixed = self.mixing.is_some();
        sums.clear();
        sums.resize(if mixed { values.len() } else { 0 }, [0; BLOCK]);
        let mut visit = |place: usize, indices: &PerVoxel<u16>| {
            if mixed {
                for column in present.columns_of(place) {
                    block_loops::add(&mut sums[column], indices);
                }
            } else {
                block_loops::look_up(&mut values[place], indices, &table.values);
            }
        };
        let mut rest = [table.full; BLOCK];
        for (place, &class) in others.iter().enumerate() {
            self.count(rings, at, is_class(class));
            let indices = table.indices(&self.stencil.shells, self.counts.as_flattened());
            block_loops::subtract(&mut rest, &indices);
            visit(place, &indices);
        }
        visit(others.len(), &rest);
        for (values, sums) in values.iter_mut().zip(&sums) {
            block_loops::look_up(values, sums, &table.values);
        }
        self.sums = sums;
    }

    /// Filtering is linear, so raters of equal weight are counted together.
    fn equal_raters<I: ClassIndex>(
        &mut self,
        values: &mut [PerVoxel<F>],
        present: &Present,
        rings: &[PlaneRing<I>],
        at: usize,
    ) {
        let (smoothing, mixed) = (self.smoothing, self.mixing.is_some());
        let total = self.stencil.full * rings.len() as f64;
        let convert = |values: &mut PerVoxel<F>, found: &PerVoxel<f64>| {
            let both = values.iter_mut().zip(found);
            both.for_each(|(value, found)| *value = smoothing.value(found / total));
        };
        let mut sums = vec![[0.0; BLOCK]; if mixed { values.len() } else { 0 }];
        self.for_each_weight(rings, at, &present.classes, [total; BLOCK], |place, found| {
            if mixed {
                for column in present.columns_of(place) {
                    block_loops::add(&mut sums[column], found);
                }
            } else {
                convert(&mut values[place], found);
            }
        });
        for (values, sums) in values.iter_mut().zip(&sums) {
            convert(values, sums);
        }
    }

    /// Raters who differ in weight or ignore voxels.
    fn each_column<I: ClassIndex>(
        &mut self,
        values: &mut [PerVoxel<F>],
        present: &Present,
        rings: &[PlaneRing<I>],
        at: usize,
    ) {
        let sums = self.each_rater(values.len(), present, rings, at, |place| present.columns_of(place));
        let (equal, full) = (self.equal, self.stencil.full);
        for (values, sums) in values.iter_mut().zip(sums) {
            for (value, sum) in values.iter_mut().zip(sums) {
                *value = sum
                    .share(equal, full)
                    .map_or(F::zero(), |share| self.smoothing.value(share));
            }
        }
    }

    /// Shares of the classes in `f64`, and then of each column the sum of these times its entries.
    fn mixed<I: ClassIndex>(
        &mut self,
        values: &mut [PerVoxel<F>],
        present: &Present,
        ignored: bool,
        rings: &[PlaneRing<I>],
        at: usize,
    ) {
        let mut shares = vec![[0.0; BLOCK]; present.classes.len()];
        if !ignored && self.equal {
            let total = self.stencil.full * rings.len() as f64;
            self.for_each_weight(rings, at, &present.classes, [total; BLOCK], |place, found| {
                shares[place] = found.map(|found| found / total);
            });
        } else {
            let sums = self.each_rater(shares.len(), present, rings, at, std::iter::once);
            let (equal, full) = (self.equal, self.stencil.full);
            for (shares, sums) in shares.iter_mut().zip(sums) {
                *shares = sums.map(|sum| sum.share(equal, full).unwrap_or(0.0));
            }
        }
        for (column, values) in values.iter_mut().enumerate() {
            mix(values, &shares, present.entries(column));
        }
    }

    /// Each rater's own soft labels, summed in columns, of which `columns_of` tells those that count a class. An ignored voxel is
    /// left out; the weights of the others are divided by their sum.
    fn each_rater<I: ClassIndex, C: Iterator<Item = usize>>(
        &mut self,
        columns: usize,
        present: &Present,
        rings: &[PlaneRing<I>],
        at: usize,
        columns_of: impl Fn(usize) -> C,
    ) -> Vec<PerVoxel<RaterSum>> {
        let (full, surplus, strength) = (self.stencil.full, self.stencil.surplus, self.smoothing.strength);
        let mut sums = vec![[RaterSum::default(); BLOCK]; columns];
        for (rater, ring) in rings.iter().enumerate() {
            let weight = self.weights[rater];
            if weight == 0.0 {
                continue;
            }
            let own = &ring.indices()[self.own + at..][..BLOCK];
            let ring = std::slice::from_ref(ring);
            let valid = self.weigh(ring, at, |index| index != I::IGNORED);
            // How much of each column is found around each voxel, and whether the voxel itself is of it.
            let mut found = vec![([0.0; BLOCK], [false; BLOCK]); columns];
            self.for_each_weight(ring, at, &present.classes, valid, |place, of_class| {
                let is_own = is_class(present.classes[place]);
                for column in columns_of(place) {
                    let (found, is_of) = &mut found[column];
                    block_loops::add(found, of_class);
                    is_of
                        .iter_mut()
                        .zip(own)
                        .for_each(|(is_of, own)| *is_of |= is_own(*own));
                }
            });
            for (sums, (found, is_of)) in sums.iter_mut().zip(&found) {
                for i in 0..BLOCK {
                    let (sum, found, valid) = (&mut sums[i], found[i], valid[i]);
                    if own[i] == I::IGNORED {
                        continue;
                    }
                    if valid == full {
                        sum.add(weight, found, found / full);
                    } else if is_of[i] {
                        // First the share at strength 1, where the centre weighs as much as all its neighbours, then the
                        // strength. The result is at least 1 - strength / 2, also after rounding.
                        let share = (found - surplus) / (valid - surplus);
                        sum.add_partial(weight, 1.0 - strength * (1.0 - share));
                    } else {
                        sum.add_partial(weight, strength * (found / (valid - surplus)));
                    }
                }
            }
        }
        sums
    }

    /// Calls `visit` for each class with its place among the classes and the weight of the voxels around each voxel that
    /// hold it, summed over the rings. All classes together have the weight `total`.
    fn for_each_weight<I: ClassIndex>(
        &mut self,
        rings: &[PlaneRing<I>],
        at: usize,
        classes: &[usize],
        total: PerVoxel<f64>,
        mut visit: impl FnMut(usize, &PerVoxel<f64>),
    ) {
        let Some((_, others)) = classes.split_last() else {
            return;
        };
        let mut rest = total;
        for (place, &class) in others.iter().enumerate() {
            let found = self.weigh(rings, at, is_class(class));
            block_loops::subtract(&mut rest, &found);
            visit(place, &found);
        }
        visit(others.len(), &rest);
    }

    /// The weight of the voxels around each voxel, itself among them, whose class index fits, summed over the rings.
    fn weigh<I: ClassIndex>(
        &mut self,
        rings: &[PlaneRing<I>],
        at: usize,
        fits: impl Fn(I) -> bool + Copy,
    ) -> PerVoxel<f64> {
        let mut weight = [0.0; BLOCK];
        for together in rings.chunks(self.stencil.raters_at_once) {
            self.count(together, at, fits);
            for shell in &self.stencil.shells {
                let count = block_loops::sum_at(self.counts.as_flattened(), &shell.starts);
                block_loops::add_weighted(&mut weight, shell.weight, &count);
            }
        }
        weight
    }

    /// Counts the voxels of each row group whose class index fits, over all rings. Rows of equal weights are added up
    /// here, and shifted only when they are summed to shells.
    fn count<I: ClassIndex>(&mut self, rings: &[PlaneRing<I>], at: usize, fits: impl Fn(I) -> bool + Copy) {
        self.counts.fill([0; SPAN]);
        for ring in rings {
            block_loops::count_rows(
                &mut self.counts,
                self.stencil.spans,
                ring.indices(),
                &self.rows,
                at,
                fits,
            );
        }
    }
}

/// Whether a class index is that of a class.
fn is_class<I: ClassIndex>(class: usize) -> impl Fn(I) -> bool + Copy {
    let class = I::from_class(class);
    move |index| index == class
}

/// The sum of a class's share over the raters who did not ignore a voxel.
#[derive(Debug, Clone, Copy, Default)]
struct RaterSum {
    /// Sum of the raters' weights, and of their weighted shares.
    weight: f64,
    weighted: f64,
    /// Sum of the weights that were found; exact.
    found: f64,
    /// Whether some rater ignores a neighbour.
    partial: bool,
}

impl RaterSum {
    /// Adds a rater who ignores no neighbour.
    fn add(&mut self, weight: f64, found: f64, share: f64) {
        self.weight += weight;
        self.weighted += weight * share;
        self.found += found;
    }

    fn add_partial(&mut self, weight: f64, share: f64) {
        self.weight += weight;
        self.weighted += weight * share;
        self.partial = true;
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
