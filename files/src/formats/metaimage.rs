//! Label maps and probabilities from MetaImage, `.mha` and `.mhd`: (x, y, z), and probabilities (x, y, z, C).

use std::collections::BTreeMap;
use std::path::Path;

use super::detached::{Data, Lines, Packing, Skip, numbers};
use super::raw::{Raw, size_in_bytes, size_of};
use crate::elements::ElementType;
use crate::error::Fault;
use crate::geometry::{Geometry, length_in_mm};
use crate::numbers::Image;

/// The array in a file, with an axis that is none of space last.
pub(super) fn read(path: &Path) -> Result<Image, Fault> {
    let mut lines = Lines::open(path)?;
    let mut fields = BTreeMap::new();
    // The file of the voxels is the last field.
    let name = loop {
        let line = lines.next()?.ok_or_else(|| broken("it has no ElementDataFile"))?;
        let Some((key, value)) = line.split_once('=') else {
            return Err(broken("a line is no field"));
        };
        let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
        if key == "ElementDataFile" {
            break value;
        }
        fields.insert(key, value);
        if fields.len() > MOST_FIELDS {
            return Err(broken("it has too many fields"));
        }
    };
    let header = Header::of_fields(&fields)?;
    let data = if name == "LOCAL" || name == "Local" || name == "local" {
        lines.rest()?
    } else if name.starts_with("LIST") || name.contains('%') {
        return Err(Fault::content(
            "has its voxels in several files; save it with its voxels in one",
        ));
    } else {
        Data::beside(path, &name)?
    };
    let bytes = size_in_bytes(&header.shape, header.element_type);
    let raw = Raw {
        bytes: data.read(bytes, header.packing, header.skip)?,
        element_type: header.element_type,
        big_endian: header.big_endian,
        shape: header.shape.clone(),
        first_fastest: true,
    };
    let mut numbers = raw.numbers()?;
    // The channels of a voxel are together, so they are the first axis.
    let axes = header.shape.len();
    let order: Vec<_> = (1..axes).chain([0]).collect();
    numbers = numbers.permuted(&order);
    if header.channels == 1 {
        numbers = numbers.without(axes - 1);
    }
    Ok(Image {
        numbers: numbers.squeezed(),
        element_type: header.element_type,
        geometry: header.geometry,
    })
}

/// More fields than the format has.
const MOST_FIELDS: usize = 1000;

fn broken(what: impl std::fmt::Display) -> Fault {
    Fault::broken(format!("has a broken MetaImage header: {what}; save it again"))
}

struct Header {
    element_type: ElementType,
    /// The channels, and then the axes.
    shape: Vec<usize>,
    channels: usize,
    big_endian: bool,
    packing: Packing,
    skip: Skip,
    geometry: Geometry,
}

impl Header {
    fn of_fields(fields: &BTreeMap<String, String>) -> Result<Self, Fault> {
        let field = |names: &[&str]| names.iter().find_map(|&name| fields.get(name)).map(String::as_str);
        let is_true =
            |names: &[&str]| field(names).is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1");
        let sizes = field(&["DimSize"]).and_then(numbers::<usize>);
        let sizes = sizes.ok_or_else(|| broken("DimSize is no list of whole numbers"))?;
        let axes = field(&["NDims"]).and_then(|axes| axes.parse::<usize>().ok());
        if axes != Some(sizes.len()) || !(1..=4).contains(&sizes.len()) {
            return Err(broken("NDims and DimSize disagree, or there are more than 4 axes"));
        }
        let name = field(&["ElementType"]).ok_or_else(|| broken("it has no ElementType"))?;
        let element_type = element_type(name)?;
        let channels = match field(&["ElementNumberOfChannels"]) {
            Some(channels) => channels
                .parse()
                .map_err(|_| broken("ElementNumberOfChannels is no whole number"))?,
            None => 1,
        };
        if channels > 1 && sizes.len() > 3 {
            return Err(Fault::content(
                "has four axes and channels; save one volume with channels, or none of four axes",
            ));
        }
        if field(&["BinaryData"]).is_some() && !is_true(&["BinaryData"]) {
            return Err(Fault::content("has its voxels as text; save it with BinaryData = True"));
        }
        let packing = if is_true(&["CompressedData"]) {
            Packing::Zlib
        } else {
            Packing::Raw
        };
        let skip = match field(&["HeaderSize"]).map_or(Ok(0), str::parse::<i64>) {
            Ok(-1) => Skip::ToLast,
            Ok(skip) => Skip::Bytes(u64::try_from(skip).map_err(|_| broken("HeaderSize is -1 or more"))?),
            Err(_) => return Err(broken("HeaderSize is no whole number")),
        };
        let unit = field(&["DistanceUnits"]).and_then(length_in_mm).unwrap_or(1.0);
        let list = |names: &[&str]| field(names).and_then(numbers::<f64>);
        let spacing = list(&["ElementSpacing"]).or_else(|| list(&["ElementSize"]));
        let matrix = list(&["TransformMatrix", "Rotation", "Orientation"]);
        let origin = list(&["Offset", "Origin", "Position"]);
        Ok(Self {
            element_type,
            geometry: geometry(sizes.len(), spacing, matrix, origin, unit),
            shape: [vec![channels], sizes].concat(),
            channels,
            big_endian: size_of(element_type) > 1 && is_true(&["BinaryDataByteOrderMSB", "ElementByteOrderMSB"]),
            packing,
            skip,
        })
    }
}

/// The format counts x to the left and y to the back. Of an image only the spacing is known.
fn geometry(
    axes: usize,
    spacing: Option<Vec<f64>>,
    matrix: Option<Vec<f64>>,
    origin: Option<Vec<f64>>,
    unit: f64,
) -> Geometry {
    let spacing = spacing
        .filter(|spacing| spacing.len() == axes)
        .unwrap_or_else(|| vec![1.0; axes]);
    let spacing: Vec<_> = spacing.iter().map(|step| step.abs() * unit).collect();
    if axes < 3 {
        return Geometry::from_spacing_mm(&spacing).x_first();
    }
    let matrix = matrix.filter(|matrix| matrix.len() == axes * axes);
    let origin = origin.filter(|origin| origin.len() == axes);
    let flips = [-1.0, -1.0, 1.0];
    // The matrix has a row for each axis.
    let step = |row: usize, axis: usize| {
        let direction = match &matrix {
            Some(matrix) => matrix[axis * axes + row],
            None => f64::from(u8::from(row == axis)),
        };
        flips[row] * direction * spacing[axis]
    };
    let start = |row: usize| flips[row] * unit * origin.as_ref().map_or(0.0, |origin| origin[row]);
    let row = |row: usize| [step(row, 0), step(row, 1), step(row, 2), start(row)];
    Geometry::from_affine(&[row(0), row(1), row(2)])
}

fn element_type(name: &str) -> Result<ElementType, Fault> {
    Ok(match name {
        "MET_CHAR" | "MET_ASCII_CHAR" => ElementType::I8,
        "MET_UCHAR" => ElementType::U8,
        "MET_SHORT" => ElementType::I16,
        "MET_USHORT" => ElementType::U16,
        // 4 bytes on every machine.
        "MET_INT" | "MET_LONG" => ElementType::I32,
        "MET_UINT" | "MET_ULONG" => ElementType::U32,
        "MET_LONG_LONG" => ElementType::I64,
        "MET_ULONG_LONG" => ElementType::U64,
        "MET_FLOAT" => ElementType::F32,
        "MET_DOUBLE" => ElementType::F64,
        other => {
            return Err(Fault::content(format!(
                "holds {other:?}, neither labels nor probabilities; save it with an integer type or floats"
            )));
        }
    })
}
