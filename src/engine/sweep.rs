//! Going through the planes of a tile, one after the other.

use super::Smoothing;
use super::block_encoder::BlockEncoder;
use super::index::ClassIndex;
use super::mixing::Mixing;
use super::plane_ring::PlaneRing;
use super::presence::Presence;
use super::reader::IndexReader;
use super::stencil::Stencil;
use super::table::Table;
use super::tiles::Tile;
use crate::SoftFloat;

/// What all tiles share.
pub(super) struct Context<'a, F, I> {
    pub(super) smoothing: &'a Smoothing,
    pub(super) classes: usize,
    pub(super) mixing: Option<&'a Mixing>,
    stencil: Stencil,
    table: Option<Table<F>>,
    /// A reader for each rater's label map, and the raters' weights.
    readers: Vec<Box<dyn IndexReader<I> + 'a>>,
    weights: &'a [f64],
}

impl<'a, F: SoftFloat, I: ClassIndex> Context<'a, F, I> {
    pub(super) fn new(
        smoothing: &'a Smoothing,
        classes: usize,
        mixing: Option<&'a Mixing>,
        readers: Vec<Box<dyn IndexReader<I> + 'a>>,
        weights: &'a [f64],
    ) -> Self {
        let stencil = Stencil::new(smoothing, readers.len());
        let table = (readers.len() == 1).then(|| Table::new(smoothing, &stencil)).flatten();
        Self {
            smoothing,
            classes,
            mixing,
            stencil,
            table,
            readers,
            weights,
        }
    }

    pub(super) fn channels(&self) -> usize {
        self.mixing.map_or(self.classes, Mixing::channels)
    }

    /// How many planes are best read together.
    pub(super) fn planes_at_once(&self) -> usize {
        self.readers
            .iter()
            .map(|reader| reader.planes_at_once())
            .max()
            .unwrap_or(1)
    }
}

/// One way through the planes of a tile.
pub(super) struct Sweep<'a, F, I> {
    context: &'a Context<'a, F, I>,
    /// The planes of each rater.
    pub(super) rings: Vec<PlaneRing<I>>,
    pub(super) presence: Presence<I>,
    pub(super) block_encoder: BlockEncoder<'a, F>,
}

impl<'a, F: SoftFloat, I: ClassIndex> Sweep<'a, F, I> {
    pub(super) fn new(context: &'a Context<'a, F, I>, tile: Tile) -> Self {
        let Context { stencil, readers, .. } = context;
        // All rings alike, so that a row is at the same place in each.
        let ring = PlaneRing::new(tile, stencil.radius, context.planes_at_once());
        Self {
            context,
            rings: vec![ring; readers.len()],
            presence: Presence::new(tile, stencil.radius),
            block_encoder: BlockEncoder::new(
                context.smoothing,
                stencil,
                context.mixing,
                context.table.as_ref(),
                context.weights,
            ),
        }
    }

    /// Goes to plane `d` of the tile; `d` is 0 first and then one more each time.
    pub(super) fn go_to(&mut self, d: usize) {
        for (ring, reader) in self.rings.iter_mut().zip(&self.context.readers) {
            ring.advance(d, &**reader);
        }
        self.presence.advance(d, &self.rings);
        if let Some(ring) = self.rings.first() {
            self.block_encoder.go_to(d, ring);
        }
    }
}
