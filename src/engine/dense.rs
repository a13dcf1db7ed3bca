//! Dense soft labels: every channel's plane is written, plane by plane.

use ndarray::{ArrayViewMut2, ArrayViewMut4, Axis, Slice};

use super::class_runs::ClassRuns;
use super::element::Element;
use super::index::ClassIndex;
use super::mixing::Mixing;
use super::sweep::{Context, Sweep};
use super::tiles::Tile;

/// Writes the soft labels of the voxels of a tile to `out` (C, D, H, W), which has its size and is not empty.
pub(super) fn encode_tile<E: Element, I: ClassIndex>(
    context: &Context<'_, E::Computed, I>,
    tile: Tile,
    mut out: ArrayViewMut4<'_, E>,
) {
    let rows = tile.rows_at_once(context.planes_at_once());
    for (band, out) in out.axis_chunks_iter_mut(Axis(2), rows).enumerate() {
        encode_band(context, tile.part(1, band * rows, out.len_of(Axis(2))), out);
    }
}

fn encode_band<E: Element, I: ClassIndex>(
    context: &Context<'_, E::Computed, I>,
    tile: Tile,
    mut out: ArrayViewMut4<'_, E>,
) {
    let [depth, height, width] = tile.size;
    let mut sweep = Sweep::new(context, tile);
    let mut runs = ClassRuns::new(context.smoothing, context.channels(), context.mixing, width);
    // Channels beside one another in memory are written to the same cache lines, a few rows at a time.
    let lines = if out.stride_of(Axis(0)).unsigned_abs() < out.stride_of(Axis(3)).unsigned_abs() {
        (LINES / (context.channels() * width)).max(1)
    } else {
        height
    };
    let together = context.mixing.is_none_or(Mixing::is_distribution);
    let (mut buffer, mut copy) = (E::Buffer::default(), Vec::new());
    for d in 0..depth {
        sweep.go_to(d);
        let mut rows = 0..0;
        while rows.end < height {
            let Sweep {
                presence,
                block_encoder,
                rings,
                ..
            } = &mut sweep;
            let limit = height.min(rows.end + lines);
            rows = runs.collect(rows.end..limit, presence, |values, present, at, ignored| {
                let annotated = match context.mixing {
                    None => block_encoder.annotated(rings, at),
                    Some(_) => &[],
                };
                let place_of = |index: &I| present.classes.iter().position(|&class| class == index.class());
                E::of_block(
                    values,
                    &mut buffer,
                    together,
                    |i: usize| annotated.get(i).and_then(place_of),
                    |values| {
                        block_encoder.encode(values, present, ignored, rings, at);
                    },
                );
            });
            for (channel, mut volume) in out.axis_iter_mut(Axis(0)).enumerate() {
                let mut plane = volume.index_axis_mut(Axis(0), d);
                let mut band = plane.slice_axis_mut(Axis(0), Slice::from(rows.clone()));
                if let Some(pixels) = band.as_slice_mut() {
                    runs.write(channel, pixels);
                } else {
                    copy.resize(rows.len() * width, E::zero());
                    runs.write(channel, &mut copy);
                    assign(&mut band, &copy);
                }
            }
        }
    }
}

/// Values of all channels in the rows that are written together where channels are beside one another: half of the
/// second-level cache.
const LINES: usize = 1 << 16;

fn assign<E: Copy>(band: &mut ArrayViewMut2<'_, E>, from: &[E]) {
    let width = band.len_of(Axis(1));
    for (mut row, from) in band.rows_mut().into_iter().zip(from.chunks_exact(width)) {
        row.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
}
