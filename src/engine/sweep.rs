//! Going through the planes of a tile, one after the other.

use super::Smoothing;
use super::block_encoder::BlockEncoder;
use super::index::{ClassIndex, LabelIndexer};
use super::plane_ring::PlaneRing;
use super::presence::Presence;
use super::stencil::Stencil;
use super::table::Table;
use super::tiles::Tile;
use super::volumes::{LabelVolumes, UnknownLabel};
use crate::{Classes, Label, SoftFloat};

/// What is done with label maps, whatever the width of the class indices.
pub(super) trait Job<F> {
    fn run<L: Label, I: ClassIndex>(self, context: &Context<'_, '_, L, F, I>) -> Result<(), UnknownLabel>;
}

/// Runs a job with class indices that are wide enough for the classes.
pub(super) fn run<L: Label, F: SoftFloat>(
    job: impl Job<F>,
    smoothing: &Smoothing,
    volumes: &LabelVolumes<'_, L>,
    classes: &Classes,
) -> Result<(), UnknownLabel> {
    if classes.len() <= u8::CAPACITY {
        job.run(&Context::<L, F, u8>::new(smoothing, volumes, classes))
    } else {
        job.run(&Context::<L, F, u16>::new(smoothing, volumes, classes))
    }
}

/// What all tiles share.
pub(super) struct Context<'a, 'v, L, F, I> {
    pub(super) smoothing: &'a Smoothing,
    pub(super) classes: usize,
    stencil: Stencil,
    table: Option<Table<F>>,
    indexer: LabelIndexer<L, I>,
    volumes: &'a LabelVolumes<'v, L>,
}

impl<'a, 'v, L: Label, F: SoftFloat, I: ClassIndex> Context<'a, 'v, L, F, I> {
    fn new(smoothing: &'a Smoothing, volumes: &'a LabelVolumes<'v, L>, classes: &Classes) -> Self {
        let raters = volumes.views.len();
        let stencil = Stencil::new(smoothing, raters);
        let table = (raters == 1).then(|| Table::new(smoothing, &stencil)).flatten();
        Self {
            smoothing,
            classes: classes.len(),
            stencil,
            table,
            indexer: LabelIndexer::new(classes),
            volumes,
        }
    }
}

/// One way through the planes of a tile.
pub(super) struct Sweep<'a, 'v, L, F, I> {
    context: &'a Context<'a, 'v, L, F, I>,
    /// The planes of each rater.
    pub(super) rings: Vec<PlaneRing<I>>,
    pub(super) presence: Presence<I>,
    pub(super) block_encoder: BlockEncoder<'a, F>,
}

impl<'a, 'v, L: Label, F: SoftFloat, I: ClassIndex> Sweep<'a, 'v, L, F, I> {
    pub(super) fn new(context: &'a Context<'a, 'v, L, F, I>, tile: Tile) -> Self {
        let Context {
            smoothing,
            stencil,
            table,
            volumes,
            ..
        } = context;
        Self {
            context,
            rings: volumes
                .views
                .iter()
                .map(|_| PlaneRing::new(tile, stencil.radius))
                .collect(),
            presence: Presence::new(tile, stencil.radius),
            block_encoder: BlockEncoder::new(smoothing, stencil, table.as_ref(), volumes.weights),
        }
    }

    /// Goes to plane `d` of the tile; `d` is 0 first and then one more each time.
    pub(super) fn go_to(&mut self, d: usize) -> Result<(), UnknownLabel> {
        for (ring, view) in self.rings.iter_mut().zip(&self.context.volumes.views) {
            ring.advance(d, view, &self.context.indexer)?;
        }
        self.presence.advance(d, &self.rings);
        if let Some(ring) = self.rings.first() {
            self.block_encoder.go_to(d, ring);
        }
        Ok(())
    }
}
