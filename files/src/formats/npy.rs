//! Arrays from and to `.npy`.

mod header;

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use half::f16;
use ndarray::ArrayViewD;
use ndarray_npy::{WriteNpyError, WriteNpyExt};

use self::header::Header;
use super::raw::{Raw, size_in_bytes};
use crate::elements::{Values, each_value};
use crate::error::Fault;
use crate::geometry::Geometry;
use crate::limits::{open, read_exactly, shorter};
use crate::numbers::Image;

/// The array in a file.
pub(super) fn read(path: &Path) -> Result<Image, Fault> {
    let file = open(path)?;
    let size = file.metadata()?.len();
    from_reader(BufReader::new(file), |bytes| {
        bytes.filter(|&bytes| bytes <= size).ok_or_else(shorter)
    })
}

/// The array in a stream. `check` tells whether it can hold so many bytes.
pub(super) fn from_reader(
    mut reader: impl Read,
    check: impl Fn(Option<u64>) -> Result<u64, Fault>,
) -> Result<Image, Fault> {
    let Header {
        element_type,
        big_endian,
        first_fastest,
        shape,
    } = Header::read(&mut reader)?;
    if shape.contains(&0) {
        return Err(Fault::broken("has no voxels"));
    }
    let bytes = check(size_in_bytes(&shape, element_type))?;
    let raw = Raw {
        bytes: read_exactly(reader, bytes)?,
        element_type,
        big_endian,
        shape,
        first_fastest,
    };
    Ok(Image::of(raw.numbers()?, element_type))
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
