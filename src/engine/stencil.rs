//! The kernel in the form in which the engine counts it.

use std::array::from_fn;
use std::collections::BTreeMap;

use super::{BLOCK, SPAN};
use crate::taps::Tap;

/// Weights as whole numbers, ordered for counting.
///
/// Taps of equal weight form a *shell*, and what matters is how many of a shell's voxels hold a class. Rows of taps
/// with the same weights from left to right form a *row group*; its rows are added up first and shifted together after.
#[derive(Debug)]
pub(super) struct Stencil {
    /// The largest distance on each axis that has any weight.
    pub(super) radius: [usize; 3],
    pub(super) shells: Vec<Shell>,
    /// For each row group, the offsets of its rows on the axes D and H, from 0 to twice the radius.
    pub(super) groups: Vec<Vec<[usize; 2]>>,
    /// How many spans of counts a row group has.
    pub(super) spans: usize,
    /// The sum of all weights, the centre's included; a whole number of at most 2⁵³ over the number of raters.
    pub(super) full: f64,
    /// How many raters can be counted together before a count of voxels exceeds [`MAX_COUNT`].
    pub(super) raters_at_once: usize,
}

/// Voxels of equal weight around the centre, which is one itself.
#[derive(Debug)]
pub(super) struct Shell {
    /// A whole number.
    pub(super) weight: f64,
    pub(super) voxels: usize,
    /// Where, among the counts of all row groups, those start that make up the shell's.
    pub(super) places: Vec<usize>,
}

/// Voxels are counted in bytes.
const MAX_COUNT: usize = u8::MAX as usize;

impl Stencil {
    pub(super) fn new(taps: &[Tap], raters: usize) -> Self {
        let taps = whole(taps, raters);
        let full = taps.iter().map(|&(_, weight)| weight as f64).sum();

        let reach = |axis: usize| taps.iter().map(|(at, _)| at[axis].unsigned_abs()).max().unwrap_or(0);
        let radius = [reach(0), reach(1), reach(2)];
        let mut by_row: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for &(at, weight) in &taps {
            let [d, h, w] = from_fn(|axis| at[axis].saturating_add_unsigned(radius[axis]).unsigned_abs());
            by_row.entry([d, h]).or_default().push((w, weight));
        }
        let mut alike: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (row, weights) in by_row {
            alike.entry(weights).or_default().push(row);
        }

        let spans = (BLOCK + 2 * radius[2]).div_ceil(SPAN);
        let (mut shells, mut groups) = (Shells::default(), Vec::new());
        for (weights, rows) in alike {
            for rows in rows.chunks(MAX_COUNT) {
                for &(w, weight) in &weights {
                    shells.add(weight, rows.len(), groups.len() * spans * SPAN + w);
                }
                groups.push(rows.to_vec());
            }
        }
        let shells = shells.all;
        let raters_at_once = MAX_COUNT / shells.iter().map(|shell| shell.voxels).max().unwrap_or(1);
        Self {
            radius,
            shells,
            groups,
            spans,
            full,
            raters_at_once,
        }
    }
}

/// Shells in the making.
#[derive(Default)]
struct Shells {
    all: Vec<Shell>,
    /// The shell of each weight that was added to last.
    latest: BTreeMap<u64, usize>,
}

impl Shells {
    /// Adds some voxels to the shell of their weight, or to a new one where they would be too many to count.
    fn add(&mut self, weight: u64, voxels: usize, place: usize) {
        match self.latest.get(&weight).and_then(|&latest| self.all.get_mut(latest)) {
            Some(shell) if shell.voxels + voxels <= MAX_COUNT => {
                shell.voxels += voxels;
                shell.places.push(place);
            }
            _ => {
                self.latest.insert(weight, self.all.len());
                self.all.push(Shell {
                    weight: weight as f64,
                    voxels,
                    places: vec![place],
                });
            }
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
