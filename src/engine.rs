//! The engine: from label maps to the class planes of soft labels.
//!
//! The probability of a class depends only on how many neighbours of each weight have this class. So the engine counts
//! neighbours. Weights are whole numbers and every sum of them is exact. So a result does not depend on the order of
//! summation, on the window or on the code path, and one division rounds it. Most of a label map is homogeneous, and
//! nothing has to be counted there. So most of the time goes into finding these parts and into writing the output.
//!
//! [`encode`] writes dense soft labels, [`visit()`] hands sparse ones to a visitor, and [`mod@tile_encoder`] writes dense ones a tile at
//! a time. From there on:
//!
//!  - [`volumes`] brings label maps and output to the axes D, H, W, in the order in which the output lies in memory;
//!  - [`tiles`] cuts the work for cache and threads;
//!  - [`sweep`] goes through the planes of a tile;
//!  - [`plane_ring`] keeps a few padded planes of class indices, which [`reader`] brings from a label map of any layout and
//!    [`index`] makes of labels;
//!  - [`presence`] finds the classes that rows and blocks of those planes hold;
//!  - [`dense`] and [`mod@visit`] turn that into runs of one class and mixed blocks; [`class_runs`] collects them by class
//!    and writes each class's plane from the first pixel to the last, in an [`element`] type: probabilities, or 255ths, which
//!    [`parts`] makes;
//!  - [`block_encoder`] counts the neighbours in a mixed block by the [`stencil`], with a look-up [`table`] where one
//!    is small enough. Its inner loops are in [`block_loops`];
//!  - [`mixing`] makes channels of classes, where these are not the classes themselves.

mod block_encoder;
mod block_loops;
mod class_runs;
mod dense;
mod element;
mod index;
pub(crate) mod mixing;
pub(crate) mod parts;
mod plane_ring;
mod presence;
mod reader;
mod stencil;
mod sweep;
mod table;
pub(crate) mod taps;
mod tile_encoder;
mod tiles;
mod visit;
mod volumes;

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use ndarray::{ArrayRef, ArrayView3, Axis, Slice};

pub(crate) use self::element::Element;
pub(crate) use self::tile_encoder::{TileEncoder, tile_encoder};
pub(crate) use self::tiles::Tile;
pub(crate) use self::visit::Visitor;
pub(crate) use self::volumes::soft_volumes;

use self::dense::encode_tile;
use self::index::ClassIndex;
use self::mixing::Mixing;
use self::reader::{IndexReader, LabelReader};
use self::stencil::Stencil;
use self::sweep::Context;
use self::taps::Tap;
use self::visit::visit_tile;
use self::volumes::{Orientation, volume};
use crate::input::window::{Window, check_output};
use crate::{Classes, Label, Raters, Result, SoftFloat, SpatialDim};

/// Voxels of a row that are handled together.
pub(crate) const BLOCK: usize = 32;

/// Voxels of a row that are counted together: a block and, for most kernels, its neighbours on both sides.
const SPAN: usize = 48;

/// What to compute: `on` where only the class is found, `off` where it is not found, and between them in proportion to
/// the weight of the voxels that hold it.
#[derive(Debug, Clone)]
pub struct Smoothing {
    on: f64,
    off: f64,
    /// The neighbours, or none for a pointwise encoding.
    taps: Vec<Tap>,
    /// Twice the share of the neighbours in the sum of all weights.
    strength: f64,
    /// How far the neighbours are on the axes D, H and W, in voxels.
    radius: [usize; 3],
}

impl Smoothing {
    /// Every voxel alone: `on` for its class, `off` for the others.
    pub(crate) fn pointwise(on: f64, off: f64) -> Self {
        Self {
            on,
            off,
            taps: Vec::new(),
            strength: 1.0,
            radius: [0; 3],
        }
    }

    /// The weighted mean of a voxel and its neighbours, who together have `strength / 2` of the weight.
    pub(crate) fn by_neighbours(taps: Vec<Tap>, strength: f64) -> Self {
        let reach = |axis: usize| taps.iter().map(|tap| tap.offset[axis].unsigned_abs()).max();
        let radius = [0, 1, 2].map(|axis| reach(axis).unwrap_or(0));
        Self {
            on: 1.0,
            off: 0.0,
            taps,
            strength,
            radius,
        }
    }

    /// How many voxels away a label can change the result, on the axes D, H and W.
    pub(crate) fn radius(&self) -> [usize; 3] {
        self.radius
    }

    /// The value of a class that has this share of the weights around a voxel.
    fn value<F: SoftFloat>(&self, share: f64) -> F {
        F::round_from(self.on * share + self.off * (1.0 - share))
    }
}

/// What to compute, and what becomes of the classes.
#[derive(Debug, Clone)]
pub struct Plan {
    smoothing: Smoothing,
    /// From classes to channels, unless the channels are the classes. Then a class that is not found has the value 0.
    mixing: Option<Mixing>,
}

impl Plan {
    pub(crate) fn new(smoothing: Smoothing, mixing: Option<Mixing>) -> Result<Self> {
        let Some(mixing) = mixing else {
            return Ok(Self {
                smoothing,
                mixing: None,
            });
        };
        if smoothing.on == 1.0 && smoothing.off == 0.0 {
            return Ok(Self {
                smoothing,
                mixing: Some(mixing),
            });
        }
        // Every class of a voxel has a value then, but only its label decides over it.
        let mixing = mixing.after_pointwise(smoothing.on, smoothing.off)?;
        Ok(Self {
            smoothing: Smoothing::pointwise(1.0, 0.0),
            mixing: Some(mixing),
        })
    }

    /// Whether enough values are 0 for a form without zeros.
    pub(crate) fn is_sparse(&self) -> bool {
        self.smoothing.off == 0.0 && self.mixing.as_ref().is_none_or(Mixing::is_sparse)
    }

    /// How many channels the result has.
    pub(crate) fn channels(&self, classes: &Classes) -> usize {
        self.mixing.as_ref().map_or(classes.len(), Mixing::channels)
    }

    /// Whether the channels of a voxel sum to 1.
    pub(crate) fn is_distribution(&self) -> bool {
        self.mixing.as_ref().is_none_or(Mixing::is_distribution)
    }
}

/// Writes the soft labels of a window to `out`.
pub(crate) fn encode<L: Label, E: Element, D: SpatialDim>(
    plan: &Plan,
    raters: &Raters<'_, L, D>,
    classes: &Classes,
    window: &[Range<usize>],
    out: &mut ArrayRef<E, D::Larger>,
) -> Result<()> {
    check_output(raters.shape(), plan.channels(classes), window, out.shape())?;
    if out.is_empty() {
        return Ok(());
    }
    let out = soft_volumes(out.view_mut(), window.len())?;
    let maps: Vec<_> = raters.maps().iter().map(volume).collect::<Result<_>>()?;
    let (orientation, tile) = (Orientation::of(&out), Tile::of_window(window));
    let tile = maps
        .first()
        .map_or(tile, |map| orientation.tile(tile, map.dim().into()));
    let maps: Vec<_> = maps.iter().map(|map| orientation.labels(map)).collect();
    let (out, turned) = (orientation.output(out), orientation.smoothing(&plan.smoothing));
    let (mixing, weights) = (plan.mixing.as_ref(), raters.weights());
    let unknown = AtomicBool::new(false);
    if classes.len() <= u8::CAPACITY {
        let readers = readers(&maps, classes, &unknown);
        let context = Context::<_, u8>::new(&turned, classes.len(), mixing, readers, weights);
        tiles::for_each_with_output(tile, out, |tile, out| encode_tile(&context, tile, out));
    } else {
        let readers = readers(&maps, classes, &unknown);
        let context = Context::<_, u16>::new(&turned, classes.len(), mixing, readers, weights);
        tiles::for_each_with_output(tile, out, |tile, out| encode_tile(&context, tile, out));
    }
    name_unknown(unknown, &plan.smoothing, raters, classes, window)
}

/// Passes the soft labels of all voxels to visitors. Absent classes must have the value 0. `make` gets the lengths of
/// consecutive parts of the voxels and returns one visitor for each part.
pub(crate) fn visit<L: Label, F: SoftFloat, D: SpatialDim, V: Visitor<F>>(
    plan: &Plan,
    raters: &Raters<'_, L, D>,
    classes: &Classes,
    make: impl FnOnce(&[usize]) -> Vec<V>,
) -> Result<()> {
    let window = Window::whole(raters.shape());
    if window.ranges().iter().any(|range| range.is_empty()) {
        return Ok(());
    }
    let maps: Vec<_> = raters.maps().iter().map(volume).collect::<Result<_>>()?;
    let tiles = tiles::cut(Tile::of_window(window.ranges()));
    let voxels: Vec<usize> = tiles.iter().map(Tile::voxels).collect();
    let tiles: Vec<_> = tiles.into_iter().zip(make(&voxels)).collect();
    let (smoothing, mixing, weights) = (&plan.smoothing, plan.mixing.as_ref(), raters.weights());
    let unknown = AtomicBool::new(false);
    if classes.len() <= u8::CAPACITY {
        let readers = readers(&maps, classes, &unknown);
        let context = Context::<_, u8>::new(smoothing, classes.len(), mixing, readers, weights);
        tiles::for_each(tiles, |tile, visitor| visit_tile(&context, tile, visitor));
    } else {
        let readers = readers(&maps, classes, &unknown);
        let context = Context::<_, u16>::new(smoothing, classes.len(), mixing, readers, weights);
        tiles::for_each(tiles, |tile, visitor| visit_tile(&context, tile, visitor));
    }
    name_unknown(unknown, smoothing, raters, classes, window.ranges())
}

fn readers<'a, L: Label, I: ClassIndex + 'a>(
    maps: &[ArrayView3<'a, L>],
    classes: &Classes,
    unknown: &'a AtomicBool,
) -> Vec<Box<dyn IndexReader<I> + 'a>> {
    let reader = |labels: &ArrayView3<'a, L>| {
        Box::new(LabelReader::new(labels, classes, unknown)) as Box<dyn IndexReader<I> + 'a>
    };
    maps.iter().map(reader).collect()
}

/// If an unknown label was read, the error for the first among those that the soft labels of a window depend on.
fn name_unknown<L: Label, D: SpatialDim>(
    unknown: AtomicBool,
    smoothing: &Smoothing,
    raters: &Raters<'_, L, D>,
    classes: &Classes,
    window: &[Range<usize>],
) -> Result<()> {
    if !unknown.into_inner() {
        return Ok(());
    }
    let radius = &Stencil::new(smoothing, raters.len()).radius[3 - window.len()..];
    let origin: Vec<usize> = window
        .iter()
        .zip(radius)
        .map(|(range, &r)| range.start.saturating_sub(r))
        .collect();
    for (rater, map) in raters.maps().iter().enumerate() {
        let mut part = map.view().into_dyn();
        for (axis, (range, r)) in window.iter().zip(radius).enumerate() {
            let end = (range.end + r).min(map.len_of(Axis(axis)));
            part.slice_axis_inplace(Axis(axis), Slice::from(origin[axis]..end));
        }
        classes.check(&part, &origin, rater, raters.len())?;
    }
    Ok(())
}
