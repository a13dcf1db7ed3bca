//! The same results block by block with all their classes, for sparse soft labels.

use super::index::ClassIndex;
use super::survey::Found;
use super::{BLOCK, Frame, Kit, Maps, Pass, Recipe, UnknownLabel};
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
    let kit = Kit::<L, F, I>::new(recipe, maps, classes);
    let mut pass = Pass::new(&kit, frame);
    let (mut present, mut values) = (Vec::new(), Vec::new());
    let class_of = |index: I| (index != I::IGNORED).then(|| index.class());

    for d in 0..depth {
        pass.go_to(d)?;
        for h in 0..height {
            if let Some(index) = pass.survey.row(h) {
                listener.run(class_of(index), width);
                continue;
            }
            for (block, found) in pass.survey.blocks(h).enumerate() {
                let w = block * BLOCK;
                let len = BLOCK.min(width - w);
                match found {
                    Found::Only(index) => listener.run(class_of(index), len),
                    Found::Mixed(set) => {
                        present.clear();
                        present.extend(set.classes(classes.len()));
                        present.sort_unstable();
                        values.resize(present.len(), [F::zero(); BLOCK]);
                        pass.blender
                            .block(&mut values, &present, set.has_ignored(), &pass.slabs, [h, w]);
                        listener.block(&present, &values, len);
                    }
                }
            }
        }
    }
    Ok(())
}
