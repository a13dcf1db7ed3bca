//! The engine: from label maps to the class planes of soft labels.
//!
//! A probability depends on its voxel only through how many neighbours hold the class, so the engine counts.
//! Weights are whole numbers and every sum of them is exact: a result does not depend on the order of summation,
//! on the window or on the path that computed it, and one division rounds it. The work is bound by writing memory,
//! and most of a label map is homogeneous, so most of the work is finding where nothing needs to be counted. One room
//! after the other, for each plane:
//!
//!  - [`parts`] cuts the work into pieces, for cache and for threads;
//!  - [`planes`] turns labels into class indices, a few padded planes at a time, by the rules of [`index`] and for some
//!    layouts with the help of [`stage`];
//!  - [`survey`] finds which classes the rows and blocks of those planes hold;
//!  - [`plan`] lists, for each class, the runs that it fills and the blocks that are mixed, and writes the class's plane
//!    by that list, from the first pixel to the last;
//!  - [`mod@scan`] tells the same block by block instead, for sparse soft labels;
//!  - [`blend`] counts the neighbours in a mixed block for all its classes, by the [`stencil`]; its inner loops are in
//!    [`lanes`].

mod blend;
mod index;
mod lanes;
mod parts;
mod plan;
mod planes;
mod scan;
mod stage;
mod stencil;
mod survey;

use ndarray::{ArrayView3, ArrayViewMut4, Axis, Slice};

pub(crate) use self::scan::{Listener, scan};

use self::blend::{Blender, Table};
use self::index::{ClassIndex, Translator};
use self::plan::Plan;
use self::planes::LabelPlanes;
use self::stencil::Stencil;
use self::survey::Survey;
use crate::taps::Tap;
use crate::{Classes, Label, SoftFloat};

/// Voxels of a row that are judged together.
const BLOCK: usize = 32;

/// Voxels of a row that are counted together: a block and, for most kernels, what its voxels look at on both sides.
const SPAN: usize = 48;

/// What to compute: `on` where only the class is found, `off` where it is not, and between them in proportion to the
/// weight of the neighbours that hold it.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) on: f64,
    pub(crate) off: f64,
    /// The neighbours, or none for a pointwise encoding.
    pub(crate) taps: Vec<Tap>,
}

impl Recipe {
    /// A class is certain where only it is found, and impossible where it is not.
    pub(crate) fn certain(taps: Vec<Tap>) -> Self {
        Self {
            on: 1.0,
            off: 0.0,
            taps,
        }
    }

    /// The value of a class that has this share of the weights around a voxel.
    fn value<F: SoftFloat>(&self, share: f64) -> F {
        F::round_from(self.on * share + self.off * (1.0 - share))
    }
}

/// A box of voxels on the axes D, H, W.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) start: [usize; 3],
    pub(crate) size: [usize; 3],
}

/// Some label map holds a label that is neither a class nor ignored.
#[derive(Debug)]
pub(crate) struct UnknownLabel;

/// Label maps on the axes D, H, W with the weights of their raters.
#[derive(Debug)]
pub(crate) struct Maps<'a, L> {
    pub(crate) views: Vec<ArrayView3<'a, L>>,
    pub(crate) weights: &'a [f64],
}

/// How far on each axis a voxel's soft labels depend on labels. Weights that vanish do not count.
pub(crate) fn reach(recipe: &Recipe, raters: usize) -> [usize; 3] {
    Stencil::new(&recipe.taps, raters).radius
}

/// Writes the soft labels of the voxels within `frame` to `out` (C, D, H, W), which has its size and is not empty.
pub(crate) fn encode<L: Label, F: SoftFloat>(
    recipe: &Recipe,
    maps: &Maps<'_, L>,
    classes: &Classes,
    frame: Frame,
    out: ArrayViewMut4<'_, F>,
) -> Result<(), UnknownLabel> {
    if classes.len() <= u8::CAPACITY {
        encode_as::<L, F, u8>(recipe, maps, classes, frame, out)
    } else {
        encode_as::<L, F, u16>(recipe, maps, classes, frame, out)
    }
}

fn encode_as<L: Label, F: SoftFloat, I: ClassIndex>(
    recipe: &Recipe,
    maps: &Maps<'_, L>,
    classes: &Classes,
    frame: Frame,
    out: ArrayViewMut4<'_, F>,
) -> Result<(), UnknownLabel> {
    let kit = Kit::<L, F, I>::new(recipe, maps, classes);
    parts::for_each(frame, out, |frame, out| encode_part(&kit, frame, out))
}

fn encode_part<L: Label, F: SoftFloat, I: ClassIndex>(
    kit: &Kit<'_, '_, L, F, I>,
    frame: Frame,
    mut out: ArrayViewMut4<'_, F>,
) -> Result<(), UnknownLabel> {
    let [depth, height, width] = frame.size;
    let mut pass = Pass::new(kit, frame);
    let mut plan = Plan::new(out.len_of(Axis(0)), [height, width], kit.recipe.off != 0.0);
    let mut scratch = Vec::new();
    for d in 0..depth {
        pass.go_to(d)?;
        let mut rows = 0..0;
        while rows.end < height {
            rows = plan.draw(rows.end, &pass.survey, |values, classes, at, ignored| {
                pass.blender.block(values, classes, ignored, &pass.slabs, at);
            });
            for (class, mut volume) in out.axis_iter_mut(Axis(0)).enumerate() {
                let mut plane = volume.index_axis_mut(Axis(0), d);
                let mut band = plane.slice_axis_mut(Axis(0), Slice::from(rows.clone()));
                if let Some(pixels) = band.as_slice_mut() {
                    plan.paint(class, pixels, kit.recipe);
                } else {
                    scratch.resize(rows.len() * width, F::zero());
                    plan.paint(class, &mut scratch, kit.recipe);
                    band.iter_mut().zip(&scratch).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }
    Ok(())
}

/// What all parts of a label map share.
struct Kit<'a, 'm, L, F, I> {
    recipe: &'a Recipe,
    stencil: Stencil,
    table: Option<Table<F>>,
    translator: Translator<L, I>,
    maps: &'a Maps<'m, L>,
}

impl<'a, 'm, L: Label, F: SoftFloat, I: ClassIndex> Kit<'a, 'm, L, F, I> {
    fn new(recipe: &'a Recipe, maps: &'a Maps<'m, L>, classes: &Classes) -> Self {
        let stencil = Stencil::new(&recipe.taps, maps.views.len());
        let table = if maps.views.len() == 1 {
            Table::new(recipe, &stencil)
        } else {
            None
        };
        Self {
            recipe,
            stencil,
            table,
            translator: Translator::new(classes),
            maps,
        }
    }
}

/// One way through the planes of a part.
struct Pass<'a, 'm, L, F, I> {
    kit: &'a Kit<'a, 'm, L, F, I>,
    slabs: Vec<LabelPlanes<I>>,
    survey: Survey<I>,
    blender: Blender<'a, F>,
}

impl<'a, 'm, L: Label, F: SoftFloat, I: ClassIndex> Pass<'a, 'm, L, F, I> {
    fn new(kit: &'a Kit<'a, 'm, L, F, I>, frame: Frame) -> Self {
        let Kit {
            recipe,
            stencil,
            table,
            maps,
            ..
        } = kit;
        Self {
            kit,
            slabs: maps
                .views
                .iter()
                .map(|_| LabelPlanes::new(frame, stencil.radius))
                .collect(),
            survey: Survey::new(frame, stencil.radius),
            blender: Blender::new(recipe, stencil, table.as_ref(), maps.weights),
        }
    }

    /// Makes plane `d` known; `d` is 0 first and then one more each time.
    fn go_to(&mut self, d: usize) -> Result<(), UnknownLabel> {
        for (slab, view) in self.slabs.iter_mut().zip(&self.kit.maps.views) {
            slab.advance(d, view, &self.kit.translator)?;
        }
        self.survey.advance(d, &self.slabs);
        if let Some(slab) = self.slabs.first() {
            self.blender.enter(d, slab);
        }
        Ok(())
    }
}
