//! Results to files.

use std::io::{BufWriter, Cursor, Write};
use std::path::Path;

use bytemuck::Pod;
use half::f16;
use ndarray::{ArrayD, ArrayViewD, Axis};
use ndarray_npy::{NpzWriter, WritableElement, WriteNpyExt};
use nifti::writer::WriterOptions;
use nifti::{DataElement, NiftiHeader};
use soft_labels::sparse::SparseLabels;

use super::labels::LabelType;
use super::output::Place;
use crate::command::Failure;

/// A format that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Npy,
    /// Several arrays, for the sparse form.
    Npz,
    Nifti,
    /// A label map alone.
    Png,
    #[cfg(feature = "zarr")]
    Zarr,
}

const ENDINGS: &[(&str, Format)] = &[
    (".npy", Format::Npy),
    (".npz", Format::Npz),
    (".nii.gz", Format::Nifti),
    (".nii", Format::Nifti),
    (".png", Format::Png),
    #[cfg(feature = "zarr")]
    (".zarr", Format::Zarr),
];

impl Format {
    /// The format that the file's name tells.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let (_, format) = ENDINGS.iter().find(|(ending, _)| name.ends_with(ending))?;
        Some(*format)
    }
}

/// Types of values that are written.
pub(crate) trait Value: Copy + 'static {
    fn npy(array: &ArrayViewD<'_, Self>, writer: impl Write) -> Result<(), Failure>;
    fn nifti(array: &ArrayViewD<'_, Self>, options: &WriterOptions<'_>) -> Result<(), Failure>;
}

macro_rules! values {
    ($($kind:ty)*) => {$(
        impl Value for $kind {
            fn npy(array: &ArrayViewD<'_, Self>, writer: impl Write) -> Result<(), Failure> {
                Ok(array.write_npy(writer)?)
            }

            fn nifti(array: &ArrayViewD<'_, Self>, options: &WriterOptions<'_>) -> Result<(), Failure> {
                write_nifti(array, options)
            }
        }
    )*};
}
values!(u8 u16 u32 u64 i8 i16 i32 i64 f32 f64);

fn write_nifti<T: Value + DataElement + Pod + WritableElement>(
    array: &ArrayViewD<'_, T>,
    options: &WriterOptions<'_>,
) -> Result<(), Failure> {
    Ok(options.write_nifti(array)?)
}

impl Value for f16 {
    /// By hand: the library does not know 16-bit floats.
    fn npy(array: &ArrayViewD<'_, Self>, mut writer: impl Write) -> Result<(), Failure> {
        let axes: String = array.shape().iter().map(|axis| format!("{axis}, ")).collect();
        let mut header = format!("{{'descr': '<f2', 'fortran_order': False, 'shape': ({axes}), }}");
        // Padded so that the data begin at a multiple of 64 bytes.
        let padded = (10 + header.len() + 1).next_multiple_of(64) - 11;
        header = format!("{header:padded$}\n");
        writer.write_all(b"\x93NUMPY\x01\x00")?;
        writer.write_all(&u16::try_from(header.len())?.to_le_bytes())?;
        writer.write_all(header.as_bytes())?;
        for value in array {
            writer.write_all(&value.to_le_bytes())?;
        }
        Ok(())
    }

    fn nifti(_: &ArrayViewD<'_, Self>, _: &WriterOptions<'_>) -> Result<(), Failure> {
        Err("NIfTI has no 16-bit floats; write .npy, or --dtype f32".into())
    }
}

/// Writes an array: soft labels, classes first, or a label map.
///
/// NIfTI has the classes last, and always three spatial axes.
pub(crate) fn write<T: Value>(
    place: &Place<'_>,
    format: Format,
    array: &ArrayD<T>,
    classes_first: bool,
    header: &NiftiHeader,
) -> Result<(), Failure> {
    match format {
        Format::Npy => place.file(|file| {
            let mut writer = BufWriter::new(file);
            T::npy(&array.view(), &mut writer)?;
            Ok(writer.flush()?)
        }),
        Format::Nifti => {
            if let Some(axis) = array.shape().iter().find(|&&axis| i16::try_from(axis).is_err()) {
                return Err(format!("NIfTI's axes have at most 32767 entries, not {axis}; write .npy").into());
            }
            let mut view = array.view();
            while view.ndim() < 3 + usize::from(classes_first) {
                let last = Axis(view.ndim());
                view = view.insert_axis(last);
            }
            if classes_first {
                view = view.permuted_axes(vec![1, 2, 3, 0]);
            }
            place.path(|path| T::nifti(&view, &WriterOptions::new(path).reference_header(header)))
        }
        Format::Png => Err("PNG is for label maps of images; write .npy".into()),
        Format::Npz => Err(".npz is for --sparse; write .npy".into()),
        #[cfg(feature = "zarr")]
        Format::Zarr => Err("cannot be written in one piece".into()),
    }
}

/// Writes the sparse form, whose arrays are those of `SparseParts`.
pub(crate) fn write_sparse(place: &Place<'_>, sparse: &SparseLabels<f32, ndarray::IxDyn>) -> Result<(), Failure> {
    let parts = sparse.parts();
    let wide = |values: &[usize]| values.iter().map(|&value| value as u64).collect::<ndarray::Array1<_>>();
    place.file(|file| {
        // In memory first: the library prints where it cannot finish a file.
        let mut npz = NpzWriter::new(Cursor::new(Vec::new()));
        let class = ArrayViewD::from_shape(sparse.shape(), parts.class)?;
        npz.add_array("class", &class)?;
        npz.add_array("class_count", &ndarray::arr0(sparse.class_count() as u64))?;
        npz.add_array("uncertain", &wide(parts.uncertain))?;
        npz.add_array("ends", &wide(parts.ends))?;
        npz.add_array("pair_class", &ndarray::aview1(parts.pair_class))?;
        npz.add_array("pair_probability", &ndarray::aview1(parts.pair_probability))?;
        Ok(file.write_all(npz.finish()?.get_ref())?)
    })
}

/// Writes a label map with elements of a given type.
pub(crate) fn write_labels(
    place: &Place<'_>,
    format: Format,
    labels: &ArrayD<i64>,
    kind: LabelType,
    header: &NiftiHeader,
) -> Result<(), Failure> {
    if format == Format::Png {
        return write_png(place, labels);
    }
    macro_rules! as_type {
        ($($name:ident $kind:ty),*) => {
            match kind {
                $(LabelType::$name => {
                    let narrow = |label: &i64| {
                        <$kind>::try_from(*label)
                            .map_err(|_| format!("the label {label} does not fit the type of the input, {}", stringify!($kind)))
                    };
                    let values = labels.iter().map(narrow).collect::<Result<Vec<_>, _>>()?;
                    write(place, format, &ArrayD::from_shape_vec(labels.shape(), values)?, false, header)
                })*
            }
        };
    }
    as_type!(Bool u8, U8 u8, U16 u16, U32 u32, U64 u64, I8 i8, I16 i16, I32 i32, I64 i64)
}

/// Writes an image of labels up to 255 as grey levels.
fn write_png(place: &Place<'_>, labels: &ArrayD<i64>) -> Result<(), Failure> {
    let &[height, width] = labels.shape() else {
        return Err("PNG is for images; write .npy or NIfTI".into());
    };
    let grey: Result<Vec<u8>, _> = labels.iter().map(|&label| u8::try_from(label)).collect();
    let grey = grey.map_err(|_| "PNG has labels from 0 to 255; write .npy")?;
    place.file(|file| {
        let mut encoder = png::Encoder::new(BufWriter::new(file), u32::try_from(width)?, u32::try_from(height)?);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&grey)?;
        Ok(writer.finish()?)
    })
}
