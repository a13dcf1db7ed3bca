//! One class of one plane: runs of one value are filled, the blocks between them blended.

use super::BLOCK;
use super::blend::{Blender, Place};
use super::index::ClassIndex;
use super::planes::LabelPlanes;
use super::presence::{ClassSet, Presence};
use crate::SoftFloat;

/// Writes the soft labels of `class` in plane `d` to `pixels` (H, W).
pub(super) fn class_plane<F: SoftFloat, I: ClassIndex>(
    pixels: &mut [F],
    class: I,
    d: usize,
    slabs: &[LabelPlanes<I>],
    presence: &Presence,
    blender: &mut Blender<'_>,
) {
    let judge = Judge {
        class: ClassSet::of(class),
        on: blender.on(),
        off: blender.off(),
        presence,
    };
    if let Some(value) = judge.value(presence.plane()) {
        return pixels.fill(F::round_from(value));
    }
    let width = pixels.len() / presence.rows().count();
    let mut canvas = Canvas {
        pixels,
        done: 0,
        end: 0,
        value: F::zero(),
    };
    for (h, (row, blocks)) in presence.rows().enumerate() {
        if let Some(value) = judge.value(row) {
            canvas.extend(width, value);
            continue;
        }
        for (block, &set) in blocks.iter().enumerate() {
            let w = block * BLOCK;
            let len = BLOCK.min(width - w);
            if let Some(value) = judge.value(set) {
                canvas.extend(len, value);
            } else {
                let place = Place { d, h, w };
                let values = if set.may_hold_ignored() {
                    blender.block_with_ignored(class, slabs, place)
                } else {
                    blender.block(class, slabs, place)
                };
                canvas.write(&values[..len]);
            }
        }
    }
    canvas.flush();
}

/// Tells from the classes that a neighbourhood holds whether it has one value.
struct Judge<'a> {
    class: ClassSet,
    on: f64,
    off: f64,
    presence: &'a Presence,
}

impl Judge<'_> {
    fn value(&self, set: ClassSet) -> Option<f64> {
        if set.is_all_ignored() {
            Some(0.0)
        } else if self.presence.is_only(set, self.class) {
            Some(self.on)
        } else if !set.may_hold(self.class) && (self.off == 0.0 || !set.may_hold_ignored()) {
            Some(self.off)
        } else {
            None
        }
    }
}

/// A class plane that is written from its first pixel to its last. Equal values are put off until they end, since one
/// long fill costs less than many short ones.
struct Canvas<'a, F> {
    pixels: &'a mut [F],
    done: usize,
    end: usize,
    value: F,
}

impl<F: SoftFloat> Canvas<'_, F> {
    /// The next `len` pixels have this value.
    fn extend(&mut self, len: usize, value: f64) {
        let value = F::round_from(value);
        if value != self.value {
            self.flush();
            self.value = value;
        }
        self.end += len;
    }

    /// The next pixels have these values.
    fn write(&mut self, values: &[f64]) {
        self.flush();
        self.end += values.len();
        let pixels = &mut self.pixels[self.done..self.end];
        pixels
            .iter_mut()
            .zip(values)
            .for_each(|(pixel, &value)| *pixel = F::round_from(value));
        self.done = self.end;
    }

    fn flush(&mut self) {
        self.pixels[self.done..self.end].fill(self.value);
        self.done = self.end;
    }
}
