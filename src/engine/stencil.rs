//! The kernel in the form in which the engine counts it.

use std::array::from_fn;
use std::collections::BTreeMap;

use super::taps::Tap;
use super::{BLOCK, SPAN, Smoothing};

/// Weights as whole numbers, grouped for counting.
///
/// Taps of equal weight form a *shell*, and what matters is how many of a shell's voxels hold a class. Rows of taps
/// with the same weights from left to right form a *row group*: its rows are added up first, and shifted together after.
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
    /// How much more the centre weighs than all neighbours together, if there are any.
    pub(super) surplus: f64,
    /// How many raters can be counted together before a count of voxels exceeds [`MAX_COUNT`].
    pub(super) raters_at_once: usize,
}

/// Voxels of equal weight around the centre, which is one itself.
#[derive(Debug)]
pub(super) struct Shell {
    /// A whole number.
    pub(super) weight: f64,
    pub(super) voxels: usize,
    /// Where, among the counts of all row groups, those of the shell start.
    pub(super) starts: Vec<usize>,
}

/// Voxels are counted in bytes.
const MAX_COUNT: usize = u8::MAX as usize;

impl Stencil {
    pub(super) fn new(smoothing: &Smoothing, raters: usize) -> Self {
        let mut taps = to_whole_numbers(&smoothing.taps, smoothing.strength, raters);
        let neighbours: u64 = taps.iter().map(|&(_, weight)| weight).sum();
        let centre = centre(neighbours, smoothing.strength);
        taps.push(([0; 3], centre));
        let full = (neighbours + centre) as f64;
        let surplus = if neighbours == 0 { 0 } else { centre - neighbours } as f64;

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
        let (mut shells, mut groups) = (ShellsBuilder::default(), Vec::new());
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
            surplus,
            raters_at_once,
        }
    }
}

/// Builds the shells.
#[derive(Default)]
struct ShellsBuilder {
    all: Vec<Shell>,
    /// The shell of each weight to which voxels were added last.
    latest: BTreeMap<u64, usize>,
}

impl ShellsBuilder {
    /// Adds some voxels to the shell of their weight, or to a new one where they would be too many to count.
    fn add(&mut self, weight: u64, voxels: usize, start: usize) {
        match self.latest.get(&weight).and_then(|&latest| self.all.get_mut(latest)) {
            Some(shell) if shell.voxels + voxels <= MAX_COUNT => {
                shell.voxels += voxels;
                shell.starts.push(start);
            }
            _ => {
                self.latest.insert(weight, self.all.len());
                self.all.push(Shell {
                    weight: weight as f64,
                    voxels,
                    starts: vec![start],
                });
            }
        }
    }
}

/// The neighbours with weights as whole numbers, in proportion to those of `taps`, without those that vanish.
///
/// Together they have `strength / 2` of the sum. The sum for all `raters`, centres included, is at most 2⁵³, so that
/// `f64` holds every sum of them exactly.
fn to_whole_numbers(taps: &[Tap], strength: f64, raters: usize) -> Vec<([isize; 3], u64)> {
    let bits = 51 - raters.next_power_of_two().ilog2().min(30);
    let scale = (1_u64 << bits) as f64 * strength / taps.iter().map(|tap| tap.weight).sum::<f64>();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded and not negative"
    )]
    let neighbours = taps.iter().map(|tap| (tap.offset, (tap.weight * scale).round() as u64));
    neighbours.filter(|tap| tap.1 > 0).collect()
}

/// The weight of the centre: the rest of the sum, `1 - strength / 2` of it as rounded or a little more. At strength 1 it
/// is exactly the weight of all neighbours. Alone it weighs 1.
fn centre(neighbours: u64, strength: f64) -> u64 {
    let sum = neighbours as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded and not negative"
    )]
    let mut centre = (sum * ((2.0 - strength) / strength)).round() as u64;
    while neighbours > 0 && (centre as f64) / (centre as f64 + sum) < 1.0 - strength / 2.0 {
        centre += 1;
    }
    centre.max(1)
}
