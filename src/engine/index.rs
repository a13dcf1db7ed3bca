//! From labels to class indices.

use crate::{Classes, Label};

/// A class as a small integer, or [`IGNORED`](Self::IGNORED).
pub(super) trait ClassIndex: Copy + Ord + Send + Sync {
    /// A voxel that nobody labelled.
    const IGNORED: Self;
    /// How many classes there can be.
    const CAPACITY: usize;

    /// The index of a class below [`CAPACITY`](Self::CAPACITY).
    fn from_class(class: usize) -> Self;
    /// A label's lowest bits as an index.
    fn from_low_bits(bits: u16) -> Self;
    /// The class, or the capacity for an ignored voxel.
    fn class(self) -> usize;
}

macro_rules! class_index {
    ($($index:ty),*) => {$(
        impl ClassIndex for $index {
            const IGNORED: Self = Self::MAX;
            const CAPACITY: usize = Self::MAX as usize;

            #[allow(clippy::cast_possible_truncation, clippy::cast_lossless, reason = "below the capacity")]
            #[inline]
            fn from_class(class: usize) -> Self {
                class as Self
            }

            #[allow(clippy::cast_possible_truncation, clippy::cast_lossless, reason = "the lowest bits are meant")]
            #[inline]
            fn from_low_bits(bits: u16) -> Self {
                bits as Self
            }

            #[inline]
            fn class(self) -> usize {
                usize::from(self)
            }
        }
    )*};
}
class_index!(u8, u16);

/// Turns labels of type `L` into class indices.
#[derive(Debug)]
pub(super) struct LabelIndexer<L, I> {
    rule: Rule<L, I>,
    ignore: Option<L>,
}

#[derive(Debug)]
enum Rule<L, I> {
    /// Labels from zero to this one are their own index.
    UpTo { zero: L, last: L },
    /// (label, index), ascending by label.
    Listed(Vec<(L, I)>),
}

impl<L: Label, I: ClassIndex> LabelIndexer<L, I> {
    pub(super) fn new(classes: &Classes) -> Self {
        let typed = |value| L::from_value(value);
        let listed = |values: &[(i128, usize)]| {
            Rule::Listed(
                values
                    .iter()
                    .filter_map(|&(value, c)| Some((typed(value)?, I::from_class(c))))
                    .collect(),
            )
        };
        let rule = match classes.listed() {
            Some(values) => listed(values),
            // The type may be too small for the last class. Then every label from 0 on is a class.
            None => match (typed(0), (0..classes.len()).rev().find_map(|c| typed(c as i128))) {
                (Some(zero), Some(last)) => Rule::UpTo { zero, last },
                _ => listed(&[]),
            },
        };
        Self {
            rule,
            ignore: classes.ignore().and_then(typed),
        }
    }

    /// Writes the class indices of `labels` to `indices`, one for each. Returns whether all labels are known; an unknown one
    /// counts as ignored.
    #[inline]
    pub(super) fn index(&self, labels: &[L], indices: &mut [I]) -> bool {
        let mut known = true;
        match &self.rule {
            Rule::UpTo { zero, last } => {
                // Without a branch for each label, so that it becomes vector code.
                let ignore = self.ignore.unwrap_or(*zero);
                for (index, &label) in indices.iter_mut().zip(labels) {
                    let is_class = (label >= *zero) & (label <= *last);
                    *index = if is_class {
                        I::from_low_bits(label.low_bits())
                    } else {
                        I::IGNORED
                    };
                    known &= is_class | (label == ignore);
                }
            }
            Rule::Listed(listed) => {
                // Neighbours mostly hold the same label, so the last answer mostly serves again.
                let mut last = None;
                for (index, &label) in indices.iter_mut().zip(labels) {
                    *index = match last {
                        Some((same, index)) if same == label => index,
                        _ => self.look_up(listed, label).unwrap_or_else(|| {
                            known = false;
                            I::IGNORED
                        }),
                    };
                    last = Some((label, *index));
                }
            }
        }
        known
    }

    fn look_up(&self, listed: &[(L, I)], label: L) -> Option<I> {
        let below = listed.partition_point(|&(value, _)| value < label);
        match listed.get(below) {
            Some(&(value, index)) if value == label => Some(index),
            _ => (self.ignore == Some(label)).then_some(I::IGNORED),
        }
    }
}
