//! The labels of all raters at a voxel: most voxels share one of few such patterns.

use std::collections::HashMap;
use std::ops::Range;

use crate::common::arrays::{in_order, zeros};
use crate::common::parallel;
use crate::{Error, Label, Raters, Result, SpatialDim, Window};

/// The patterns of labels in the raters' maps, in the order of their first voxel.
pub(super) struct Patterns<L> {
    /// The label of each rater.
    pub(super) labels: Vec<Vec<L>>,
    /// The number of voxels of each pattern.
    pub(super) counts: Vec<usize>,
    /// The pattern of each voxel in C order.
    pub(super) of_voxel: Vec<u32>,
}

/// Voxels whose patterns are found together.
const PIECE: usize = 1 << 16;

/// Nanoseconds that a label takes.
const COST: usize = 2;

impl<L: Label> Patterns<L> {
    pub(super) fn find<D: SpatialDim>(raters: &Raters<'_, L, D>) -> Result<Self> {
        let maps: Vec<_> = raters.maps().iter().map(|map| in_order(map)).collect::<Result<_>>()?;
        let maps: Vec<&[L]> = maps.iter().map(|map| &**map).collect();
        let mut of_voxel = zeros(raters.dim().size(), raters.shape())?;
        // The patterns and their order are the same for any pieces. One piece needs no merge.
        let work = of_voxel.len().saturating_mul(COST * maps.len());
        let piece = if parallel::threads(work) == 1 {
            of_voxel.len().max(1)
        } else {
            PIECE
        };
        let pieces = of_voxel.chunks_mut(piece).enumerate();
        let found = parallel::map(work, pieces, |(i, of_voxel)| find_piece(&maps, i * piece, of_voxel));
        let too_large = || Error::TooLarge {
            shape: raters.shape().to_vec(),
        };
        let mut found = found
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .ok_or_else(too_large)?
            .into_iter();
        let Some((labels, counts)) = found.next() else {
            return Ok(Self {
                labels: Vec::new(),
                counts: Vec::new(),
                of_voxel,
            });
        };
        let mut all = Self {
            labels,
            counts,
            of_voxel,
        };
        all.merge(piece, found).ok_or_else(too_large)?;
        Ok(all)
    }

    /// Adds the patterns of the second piece and all further ones, and renumbers the patterns of their voxels.
    fn merge(&mut self, piece: usize, others: impl Iterator<Item = (Vec<Vec<L>>, Vec<usize>)>) -> Option<()> {
        let mut known: HashMap<Vec<i128>, u32> = HashMap::new();
        for (labels, pattern) in self.labels.iter().zip(0..) {
            known.insert(values(labels), pattern);
        }
        let mut numbers = Vec::new();
        for (labels, counts) in others {
            let mut of_piece = Vec::with_capacity(labels.len());
            for (labels, count) in labels.into_iter().zip(counts) {
                let next = u32::try_from(self.labels.len()).ok()?;
                let pattern = *known.entry(values(&labels)).or_insert(next);
                if pattern == next {
                    self.labels.push(labels);
                    self.counts.push(0);
                }
                self.counts[pattern as usize] += count;
                of_piece.push(pattern);
            }
            numbers.push(of_piece);
        }
        let work = self.of_voxel.len();
        let pieces = self.of_voxel.chunks_mut(piece).skip(1).zip(&numbers);
        parallel::for_each(work, pieces, |(of_voxel, numbers)| {
            for pattern in of_voxel {
                *pattern = numbers[*pattern as usize];
            }
        });
        Some(())
    }

    /// Writes a value for each voxel, given the value of each pattern.
    pub(super) fn spread<T: Copy + Send + Sync>(&self, of_patterns: &[T], out: &mut [T]) {
        let pieces = out.chunks_mut(PIECE).zip(self.of_voxel.chunks(PIECE));
        parallel::for_each(self.of_voxel.len(), pieces, |(out, patterns)| {
            write(of_patterns, patterns, out);
        });
    }

    /// The box around the voxels whose pattern is disputed, with a margin of so many voxels; all of the map if there are none.
    pub(super) fn disputed(&self, whole: &Window, margin: usize, is_disputed: impl Fn(usize) -> bool) -> Window {
        let disputed: Vec<bool> = (0..self.labels.len()).map(is_disputed).collect();
        let shape = whole.shape();
        let mut ranges: Vec<Range<usize>> = shape.iter().map(|&len| len..0).collect();
        let row = shape.last().copied().unwrap_or(0).max(1);
        for (number, patterns) in self.of_voxel.chunks(row).enumerate() {
            let is_disputed = |pattern: &u32| disputed[*pattern as usize];
            let (Some(first), Some(last)) = (
                patterns.iter().position(is_disputed),
                patterns.iter().rposition(is_disputed),
            ) else {
                continue;
            };
            // From the last axis to the first.
            let mut rest = number;
            for (axis, range) in ranges.iter_mut().enumerate().rev() {
                let (low, high) = if axis + 1 == shape.len() {
                    (first, last)
                } else {
                    let at = rest % shape[axis];
                    rest /= shape[axis];
                    (at, at)
                };
                *range = range.start.min(low)..range.end.max(high + 1);
            }
        }
        // A box that holds something lies within the map.
        let found = Window::new(&shape, &ranges).and_then(|window| window.grown(margin));
        found.unwrap_or_else(|_| whole.clone())
    }

    /// How many voxels of a part of the map each pattern has.
    pub(super) fn counts_in(&self, window: &Window) -> Vec<usize> {
        let mut counts = vec![0; self.labels.len()];
        for row in window.rows() {
            for &pattern in &self.of_voxel[row] {
                counts[pattern as usize] += 1;
            }
        }
        counts
    }

    /// Writes planes of voxels as [`spread_planes`](Self::spread_planes) does, in a part of the map alone.
    pub(super) fn spread_planes_in<T: Copy>(
        &self,
        window: &Window,
        out: &mut [T],
        of_pattern: impl Fn(usize, usize) -> T,
    ) {
        let voxels = self.of_voxel.len().max(1);
        let mut of_patterns = Vec::with_capacity(self.labels.len());
        for (plane, out) in out.chunks_mut(voxels).enumerate() {
            of_patterns.clear();
            of_patterns.extend((0..self.labels.len()).map(|pattern| of_pattern(plane, pattern)));
            for row in window.rows() {
                write(&of_patterns, &self.of_voxel[row.clone()], &mut out[row]);
            }
        }
    }

    /// Writes planes of voxels, one after the other, given what a pattern has in a plane.
    pub(super) fn spread_planes<T: Copy + Send>(
        &self,
        out: &mut [T],
        of_pattern: impl Fn(usize, usize) -> T + Sync + Send,
    ) {
        // The values of a plane's patterns are computed once for each buffer and plane.
        let (voxels, piece) = (self.of_voxel.len().max(1), PIECE.max(self.labels.len()));
        let work = out.len();
        let pieces = out.chunks_mut(voxels).enumerate().flat_map(|(plane, out)| {
            let pieces = out.chunks_mut(piece).zip(self.of_voxel.chunks(piece));
            pieces.map(move |(out, patterns)| (plane, out, patterns))
        });
        let none = || (None, Vec::new());
        parallel::map_with(work, pieces, none, |(last, of_patterns), (plane, out, patterns)| {
            if last.replace(plane) != Some(plane) {
                of_patterns.clear();
                of_patterns.extend((0..self.labels.len()).map(|pattern| of_pattern(plane, pattern)));
            }
            write(of_patterns, patterns, out);
        });
    }
}

fn write<T: Copy>(of_patterns: &[T], patterns: &[u32], out: &mut [T]) {
    for (out, &pattern) in out.iter_mut().zip(patterns) {
        *out = of_patterns[pattern as usize];
    }
}

fn values<L: Label>(labels: &[L]) -> Vec<i128> {
    labels.iter().map(|label| label.value()).collect()
}

/// Finds the patterns of some voxels in the order of their first voxel, and how many voxels each has; nothing if there are
/// too many to be numbered.
fn find_piece<L: Label>(maps: &[&[L]], start: usize, of_voxel: &mut [u32]) -> Option<(Vec<Vec<L>>, Vec<usize>)> {
    let mut known: HashMap<Vec<i128>, u32> = HashMap::new();
    let (mut patterns, mut counts) = (Vec::new(), Vec::new());
    let maps: Vec<_> = maps.iter().map(|map| &map[start..start + of_voxel.len()]).collect();
    // Neighbours mostly have the same pattern.
    let (mut last, mut current): (u32, Vec<L>) = (0, Vec::new());
    let mut first_of_run = 0;
    for voxel in 0..of_voxel.len() {
        let repeats = !current.is_empty() && maps.iter().zip(&current).all(|(map, label)| map[voxel] == *label);
        if !repeats {
            if let Some(count) = counts.get_mut(last as usize) {
                *count += voxel - first_of_run;
            }
            first_of_run = voxel;
            current = maps.iter().map(|map| map[voxel]).collect();
            let next = u32::try_from(patterns.len()).ok()?;
            last = *known.entry(values(&current)).or_insert(next);
            if last == next {
                patterns.push(current.clone());
                counts.push(0);
            }
        }
        of_voxel[voxel] = last;
    }
    if let Some(count) = counts.get_mut(last as usize) {
        *count += of_voxel.len() - first_of_run;
    }
    Some((patterns, counts))
}
