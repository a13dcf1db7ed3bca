//! Label maps and probabilities from and to NIfTI, `.nii` and `.nii.gz`: (x, y, z), and probabilities (x, y, z, C).

mod header;
mod slope;
mod write;

use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use nifti::{Endianness, NiftiType};

use self::header::{Half, parse};
pub(super) use self::write::{write_labels, write_probabilities};
use super::gunzip::Gunzip;
use super::raw::{Raw, size_in_bytes, size_of};
use crate::elements::ElementType;
use crate::error::Fault;
use crate::geometry::Geometry;
use crate::limits::{check_unpacked, open, read_exactly, shorter};
use crate::numbers::Image;

/// The array in a file, without axes of length 1 beyond the third.
pub(super) fn read(path: &Path) -> Result<Image, Fault> {
    unpacked(path, |reader, check| {
        let header = parse(reader, Half::Both)?;
        // Between header and voxels there may be extensions.
        if io::copy(&mut reader.take(header.gap), &mut io::sink())? != header.gap {
            return Err(Fault::broken("ends before its voxels; save it again"));
        }
        voxels(header, reader, check)
    })
}

/// The array of a header whose voxels are in a file beside.
pub(super) fn read_pair(path: &Path) -> Result<Image, Fault> {
    let header = unpacked(path, |reader, _| parse(reader, Half::Header))?;
    let beside = ["img", "IMG", "img.gz"].map(|ending| path.with_extension(ending));
    let Some(beside) = beside.iter().find(|beside| beside.is_file()) else {
        return Err(Fault::content(
            "has no .img of the same name beside it; keep both files together",
        ));
    };
    unpacked(beside, |reader, check| {
        if io::copy(&mut reader.take(header.gap), &mut io::sink())? != header.gap {
            return Err(shorter());
        }
        voxels(header, reader, check)
    })
}

/// Reads a file that may be packed by gzip, to its end. `work` gets the bytes, and what tells whether the file can hold so
/// many of them.
fn unpacked<T>(
    path: &Path,
    work: impl FnOnce(&mut dyn Read, &dyn Fn(Option<u64>) -> Result<u64, Fault>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut file = open(path)?;
    let size = file.metadata()?.len();
    let mut magic = Vec::new();
    file.by_ref().take(2).read_to_end(&mut magic)?;
    file.rewind()?;
    let mut reader = BufReader::new(file);
    if magic != [0x1f, 0x8b] {
        return work(&mut reader, &|bytes| {
            bytes.filter(|&bytes| bytes <= size).ok_or_else(shorter)
        });
    }
    let mut decoder = Gunzip::new(reader);
    let result = work(&mut decoder, &|bytes| check_unpacked(bytes, size))?;
    // The checksum comes last.
    match io::copy(&mut decoder, &mut io::sink()) {
        Ok(_) => Ok(result),
        Err(error) => Err(broken(error)),
    }
}

/// The header and the voxels, from where they begin.
fn voxels(
    header: header::Parsed,
    reader: &mut dyn Read,
    check: &dyn Fn(Option<u64>) -> Result<u64, Fault>,
) -> Result<Image, Fault> {
    let header::Parsed { header, shape, .. } = header;
    let kind = header.data_type().map_err(broken)?;
    let Some(element_type) = element_type(kind) else {
        return Err(Fault::content(format!(
            "holds {kind:?}, not labels; save it with an integer type"
        )));
    };
    if usize::try_from(header.bitpix).ok() != Some(8 * size_of(element_type)) {
        return Err(Fault::broken(
            "has a broken header: its data type and bits per voxel disagree; save it again",
        ));
    }
    let bytes = check(size_in_bytes(&shape, element_type))?;
    if bytes == 0 {
        return Err(Fault::broken("has no voxels"));
    }
    let raw = Raw {
        bytes: read_exactly(reader, bytes)?,
        element_type,
        big_endian: header.endianness == Endianness::Big,
        shape,
        first_fastest: true,
    };
    let numbers = slope::scaled(raw.numbers()?.squeezed(), header.scl_slope, header.scl_inter);
    Ok(Image {
        element_type: slope::element_type(&numbers, element_type),
        numbers,
        geometry: Geometry::of_nifti(header),
    })
}

fn broken(error: impl std::fmt::Display) -> Fault {
    Fault::broken(format!("is no whole NIfTI file ({error}); save it again"))
}

fn element_type(kind: NiftiType) -> Option<ElementType> {
    Some(match kind {
        NiftiType::Uint8 => ElementType::U8,
        NiftiType::Int8 => ElementType::I8,
        NiftiType::Uint16 => ElementType::U16,
        NiftiType::Int16 => ElementType::I16,
        NiftiType::Uint32 => ElementType::U32,
        NiftiType::Int32 => ElementType::I32,
        NiftiType::Uint64 => ElementType::U64,
        NiftiType::Int64 => ElementType::I64,
        NiftiType::Float32 => ElementType::F32,
        NiftiType::Float64 => ElementType::F64,
        _ => return None,
    })
}
