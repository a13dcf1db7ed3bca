//! Writing, in the format that a file's name tells. A file appears whole or not at all.

use ndarray::{ArrayD, ArrayRef, Dimension, IxDyn};
use soft_labels::sparse::SparseLabels;

use crate::elements::{Element, ElementType, Values};
use crate::error::{Error, Fault, Result};
use crate::formats::{Format, Write};
use crate::geometry::Geometry;
use crate::labels::LabelElement;
use crate::limits::check_memory;
use crate::place::Place;

/// Writes a label map with its geometry.
///
/// The array's axes are those of the file, in their order: the first is x of NIfTI, and the depth or height elsewhere. NIfTI
/// always has three axes; an image has one slice. PNG takes images with labels up to 255. Only NIfTI keeps the geometry.
///
/// # Errors
///
/// If the format does not hold such a map, or the place is taken.
///
/// ```
/// use ndarray::Array3;
/// use soft_labels_files::{Geometry, read_labels, write_labels};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("labels.nii.gz");
/// let labels = Array3::<u8>::zeros((30, 20, 10)); // (x, y, z)
/// write_labels(&path, &labels, &Geometry::from_spacing_mm(&[0.5, 0.5, 2.0]))?;
///
/// let map = read_labels(&path)?;
/// assert_eq!(map.labels.shape(), [30, 20, 10]);
/// assert_eq!(map.geometry.spacing_mm(), Some(&[0.5, 0.5, 2.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_labels<'a, T: LabelElement, D: Dimension>(
    place: impl Into<Place<'a>>,
    labels: &ArrayRef<T, D>,
    geometry: &Geometry,
) -> Result<()> {
    let place = place.into();
    let values = T::values(labels.view().into_dyn());
    put(
        &place,
        "labels",
        Format::writes_labels,
        |format| format.0.write_labels,
        &values,
        geometry,
    )
}

/// Writes a label map with elements of a type that is chosen at run time, such as that of the label map it was made of.
/// `bool` is written as `u8`, and PNG always has bytes.
///
/// # Errors
///
/// Those of [`write_labels`], and if a label does not fit the type.
///
/// ```
/// use ndarray::array;
/// use soft_labels_files::{ElementType, Geometry, read_labels, write_labels_as};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("labels.npy");
/// write_labels_as(&path, &array![[0, 300]], ElementType::U16, &Geometry::unknown())?;
/// assert_eq!(read_labels(&path)?.element_type, ElementType::U16);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_labels_as<'a, D: Dimension>(
    place: impl Into<Place<'a>>,
    labels: &ArrayRef<i64, D>,
    element_type: ElementType,
    geometry: &Geometry,
) -> Result<()> {
    fn narrow<T: LabelElement, D: Dimension>(labels: &ArrayRef<i64, D>) -> std::result::Result<ArrayD<T>, Fault> {
        let narrow = |&label: &i64| {
            T::of_label(label).ok_or_else(|| {
                Fault::too_large(format!("label {label} does not fit the type of the input, {}", T::TYPE))
            })
        };
        check_memory(labels.len().saturating_mul(size_of::<T>()) as u64)?;
        let mut values = Vec::with_capacity(labels.len());
        for label in labels {
            values.push(narrow(label)?);
        }
        Ok(ArrayD::from_shape_vec(labels.shape(), values)?)
    }
    let place = place.into();
    let only = Format::of_name(place.path()).and_then(|format| format.0.label_type);
    macro_rules! as_type {
        ($kind:ty) => {{
            let labels = narrow::<$kind, D>(labels).map_err(|fault| fault.at(place.path()))?;
            write_labels(place, &labels, geometry)
        }};
    }
    // What fits the format's own type is checked by its writer.
    if only.is_some() {
        return write_labels(place, labels, geometry);
    }
    match element_type {
        ElementType::Bool | ElementType::U8 => as_type!(u8),
        ElementType::U16 => as_type!(u16),
        ElementType::U32 => as_type!(u32),
        ElementType::U64 => as_type!(u64),
        ElementType::I8 => as_type!(i8),
        ElementType::I16 => as_type!(i16),
        ElementType::I32 => as_type!(i32),
        ElementType::I64 => write_labels(place, labels, geometry),
        ElementType::F16 | ElementType::F32 | ElementType::F64 => {
            let text = format!("labels are integers, not {element_type}; choose an integer type");
            Err(Fault::content(text).at(place.path()))
        }
    }
}

/// Writes probabilities (C, ..) of `f32`, `f64`, `half::f16`, or of `u8` in 255ths, with the geometry of their label map.
///
/// NumPy and Zarr have the classes first, too. NIfTI has them last, and always three axes before them. It has no 16-bit floats.
///
/// # Errors
///
/// If the format does not hold such values, or the place is taken.
///
/// ```
/// use soft_labels::{Classes, SoftEncoder, Svls};
/// use soft_labels_files::{Geometry, read_labels, read_probabilities, write_labels, write_probabilities};
///
/// let folder = tempfile::tempdir()?;
/// # let labels = ndarray::Array3::from_shape_fn((6, 5, 4), |(x, _, _)| u8::from(x > 2));
/// # write_labels(&folder.path().join("labels.nii"), &labels, &Geometry::from_spacing_mm(&[1.0, 1.0, 2.5]))?;
/// let map = read_labels(folder.path().join("labels.nii"))?;
/// let labels = map.labels.cast::<u8>()?;
/// let soft: ndarray::ArrayD<f32> = Svls::default().encode(&labels, &Classes::contiguous(2)?)?;
/// let path = folder.path().join("soft.nii.gz");
/// write_probabilities(&path, &soft, &map.geometry)?;
///
/// let read = read_probabilities(&path, 3)?;
/// assert_eq!(read.values.shape(), [2, 6, 5, 4]);
/// assert!(read.geometry.same_place(&map.geometry, labels.shape()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_probabilities<'a, T: Element, D: Dimension>(
    place: impl Into<Place<'a>>,
    soft: &ArrayRef<T, D>,
    geometry: &Geometry,
) -> Result<()> {
    let place = place.into();
    let values = T::values(soft.view().into_dyn());
    put(
        &place,
        "probabilities",
        Format::writes_probabilities,
        |format| format.0.write_probabilities,
        &values,
        geometry,
    )
}

/// Writes a map of numbers, such as how much raters disagree at each voxel, with the geometry of its label map. Its axes are those of
/// the label map.
///
/// # Errors
///
/// If the format holds no numbers with a fraction, or the place is taken.
///
/// ```
/// use ndarray::Array3;
/// use soft_labels_files::{Geometry, read_labels, write_map};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("entropy.nii.gz");
/// write_map(&path, &Array3::<f32>::zeros((30, 20, 10)), &Geometry::from_spacing_mm(&[0.5, 0.5, 2.0]))?;
/// assert_eq!(read_labels(&path)?.labels.shape(), [30, 20, 10]); // zeros are labels, too
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_map<'a, T: Element, D: Dimension>(
    place: impl Into<Place<'a>>,
    map: &ArrayRef<T, D>,
    geometry: &Geometry,
) -> Result<()> {
    let place = place.into();
    let values = T::values(map.view().into_dyn());
    let writer = |format: Format| format.0.write_labels.filter(|_| format.writes_probabilities());
    put(
        &place,
        "maps of numbers",
        Format::writes_probabilities,
        writer,
        &values,
        geometry,
    )
}

/// Writes sparse soft labels to `.npz`, with the arrays of [`SparseParts`](soft_labels::sparse::SparseParts): `class`,
/// `class_count`, `uncertain`, `ends`, `pair_class` and `pair_probability`.
///
/// # Errors
///
/// If the name does not end with `.npz`, or the place is taken.
pub fn write_sparse<'a>(place: impl Into<Place<'a>>, sparse: &SparseLabels<f32, IxDyn>) -> Result<()> {
    let place = place.into();
    let write = |format: Format| format.0.write_sparse;
    let Some((format, write)) = Format::of_name(place.path()).and_then(|format| Some((format, write(format)?))) else {
        return Err(unwritten(&place, "sparse soft labels", Format::writes_sparse));
    };
    place.by_name(format.default_ending(), |path| {
        write(path, sparse).map_err(|fault| fault.at(place.path()))
    })
}

/// Writes beside the place and moves what is whole.
fn put(
    place: &Place<'_>,
    what: &str,
    writes: impl Fn(Format) -> bool,
    of: impl Fn(Format) -> Option<Write>,
    values: &Values<'_>,
    geometry: &Geometry,
) -> Result<()> {
    let format = Format::of_name(place.path());
    let Some((format, write)) = format.and_then(|format| Some((format, of(format)?))) else {
        return Err(unwritten(place, what, writes));
    };
    let write = |path: &std::path::Path| write(path, values, geometry).map_err(|fault| fault.at(place.path()));
    if format.is_folder() {
        return place.folder(write);
    }
    // Writers may go by the name, so the ending counts.
    let name = place.path().to_string_lossy().to_lowercase();
    let ending = format.endings().iter().find(|ending| name.ends_with(**ending));
    place.by_name(ending.unwrap_or(&format.default_ending()), write)
}

fn unwritten(place: &Place<'_>, what: &str, writes: impl Fn(Format) -> bool) -> Error {
    let names = Format::list(writes);
    Fault::format(format!("{what} are not written so; name {names}")).at(place.path())
}
