//! The kernel in the form in which the engine counts it.

use std::collections::BTreeMap;

use crate::taps::Tap;

/// Weights as whole numbers, ordered for counting.
///
/// Taps of equal weight form a *shell*, and what matters is how many of a shell's voxels hold a class. Rows of taps
/// with the same weights from left to right form a *row group*; its rows are added up first and shifted together after.
#[derive(Debug)]
pub(super) struct Stencil {
    /// The largest distance on each axis that has any weight.
    pub(super) radius: [usize; 3],
    /// The weight of each shell; a whole number. The centre is a shell too.
    pub(super) shells: Vec<f64>,
    /// How many voxels each shell has.
    pub(super) voxels: Vec<usize>,
    /// The sum of all weights, the centre's included; a whole number of at most 2⁵³ over the number of raters.
    pub(super) full: f64,
    pub(super) groups: Vec<RowGroup>,
    /// How many raters can be counted together before a count of voxels exceeds [`MAX_COUNT`].
    pub(super) raters_at_once: usize,
}

#[derive(Debug)]
pub(super) struct RowGroup {
    /// Offsets of the rows on the axes D and H, from 0 to twice the radius.
    pub(super) rows: Vec<(usize, usize)>,
    /// Offsets along a row, from 0 to twice the radius, with the shell that is found there.
    pub(super) taps: Vec<(usize, usize)>,
}

/// Voxels are counted in bytes.
const MAX_COUNT: usize = u8::MAX as usize;

impl Stencil {
    pub(super) fn new(taps: &[Tap], raters: usize) -> Self {
        let taps = whole(taps, raters);
        let full = taps.iter().map(|&(_, weight)| weight as f64).sum();

        let reach = |axis: usize| taps.iter().map(|(at, _)| at[axis].unsigned_abs()).max().unwrap_or(0);
        let radius = [reach(0), reach(1), reach(2)];
        let [depth, height, width] =
            [0, 1, 2].map(|axis| move |at: [isize; 3]| at[axis].saturating_add_unsigned(radius[axis]).unsigned_abs());

        let mut by_row: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for &(at, weight) in &taps {
            by_row
                .entry((depth(at), height(at)))
                .or_default()
                .push((width(at), weight));
        }
        let mut alike: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (row, weights) in by_row {
            alike.entry(weights).or_default().push(row);
        }

        let mut shells = Shells::default();
        let mut groups = Vec::new();
        for (weights, rows) in alike {
            for rows in rows.chunks(MAX_COUNT) {
                let taps = weights
                    .iter()
                    .map(|&(at, weight)| (at, shells.add(weight, rows.len())))
                    .collect();
                groups.push(RowGroup {
                    rows: rows.to_vec(),
                    taps,
                });
            }
        }
        let Shells { weights, counts } = shells;
        let raters_at_once = MAX_COUNT / counts.iter().copied().max().unwrap_or(1);
        Self {
            radius,
            shells: weights,
            voxels: counts,
            full,
            groups,
            raters_at_once,
        }
    }
}

/// Offsets from the centre with weights as whole numbers, in proportion to those of `taps`, without those that vanish.
///
/// The centre is among them and weighs exactly as much as all others; alone it weighs 1. The sum for all `raters` is
/// at most 2⁵³, so that `f64` holds every sum of them exactly.
fn whole(taps: &[Tap], raters: usize) -> Vec<([isize; 3], u64)> {
    let bits = 51 - raters.next_power_of_two().ilog2().min(30);
    let scale = (1_u64 << bits) as f64 / taps.iter().map(|tap| tap.weight).sum::<f64>();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded and not negative"
    )]
    let mut neighbours: Vec<_> = taps
        .iter()
        .map(|tap| (tap.offset, (tap.weight * scale).round() as u64))
        .filter(|tap| tap.1 > 0)
        .collect();
    let centre: u64 = neighbours.iter().map(|&(_, weight)| weight).sum();
    neighbours.push(([0; 3], centre.max(1)));
    neighbours
}

/// Shells in the making: none has more voxels than can be counted.
#[derive(Debug, Default)]
struct Shells {
    weights: Vec<f64>,
    counts: Vec<usize>,
}

impl Shells {
    /// The shell that `count` more voxels of this weight belong to.
    fn add(&mut self, weight: u64, count: usize) -> usize {
        let weight = weight as f64;
        let fits = |(w, c): (&f64, &usize)| *w == weight && c + count <= MAX_COUNT;
        let shell = self
            .weights
            .iter()
            .zip(&self.counts)
            .position(fits)
            .unwrap_or(self.weights.len());
        if shell == self.weights.len() {
            self.weights.push(weight);
            self.counts.push(0);
        }
        self.counts[shell] += count;
        shell
    }
}
