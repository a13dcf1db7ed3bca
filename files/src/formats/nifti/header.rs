//! The header of NIfTI, versions 1 and 2.

use std::io::{Cursor, Read};

use nifti::{Endianness, NiftiHeader};

use super::broken;
use crate::error::Fault;
use crate::limits::{read_exactly, shorter};

/// What a file holds of the two halves of NIfTI.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Half {
    Both,
    /// The voxels are in a file beside.
    Header,
}

#[derive(Debug)]
pub(super) struct Parsed {
    /// As version 1 has it.
    pub(super) header: NiftiHeader,
    pub(super) shape: Vec<usize>,
    /// Bytes between the header and the voxels; from the beginning where they are in another file.
    pub(super) gap: u64,
}

/// Bytes of the headers, with the four behind them that tell of extensions.
const VERSION_1: u64 = 348 + 4;
const VERSION_2: u64 = 540 + 4;

/// Reads the header.
pub(super) fn parse(reader: &mut dyn Read, half: Half) -> Result<Parsed, Fault> {
    let mut bytes = read_exactly(&mut *reader, 348)?;
    let start = bytes.first_chunk::<4>().copied().unwrap_or_default();
    if start == 540_i32.to_le_bytes() || start == 540_i32.to_be_bytes() {
        bytes.extend(read_exactly(&mut *reader, 540 - 348)?);
        let header = Fields {
            bytes: &bytes,
            big: start == 540_i32.to_be_bytes(),
        };
        let (header, shape, offset) = header.version_2()?;
        return behind(header, shape, offset, reader, VERSION_2, half);
    }
    if half == Half::Header && !matches!(bytes.last_chunk(), Some(b"ni1\0" | b"n+1\0")) {
        return Err(Fault::content(
            "is no NIfTI header, but perhaps one of ANALYZE 7.5 or of ENVI, which do not tell where voxels are; save it as .nii.gz",
        ));
    }
    let header = NiftiHeader::from_reader(Cursor::new(&bytes)).map_err(broken)?;
    let shape = header
        .dim()
        .map_err(broken)?
        .iter()
        .map(|&len| usize::from(len))
        .collect();
    let offset = header.vox_offset.max(0.0) as u64;
    behind(header, shape, offset, reader, VERSION_1, half)
}

/// Reads what there is between the header and its extensions.
fn behind(
    header: NiftiHeader,
    shape: Vec<usize>,
    offset: u64,
    reader: &mut dyn Read,
    end: u64,
    half: Half,
) -> Result<Parsed, Fault> {
    if half == Half::Header {
        return Ok(Parsed {
            header,
            shape,
            gap: offset,
        });
    }
    read_exactly(reader, 4)?;
    Ok(Parsed {
        header,
        shape,
        gap: offset.saturating_sub(end),
    })
}

/// The fields of version 2 by their offsets.
struct Fields<'a> {
    bytes: &'a [u8],
    big: bool,
}

impl Fields<'_> {
    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut field = [0; N];
        field
            .iter_mut()
            .zip(self.bytes.iter().skip(at))
            .for_each(|(to, &from)| *to = from);
        if self.big {
            field.reverse();
        }
        field
    }

    fn text<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut field = [0; N];
        field
            .iter_mut()
            .zip(self.bytes.iter().skip(at))
            .for_each(|(to, &from)| *to = from);
        field
    }

    fn i16(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.array(at))
    }

    fn i32(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.array(at))
    }

    fn i64(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.array(at))
    }

    fn f32(&self, at: usize) -> f32 {
        f64::from_le_bytes(self.array(at)) as f32
    }

    fn row(&self, at: usize) -> [f32; 4] {
        std::array::from_fn(|column| self.f32(at + 8 * column))
    }

    /// The header as version 1 has it, the shape, and where voxels begin.
    fn version_2(&self) -> Result<(NiftiHeader, Vec<usize>, u64), Fault> {
        if !matches!(&self.text::<4>(4), b"n+2\0" | b"ni2\0") {
            return Err(Fault::broken("is no NIfTI file; save it again"));
        }
        let axes = usize::try_from(self.i64(16)).ok().filter(|axes| (1..=7).contains(axes));
        let axes = axes.ok_or_else(|| Fault::broken("has a broken header: it has 1 to 7 axes; save it again"))?;
        let shape = (1..=axes).map(|axis| usize::try_from(self.i64(16 + 8 * axis)).map_err(|_| shorter()));
        let shape = shape.collect::<Result<Vec<_>, _>>()?;
        let header = NiftiHeader {
            datatype: self.i16(12),
            bitpix: self.i16(14),
            intent_p1: self.f32(80),
            intent_p2: self.f32(88),
            intent_p3: self.f32(96),
            pixdim: std::array::from_fn(|axis| self.f32(104 + 8 * axis)),
            scl_slope: self.f32(176),
            scl_inter: self.f32(184),
            cal_max: self.f32(192),
            cal_min: self.f32(200),
            descrip: self.text::<80>(240).to_vec(),
            aux_file: self.text(320),
            qform_code: self.i32(344) as i16,
            sform_code: self.i32(348) as i16,
            quatern_b: self.f32(352),
            quatern_c: self.f32(360),
            quatern_d: self.f32(368),
            quatern_x: self.f32(376),
            quatern_y: self.f32(384),
            quatern_z: self.f32(392),
            srow_x: self.row(400),
            srow_y: self.row(432),
            srow_z: self.row(464),
            xyzt_units: self.i32(500) as u8,
            intent_code: self.i32(504) as i16,
            intent_name: self.text(508),
            endianness: if self.big { Endianness::Big } else { Endianness::Little },
            ..NiftiHeader::default()
        };
        Ok((header, shape, u64::try_from(self.i64(168)).unwrap_or(0)))
    }
}
