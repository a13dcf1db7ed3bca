//! Dense soft labels: every class's plane is written, plane by plane.

use ndarray::{ArrayViewMut4, Axis, Slice};

use super::class_runs::ClassRuns;
use super::index::ClassIndex;
use super::sweep::{Context, Job, Sweep};
use super::tiles::{self, Tile};
use super::volumes::UnknownLabel;
use crate::{Label, SoftFloat};

/// Writes the soft labels of the voxels of a tile to `out` (C, D, H, W), which has its size and is not empty.
pub(super) struct Encode<'o, F> {
    pub(super) tile: Tile,
    pub(super) out: ArrayViewMut4<'o, F>,
}

impl<F: SoftFloat> Job<F> for Encode<'_, F> {
    fn run<L: Label, I: ClassIndex>(self, context: &Context<'_, '_, L, F, I>) -> Result<(), UnknownLabel> {
        tiles::for_each_with_output(self.tile, self.out, |tile, out| encode_tile(context, tile, out))
    }
}

fn encode_tile<L: Label, F: SoftFloat, I: ClassIndex>(
    context: &Context<'_, '_, L, F, I>,
    tile: Tile,
    mut out: ArrayViewMut4<'_, F>,
) -> Result<(), UnknownLabel> {
    let [depth, height, width] = tile.size;
    let mut sweep = Sweep::new(context, tile);
    let mut runs = ClassRuns::new(context.smoothing, context.classes, [height, width]);
    let mut copy = Vec::new();
    for d in 0..depth {
        sweep.go_to(d)?;
        let mut rows = 0..0;
        while rows.end < height {
            rows = runs.collect(rows.end, &sweep.presence, |values, classes, at, ignored| {
                sweep.block_encoder.encode(values, classes, ignored, &sweep.rings, at);
            });
            for (class, mut volume) in out.axis_iter_mut(Axis(0)).enumerate() {
                let mut plane = volume.index_axis_mut(Axis(0), d);
                let mut band = plane.slice_axis_mut(Axis(0), Slice::from(rows.clone()));
                if let Some(pixels) = band.as_slice_mut() {
                    runs.write(class, pixels);
                } else {
                    copy.resize(rows.len() * width, F::zero());
                    runs.write(class, &mut copy);
                    band.iter_mut().zip(&copy).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }
    Ok(())
}
