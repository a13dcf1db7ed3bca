//! Arrays from and to `.npy`.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use half::f16;
use ndarray::{ArrayD, ArrayViewD};
use ndarray_npy::{ReadNpyError, ReadNpyExt, ReadableElement, WriteNpyError, WriteNpyExt};

use crate::elements::{Values, each_value};
use crate::error::Fault;
use crate::geometry::Geometry;
use crate::labels::LabelMap;
use crate::limits::{check_memory, open, shorter};
use crate::probabilities::{Prediction, Probabilities};

/// Headers of arrays of plain numbers have fewer than 200 bytes.
const LONGEST_HEADER: u64 = 1 << 16;

/// The label map in a file.
pub(super) fn labels(path: &Path) -> Result<LabelMap, Fault> {
    macro_rules! first_that_fits {
        ($($kind:ty)*) => {$(
            if let Some(map) = array::<$kind>(path)? {
                return LabelMap::of(map);
            }
        )*};
    }
    first_that_fits!(u8 bool u16 u32 u64 i8 i16 i32 i64);
    Err(Fault::content(
        "holds no integers; save the label map with an integer type or bool",
    ))
}

pub(super) fn prediction(path: &Path, axes: usize) -> Result<Prediction, Fault> {
    let probabilities = |values| {
        let geometry = Geometry::unknown();
        Ok(Prediction::Probabilities(Probabilities { values, geometry }))
    };
    if let Some(values) = array::<f32>(path)? {
        return probabilities(values.mapv(f64::from));
    }
    if let Some(values) = array(path)? {
        return probabilities(values);
    }
    // With an axis more than the label map, bytes are 255ths.
    if let Some(parts) = array::<u8>(path)?.filter(|parts| parts.ndim() == axes + 1) {
        return probabilities(parts.mapv(|part| f64::from(part) / 255.0));
    }
    let neither = "holds neither labels, as integers, nor probabilities, as 32- or 64-bit floats or 255ths";
    let labels = labels(path).map_err(|_| Fault::content(neither))?;
    Ok(Prediction::Labels(labels))
}

/// The array in a file, unless its elements are of another type.
fn array<T: ReadableElement>(path: &Path) -> Result<Option<ArrayD<T>>, Fault> {
    let mut file = open(path)?;
    // The library makes room for the elements before it compares their type.
    if check_size(&mut file)?.is_some_and(|bytes| bytes != size_of::<T>()) {
        return Ok(None);
    }
    file.rewind()?;
    match ArrayD::read_npy(BufReader::new(file)) {
        Ok(array) => Ok(Some(array)),
        Err(ReadNpyError::WrongDescriptor(_)) => Ok(None),
        Err(ReadNpyError::Io(error)) => Err(error.into()),
        Err(error) => Err(Fault::broken(error.to_string())),
    }
}

/// A broken header must not make us ask for more memory than the file can fill. The result is the size of an element, if it is
/// told in the usual way.
fn check_size(file: &mut File) -> Result<Option<usize>, Fault> {
    let mut start = Vec::new();
    let size = file.metadata()?.len();
    file.take(1 << 16).read_to_end(&mut start)?;
    // The header's length has 16 bits in version 1 and 32 in later ones.
    let length = match start.get(6..12) {
        Some(&[1, _, a, b, ..]) => u64::from(u16::from_le_bytes([a, b])),
        Some(&[_, _, a, b, c, d]) => u64::from(u32::from_le_bytes([a, b, c, d])),
        _ => return Err(Fault::broken("is not an .npy file")),
    };
    if length > LONGEST_HEADER {
        return Err(Fault::broken(
            "has a header that is too long for an .npy file of plain numbers",
        ));
    }
    if length > size {
        return Err(shorter());
    }
    let header = String::from_utf8_lossy(start.split(|&byte| byte == b'\n').next().unwrap_or_default());
    // The library's parser does not come back from deeply nested brackets, and takes the last of several shapes.
    if header.matches(['(', '[', '{']).count() > 4 || header.matches("shape").count() > 1 || header.contains('\\') {
        return Err(Fault::broken("is not an .npy file of plain numbers"));
    }
    let shape = header
        .split_once("'shape': (")
        .and_then(|(_, rest)| rest.split_once(')'));
    let Some((shape, _)) = shape else {
        return Err(Fault::broken("is not an .npy file"));
    };
    let axes = shape.split(',').map(str::trim).filter(|axis| !axis.is_empty());
    let voxels = axes
        .map(|axis| axis.parse::<u64>().ok())
        .try_fold(1_u64, |all, axis| all.checked_mul(axis?));
    match voxels {
        Some(0) => Err(Fault::broken("has no voxels")),
        Some(voxels) if voxels <= size.max(1) => {
            let taken_as_they_are = ["'|u1'", "'<i8'", "'<f8'"].iter().any(|kind| header.contains(kind));
            let copied = if taken_as_they_are { 0 } else { voxels.saturating_mul(8) };
            check_memory(size.saturating_add(copied))?;
            let kind = header
                .split_once("'descr': '")
                .and_then(|(_, rest)| rest.split_once('\''));
            Ok(kind.and_then(|(kind, _)| kind.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().ok()))
        }
        _ => Err(shorter()),
    }
}

pub(super) fn write(path: &Path, values: &Values<'_>, _: &Geometry) -> Result<(), Fault> {
    let failed = |error| match error {
        WriteNpyError::Io(error) => error.into(),
        other => Fault::format(format!("cannot be written as .npy ({other})")),
    };
    let mut writer = BufWriter::new(File::create(path)?);
    each_value!(values, array => array.write_npy(&mut writer).map_err(failed)?,
        bool => array.write_npy(&mut writer).map_err(failed)?,
        half => write_halves(array, &mut writer)?);
    Ok(writer.flush()?)
}

/// By hand: the library does not know 16-bit floats.
fn write_halves(array: &ArrayViewD<'_, f16>, mut writer: impl Write) -> io::Result<()> {
    let axes: String = array.shape().iter().map(|axis| format!("{axis}, ")).collect();
    let header = format!("{{'descr': '<f2', 'fortran_order': False, 'shape': ({axes}), }}");
    // Padded so that the data begin at a multiple of 64 bytes.
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 11;
    writer.write_all(b"\x93NUMPY\x01\x00")?;
    writer.write_all(&(padded as u16 + 1).to_le_bytes())?;
    writer.write_all(format!("{header:padded$}\n").as_bytes())?;
    for value in array {
        writer.write_all(&value.to_le_bytes())?;
    }
    Ok(())
}
