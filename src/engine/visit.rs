//! Sparse soft labels: a visitor receives runs of one class and mixed blocks, in the order of the voxels.

use super::BLOCK;
use super::index::ClassIndex;
use super::presence::Contents;
use super::sweep::{Context, Sweep};
use super::tiles::Tile;
use crate::SoftFloat;

/// Receives the soft labels of a tile, in the order of the voxels.
pub(crate) trait Visitor<F>: Send {
    /// The next `len` voxels have probability 1 for `class`, or are ignored (`None`).
    fn run(&mut self, class: Option<usize>, len: usize);
    /// A block of this many voxels has the values of some classes, ascending; all others are 0.
    fn block<const N: usize>(&mut self, classes: &[usize], values: &[[F; N]], len: usize);
}

/// Shows the voxels of a tile to its visitor.
pub(super) fn visit_tile<F: SoftFloat, I: ClassIndex>(
    context: &Context<'_, F, I>,
    tile: Tile,
    mut visitor: impl Visitor<F>,
) {
    let [depth, height, width] = tile.size;
    let mut sweep = Sweep::new(context, tile);
    let (mut present, mut values) = (Vec::new(), Vec::new());
    let class_of = |index: I| (index != I::IGNORED).then(|| index.class());

    for d in 0..depth {
        sweep.go_to(d);
        for h in 0..height {
            if let Some(index) = sweep.presence.row(h) {
                visitor.run(class_of(index), width);
                continue;
            }
            for (block, contents) in sweep.presence.blocks(h).enumerate() {
                let w = block * BLOCK;
                let len = BLOCK.min(width - w);
                match contents {
                    Contents::One(index) => visitor.run(class_of(index), len),
                    Contents::Mixed(set) => {
                        present.clear();
                        present.extend(set.classes(context.classes));
                        present.sort_unstable();
                        values.resize(present.len(), [F::zero(); BLOCK]);
                        sweep
                            .block_encoder
                            .encode(&mut values, &present, set.has_ignored(), &sweep.rings, [h, w]);
                        visitor.block(&present, &values, len);
                    }
                }
            }
        }
    }
}
