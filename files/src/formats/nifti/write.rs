//! Arrays to NIfTI, version 1, little-endian.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use ndarray::{ArrayViewD, Axis};
use nifti::{NiftiHeader, NiftiType};

use super::slope::PART;
use crate::elements::{Values, each_value};
use crate::error::Fault;
use crate::geometry::Geometry;

/// An element type of NIfTI.
trait Stored: Copy {
    const TYPE: NiftiType;

    fn write(self, to: impl Write) -> io::Result<()>;
}

macro_rules! stored {
    ($($kind:ty, $name:ident;)*) => {$(
        impl Stored for $kind {
            const TYPE: NiftiType = NiftiType::$name;

            fn write(self, mut to: impl Write) -> io::Result<()> {
                to.write_all(&self.to_le_bytes())
            }
        }
    )*};
}
stored! {
    u8, Uint8;
    u16, Uint16;
    u32, Uint32;
    u64, Uint64;
    i8, Int8;
    i16, Int16;
    i32, Int32;
    i64, Int64;
    f32, Float32;
    f64, Float64;
}

impl Stored for bool {
    const TYPE: NiftiType = NiftiType::Uint8;

    fn write(self, to: impl Write) -> io::Result<()> {
        u8::from(self).write(to)
    }
}

pub(in crate::formats) fn write_labels(path: &Path, labels: &Values<'_>, geometry: &Geometry) -> Result<(), Fault> {
    let order = [0, 1, 2];
    each_value!(labels, array => write(path, array, &order, geometry, 1.0),
        bool => write(path, array, &order, geometry, 1.0),
        half => Err(no_halves()))
}

/// The classes are first in the array and last in the file. Bytes are 255ths, which the slope says.
pub(in crate::formats) fn write_probabilities(
    path: &Path,
    soft: &Values<'_>,
    geometry: &Geometry,
) -> Result<(), Fault> {
    let order = [1, 2, 3, 0];
    if let Values::U8(parts) = soft {
        return write(path, parts, &order, geometry, PART);
    }
    each_value!(soft, array => write(path, array, &order, geometry, 1.0),
        bool => write(path, array, &order, geometry, 1.0),
        half => Err(no_halves()))
}

/// `order` has the axis of the array for each axis of the file.
fn write<T: Stored>(
    path: &Path,
    array: &ArrayViewD<'_, T>,
    order: &[usize],
    geometry: &Geometry,
    slope: f32,
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
    let mut header = geometry.nifti();
    header.dim = [1; 8];
    header.dim[0] = view.ndim() as u16;
    header.dim[1..]
        .iter_mut()
        .zip(view.shape())
        .for_each(|(to, &len)| *to = len as u16);
    (header.datatype, header.bitpix) = (T::TYPE as i16, 8 * T::TYPE.size_of() as i16);
    (header.scl_slope, header.scl_inter) = (slope, 0.0);

    let mut file = BufWriter::new(File::create(path)?);
    let packed = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz"));
    if packed {
        let mut encoder = BufWriter::new(GzEncoder::new(file, Compression::default()));
        write_all(&header, &view, &mut encoder)?;
        let encoder = encoder.into_inner().map_err(io::IntoInnerError::into_error)?;
        encoder.finish()?.flush()?;
    } else {
        write_all(&header, &view, &mut file)?;
        file.flush()?;
    }
    Ok(())
}

/// The first axis of the file is the fastest, so its axes are walked in reverse.
fn write_all<T: Stored>(header: &NiftiHeader, view: &ArrayViewD<'_, T>, mut to: impl Write) -> io::Result<()> {
    to.write_all(&bytes(header))?;
    for &value in view.t() {
        value.write(&mut to)?;
    }
    Ok(())
}

/// The header, and four bytes that say that no extensions follow.
fn bytes(header: &NiftiHeader) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(352);
    macro_rules! put {
        ($($value:expr),*) => {{ $(bytes.extend($value.to_le_bytes());)* }};
    }
    let mut description = header.descrip.clone();
    description.resize(80, 0);
    put!(348_i32);
    bytes.extend(header.data_type);
    bytes.extend(header.db_name);
    put!(header.extents, header.session_error, header.regular, header.dim_info);
    header.dim.iter().for_each(|len| put!(len));
    put!(header.intent_p1, header.intent_p2, header.intent_p3);
    put!(header.intent_code, header.datatype, header.bitpix, header.slice_start);
    header.pixdim.iter().for_each(|step| put!(step));
    put!(352_f32, header.scl_slope, header.scl_inter);
    put!(header.slice_end, header.slice_code, header.xyzt_units);
    put!(
        header.cal_max,
        header.cal_min,
        header.slice_duration,
        header.toffset,
        header.glmax,
        header.glmin
    );
    bytes.extend(description);
    bytes.extend(header.aux_file);
    put!(header.qform_code, header.sform_code);
    put!(header.quatern_b, header.quatern_c, header.quatern_d);
    put!(header.quatern_x, header.quatern_y, header.quatern_z);
    let rows = [header.srow_x, header.srow_y, header.srow_z];
    rows.as_flattened().iter().for_each(|value| put!(value));
    bytes.extend(header.intent_name);
    bytes.extend(b"n+1\0\0\0\0\0");
    bytes
}

fn no_halves() -> Fault {
    Fault::format("NIfTI has no 16-bit floats; write .npy, or 32-bit floats")
}
