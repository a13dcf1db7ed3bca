//! Windows: the part of a label map whose soft labels are asked for, a range of voxels on each axis.

use std::ops::Range;

use ndarray::{Array, Dimension};

use super::per_axis::{PerAxis, per_axis};
use crate::common::arrays;
use crate::{Error, Place, Result, SoftFloat, SpatialDim};

/// A part of a label map: a range of voxels on each axis, which lies within the map's shape.
///
/// The methods of [`SoftEncoder`](crate::SoftEncoder) take the ranges alone and check them against the label maps that they
/// get. This type is for code that has no label map yet: code that reads one block by block, or that allocates the output
/// first. A block of a map has the soft labels of the whole if it is read [`grown`](Self::grown) by the encoder's
/// [`radius`](crate::SoftEncoder::radius).
///
/// ```
/// use ndarray::{Array2, Array3, ArrayView2, Axis, Slice};
/// use soft_labels::{Classes, SoftEncoder, Svls, Window};
///
/// let (labels, classes, svls) = (Array2::<u8>::eye(40), Classes::contiguous(2)?, Svls::default());
///
/// let block = Window::new(&[40, 40], &[16..32, 0..40])?;
/// let read = block.grown(svls.radius(2)?)?;
/// assert_eq!(read.ranges(), [15..33, 0..40]);
///
/// let part: ArrayView2<'_, u8> = labels.slice_each_axis(|axis| Slice::from(read.ranges()[axis.axis.index()].clone()));
/// let soft: Array3<f32> = svls.encode_window(&part, &classes, block.seen_from(&read)?.ranges())?;
/// assert_eq!(soft, svls.encode_window::<_, f32, _>(&labels, &classes, block.ranges())?);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Window {
    map: Vec<usize>,
    ranges: Vec<Range<usize>>,
}

impl Window {
    /// A window of a label map of this shape, (H, W) or (D, H, W).
    ///
    /// # Errors
    /// [`Error::Count`] unless there is a range for each axis, [`Error::Window`] if one is reversed or ends past the
    /// map.
    ///
    /// ```
    /// # use soft_labels::{Error, Window};
    /// assert_eq!(Window::new(&[512, 512], &[32..128, 400..496])?.shape(), [96, 96]);
    /// let error = Window::new(&[512, 512], &[32..128, 500..596]).unwrap_err();
    /// assert_eq!(error, Error::Window { axis: 1, start: 500, end: 596, len: 512 });
    /// # Ok::<(), Error>(())
    /// ```
    pub fn new(shape: &[usize], ranges: &[Range<usize>]) -> Result<Self> {
        check(shape, ranges)?;
        Ok(Self {
            map: shape.to_vec(),
            ranges: ranges.to_vec(),
        })
    }

    /// All of a label map of this shape.
    ///
    /// ```
    /// # use soft_labels::Window;
    /// assert_eq!(Window::whole(&[3, 4]).ranges(), [0..3, 0..4]);
    /// ```
    pub fn whole(shape: &[usize]) -> Self {
        Self {
            map: shape.to_vec(),
            ranges: shape.iter().map(|&len| 0..len).collect(),
        }
    }

    /// The voxels on each axis of the label map, as the methods of [`SoftEncoder`](crate::SoftEncoder) take them.
    ///
    /// ```
    /// # use soft_labels::Window;
    /// assert_eq!(Window::new(&[3, 4], &[1..2, 0..4])?.ranges(), [1..2, 0..4]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    /// The first voxel on each axis.
    ///
    /// ```
    /// # use soft_labels::Window;
    /// assert_eq!(Window::new(&[3, 4], &[1..2, 0..4])?.start(), [1, 0]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn start(&self) -> Vec<usize> {
        self.ranges.iter().map(|range| range.start).collect()
    }

    /// The lengths of the window: (H, W) or (D, H, W).
    ///
    /// ```
    /// # use soft_labels::Window;
    /// assert_eq!(Window::new(&[3, 4], &[1..2, 0..4])?.shape(), [1, 4]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn shape(&self) -> Vec<usize> {
        self.ranges.iter().map(ExactSizeIterator::len).collect()
    }

    /// The shape of the window's soft labels of so many channels: their number, then the lengths of the window. An encoder has
    /// [`channel_count`](crate::SoftEncoder::channel_count) channels.
    ///
    /// ```
    /// # use soft_labels::Window;
    /// let window = Window::new(&[3, 4], &[1..2, 0..4])?;
    /// assert_eq!(window.soft_shape(5), [5, 1, 4]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn soft_shape(&self, channels: usize) -> Vec<usize> {
        soft_shape(channels, &self.ranges)
    }

    /// The shape of the label map.
    ///
    /// ```
    /// # use soft_labels::Window;
    /// assert_eq!(Window::new(&[3, 4], &[1..2, 0..4])?.map_shape(), [3, 4]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn map_shape(&self) -> &[usize] {
        &self.map
    }

    /// The voxels of each row, as places in the label map in C order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Range<usize>> {
        let axis = |from_last: usize| {
            let at = self.ranges.len().checked_sub(from_last + 1);
            let of = |at: usize| Some((self.ranges.get(at)?.clone(), *self.map.get(at)?));
            at.and_then(of).unwrap_or((0..1, 1))
        };
        let ((planes, _), (lines, height), (columns, width)) = (axis(2), axis(1), axis(0));
        planes
            .flat_map(move |plane| lines.clone().map(move |line| (plane * height + line) * width))
            .map(move |start| start + columns.start..start + columns.end)
    }

    /// Whether the window has no voxels.
    ///
    /// ```
    /// # use soft_labels::Window;
    /// assert!(Window::new(&[3, 4], &[1..1, 0..4])?.is_empty());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.ranges.iter().any(Range::is_empty)
    }

    /// The window with as many voxels more on both sides of each axis as the label map has there: what an encoder of this
    /// radius reads.
    ///
    /// # Errors
    /// [`Error::Count`] if the radius is a list for another number of axes.
    ///
    /// ```
    /// # use soft_labels::Window;
    /// let window = Window::new(&[3, 400], &[1..2, 100..200])?;
    /// assert_eq!(window.grown([5, 1])?.ranges(), [0..3, 99..201]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn grown(&self, radius: impl Into<PerAxis<usize>>) -> Result<Self> {
        let radius = per_axis("radius", radius.into().values(), Some(self.map.len()))?;
        let grow = |((range, &radius), &len): ((&Range<usize>, &usize), &usize)| {
            range.start.saturating_sub(radius)..range.end.saturating_add(radius).min(len)
        };
        Ok(Self {
            map: self.map.clone(),
            ranges: self.ranges.iter().zip(&radius).zip(&self.map).map(grow).collect(),
        })
    }

    /// The smallest window of whole boxes of voxels that holds this one. Boxes are counted from the first voxel of the map,
    /// and the last of an axis may be smaller.
    ///
    /// `box_size` is the length of a box in voxels: one number for all axes, or one for each.
    ///
    /// # Errors
    /// [`Error::Count`] if `box_size` has another number of axes, [`Error::Setting`] if one is 0.
    ///
    /// ```
    /// # use soft_labels::Window;
    /// let window = Window::new(&[9, 9], &[3..5, 5..9])?;
    /// assert_eq!(window.in_whole_boxes([2, 4])?.ranges(), [2..6, 4..9]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn in_whole_boxes(&self, box_size: impl Into<PerAxis<usize>>) -> Result<Self> {
        let box_size = check_box_size(self.map.len(), &box_size.into())?;
        let widen = |((range, &size), &len): ((&Range<usize>, &usize), &usize)| {
            let end = range.end.checked_next_multiple_of(size).unwrap_or(len).min(len);
            range.start / size * size..end
        };
        Ok(Self {
            map: self.map.clone(),
            ranges: self.ranges.iter().zip(&box_size).zip(&self.map).map(widen).collect(),
        })
    }

    /// The same window of the map at a coarser scale, which has a voxel for each box of voxels (see
    /// [`pool`](crate::pool)).
    ///
    /// `box_size` is the length of a box in voxels: one number for all axes, or one for each. Where the window has voxels, it
    /// must begin at a multiple of every length, and end at a multiple or at the end of the label map.
    ///
    /// # Errors
    /// [`Error::BoxWindow`] if the window does not hold whole boxes, [`Error::Count`] if `box_size` has another number of axes,
    /// [`Error::Setting`] if one is 0.
    ///
    /// ```
    /// # use soft_labels::Window;
    /// let coarse = Window::new(&[9, 9], &[2..6, 4..9])?.at_scale([2, 4])?;
    /// assert_eq!((coarse.ranges(), coarse.map_shape()), (&[1..3, 1..3][..], &[5, 3][..]));
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn at_scale(&self, box_size: impl Into<PerAxis<usize>>) -> Result<Self> {
        let box_size = check_box_size(self.map.len(), &box_size.into())?;
        let axes = self.ranges.iter().zip(&self.map).zip(&box_size);
        let mut ranges = Vec::with_capacity(self.ranges.len());
        for (axis, ((range, &len), &size)) in axes.enumerate() {
            let holds_boxes = range.start % size == 0 && (range.end % size == 0 || range.end == len);
            if !holds_boxes && !range.is_empty() {
                return Err(Error::BoxWindow {
                    axis,
                    start: range.start,
                    end: range.end,
                    size,
                    len,
                });
            }
            let start = range.start / size;
            ranges.push(start..start + range.len().div_ceil(size));
        }
        Ok(Self {
            map: self
                .map
                .iter()
                .zip(&box_size)
                .map(|(len, &size)| len.div_ceil(size))
                .collect(),
            ranges,
        })
    }

    /// The same voxels as a window of the part of the map that `outer` is.
    ///
    /// # Errors
    /// [`Error::Shape`] if the windows are of different maps, [`Error::Window`] if this one does not lie within
    /// `outer`.
    ///
    /// ```
    /// # use soft_labels::Window;
    /// let outer = Window::new(&[9, 9], &[2..6, 4..9])?;
    /// let inner = Window::new(&[9, 9], &[3..4, 4..9])?;
    /// assert_eq!(inner.seen_from(&outer)?, Window::new(&[4, 5], &[1..2, 0..5])?);
    /// assert!(outer.seen_from(&inner).is_err());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn seen_from(&self, outer: &Self) -> Result<Self> {
        arrays::check_shape("label map of the inner window", &outer.map, &self.map)?;
        let mut ranges = Vec::with_capacity(self.ranges.len());
        for (axis, (range, outer)) in self.ranges.iter().zip(&outer.ranges).enumerate() {
            if range.start < outer.start || range.end > outer.end {
                return Err(Error::Window {
                    axis,
                    start: range.start,
                    end: range.end,
                    len: outer.end,
                });
            }
            ranges.push(range.start - outer.start..range.end - outer.start);
        }
        Ok(Self {
            map: outer.shape(),
            ranges,
        })
    }
}

/// Checks that ranges are a window of a label map.
fn check(map: &[usize], ranges: &[Range<usize>]) -> Result<()> {
    arrays::check_count("window", "axes", map.len(), ranges.len())?;
    for (axis, (range, &len)) in ranges.iter().zip(map).enumerate() {
        if range.start > range.end || range.end > len {
            return Err(Error::Window {
                axis,
                start: range.start,
                end: range.end,
                len,
            });
        }
    }
    Ok(())
}

/// The length of a box on each axis, which is checked.
pub(crate) fn check_box_size(axes: usize, box_size: &PerAxis<usize>) -> Result<Vec<usize>> {
    let sizes = per_axis("box", box_size.values(), Some(axes))?;
    match sizes.iter().position(|&len| len == 0) {
        Some(axis) => Err(Error::Setting {
            what: "box",
            place: Some(Place::Axis(axis)),
            value: 0.0,
            allowed: "1 or more",
        }),
        None => Ok(sizes),
    }
}

fn soft_shape(channels: usize, window: &[Range<usize>]) -> Vec<usize> {
    std::iter::once(channels)
        .chain(window.iter().map(ExactSizeIterator::len))
        .collect()
}

/// Checks a window, and the shape of the output for its soft labels.
pub(crate) fn check_output(labels: &[usize], channels: usize, window: &[Range<usize>], output: &[usize]) -> Result<()> {
    check(labels, window)?;
    arrays::check_shape("output", &soft_shape(channels, window), output)
}

/// Zeros for the soft labels of a window, which is checked.
pub(crate) fn allocate<F: SoftFloat, D: SpatialDim>(
    labels: &[usize],
    channels: usize,
    window: &[Range<usize>],
) -> Result<Array<F, D::Larger>> {
    check(labels, window)?;
    let shape = soft_shape(channels, window);
    let mut dim = D::Larger::zeros(shape.len());
    dim.slice_mut().copy_from_slice(&shape);
    arrays::filled(dim, F::zero())
}
