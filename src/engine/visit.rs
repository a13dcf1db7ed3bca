//! Sparse soft labels: a visitor receives runs of one class and mixed blocks, in the order of the voxels.

use super::BLOCK;
use super::index::ClassIndex;
use super::mixing::Present;
use super::presence::Contents;
use super::sweep::{Context, Sweep};
use super::tiles::Tile;
use crate::SoftFloat;

/// Receives the soft labels of a tile, in the order of the voxels. A channel is a class, unless classes are mixed.
pub(crate) trait Visitor<F>: Send {
    /// The next `len` voxels have these values of some channels, ascending; all others are 0. Ignored voxels have none.
    fn run(&mut self, values: &[(usize, F)], len: usize);
    /// A block of this many voxels has the values of some channels, ascending; all others are 0.
    fn block<const N: usize>(&mut self, channels: &[usize], values: &[[F; N]], len: usize);
}

/// Shows the voxels of a tile to its visitor.
pub(super) fn visit_tile<F: SoftFloat, I: ClassIndex>(
    context: &Context<'_, F, I>,
    tile: Tile,
    mut visitor: impl Visitor<F>,
) {
    let [depth, height, width] = tile.size;
    let mut sweep = Sweep::new(context, tile);
    let (mut present, mut values) = (Present::default(), Vec::new());
    let (mut channels, mut alone) = (Vec::new(), Vec::new());
    let set_alone = |alone: &mut Vec<_>, index: I| {
        alone.clear();
        match context.mixing {
            _ if index == I::IGNORED => {}
            None => alone.push((index.class(), F::round_from(1.0))),
            Some(mixing) => {
                let row = mixing.row(index.class()).iter();
                let row = row.map(|&(channel, entry)| (channel, F::round_from(entry)));
                alone.extend(row.filter(|(_, value)| *value != F::zero()));
            }
        }
    };

    for d in 0..depth {
        sweep.go_to(d);
        for h in 0..height {
            if let Some(index) = sweep.presence.row(h) {
                set_alone(&mut alone, index);
                visitor.run(&alone, width);
                continue;
            }
            for (block, contents) in sweep.presence.blocks(h).enumerate() {
                let w = block * BLOCK;
                let len = BLOCK.min(width - w);
                match contents {
                    Contents::One(index) => {
                        set_alone(&mut alone, index);
                        visitor.run(&alone, len);
                    }
                    Contents::Mixed(set) => {
                        present.set(set.classes(context.classes), context.mixing, false);
                        values.resize(present.columns(), [F::zero(); BLOCK]);
                        sweep
                            .block_encoder
                            .encode(&mut values, &present, set.has_ignored(), &sweep.rings, [h, w]);
                        channels.clear();
                        channels.extend(present.channels.iter().map(|touched| touched.channel));
                        visitor.block(&channels, &values, len);
                    }
                }
            }
        }
    }
}
