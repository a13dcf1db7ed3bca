//! Structures that may overlap, one binary mask for each: most data sets of many organs have one file a structure.
//!
//! Masks are read one at a time and become one label map of *patterns*: which structures a voxel belongs to. Data sets of a
//! hundred structures have a few hundred patterns. [`Structures`] hold that map with its [`Classes`] and its [`Channels`], one for
//! each structure, so that all that takes an encoder and a label map takes structures: windows, several raters, batches and
//! sparse soft labels.
//!
//! ```
//! use ndarray::{Array3, array};
//! use soft_labels::structures::Structures;
//! use soft_labels::{Classes, SoftEncoder, Svls};
//!
//! let (lung, nodule) = (array![[0_u8, 1, 1, 1]], array![[0_u8, 0, 1, 0]]);
//! let structures = Structures::of_masks([&lung, &nodule])?;
//! let encoder = Svls::default().with_channels(structures.channels());
//! let soft: Array3<f32> = encoder.encode(structures.patterns(), structures.classes())?;
//! assert_eq!(soft.shape(), [2, 1, 4]);
//!
//! // The soft labels of a structure are those of its mask alone.
//! let alone: Array3<f32> = Svls::default().encode(&nodule, &Classes::contiguous(2)?)?;
//! assert_eq!(soft.index_axis(ndarray::Axis(0), 1), alone.index_axis(ndarray::Axis(0), 1));
//! # Ok::<(), soft_labels::Error>(())
//! ```

use ndarray::{Array, ArrayBase, ArrayRef, Data, Zip};

use crate::common::arrays::{self, check_shape_of};
use crate::encoder::channels::Channels;
use crate::input::classes::check_count;
use crate::input::raters::check_axes;
use crate::{Classes, Error, Label, Place, Result, SpatialDim};

/// Overlapping structures as a label map of patterns. See [`structures`](self).
#[derive(Debug, Clone, PartialEq)]
pub struct Structures<D: SpatialDim> {
    patterns: Array<u16, D>,
    classes: Classes,
    /// The structures of each pattern, ascending.
    members: Vec<Vec<usize>>,
    /// The number of structures.
    count: usize,
}

impl<D: SpatialDim> Structures<D> {
    /// The structures of these masks, which have one shape: (H, W) or (D, H, W). A voxel belongs to a structure where its mask is
    /// not 0.
    ///
    /// # Errors
    /// Those of [`StructuresBuilder`].
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::structures::Structures;
    /// let structures = Structures::of_masks([&array![[true, true]], &array![[false, true]]])?;
    /// assert_eq!(structures.patterns(), array![[1, 2]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn of_masks<'a, S: Data<Elem: Label> + 'a>(masks: impl IntoIterator<Item = &'a ArrayBase<S, D>>) -> Result<Self>
    where
        D: 'a,
    {
        let mut builder = StructuresBuilder::new();
        for mask in masks {
            builder.add(mask)?;
        }
        builder.build()
    }

    /// The label map, in the order of memory of the first mask: the number of the pattern of each voxel. Pattern 0 is "no structure".
    pub fn patterns(&self) -> &Array<u16, D> {
        &self.patterns
    }

    /// The label map alone.
    pub fn into_patterns(self) -> Array<u16, D> {
        self.patterns
    }

    /// The classes of the label map, one for each pattern.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// The channels: one for each structure, in the order of the masks.
    pub fn channels(&self) -> Channels {
        let mut regions = vec![Vec::new(); self.count];
        for (pattern, members) in (0..).zip(&self.members) {
            members.iter().for_each(|&structure| regions[structure].push(pattern));
        }
        Channels::of_patterns(regions).expect("the number of structures was checked")
    }

    /// The number of structures.
    #[expect(clippy::len_without_is_empty, reason = "there is always at least one")]
    pub fn len(&self) -> usize {
        self.count
    }

    /// The structures of each pattern, ascending. The patterns are in this order.
    pub fn members(&self) -> &[Vec<usize>] {
        &self.members
    }
}

/// Takes masks one at a time, so that no two have to be in memory.
///
/// # Errors
/// - [`Error::Axes`] unless a mask has two or three axes.
/// - [`Error::Shape`] if a mask has another shape than the first.
/// - [`Error::Mask`] if a mask holds two labels beside 0.
/// - [`Error::TooMany`] if there are more than 65535 structures or patterns.
/// - [`Error::Empty`] if there is no mask.
/// - [`Error::TooLarge`].
///
/// ```
/// use ndarray::array;
/// use soft_labels::structures::StructuresBuilder;
///
/// let mut builder = StructuresBuilder::new();
/// for mask in [array![[0_u8, 1, 1]], array![[0, 0, 1]]] {
///     builder.add(&mask)?; // read from a file, for example
/// }
/// let structures = builder.build()?;
/// assert_eq!(structures.members(), [vec![], vec![0], vec![0, 1]]); // "none", and those that voxels have
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct StructuresBuilder<D: SpatialDim> {
    patterns: Option<Array<u16, D>>,
    members: Vec<Vec<usize>>,
    count: usize,
    /// With more patterns than that, it is looked for those that no voxel has any more.
    most: usize,
}

impl<D: SpatialDim> Default for StructuresBuilder<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: SpatialDim> StructuresBuilder<D> {
    /// No mask yet.
    pub fn new() -> Self {
        Self {
            patterns: None,
            members: vec![Vec::new()],
            count: 0,
            most: FEW,
        }
    }

    /// Adds the mask of the next structure, of any element type and any strides.
    ///
    /// # Errors
    /// Those of the type. The builder is unchanged after them, except after [`Error::Mask`] and [`Error::TooMany`], when it is
    /// of no more use.
    pub fn add<L: Label>(&mut self, mask: &ArrayRef<L, D>) -> Result<()> {
        check_axes(mask.ndim())?;
        let patterns = match &mut self.patterns {
            Some(patterns) => {
                let place = Some(Place::Structure(self.count));
                check_shape_of("mask", place, patterns.shape(), mask.shape())?;
                patterns
            }
            none => none.insert(like(mask)?),
        };
        check_count("structures", self.count + 1)?;
        // Each pattern can become two.
        if self.members.len() > self.most.min(Classes::MAX / 2) {
            compact(patterns, &mut self.members);
            self.most = FEW.max(2 * self.members.len());
        }
        let zero = L::from_value(0).expect("every type of labels has 0");
        let mut grown = Grown {
            structure: self.count,
            with: vec![None; self.members.len()],
            members: &mut self.members,
            label: None,
            other: None,
        };
        let alike = patterns.strides() == mask.strides();
        let mask_in_memory = mask.as_slice_memory_order().filter(|_| alike);
        if let (Some(mask), Some(patterns)) = (mask_in_memory, patterns.as_slice_memory_order_mut()) {
            for (patterns, mask) in patterns.chunks_mut(STRETCH).zip(mask.chunks(STRETCH)) {
                // Most of a mask is 0. Without a branch for each voxel, so that it becomes vector code.
                if mask.iter().fold(false, |any, &label| any | (label != zero)) {
                    for (pattern, &label) in patterns.iter_mut().zip(mask).filter(|(_, label)| **label != zero) {
                        *pattern = grown.pattern(*pattern, label);
                    }
                }
            }
        } else {
            Zip::from(patterns).and(mask).for_each(|pattern, &label| {
                if label != zero {
                    *pattern = grown.pattern(*pattern, label);
                }
            });
        }
        if let (Some(first), Some(second)) = (grown.label, grown.other) {
            return Err(Error::Mask {
                structure: self.count,
                first: first.value(),
                second: second.value(),
            });
        }
        self.count += 1;
        check_count("patterns of structures", self.members.len())
    }

    /// The structures of the masks that were added.
    ///
    /// # Errors
    /// [`Error::Empty`] if no mask was added, and [`Error::TooMany`] if there are too many patterns.
    pub fn build(self) -> Result<Structures<D>> {
        let mut patterns = self.patterns.ok_or(Error::Empty { what: "masks" })?;
        let mut members = self.members;
        check_count("patterns of structures", members.len())?;
        compact(&mut patterns, &mut members);
        Ok(Structures {
            patterns,
            classes: Classes::contiguous(members.len())?,
            members,
            count: self.count,
        })
    }
}

/// Zeros of the shape of a mask, and in its order of memory if that is C or Fortran order.
fn like<L, D: SpatialDim>(mask: &ArrayRef<L, D>) -> Result<Array<u16, D>> {
    if mask.is_standard_layout() || !mask.t().is_standard_layout() {
        return arrays::filled(mask.raw_dim(), 0);
    }
    Ok(arrays::filled(mask.t().raw_dim(), 0)?.reversed_axes())
}

/// So many patterns are never too many.
const FEW: usize = 1 << 10;

/// Leaves the patterns that voxels have, and the first, in the order of their structures. So they do not depend on how masks lie in
/// memory.
fn compact<D: SpatialDim>(patterns: &mut Array<u16, D>, members: &mut Vec<Vec<usize>>) {
    let mut used = vec![false; usize::from(u16::MAX) + 1];
    used[0] = true;
    patterns.fold((), |(), &pattern| used[usize::from(pattern)] = true);
    let mut kept: Vec<(Vec<usize>, usize)> = std::mem::take(members)
        .into_iter()
        .enumerate()
        .filter(|&(pattern, _)| used.get(pattern) == Some(&true))
        .map(|(pattern, members)| (members, pattern))
        .collect();
    kept.sort_unstable();
    let mut new = vec![0; used.len()];
    for (place, (_, pattern)) in (0..).zip(&kept) {
        new[*pattern] = place;
    }
    patterns.map_inplace(|pattern| *pattern = new[usize::from(*pattern)]);
    members.extend(kept.into_iter().map(|(members, _)| members));
}

/// Voxels of a mask that are looked at together.
const STRETCH: usize = 64;

/// Patterns with one structure more.
struct Grown<'a, L> {
    structure: usize,
    members: &'a mut Vec<Vec<usize>>,
    /// For each pattern that there was before the structure, the one that has it, too.
    with: Vec<Option<u16>>,
    /// The label of the mask, and one that is another.
    label: Option<L>,
    other: Option<L>,
}

impl<L: Label> Grown<'_, L> {
    /// The pattern of a voxel of this pattern whose mask has this label.
    fn pattern(&mut self, pattern: u16, label: L) -> u16 {
        if *self.label.get_or_insert(label) != label {
            self.other.get_or_insert(label);
        }
        let before = usize::from(pattern);
        let (Some(with), Some(members)) = (self.with.get_mut(before), self.members.get(before)) else {
            return pattern;
        };
        if let Some(with) = *with {
            return with;
        }
        // Where there are too many, which is found after the last voxel, what is written does not matter.
        let new = u16::try_from(self.members.len()).unwrap_or(u16::MAX);
        let members = members.iter().copied().chain([self.structure]).collect();
        self.members.push(members);
        *with = Some(new);
        new
    }
}
