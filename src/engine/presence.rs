//! Which classes the neighbourhood of each block holds.

use super::index::ClassIndex;
use super::planes::LabelPlanes;
use super::{BLOCK, Frame};

/// A small set of class indices that may say yes too often, never no.
///
/// Class `c` is bit `c % 127`, an ignored voxel is bit 127: exact up to 127 classes, and beyond that a class shares
/// its bit with a few others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ClassSet(u128);

impl ClassSet {
    const IGNORED: Self = Self(1 << Self::CLASS_BITS);
    const CLASS_BITS: usize = 127;
    /// The set of each byte, as a table: shifting 128 bits is slow.
    const OF_BYTE: [Self; 256] = {
        let mut table = [Self::IGNORED; 256];
        let mut class = 0;
        while class < 255 {
            table[class] = Self(1 << (class % Self::CLASS_BITS));
            class += 1;
        }
        table
    };

    pub(super) fn of<I: ClassIndex>(index: I) -> Self {
        match Self::OF_BYTE.get(index.class()) {
            Some(set) if I::CAPACITY == u8::CAPACITY => *set,
            _ if index == I::IGNORED => Self::IGNORED,
            _ => Self(1 << (index.class() % Self::CLASS_BITS)),
        }
    }

    fn of_row<I: ClassIndex>(row: &[I]) -> Self {
        let Some(&first) = row.first() else {
            return Self::default();
        };
        if row.iter().fold(true, |alike, &index| alike & (index == first)) {
            Self::of(first)
        } else {
            row.iter().fold(Self::default(), |set, &index| set.or(Self::of(index)))
        }
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn may_hold(self, class: Self) -> bool {
        self.0 & class.0 != 0
    }

    pub(super) fn may_hold_ignored(self) -> bool {
        self.may_hold(Self::IGNORED)
    }

    pub(super) fn is_all_ignored(self) -> bool {
        self == Self::IGNORED
    }
}

/// The classes present around every block of a plane, its rows, and all of it.
#[derive(Debug)]
pub(super) struct Presence {
    radius: [usize; 3],
    blocks: usize,
    /// Whether a set with one bit is a set of one class.
    exact: bool,
    /// For each plane that is loaded, the set of each block of each padded row; a ring like that of the planes.
    ring: Vec<Vec<ClassSet>>,
    loaded: usize,
    /// The same over all planes of the ring.
    column: Vec<ClassSet>,
    /// The set of each block's neighbourhood, row by row.
    near: Vec<ClassSet>,
    rows: Vec<ClassSet>,
    plane: ClassSet,
}

impl Presence {
    pub(super) fn new(classes: usize, frame: Frame, radius: [usize; 3]) -> Self {
        let blocks = frame.size[2].div_ceil(BLOCK);
        let padded = vec![ClassSet::default(); blocks * (frame.size[1] + 2 * radius[1])];
        Self {
            radius,
            blocks,
            exact: classes <= ClassSet::CLASS_BITS,
            column: padded.clone(),
            ring: vec![padded; 2 * radius[0] + 1],
            loaded: 0,
            near: vec![ClassSet::default(); blocks * frame.size[1]],
            rows: vec![ClassSet::default(); frame.size[1]],
            plane: ClassSet::default(),
        }
    }

    /// Looks at plane `d` of the frame, whose neighbours all raters' `slabs` have loaded.
    pub(super) fn update<I: ClassIndex>(&mut self, d: usize, slabs: &[LabelPlanes<I>]) {
        while self.loaded <= d + 2 * self.radius[0] {
            self.scan(self.loaded, slabs);
            self.loaded += 1;
        }

        self.column.fill(ClassSet::default());
        for plane in &self.ring {
            self.column
                .iter_mut()
                .zip(plane)
                .for_each(|(all, set)| *all = all.or(*set));
        }
        self.plane = ClassSet::default();
        for (h, near) in self.near.chunks_exact_mut(self.blocks).enumerate() {
            near.fill(ClassSet::default());
            for row in self
                .column
                .chunks_exact(self.blocks)
                .skip(h)
                .take(2 * self.radius[1] + 1)
            {
                near.iter_mut().zip(row).for_each(|(all, set)| *all = all.or(*set));
            }
            self.rows[h] = near.iter().fold(ClassSet::default(), |all, set| all.or(*set));
            self.plane = self.plane.or(self.rows[h]);
        }
    }

    fn scan<I: ClassIndex>(&mut self, plane: usize, slabs: &[LabelPlanes<I>]) {
        let slot = plane % self.ring.len();
        let width = BLOCK + 2 * self.radius[2];
        for (h, sets) in self.ring[slot].chunks_exact_mut(self.blocks).enumerate() {
            sets.fill(ClassSet::default());
            for slab in slabs {
                let row = slab.row(plane, 0, h, 0);
                for (block, set) in sets.iter_mut().enumerate() {
                    *set = set.or(ClassSet::of_row(&row[block * BLOCK..][..width]));
                }
            }
        }
    }

    /// The classes around all of the plane.
    pub(super) fn plane(&self) -> ClassSet {
        self.plane
    }

    /// The classes around a row, and around each of its blocks.
    pub(super) fn rows(&self) -> impl Iterator<Item = (ClassSet, &[ClassSet])> {
        self.rows.iter().copied().zip(self.near.chunks_exact(self.blocks))
    }

    /// Whether `set` is certain to be `class` alone.
    pub(super) fn is_only(&self, set: ClassSet, class: ClassSet) -> bool {
        self.exact && set == class
    }
}
