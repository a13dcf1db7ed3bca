//! Which classes the rows and blocks of a plane's neighbourhood hold.

use super::BLOCK;
use super::index::ClassIndex;
use super::plane_ring::PlaneRing;
use super::tiles::Tile;

/// A small set of class indices. It may say that a class is in it that is not, but never the reverse.
///
/// Class `c` is bit `c % 127`, an ignored voxel is bit 127: exact up to 127 classes, and beyond that a class shares
/// its bit with a few others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ClassSet(u128);

impl ClassSet {
    const CLASS_BITS: usize = 127;
    const IGNORED: Self = Self(1 << Self::CLASS_BITS);
    /// The set of each 8-bit index, as a table: shifting 128 bits is slow.
    const OF_BYTE: [Self; 256] = {
        let mut table = [Self::IGNORED; 256];
        let mut class = 0;
        while class < 255 {
            table[class] = Self(1 << (class % Self::CLASS_BITS));
            class += 1;
        }
        table
    };

    fn of<I: ClassIndex>(index: I) -> Self {
        match Self::OF_BYTE.get(index.class()) {
            Some(set) if I::CAPACITY == u8::CAPACITY => *set,
            _ if index == I::IGNORED => Self::IGNORED,
            _ => Self(1 << (index.class() % Self::CLASS_BITS)),
        }
    }

    fn of_all<I: ClassIndex>(indices: &[I]) -> Self {
        indices
            .iter()
            .fold(Self::default(), |set, &index| set.or(Self::of(index)))
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a voxel may be ignored.
    pub(super) fn has_ignored(self) -> bool {
        self.0 & Self::IGNORED.0 != 0
    }

    /// The classes below `classes` that may be in the set.
    pub(super) fn classes(self, classes: usize) -> impl Iterator<Item = usize> {
        let mut bits = self.0 & !Self::IGNORED.0;
        let lowest = std::iter::from_fn(move || {
            let bit = bits.trailing_zeros() as usize;
            bits &= bits.wrapping_sub(1);
            (bit < Self::CLASS_BITS).then_some(bit)
        });
        lowest.flat_map(move |bit| (bit..classes).step_by(Self::CLASS_BITS))
    }
}

/// The lowest and the highest class index of many places. Where they are equal the place is homogeneous. Where they differ,
/// the range may be wider than the indices that occur.
#[derive(Debug, Clone)]
struct Extremes<I> {
    lowest: Vec<I>,
    highest: Vec<I>,
}

impl<I: ClassIndex> Extremes<I> {
    fn new(len: usize) -> Self {
        Self {
            lowest: vec![I::IGNORED; len],
            highest: vec![I::from_class(0); len],
        }
    }

    fn clear(&mut self) {
        self.lowest.fill(I::IGNORED);
        self.highest.fill(I::from_class(0));
    }

    /// Widens every place to what `other` holds from its place `skip` on.
    fn widen(&mut self, other: &Self, skip: usize) {
        self.lowest
            .iter_mut()
            .zip(&other.lowest[skip..])
            .for_each(|(all, &one)| *all = one.min(*all));
        self.highest
            .iter_mut()
            .zip(&other.highest[skip..])
            .for_each(|(all, &one)| *all = one.max(*all));
    }

    /// Adds what a place holds to its range: one class index, or `None` for several.
    fn include(&mut self, place: usize, only: Option<I>) {
        let (lowest, highest) = only.map_or((I::from_class(0), I::IGNORED), |index| (index, index));
        self.lowest[place] = lowest.min(self.lowest[place]);
        self.highest[place] = highest.max(self.highest[place]);
    }

    fn only(&self, place: usize) -> Option<I> {
        (self.lowest[place] == self.highest[place]).then(|| self.lowest[place])
    }
}

/// The classes present in the rows and blocks of one padded plane.
#[derive(Debug, Clone)]
struct PlanePresence<I> {
    rows: Extremes<I>,
    /// Row by row.
    blocks: Extremes<I>,
    /// The set of each block that is not homogeneous; the others are out of date.
    sets: Vec<ClassSet>,
}

/// What the neighbourhood of a row or block holds.
pub(super) enum Contents<I> {
    /// One class alone, or ignored voxels alone.
    One(I),
    Mixed(ClassSet),
}

/// The classes present around every row and block of a plane, those of all raters together.
#[derive(Debug)]
pub(super) struct Presence<I> {
    radius: [usize; 3],
    height: usize,
    blocks: usize,
    /// What was found in each plane that is loaded; a ring buffer as that of the planes.
    ring: Vec<PlanePresence<I>>,
    planes_read: usize,
    /// What was found in each row and block of all planes of the ring together.
    column_rows: Extremes<I>,
    column_blocks: Extremes<I>,
    /// Around each row, and around each block.
    near_rows: Extremes<I>,
    near_blocks: Extremes<I>,
}

impl<I: ClassIndex> Presence<I> {
    pub(super) fn new(tile: Tile, radius: [usize; 3]) -> Self {
        let (height, blocks) = (tile.size[1], tile.size[2].div_ceil(BLOCK));
        let padded = height + 2 * radius[1];
        let plane = PlanePresence {
            rows: Extremes::new(padded),
            blocks: Extremes::new(padded * blocks),
            sets: vec![ClassSet::default(); padded * blocks],
        };
        Self {
            radius,
            height,
            blocks,
            column_rows: plane.rows.clone(),
            column_blocks: plane.blocks.clone(),
            ring: vec![plane; 2 * radius[0] + 1],
            planes_read: 0,
            near_rows: Extremes::new(height),
            near_blocks: Extremes::new(height * blocks),
        }
    }

    /// Goes to plane `d` of the tile, which all raters' `rings` have loaded with its neighbours.
    pub(super) fn advance(&mut self, d: usize, rings: &[PlaneRing<I>]) {
        while self.planes_read <= d + 2 * self.radius[0] {
            self.read_plane(self.planes_read, rings);
            self.planes_read += 1;
        }
        // First over planes and then over rows: fewer steps than over both at once, each a long plain loop.
        self.column_rows.clear();
        self.column_blocks.clear();
        for plane in &self.ring {
            self.column_rows.widen(&plane.rows, 0);
            self.column_blocks.widen(&plane.blocks, 0);
        }
        self.near_rows.clear();
        self.near_blocks.clear();
        for dh in 0..=2 * self.radius[1] {
            self.near_rows.widen(&self.column_rows, dh);
            self.near_blocks.widen(&self.column_blocks, dh * self.blocks);
        }
    }

    fn read_plane<'a>(&mut self, plane: usize, rings: &'a [PlaneRing<I>]) {
        let slot = plane % self.ring.len();
        let PlanePresence { rows, blocks, sets } = &mut self.ring[slot];
        rows.clear();
        blocks.clear();
        let width = BLOCK + 2 * self.radius[2];
        for h in 0..self.height + 2 * self.radius[1] {
            for ring in rings {
                rows.include(h, only(ring.row(plane, h)));
            }
            let places = h * self.blocks..(h + 1) * self.blocks;
            if let Some(index) = rows.only(h) {
                places.for_each(|place| blocks.include(place, Some(index)));
                continue;
            }
            for (block, place) in places.enumerate() {
                let of_block = |ring: &'a PlaneRing<I>| &ring.row(plane, h)[block * BLOCK..][..width];
                for ring in rings {
                    blocks.include(place, only(of_block(ring)));
                }
                if blocks.only(place).is_none() {
                    let set = |ring| ClassSet::of_all(of_block(ring));
                    sets[place] = rings.iter().map(set).fold(ClassSet::default(), ClassSet::or);
                }
            }
        }
    }

    /// What is found around row `h` of the plane, if it is one thing.
    pub(super) fn row(&self, h: usize) -> Option<I> {
        self.near_rows.only(h)
    }

    /// What is found around each block of row `h`.
    pub(super) fn blocks(&self, h: usize) -> impl Iterator<Item = Contents<I>> {
        (h * self.blocks..(h + 1) * self.blocks).map(|place| match self.near_blocks.only(place) {
            Some(index) => Contents::One(index),
            None => Contents::Mixed(self.set(place)),
        })
    }

    /// The classes around a block.
    fn set(&self, place: usize) -> ClassSet {
        let mut all = ClassSet::default();
        for plane in &self.ring {
            for dh in 0..=2 * self.radius[1] {
                let place = place + dh * self.blocks;
                all = all.or(plane.blocks.only(place).map_or_else(|| plane.sets[place], ClassSet::of));
            }
        }
        all
    }
}

/// The one class index of a row, or nothing if there are more.
fn only<I: ClassIndex>(row: &[I]) -> Option<I> {
    // They are alike if each equals the next; comparing slices is faster than a loop.
    let (&first, rest) = row.split_first()?;
    (row[..rest.len()] == *rest).then_some(first)
}
