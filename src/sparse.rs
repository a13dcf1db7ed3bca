//! Soft labels without their zeros.
//!
//! Most voxels of a label map are certain, and the others have two or three classes out of perhaps a hundred.
//! [`SparseLabels`] keep one class for each voxel, and a short list of probabilities for each uncertain one. The dense soft
//! labels of 512³ voxels and 117 classes take 63 GB; the sparse ones take 0.3 GB and 30 bytes for each uncertain voxel.
//!
//! [`encode`] takes any encoder whose soft labels are zero almost everywhere, as those of [`OneHot`](crate::OneHot) and
//! [`Svls`](crate::Svls) are. [`LabelSmoothing`](crate::LabelSmoothing) leaves no voxel certain, so it is an error unless its
//! α is 0.
//!
//! ```
//! use ndarray::{Array3, array};
//! use soft_labels::sparse::{self, SparseLabels};
//! use soft_labels::{Classes, Svls};
//!
//! let labels = array![[0_u8, 0, 0, 7, 7, 7]];
//! let classes = Classes::contiguous(100)?;
//! let sparse: SparseLabels<f32, _> = sparse::encode(&Svls::default(), &labels, &classes)?;
//!
//! assert_eq!(sparse.uncertain_len(), 2); // on both sides of the boundary
//! let beside: Vec<_> = sparse.distribution(&[0, 2]).unwrap().iter().collect();
//! assert_eq!(beside.len(), 2); // class 0 and class 7
//!
//! let mut patch = Array3::<f32>::zeros((100, 1, 2));
//! sparse.write_window(&[0..1, 1..3], &mut patch)?;
//! assert_eq!(patch[[0, 0, 0]], 1.0);
//! # Ok::<(), soft_labels::Error>(())
//! ```

mod builder;
mod distribution;
mod from_parts;
mod parts;

use std::ops::Range;

use ndarray::{Array, ArrayRef, Axis, Dimension, Slice};

pub use self::distribution::Distribution;
pub use self::parts::SparseParts;
use crate::common::arrays;
use crate::engine::{self, Tile};
use crate::input::window::{Window, check_output};
use crate::{Classes, Error, Label, Raters, Result, SoftEncoder, SoftFloat, SpatialDim};

/// The sparse soft labels of a label map, with the bits of [`SoftEncoder::encode`].
///
/// # Errors
/// [`Error::NotSparse`] for label smoothing, which has no zeros unless its α is 0; [`Error::UnknownLabel`],
/// [`Error::Axes`], [`Error::Count`], [`Error::KernelTooLarge`] and [`Error::TooLarge`].
///
/// ```
/// use soft_labels::sparse::{self, SparseLabels};
/// use soft_labels::{Classes, Svls};
///
/// let labels = ndarray::Array3::<u8>::zeros((8, 8, 8));
/// let sparse: SparseLabels<f32, _> = sparse::encode(&Svls::default(), &labels, &Classes::contiguous(50)?)?;
/// assert_eq!(sparse.uncertain_len(), 0);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn encode<L: Label, F: SoftFloat, D: SpatialDim>(
    encoder: &impl SoftEncoder,
    labels: &ArrayRef<L, D>,
    classes: &Classes,
) -> Result<SparseLabels<F, D>> {
    encode_raters(encoder, &Raters::one(labels.view())?, classes)
}

/// The sparse average of the raters' soft labels, with the bits of [`SoftEncoder::encode_raters`].
///
/// # Errors
/// Those of [`encode`].
///
/// ```
/// use ndarray::array;
/// use soft_labels::sparse::{self, SparseLabels};
/// use soft_labels::{Classes, OneHot, Raters};
///
/// let (first, second) = (array![[0_u8, 1, 0]], array![[0_u8, 1, 1]]);
/// let raters = Raters::weighted(&[first.view(), second.view()], &[3.0, 1.0])?;
/// let moh: SparseLabels<f32, _> = sparse::encode_raters(&OneHot, &raters, &Classes::contiguous(2)?)?;
/// assert_eq!(moh.distribution(&[0, 2]).unwrap().get(1), 0.25);
/// # Ok::<(), soft_labels::Error>(())
/// ```
pub fn encode_raters<L: Label, F: SoftFloat, D: SpatialDim>(
    encoder: &impl SoftEncoder,
    raters: &Raters<'_, L, D>,
    classes: &Classes,
) -> Result<SparseLabels<F, D>> {
    let plan = encoder.plan(classes, raters.shape().len())?;
    if plan.is_sparse() {
        builder::build(&plan, raters, classes)
    } else {
        Err(Error::NotSparse)
    }
}

/// Soft labels of a whole label map as a class for each voxel and a distribution for each uncertain one.
///
/// `F` is the type of probabilities and `D` the dimension of the label map. See [`sparse`](self).
///
/// ```
/// # use ndarray::array;
/// # use soft_labels::sparse::{self, SparseLabels};
/// # use soft_labels::{Classes, OneHot};
/// let sparse: SparseLabels<f32, _> = sparse::encode(&OneHot, &array![[0_u8, 1]], &Classes::contiguous(2)?)?;
/// assert_eq!(sparse.shape(), [1, 2]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SparseLabels<F, D> {
    dim: D,
    class_count: usize,
    /// Whether the probabilities of a voxel sum to 1.
    distribution: bool,
    /// The most probable class of each voxel in C order, the lowest of several, or [`NONE`].
    class: Vec<u16>,
    /// Voxels where no class has probability 1, without the ignored ones, ascending, and where the pairs of each end.
    uncertain: Vec<usize>,
    ends: Vec<usize>,
    pair_class: Vec<u16>,
    pair_probability: Vec<F>,
    /// The number 1, of which a certain voxel's distribution is a slice.
    one: F,
}

/// The class of a voxel that nobody labelled.
const NONE: u16 = u16::MAX;

impl<F: SoftFloat, D: SpatialDim> SparseLabels<F, D> {
    /// Shape of the label map: (H, W) or (D, H, W).
    ///
    /// ```
    /// # use soft_labels::{Classes, OneHot, sparse::{self, SparseLabels}};
    /// let labels = ndarray::Array3::<u8>::zeros((2, 3, 4));
    /// let sparse: SparseLabels<f32, _> = sparse::encode(&OneHot, &labels, &Classes::contiguous(2)?)?;
    /// assert_eq!(sparse.shape(), [2, 3, 4]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn shape(&self) -> &[usize] {
        self.dim.slice()
    }

    /// Number of classes: the length of the class axis, were it dense.
    ///
    /// ```
    /// # use soft_labels::{Classes, OneHot, sparse::{self, SparseLabels}};
    /// let labels = ndarray::Array2::<u8>::zeros((3, 4));
    /// let sparse: SparseLabels<f32, _> = sparse::encode(&OneHot, &labels, &Classes::contiguous(7)?)?;
    /// assert_eq!(sparse.class_count(), 7);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn class_count(&self) -> usize {
        self.class_count
    }

    /// The probabilities of a voxel, or `None` if there is no such voxel.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use soft_labels::{Classes, OneHot, sparse::{self, SparseLabels}};
    /// let sparse: SparseLabels<f32, _> = sparse::encode(&OneHot, &array![[0_u8, 1]], &Classes::contiguous(2)?)?;
    /// assert_eq!(sparse.distribution(&[0, 1]).unwrap().get(1), 1.0);
    /// assert!(sparse.distribution(&[0, 2]).is_none());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn distribution(&self, voxel: &[usize]) -> Option<Distribution<'_, F>> {
        if voxel.len() != self.shape().len() || voxel.iter().zip(self.shape()).any(|(at, len)| at >= len) {
            return None;
        }
        let place = voxel
            .iter()
            .zip(self.shape())
            .fold(0, |place, (at, len)| place * len + at);
        match self.uncertain.binary_search(&place) {
            Ok(entry) => self.pairs(entry),
            Err(_) if self.class.get(place) == Some(&NONE) => Some(Distribution {
                classes: &[],
                probabilities: &[],
            }),
            Err(_) => Some(Distribution {
                classes: self.class.get(place..=place)?,
                probabilities: std::slice::from_ref(&self.one),
            }),
        }
    }

    /// The distribution of an uncertain voxel.
    /// Whether the probabilities of every voxel sum to 1, unless it is ignored: see
    /// [`SoftEncoder::is_distribution`].
    pub fn is_distribution(&self) -> bool {
        self.distribution
    }

    fn pairs(&self, entry: usize) -> Option<Distribution<'_, F>> {
        let start = entry
            .checked_sub(1)
            .map_or(Some(0), |before| self.ends.get(before).copied())?;
        let range = start..*self.ends.get(entry)?;
        Some(Distribution {
            classes: self.pair_class.get(range.clone())?,
            probabilities: self.pair_probability.get(range)?,
        })
    }

    /// The arrays that these soft labels consist of.
    ///
    /// The example of [`SparseParts`] uses it.
    pub fn parts(&self) -> SparseParts<'_, F> {
        SparseParts {
            class: &self.class,
            uncertain: &self.uncertain,
            ends: &self.ends,
            pair_class: &self.pair_class,
            pair_probability: &self.pair_probability,
        }
    }

    /// The number of voxels where no class has probability 1, without the ignored ones.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use soft_labels::{Classes, Svls, sparse::{self, SparseLabels}};
    /// let labels = array![[0_u8, 0, 0, 1]];
    /// let sparse: SparseLabels<f32, _> = sparse::encode(&Svls::default(), &labels, &Classes::contiguous(2)?)?;
    /// assert_eq!(sparse.uncertain_len(), 2);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn uncertain_len(&self) -> usize {
        self.uncertain.len()
    }

    /// The voxels where no class has probability 1, without the ignored ones, in C order, each with its index on the
    /// axes of the label map.
    ///
    /// ```
    /// # use ndarray::{Dimension, array};
    /// # use soft_labels::{Classes, Svls, sparse::{self, SparseLabels}};
    /// let labels = array![[0_u8, 0, 0, 1]];
    /// let sparse: SparseLabels<f32, _> = sparse::encode(&Svls::default(), &labels, &Classes::contiguous(2)?)?;
    /// let voxels: Vec<_> = sparse.uncertain_voxels().map(|(voxel, _)| voxel.into_pattern()).collect();
    /// assert_eq!(voxels, [(0, 2), (0, 3)]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn uncertain_voxels(&self) -> impl Iterator<Item = (D, Distribution<'_, F>)> {
        self.uncertain.iter().enumerate().filter_map(|(entry, &place)| {
            let (mut voxel, mut rest) = (self.dim.clone(), place);
            for (at, len) in voxel.slice_mut().iter_mut().zip(self.shape()).rev() {
                *at = rest % len;
                rest /= len;
            }
            Some((voxel, self.pairs(entry)?))
        })
    }

    /// Memory in use, in bytes.
    ///
    /// ```
    /// # use soft_labels::{Classes, OneHot, sparse::{self, SparseLabels}};
    /// let labels = ndarray::Array3::<u8>::zeros((16, 16, 16));
    /// let sparse: SparseLabels<f32, _> = sparse::encode(&OneHot, &labels, &Classes::contiguous(100)?)?;
    /// assert_eq!(sparse.size_in_bytes(), 2 * labels.len() + size_of_val(&sparse));
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn size_in_bytes(&self) -> usize {
        let classes = size_of::<u16>() * (self.class.capacity() + self.pair_class.capacity());
        let places = size_of::<usize>() * (self.uncertain.capacity() + self.ends.capacity());
        size_of_val(self) + classes + places + size_of::<F>() * self.pair_probability.capacity()
    }

    /// The dense soft labels of the whole label map, (C, H, W) or (C, D, H, W) in C order: the bits of
    /// [`SoftEncoder::encode`].
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    ///
    /// ```
    /// # use ndarray::{Array3, array};
    /// # use soft_labels::{Classes, SoftEncoder, Svls, sparse::{self, SparseLabels}};
    /// let (labels, classes) = (array![[0_u8, 0, 1, 1]], Classes::contiguous(2)?);
    /// let sparse: SparseLabels<f32, _> = sparse::encode(&Svls::default(), &labels, &classes)?;
    /// let dense: Array3<f32> = sparse.to_dense()?;
    /// assert_eq!(dense, Svls::default().encode(&labels, &classes)?);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn to_dense(&self) -> Result<Array<F, D::Larger>> {
        let all = Window::whole(self.shape());
        let mut shape = D::Larger::zeros(self.shape().len() + 1);
        shape.slice_mut()[0] = self.class_count;
        shape.slice_mut()[1..].copy_from_slice(self.shape());
        let mut out = arrays::filled(shape, F::zero())?;
        self.write_window(all.ranges(), &mut out)?;
        Ok(out)
    }

    /// Writes the dense soft labels of a window to `out`, which may have any strides: the bits of
    /// [`SoftEncoder::encode_window_into`].
    ///
    /// # Errors
    /// [`Error::Count`], [`Error::Window`] and [`Error::Shape`]; `out` is untouched then.
    ///
    /// ```
    /// # use ndarray::{Array3, array};
    /// # use soft_labels::{Classes, SoftEncoder, Svls, sparse::{self, SparseLabels}};
    /// let (labels, classes) = (array![[0_u8, 0, 1, 1]], Classes::contiguous(2)?);
    /// let sparse: SparseLabels<f32, _> = sparse::encode(&Svls::default(), &labels, &classes)?;
    /// let mut window = Array3::zeros((2, 1, 2));
    /// sparse.write_window(&[0..1, 1..3], &mut window)?;
    /// assert_eq!(window, Svls::default().encode_window(&labels, &classes, &[0..1, 1..3])?);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn write_window(&self, window: &[Range<usize>], out: &mut ArrayRef<F, D::Larger>) -> Result<()> {
        check_output(self.shape(), self.class_count, window, out.shape())?;
        out.fill(F::zero());
        if out.is_empty() {
            return Ok(());
        }
        let Tile { start, size } = Tile::of_window(window);
        let mut out = engine::soft_volumes(out.view_mut(), window.len())?;
        let [height, width] = match *self.shape() {
            [.., height, width] => [height, width],
            _ => [1, 1],
        };
        for (d, h) in (0..size[0]).flat_map(|d| (0..size[1]).map(move |h| (d, h))) {
            let place = ((start[0] + d) * height + start[1] + h) * width + start[2];
            let places = place..place + size[2];
            let mut at = 0;
            for run in self.class[places.clone()].chunk_by(|a, b| a == b) {
                if let Some(&class) = run.first().filter(|&&class| class != NONE) {
                    let mut volume = out.index_axis_mut(Axis(0), usize::from(class));
                    let mut plane = volume.index_axis_mut(Axis(0), d);
                    let mut row = plane.index_axis_mut(Axis(0), h);
                    row.slice_axis_inplace(Axis(0), Slice::from(at..at + run.len()));
                    row.fill(self.one);
                }
                at += run.len();
            }
            let first = self.uncertain.partition_point(|&voxel| voxel < places.start);
            for (entry, voxel) in self.uncertain.iter().enumerate().skip(first) {
                if !places.contains(voxel) {
                    break;
                }
                // Its most probable class, which was set above, is among the pairs.
                let w = voxel - place;
                for (class, probability) in self.pairs(entry).iter().flat_map(Distribution::iter) {
                    out[[class, d, h, w]] = probability;
                }
            }
        }
        Ok(())
    }
}
