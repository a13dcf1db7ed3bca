//! Objects that were found, and that were missed.

use std::collections::HashMap;

use ndarray::{Array3, ArrayView2, Axis};
use ndarray_ndimage::label;

/// How many objects two masks have, and how many of them match.
///
/// Objects are connected pixels (8 neighbours). Two of them match if their intersection is more than half of their union. So
/// each has at most one match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Objects {
    predicted: usize,
    marked: usize,
    matches: usize,
}

impl Objects {
    pub(crate) fn match_up(predicted: &ArrayView2<'_, u8>, marked: &ArrayView2<'_, u8>) -> Self {
        let (numbered, sizes) = number(predicted);
        let (marked_numbered, marked_sizes) = number(marked);
        let mut common = HashMap::<(u32, u32), u32>::new();
        for (&a, &b) in numbered.iter().zip(&marked_numbered) {
            if a > 0 && b > 0 {
                *common.entry((a, b)).or_default() += 1;
            }
        }
        let matches = common.iter().filter(|((a, b), common)| {
            let union = sizes[*a as usize] + marked_sizes[*b as usize] - **common;
            2 * **common > union
        });
        Self {
            predicted: sizes.len() - 1,
            marked: marked_sizes.len() - 1,
            matches: matches.count(),
        }
    }

    /// The share of the marked objects that were found; 1 if none are marked.
    pub(crate) fn found(self) -> f64 {
        share(self.matches, self.marked)
    }

    /// The share of the predicted objects that are marked; 1 if none are predicted.
    pub(crate) fn right(self) -> f64 {
        share(self.matches, self.predicted)
    }

    /// 1 if there are none at all.
    pub(crate) fn f1(self) -> f64 {
        share(2 * self.matches, self.predicted + self.marked)
    }
}

fn share(some: usize, all: usize) -> f64 {
    if all == 0 { 1.0 } else { some as f64 / all as f64 }
}

/// The number of each pixel's object, and the size of each. Number 0 is the background.
fn number(mask: &ArrayView2<'_, u8>) -> (Array3<u32>, Vec<u32>) {
    let flat = mask.map(|&label| label == 1).insert_axis(Axis(0));
    let (objects, count): (Array3<u32>, usize) = label(&flat, &Array3::from_elem((3, 3, 3), true));
    let mut sizes = vec![0; count + 1];
    objects.iter().for_each(|&object| sizes[object as usize] += 1);
    (objects, sizes)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn objects_that_overlap_by_half_do_not_match() {
        let one = array![[1_u8, 1, 0, 0, 1], [0, 0, 0, 0, 1]];
        let other = array![[1_u8, 0, 0, 0, 1], [0, 0, 0, 0, 1]];
        let none = Array2::zeros((2, 5));
        let scores = |a: &Array2<u8>, b: &Array2<u8>| {
            let objects = Objects::match_up(&a.view(), &b.view());
            [objects.found(), objects.right(), objects.f1()]
        };
        assert_eq!(scores(&one, &one), [1.0; 3]);
        assert_eq!(scores(&one, &other), [0.5; 3]);
        assert_eq!(scores(&none, &none), [1.0; 3]);
        assert_eq!(scores(&one, &none), [1.0, 0.0, 0.0]);
        assert_eq!(scores(&none, &one), [0.0, 1.0, 0.0]);
        // Touching at a corner, they are one object.
        let corner = array![[1_u8, 0], [0, 1]];
        assert_eq!(Objects::match_up(&corner.view(), &corner.view()).predicted, 1);
    }
}
