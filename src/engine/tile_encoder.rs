//! Encodes one tile after the other, in any order, for a caller who needs its soft labels only for a moment.

use std::sync::atomic::AtomicBool;

use ndarray::ArrayViewMut4;

use super::dense::encode_tile;
use super::index::ClassIndex;
use super::sweep::Context;
use super::tiles::Tile;
use super::volumes::volume;
use super::{Plan, readers};
use crate::{Classes, Label, Raters, Result, SoftFloat, SpatialDim};

/// Encodes tiles of the label maps of one image.
pub(crate) trait TileEncoder<F>: Sync {
    /// Writes the soft labels of a tile to `out` (C, D, H, W), which has its size and is not empty.
    fn encode(&self, tile: Tile, out: ArrayViewMut4<'_, F>);
}

impl<F: SoftFloat, I: ClassIndex> TileEncoder<F> for Context<'_, F, I> {
    fn encode(&self, tile: Tile, out: ArrayViewMut4<'_, F>) {
        encode_tile(self, tile, out);
    }
}

/// Prepares to encode tiles. `unknown` is set when a label is neither a class nor ignored.
pub(crate) fn tile_encoder<'a, L: Label, F: SoftFloat, D: SpatialDim>(
    plan: &'a Plan,
    raters: &'a Raters<'_, L, D>,
    classes: &Classes,
    unknown: &'a AtomicBool,
) -> Result<Box<dyn TileEncoder<F> + 'a>> {
    let maps: Vec<_> = raters.maps().iter().map(volume).collect::<Result<_>>()?;
    let (smoothing, mixing, weights) = (&plan.smoothing, plan.mixing.as_ref(), raters.weights());
    Ok(if classes.len() <= u8::CAPACITY {
        let readers = readers(&maps, classes, unknown);
        Box::new(Context::<_, u8>::new(
            smoothing,
            classes.len(),
            mixing,
            readers,
            weights,
        ))
    } else {
        let readers = readers(&maps, classes, unknown);
        Box::new(Context::<_, u16>::new(
            smoothing,
            classes.len(),
            mixing,
            readers,
            weights,
        ))
    })
}
