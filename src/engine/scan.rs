//! The same results block by block with all their classes, for sparse soft labels.

use super::blend::{Blender, Table};
use super::index::{ClassIndex, Translator};
use super::planes::LabelPlanes;
use super::stencil::Stencil;
use super::survey::{Found, Survey};
use super::{BLOCK, Frame, Maps, Recipe, UnknownLabel};
use crate::{Classes, Label, SoftFloat};

/// What is told of the voxels, from the first to the last.
pub(crate) trait Listener<F> {
    /// This many voxels have one class for certain, or none.
    fn run(&mut self, class: Option<usize>, len: usize);
    /// A block of this many voxels has the values of some classes; all others are 0.
    fn block<const N: usize>(&mut self, classes: &[usize], values: &[[F; N]], len: usize);
}

/// Tells the listener the soft labels of all voxels of the frame. Absent classes have to be 0 in the recipe.
pub(crate) fn scan<L: Label, F: SoftFloat>(
    recipe: &Recipe,
    maps: &Maps<'_, L>,
    classes: &Classes,
    frame: Frame,
    listener: &mut impl Listener<F>,
) -> Result<(), UnknownLabel> {
    if classes.len() <= u8::CAPACITY {
        scan_as::<L, F, u8>(recipe, maps, classes, frame, listener)
    } else {
        scan_as::<L, F, u16>(recipe, maps, classes, frame, listener)
    }
}

fn scan_as<L: Label, F: SoftFloat, I: ClassIndex>(
    recipe: &Recipe,
    maps: &Maps<'_, L>,
    classes: &Classes,
    frame: Frame,
    listener: &mut impl Listener<F>,
) -> Result<(), UnknownLabel> {
    let [depth, height, width] = frame.size;
    let stencil = Stencil::new(&recipe.taps, maps.views.len());
    let table = if maps.views.len() == 1 {
        Table::new(recipe, &stencil)
    } else {
        None
    };
    let translator = Translator::<L, I>::new(classes);
    let mut slabs: Vec<_> = maps
        .views
        .iter()
        .map(|_| LabelPlanes::<I>::new(frame, stencil.radius))
        .collect();
    let mut survey = Survey::new(frame, stencil.radius);
    let mut blender = Blender::<F>::new(recipe, &stencil, table.as_ref(), maps.weights);
    let (mut present, mut values) = (Vec::new(), Vec::new());
    let class_of = |index: I| (index != I::IGNORED).then(|| index.class());

    for d in 0..depth {
        for (slab, view) in slabs.iter_mut().zip(&maps.views) {
            slab.advance(d, view, &translator)?;
        }
        survey.advance(d, &slabs);
        blender.enter(d, &slabs[0]);
        for h in 0..height {
            if let Some(index) = survey.row(h) {
                listener.run(class_of(index), width);
                continue;
            }
            for (block, found) in survey.blocks(h).enumerate() {
                let w = block * BLOCK;
                let len = BLOCK.min(width - w);
                match found {
                    Found::Only(index) => listener.run(class_of(index), len),
                    Found::Mixed(set) => {
                        present.clear();
                        present.extend(set.classes(classes.len()));
                        present.sort_unstable();
                        values.resize(present.len(), [F::zero(); BLOCK]);
                        for (&class, values) in present.iter().zip(&mut values) {
                            blender.block(values, I::from_class(class), set.has_ignored(), &slabs, [h, w]);
                        }
                        listener.block(&present, &values, len);
                    }
                }
            }
        }
    }
    Ok(())
}
