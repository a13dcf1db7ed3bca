//! Label maps and probabilities from and to NIfTI, `.nii` and `.nii.gz`: (x, y, z), and probabilities (x, y, z, C).

use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::Path;

use bytemuck::Pod;
use flate2::read::MultiGzDecoder;
use ndarray::{ArrayD, ArrayViewD, Axis, CowArray, IxDyn, ShapeBuilder};
use nifti::writer::WriterOptions;
use nifti::{DataElement, InMemNiftiVolume, IntoNdArray, NiftiHeader, NiftiType};

use crate::elements::{ElementType, Values, each_value};
use crate::error::Fault;
use crate::geometry::Geometry;
use crate::labels::LabelMap;
use crate::limits::{check_memory, check_unpacked, open, read_exactly, shorter};
use crate::probabilities::{Prediction, Probabilities};

/// A NIfTI file.
struct Nifti {
    header: NiftiHeader,
    kind: NiftiType,
    volume: InMemNiftiVolume,
}

impl Nifti {
    /// Whether values are written as they are, without a slope.
    fn is_scaled(&self) -> bool {
        self.header.scl_slope != 0.0 && (self.header.scl_slope, self.header.scl_inter) != (1.0, 0.0)
    }

    fn is_float(&self) -> bool {
        self.is_scaled() || matches!(self.kind, NiftiType::Float32 | NiftiType::Float64)
    }
}

fn open_nifti(path: &Path) -> Result<Nifti, Fault> {
    let mut file = open(path)?;
    let size = file.metadata()?.len();
    let mut magic = Vec::new();
    file.by_ref().take(2).read_to_end(&mut magic)?;
    file.rewind()?;
    if magic == [0x1f, 0x8b] {
        let mut decoder = MultiGzDecoder::new(BufReader::new(file));
        let nifti = read_nifti(&mut decoder, |bytes| check_unpacked(bytes, size))?;
        // The checksum comes last.
        match io::copy(&mut decoder, &mut io::sink()) {
            Ok(_) => Ok(nifti),
            Err(error) => Err(broken(error.into())),
        }
    } else {
        let check = |bytes: Option<u64>| {
            let bytes = bytes.filter(|&bytes| bytes <= size);
            bytes.ok_or_else(shorter)
        };
        read_nifti(BufReader::new(file), check)
    }
}

/// `check` tells whether the file can hold so many bytes.
fn read_nifti(mut reader: impl Read, check: impl Fn(Option<u64>) -> Result<u64, Fault>) -> Result<Nifti, Fault> {
    let start = read_exactly(reader.by_ref(), 352)?;
    let mut header = NiftiHeader::from_reader(Cursor::new(&start)).map_err(broken)?;
    // No number is no slope, as 0 is.
    if !header.scl_slope.is_finite() {
        header.scl_slope = 0.0;
    }
    let kind = header.data_type().map_err(broken)?;
    if usize::try_from(header.bitpix).ok() != Some(8 * kind.size_of()) {
        return Err(Fault::broken(
            "has a broken header: its data type and bits per voxel disagree; save it again",
        ));
    }
    let axes = header.dim().map_err(broken)?.iter().map(|&len| u64::from(len));
    let bytes = axes.into_iter().try_fold(kind.size_of() as u64, u64::checked_mul);
    let bytes = check(bytes)?;
    if bytes == 0 {
        return Err(Fault::broken("has no voxels"));
    }
    // The bytes, the values, and labels that were floats.
    let of_byte = if kind == NiftiType::Uint8 {
        1
    } else {
        16 / kind.size_of() as u64
    };
    check_memory(bytes.saturating_add(bytes.saturating_mul(of_byte)))?;
    // Between header and voxels there may be extensions.
    let extensions = (header.vox_offset.max(352.0) as u64).saturating_sub(352);
    if io::copy(&mut reader.by_ref().take(extensions), &mut io::sink())? != extensions {
        return Err(Fault::broken("ends before its voxels; save it again"));
    }
    let volume = InMemNiftiVolume::from_reader(reader, &header).map_err(broken)?;
    Ok(Nifti { header, kind, volume })
}

fn broken(error: nifti::NiftiError) -> Fault {
    let error = match error {
        nifti::NiftiError::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    Fault::broken(format!("is no whole NIfTI file ({error}); save it again"))
}

/// The label map in a file.
pub(super) fn labels(path: &Path) -> Result<LabelMap, Fault> {
    label_map(open_nifti(path)?)
}

fn label_map(file: Nifti) -> Result<LabelMap, Fault> {
    let is_float = file.is_float();
    let Nifti { header, kind, volume } = file;
    let map = match kind {
        _ if is_float => {
            let values = array::<f64>(volume)?;
            if let Some(value) = values.iter().find(|&&value| value != (value as i64) as f64) {
                return Err(Fault::content(format!(
                    "holds {value}, which is no label; labels are whole numbers"
                )));
            }
            LabelMap::of(values.mapv(|value| value as i64))
        }
        NiftiType::Uint8 => LabelMap::of(array::<u8>(volume)?),
        NiftiType::Uint64 => LabelMap::of(array::<u64>(volume)?),
        NiftiType::Int8
        | NiftiType::Uint16
        | NiftiType::Int16
        | NiftiType::Uint32
        | NiftiType::Int32
        | NiftiType::Int64 => LabelMap::of(array::<i64>(volume)?),
        kind => {
            return Err(Fault::content(format!(
                "holds {kind:?}, not labels; save it with an integer type"
            )));
        }
    };
    Ok(LabelMap {
        element_type: label_type(kind),
        geometry: Geometry::of_nifti(header),
        ..map?
    })
}

/// A label map of so many axes, or probabilities, which have one more: the classes come last in the file.
pub(super) fn prediction(path: &Path, axes: usize) -> Result<Prediction, Fault> {
    let file = open_nifti(path)?;
    let lengths = file.header.dim().map_err(broken)?;
    // An image has a third axis of length 1 if classes follow.
    if !(file.is_float() && lengths.len() == 4 && lengths[3] > 1) {
        return Ok(Prediction::Labels(label_map(file)?));
    }
    let mut values = file.volume.into_ndarray::<f64>().map_err(broken)?;
    if axes == 2 && values.len_of(Axis(2)) == 1 {
        values = values.index_axis_move(Axis(2), 0);
    }
    let order: Vec<_> = std::iter::once(values.ndim() - 1).chain(0..values.ndim() - 1).collect();
    Ok(Prediction::Probabilities(Probabilities {
        values: values.permuted_axes(order),
        geometry: Geometry::of_nifti(file.header),
    }))
}

/// The type to write labels with that came in this one.
fn label_type(kind: NiftiType) -> ElementType {
    match kind {
        NiftiType::Uint8 => ElementType::U8,
        NiftiType::Int8 => ElementType::I8,
        NiftiType::Uint16 => ElementType::U16,
        NiftiType::Int16 => ElementType::I16,
        NiftiType::Uint32 => ElementType::U32,
        NiftiType::Int32 => ElementType::I32,
        NiftiType::Uint64 => ElementType::U64,
        _ => ElementType::I64,
    }
}

/// The array on the header's axes, without those of length 1 beyond the third.
fn array<T: DataElement>(volume: InMemNiftiVolume) -> Result<ArrayD<T>, Fault> {
    let mut map = volume.into_ndarray().map_err(broken)?;
    while map.ndim() > 3 && map.shape().last() == Some(&1) {
        let last = Axis(map.ndim() - 1);
        map = map.index_axis_move(last, 0);
    }
    Ok(map)
}

pub(super) fn write_labels(path: &Path, labels: &Values<'_>, geometry: &Geometry) -> Result<(), Fault> {
    let order = [0, 1, 2];
    each_value!(labels, array => write(path, array, &order, geometry),
        bool => write(path, &array.mapv(u8::from).view(), &order, geometry),
        half => Err(no_halves()))
}

/// The classes are first in the array and last in the file.
pub(super) fn write_probabilities(path: &Path, soft: &Values<'_>, geometry: &Geometry) -> Result<(), Fault> {
    let order = [1, 2, 3, 0];
    each_value!(soft, array => write(path, array, &order, geometry),
        bool => write(path, &array.mapv(u8::from).view(), &order, geometry),
        half => Err(no_halves()))
}

/// `order` has the axis of the array for each axis of the file.
fn write<T: DataElement + Pod>(
    path: &Path,
    array: &ArrayViewD<'_, T>,
    order: &[usize],
    geometry: &Geometry,
) -> Result<(), Fault> {
    if let Some(axis) = array.shape().iter().find(|&&axis| i16::try_from(axis).is_err()) {
        return Err(Fault::too_large(format!(
            "NIfTI's axes have at most 32767 entries, not {axis}; write .npy"
        )));
    }
    let mut view = array.view();
    if view.ndim() > order.len() {
        let axes = view.ndim();
        return Err(Fault::format(format!(
            "NIfTI has {} axes here, not {axes}; write .npy",
            order.len()
        )));
    }
    // An image has one slice.
    while view.ndim() < order.len() {
        let last = Axis(view.ndim());
        view = view.insert_axis(last);
    }
    let view = view.permuted_axes(order);
    let header = geometry.nifti();
    let options = WriterOptions::new(path).reference_header(&header);
    let array = if view.t().is_standard_layout() {
        CowArray::from(view)
    } else {
        // In the order of the file: the library panics on some other orders.
        check_memory(view.len().saturating_mul(size_of::<T>()) as u64)?;
        let mut copy = ArrayD::from_elem(IxDyn(view.shape()).f(), T::zeroed());
        copy.assign(&view);
        CowArray::from(copy)
    };
    options.write_nifti(&array).map_err(|error| match error {
        nifti::NiftiError::Io(error) => error.into(),
        other => Fault::format(format!("cannot be written as NIfTI ({other}); write .npy")),
    })
}

fn no_halves() -> Fault {
    Fault::format("NIfTI has no 16-bit floats; write .npy, or 32-bit floats")
}
