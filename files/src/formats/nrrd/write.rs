//! Arrays to `.nrrd`, packed by gzip. The first axis is the fastest, as in NIfTI.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use ndarray::{ArrayViewD, Axis};

use super::header::PARTS;
use crate::elements::{Values, each_value};
use crate::error::Fault;
use crate::geometry::{Axes, Geometry};

/// An element type of NRRD.
trait Stored: Copy {
    const NAME: &'static str;

    fn write(self, to: impl Write) -> io::Result<()>;
}

macro_rules! stored {
    ($($kind:ty, $name:literal;)*) => {$(
        impl Stored for $kind {
            const NAME: &'static str = $name;

            fn write(self, mut to: impl Write) -> io::Result<()> {
                to.write_all(&self.to_le_bytes())
            }
        }
    )*};
}
stored! {
    u8, "uint8";
    u16, "uint16";
    u32, "uint32";
    u64, "uint64";
    i8, "int8";
    i16, "int16";
    i32, "int32";
    i64, "int64";
    f32, "float";
    f64, "double";
}

impl Stored for bool {
    const NAME: &'static str = "uint8";

    fn write(self, to: impl Write) -> io::Result<()> {
        u8::from(self).write(to)
    }
}

pub(in crate::formats) fn write_labels(path: &Path, labels: &Values<'_>, geometry: &Geometry) -> Result<(), Fault> {
    each_value!(labels, array => write(path, array, geometry, false, None),
        bool => write(path, array, geometry, false, None),
        half => Err(no_halves()))
}

/// The classes are first in the array and last in the file.
pub(in crate::formats) fn write_probabilities(
    path: &Path,
    soft: &Values<'_>,
    geometry: &Geometry,
) -> Result<(), Fault> {
    if let Values::U8(parts) = soft {
        return write(path, parts, geometry, true, Some(PARTS));
    }
    each_value!(soft, array => write(path, array, geometry, true, None),
        bool => write(path, array, geometry, true, None),
        half => Err(no_halves()))
}

fn write<T: Stored>(
    path: &Path,
    array: &ArrayViewD<'_, T>,
    geometry: &Geometry,
    classes: bool,
    key: Option<(&str, &str)>,
) -> Result<(), Fault> {
    let mut view = array.view();
    let axes = view.ndim() - usize::from(classes);
    if !(2..=3).contains(&axes) {
        return Err(Fault::format(format!(
            "NRRD is written of 2 or 3 axes here, not {axes}; write .npy"
        )));
    }
    // An image with classes has one slice, so that it is seen which axis has the classes.
    if classes && axes == 2 {
        view = view.insert_axis(Axis(3));
    }
    if classes {
        let order: Vec<_> = (1..view.ndim()).chain([0]).collect();
        view = view.permuted_axes(order);
    }
    let header = header(T::NAME, view.shape(), geometry, classes, key);
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(header.as_bytes())?;
    let mut encoder = BufWriter::new(GzEncoder::new(file, Compression::default()));
    for &value in view.t() {
        value.write(&mut encoder)?;
    }
    let encoder = encoder.into_inner().map_err(io::IntoInnerError::into_error)?;
    encoder.finish()?.flush()?;
    Ok(())
}

fn header(name: &str, sizes: &[usize], geometry: &Geometry, classes: bool, key: Option<(&str, &str)>) -> String {
    let join = |parts: Vec<String>| parts.join(" ");
    let spatial = sizes.len() - usize::from(classes);
    let kinds = (0..sizes.len()).map(|axis| if axis < spatial { "domain" } else { "list" }.to_owned());
    let mut text = format!("NRRD0004\n# by soft-labels\ntype: {name}\ndimension: {}\n", sizes.len());
    // Writing to a string does not fail.
    let place = geometry
        .affine()
        .filter(|_| spatial == 3 && geometry.axes() == Axes::Xyz);
    if let Some(affine) = place {
        // To the left and to the back, as other programs write it.
        let column = |column: usize| {
            let [x, y, z] = affine.map(|row| row[column]);
            format!("({:?},{:?},{:?})", -x + 0.0, -y + 0.0, z)
        };
        let directions = (0..sizes.len()).map(|axis| if axis < 3 { column(axis) } else { "none".to_owned() });
        let _ = write!(
            text,
            "space: left-posterior-superior\nspace directions: {}\nspace origin: {}\n",
            join(directions.collect()),
            column(3)
        );
    } else if let Some(spacing) = geometry.spacing_mm() {
        let spacings = (0..sizes.len()).map(|axis| match spacing.get(axis) {
            Some(step) if axis < spatial => format!("{step:?}"),
            _ if axis < spatial => "1".to_owned(),
            _ => "nan".to_owned(),
        });
        let _ = writeln!(text, "spacings: {}", join(spacings.collect()));
    }
    let _ = write!(
        text,
        "sizes: {}\nkinds: {}\nendian: little\nencoding: gzip\n",
        join(sizes.iter().map(ToString::to_string).collect()),
        join(kinds.collect())
    );
    if let Some((key, value)) = key {
        let _ = writeln!(text, "{key}:={value}");
    }
    text.push('\n');
    text
}

fn no_halves() -> Fault {
    Fault::format("NRRD has no 16-bit floats; write .npy, or 32-bit floats")
}
