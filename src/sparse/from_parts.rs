//! Sparse soft labels of their parts, which are checked.

use std::cmp::Ordering;

use ndarray::{Dimension, IntoDimension};

use super::{NONE, SparseLabels, SparseParts};
use crate::common::arrays::check_shape;
use crate::input::raters::check_axes;
use crate::{Classes, Error, Result, SoftFloat, SpatialDim};

/// How far the sum of a voxel's probabilities may be from 1, as probabilities of 16 bits are.
const ROUNDING: f64 = 0.01;

impl<F: SoftFloat, D: SpatialDim> SparseLabels<F, D> {
    /// Soft labels of their parts, for example those that were written to a file. The parts are checked and copied.
    ///
    /// `shape` is that of the label map, (H, W) or (D, H, W), and `class_count` the length of the class axis, were it dense.
    ///
    /// # Errors
    /// [`Error::Axes`], [`Error::Empty`] and [`Error::TooMany`] for the classes; [`Error::Shape`] if an array has the
    /// wrong length; [`Error::Probability`] unless a probability lies within 0 and 1, [`Error::ProbabilitySum`] unless those
    /// of a voxel sum to 1 within 0.01; [`Error::SparseParts`] if the arrays contradict one another; [`Error::TooLarge`].
    ///
    /// ```
    /// use ndarray::{Ix2, array};
    /// use soft_labels::sparse::{self, SparseLabels, SparseParts};
    /// use soft_labels::{Classes, Error, Svls};
    ///
    /// let labels = array![[0_u8, 0, 0, 7, 7, 7]];
    /// let sparse: SparseLabels<f32, _> = sparse::encode(&Svls::default(), &labels, &Classes::contiguous(9)?)?;
    /// assert_eq!(SparseLabels::from_parts((1, 6), 9, sparse.parts())?, sparse);
    ///
    /// let wrong = SparseParts { uncertain: &[2, 2], ..sparse.parts() };
    /// assert!(matches!(
    ///     SparseLabels::<f32, Ix2>::from_parts((1, 6), 9, wrong),
    ///     Err(Error::SparseParts { part: "uncertain", entry: 1, .. })
    /// ));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn from_parts(
        shape: impl IntoDimension<Dim = D>,
        class_count: usize,
        parts: SparseParts<'_, F>,
    ) -> Result<Self> {
        Self::checked(shape.into_dimension(), class_count, parts, true)
    }

    /// The same for channels that need not sum to 1, such as those of regions and structures.
    ///
    /// # Errors
    /// Those of [`from_parts`](Self::from_parts), without [`Error::ProbabilitySum`].
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::sparse::{self, SparseLabels};
    /// use soft_labels::{Channels, Classes, SoftEncoder, Svls};
    ///
    /// let regions = Svls::default().with_channels(Channels::regions([[1, 2].as_slice(), &[2]])?);
    /// let sparse: SparseLabels<f32, _> = sparse::encode(&regions, &array![[0_u8, 1, 2]], &Classes::contiguous(3)?)?;
    /// assert!(!sparse.is_distribution());
    /// assert_eq!(SparseLabels::from_membership_parts((1, 3), 2, sparse.parts())?, sparse);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn from_membership_parts(
        shape: impl IntoDimension<Dim = D>,
        channel_count: usize,
        parts: SparseParts<'_, F>,
    ) -> Result<Self> {
        Self::checked(shape.into_dimension(), channel_count, parts, false)
    }

    fn checked(dim: D, class_count: usize, parts: SparseParts<'_, F>, distribution: bool) -> Result<Self> {
        check_axes(dim.ndim())?;
        Classes::contiguous(class_count)?;
        let too_large = || Error::TooLarge {
            shape: dim.slice().to_vec(),
        };
        let voxels = dim
            .slice()
            .iter()
            .try_fold(1_usize, |voxels, &len| voxels.checked_mul(len));
        let voxels = voxels
            .or_else(|| dim.slice().contains(&0).then_some(0))
            .ok_or_else(too_large)?;
        check_shape("class map of the sparse form", &[voxels], &[parts.class.len()])?;
        check_shape(
            "list of ends of the sparse form",
            &[parts.uncertain.len()],
            &[parts.ends.len()],
        )?;
        check_shape(
            "list of probabilities of the sparse form",
            &[parts.pair_class.len()],
            &[parts.pair_probability.len()],
        )?;
        let unknown = |&class: &u16| class != NONE && usize::from(class) >= class_count;
        if let Some(entry) = parts.class.iter().position(unknown) {
            return Err(wrong("class", entry, "is no class"));
        }
        check_pairs(&dim, class_count, &parts, distribution)?;
        Ok(Self {
            class_count,
            distribution,
            class: copied(parts.class).ok_or_else(too_large)?,
            uncertain: copied(parts.uncertain).ok_or_else(too_large)?,
            ends: copied(parts.ends).ok_or_else(too_large)?,
            pair_class: copied(parts.pair_class).ok_or_else(too_large)?,
            pair_probability: copied(parts.pair_probability).ok_or_else(too_large)?,
            one: F::round_from(1.0),
            dim,
        })
    }
}

/// Checks the uncertain voxels and their pairs.
fn check_pairs<F: SoftFloat>(
    dim: &impl Dimension,
    class_count: usize,
    parts: &SparseParts<'_, F>,
    distribution: bool,
) -> Result<()> {
    let (mut start, mut before) = (0, None);
    for (entry, (&voxel, &end)) in parts.uncertain.iter().zip(parts.ends).enumerate() {
        let Some(&most_probable) = parts.class.get(voxel) else {
            return Err(wrong("uncertain", entry, "is no voxel of the map"));
        };
        if before.is_some_and(|before| before >= voxel) {
            return Err(wrong("uncertain", entry, "is not greater than the one before"));
        }
        let pairs = parts
            .pair_class
            .get(start..end)
            .zip(parts.pair_probability.get(start..end));
        let Some((classes, probabilities)) = pairs.filter(|(classes, _)| !classes.is_empty()) else {
            return Err(wrong(
                "ends",
                entry,
                "leaves the voxel without pairs, or is past the last pair",
            ));
        };
        for (pair, class) in classes.iter().enumerate() {
            if usize::from(*class) >= class_count {
                return Err(wrong("pair_class", start + pair, "is no class"));
            }
            if pair > 0 && classes.get(pair - 1) >= Some(class) {
                return Err(wrong("pair_class", start + pair, "is not greater than the one before"));
            }
        }
        check_probabilities(dim, voxel, classes, probabilities, distribution)?;
        if most_probable != likeliest(classes, probabilities) {
            return Err(wrong("class", voxel, "is not the most probable class of its voxel"));
        }
        (start, before) = (end, Some(voxel));
    }
    if start == parts.pair_class.len() {
        Ok(())
    } else {
        Err(wrong("pair_class", start, "belongs to no voxel"))
    }
}

fn check_probabilities<F: SoftFloat>(
    dim: &impl Dimension,
    voxel: usize,
    classes: &[u16],
    probabilities: &[F],
    distribution: bool,
) -> Result<()> {
    let mut sum = 0.0;
    for (&class, &probability) in classes.iter().zip(probabilities) {
        let value = probability.widen();
        if !(0.0..=1.0).contains(&value) {
            let (class, index) = (class.into(), index(dim, voxel));
            return Err(Error::Probability { value, class, index });
        }
        sum += value;
    }
    if distribution && (sum - 1.0).abs() > ROUNDING {
        let index = index(dim, voxel);
        return Err(Error::ProbabilitySum { sum, index });
    }
    Ok(())
}

/// The most probable class, the lowest of several.
fn likeliest<F: SoftFloat>(classes: &[u16], probabilities: &[F]) -> u16 {
    let by_probability = |a: &(&u16, &F), b: &(&u16, &F)| match a.1.partial_cmp(b.1) {
        None | Some(Ordering::Equal) => b.0.cmp(a.0),
        Some(order) => order,
    };
    classes
        .iter()
        .zip(probabilities)
        .max_by(by_probability)
        .map_or(NONE, |(&class, _)| class)
}

fn wrong(part: &'static str, entry: usize, why: &'static str) -> Error {
    Error::SparseParts { part, entry, why }
}

/// The index of a voxel on each axis.
fn index(dim: &impl Dimension, voxel: usize) -> Vec<usize> {
    let mut rest = voxel;
    let mut index = dim.slice().to_vec();
    for len in index.iter_mut().rev() {
        (*len, rest) = (rest % *len, rest / *len);
    }
    index
}

/// A copy, or nothing if it does not fit in memory.
fn copied<T: Copy>(values: &[T]) -> Option<Vec<T>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(values.len()).ok()?;
    copy.extend_from_slice(values);
    Some(copy)
}
