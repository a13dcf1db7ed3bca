//! Label maps as they come from files.

use ndarray::ArrayD;

use crate::elements::{Element, ElementType};
use crate::error::{Fault, Result};
use crate::geometry::Geometry;

/// A label map from a file.
///
/// Its axes are those of the file: (H, W) or (D, H, W) from NumPy, PNG, TIFF and Zarr, (x, y, z) from NIfTI.
/// [`Geometry::axes`] says which. All that this crate gives by axis, such as the spacing, is in the order of the array's axes.
///
/// ```
/// use ndarray::array;
/// use soft_labels_files::{ElementType, Geometry, read_labels, write_labels};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("labels.npy");
/// write_labels(&path, &array![[0_i16, 1], [4, 4]], &Geometry::unknown())?;
///
/// let map = read_labels(&path)?;
/// assert_eq!(map.labels.shape(), [2, 2]);
/// assert_eq!(map.element_type, ElementType::I16);
/// let labels: ndarray::ArrayD<u8> = map.labels.cast()?;
/// assert_eq!(labels[[1, 0]], 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LabelMap {
    /// The labels, on the axes of the file.
    pub labels: Labels,
    /// The type of the labels in the file.
    pub element_type: ElementType,
    /// Where the voxels are.
    pub geometry: Geometry,
}

impl LabelMap {
    /// A label map of which nothing but its array is known.
    pub(crate) fn of<T: LabelElement>(map: ArrayD<T>) -> std::result::Result<Self, Fault> {
        Ok(Self {
            labels: T::labels(map)?,
            element_type: T::TYPE,
            geometry: Geometry::unknown(),
        })
    }
}

/// The labels of a label map: bytes where the file has bytes or `bool`, 64 bits where it has any other integers. Two types
/// are enough, because each more makes programs that handle all of them larger.
///
/// Match on it, or [`cast`](Self::cast) to the type that you work with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Labels {
    /// From `u8` and `bool`.
    U8(ArrayD<u8>),
    /// From all other integers.
    I64(ArrayD<i64>),
}

impl Labels {
    /// Voxels along each axis.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::U8(map) => map.shape(),
            Self::I64(map) => map.shape(),
        }
    }

    /// The labels with elements of another type, such as `u8`, `i32` or `i64`, in the same order in memory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`](crate::ErrorKind) if a label does not fit the type.
    ///
    /// ```
    /// # use ndarray::array;
    /// use soft_labels_files::Labels;
    ///
    /// let labels = Labels::I64(array![[0, 300]].into_dyn());
    /// assert_eq!(labels.clone().cast::<u16>()?[[0, 1]], 300);
    /// assert_eq!(labels.cast::<u8>().unwrap_err().to_string(), "label 300 does not fit u8; choose a wider type");
    /// # Ok::<(), soft_labels_files::Error>(())
    /// ```
    pub fn cast<T: LabelElement>(self) -> Result<ArrayD<T>> {
        fn all<L: Copy + Into<i64>, T: LabelElement>(map: &ArrayD<L>) -> Result<ArrayD<T>> {
            let mut misfit = None;
            let cast = map.map(|&label| {
                let label = label.into();
                T::of_label(label).unwrap_or_else(|| {
                    misfit.get_or_insert(label);
                    T::ZERO
                })
            });
            match misfit {
                None => Ok(cast),
                Some(label) => {
                    let text = format!("label {label} does not fit {}; choose a wider type", T::TYPE);
                    Err(Fault::too_large(text).in_memory())
                }
            }
        }
        match self {
            Self::U8(map) => all(&map),
            Self::I64(map) => all(&map),
        }
    }

    /// The labels as `i64`, which holds all of them, in C order.
    pub fn into_i64(self) -> ArrayD<i64> {
        fn in_order<L: Copy + Into<i64>>(map: &ArrayD<L>) -> ArrayD<i64> {
            let mut wide = ArrayD::zeros(map.raw_dim());
            wide.zip_mut_with(map, |wide, &label| *wide = label.into());
            wide
        }
        match self {
            Self::U8(map) => in_order(&map),
            Self::I64(map) if map.is_standard_layout() => map,
            Self::I64(map) => in_order(&map),
        }
    }
}

/// An element type of label maps: `bool`, `u8` to `u64` or `i8` to `i64`. The trait is sealed.
pub trait LabelElement: Element + sealed::Labels {}

mod sealed {
    use super::{ArrayD, Fault, Labels as LabelArray};

    pub trait Labels: Sized {
        const ZERO: Self;

        /// Of a label beside the array that it comes from: none if that is taken as it is.
        const LABEL_BYTES: u64;

        fn labels(map: ArrayD<Self>) -> Result<LabelArray, Fault>;

        fn of_label(label: i64) -> Option<Self>;
    }
}

macro_rules! label_elements {
    ($($kind:ty, $zero:literal, $bytes:literal, $of_label:path, $map:ident => $labels:expr;)*) => {$(
        impl LabelElement for $kind {}

        impl sealed::Labels for $kind {
            const ZERO: Self = $zero;
            const LABEL_BYTES: u64 = $bytes;

            fn labels($map: ArrayD<Self>) -> std::result::Result<Labels, Fault> {
                Ok($labels)
            }

            fn of_label(label: i64) -> Option<Self> {
                $of_label(label).ok()
            }
        }
    )*};
}
label_elements! {
    bool, false, 1, binary, map => Labels::U8(map.mapv(u8::from));
    u8, 0, 0, u8::try_from, map => Labels::U8(map);
    u16, 0, 8, u16::try_from, map => Labels::I64(map.mapv(i64::from));
    u32, 0, 8, u32::try_from, map => Labels::I64(map.mapv(i64::from));
    i8, 0, 8, i8::try_from, map => Labels::I64(map.mapv(i64::from));
    i16, 0, 8, i16::try_from, map => Labels::I64(map.mapv(i64::from));
    i32, 0, 8, i32::try_from, map => Labels::I64(map.mapv(i64::from));
    i64, 0, 0, i64::try_from, map => Labels::I64(map);
    u64, 0, 8, u64::try_from, map => {
        let wide = |&label: &u64| {
            i64::try_from(label).map_err(|_| Fault::content(format!("has label {label}; the largest is 2^63 - 1")))
        };
        let mut labels = Vec::with_capacity(map.len());
        for label in &map {
            labels.push(wide(label)?);
        }
        Labels::I64(ArrayD::from_shape_vec(map.shape(), labels)?)
    };
}

fn binary(label: i64) -> std::result::Result<bool, ()> {
    match label {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(()),
    }
}
