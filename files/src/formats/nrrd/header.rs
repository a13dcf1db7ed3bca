//! The header of NRRD: lines of `field: value` and `key:=value`.

use std::collections::BTreeMap;

use super::space::{self, Direction};
use crate::elements::ElementType;
use crate::error::Fault;
use crate::formats::detached::{Lines, Packing, Skip, numbers};
use crate::geometry::Geometry;

/// More axes than NRRD has.
const MOST_AXES: usize = 16;

/// More keys than any program writes.
const MOST_KEYS: usize = 1 << 16;

#[derive(Debug)]
pub(super) struct Header {
    pub(super) element_type: ElementType,
    pub(super) sizes: Vec<usize>,
    pub(super) big_endian: bool,
    pub(super) packing: Packing,
    pub(super) line_skip: u64,
    pub(super) byte_skip: Skip,
    pub(super) data_file: Option<String>,
    /// Lines of `key:=value`.
    pub(super) keys: BTreeMap<String, String>,
    fields: BTreeMap<String, String>,
    /// By axis, if the header has them: `None` is no axis of space.
    directions: Option<Vec<Option<Direction>>>,
}

fn broken(what: impl std::fmt::Display) -> Fault {
    Fault::broken(format!("has a broken NRRD header: {what}; save it again"))
}

/// The key that says that bytes are probabilities in 255ths.
pub(super) const PARTS: (&str, &str) = ("Probabilities", "255ths");

impl Header {
    pub(super) fn read(lines: &mut Lines) -> Result<Self, Fault> {
        let magic = lines.next()?.unwrap_or_default();
        if !magic.starts_with("NRRD000") {
            return Err(Fault::broken(
                "is no NRRD file: it does not begin with NRRD; save it again",
            ));
        }
        let (mut fields, mut keys) = (BTreeMap::new(), BTreeMap::new());
        while let Some(line) = lines.next()?.filter(|line| !line.is_empty()) {
            if line.starts_with('#') {
                continue;
            }
            let key = line.split_once(":=").filter(|(key, _)| !key.contains(": "));
            if let Some((key, value)) = key {
                keys.insert(key.to_owned(), value.trim().to_owned());
            } else if let Some((field, value)) = line.split_once(':') {
                let field = field.trim().to_lowercase().replace(' ', "");
                if fields.insert(field.clone(), value.trim().to_owned()).is_some() {
                    return Err(broken(format!("{field} is there twice")));
                }
                // What follows a list of files is the list.
                if field == "datafile" && value.trim().to_uppercase().starts_with("LIST") {
                    break;
                }
            } else {
                return Err(broken("a line is neither a field nor a key"));
            }
            if keys.len() + fields.len() > MOST_KEYS {
                return Err(broken("it has too many lines"));
            }
        }
        Self::of_fields(fields, keys)
    }

    fn of_fields(fields: BTreeMap<String, String>, keys: BTreeMap<String, String>) -> Result<Self, Fault> {
        let field = |name: &str| fields.get(name).map(String::as_str);
        let needed = |name: &str| field(name).ok_or_else(|| broken(format!("it has no {name}")));
        let sizes: Vec<usize> = numbers(needed("sizes")?).ok_or_else(|| broken("sizes are no whole numbers"))?;
        let dimension = needed("dimension")?.parse().ok();
        if dimension != Some(sizes.len()) || sizes.is_empty() || sizes.len() > MOST_AXES {
            return Err(broken("dimension and sizes disagree"));
        }
        let element_type = element_type(needed("type")?)?;
        let big_endian = match field("endian") {
            Some("big") => true,
            Some("little") => false,
            None if super::super::raw::size_of(element_type) == 1 => false,
            _ => return Err(broken("endian is little or big")),
        };
        let packing = match needed("encoding")? {
            "raw" => Packing::Raw,
            "gzip" | "gz" => Packing::Gzip,
            other => {
                return Err(Fault::content(format!(
                    "is packed as {other:?}; save it with encoding raw or gzip"
                )));
            }
        };
        let count = |name: &str| field(name).map_or(Some(0), |count| count.parse::<i64>().ok());
        let line_skip = count("lineskip").and_then(|skip| u64::try_from(skip).ok());
        let byte_skip = match count("byteskip") {
            Some(-1) => Some(Skip::ToLast),
            Some(skip) => u64::try_from(skip).ok().map(Skip::Bytes),
            None => None,
        };
        let data_file = field("datafile").map(ToOwned::to_owned);
        if let Some(file) = &data_file
            && (file.to_uppercase().starts_with("LIST") || file.contains('%'))
        {
            return Err(Fault::content(
                "has its voxels in several files; save it with its voxels in one",
            ));
        }
        let directions = match field("spacedirections") {
            Some(text) => {
                let directions = space::directions(text).ok_or_else(|| broken("space directions are not read"))?;
                if directions.len() != sizes.len() {
                    return Err(broken("space directions and sizes disagree"));
                }
                Some(directions)
            }
            None => None,
        };
        let header = Self {
            element_type,
            sizes,
            big_endian,
            packing,
            line_skip: line_skip.ok_or_else(|| broken("line skip is no whole number"))?,
            byte_skip: byte_skip.ok_or_else(|| broken("byte skip is no whole number"))?,
            data_file,
            keys,
            directions,
            fields,
        };
        let others = (0..header.sizes.len()).filter(|&axis| !header.is_spatial(axis));
        let long = others.filter(|&axis| header.sizes[axis] != 1).count();
        if long > 1 || !(1..=3).contains(&header.spatial().count()) {
            return Err(Fault::content(format!(
                "has sizes {:?}, which are no image or volume with at most one more axis; save one volume",
                header.sizes
            )));
        }
        Ok(header)
    }

    /// Whether an axis is one of space. Where directions do not say, the kind does, and then the order.
    fn is_spatial(&self, axis: usize) -> bool {
        if let Some(directions) = &self.directions {
            return directions.get(axis).is_some_and(Option::is_some);
        }
        let kinds = self
            .fields
            .get("kinds")
            .map(|kinds| kinds.split_whitespace().collect::<Vec<_>>());
        let kind = kinds.and_then(|kinds| kinds.get(axis).map(|kind| kind.to_lowercase()));
        match kind.as_deref() {
            Some("domain" | "space") => true,
            None | Some("???" | "none") => axis < 3,
            Some(_) => false,
        }
    }

    /// The axes of space.
    pub(super) fn spatial(&self) -> impl Iterator<Item = usize> {
        (0..self.sizes.len()).filter(|&axis| self.is_spatial(axis))
    }

    /// The axes, those of space first.
    pub(super) fn order(&self) -> Vec<usize> {
        let others = (0..self.sizes.len()).filter(|&axis| !self.is_spatial(axis));
        self.spatial().chain(others).collect()
    }

    /// Whether it is a segmentation of 3D Slicer.
    pub(super) fn is_segmentation(&self) -> bool {
        self.keys.keys().any(|key| key.starts_with("Segment0_"))
    }

    /// Whether bytes are probabilities in 255ths.
    pub(super) fn has_parts(&self) -> bool {
        self.keys.get(PARTS.0).is_some_and(|value| value == PARTS.1)
    }

    pub(super) fn geometry(&self) -> Geometry {
        let spatial: Vec<_> = self.spatial().collect();
        let field = |name: &str| self.fields.get(name).map(String::as_str);
        if let Some(directions) = &self.directions {
            let directions: Vec<_> = directions.iter().flatten().cloned().collect();
            let unit = space::unit(field("spaceunits"));
            return space::geometry(field("space"), &directions, field("spaceorigin"), unit);
        }
        let spacings: Option<Vec<f64>> = field("spacings").and_then(numbers);
        let spacing = spacings.and_then(|spacings| {
            let of_axis = |&axis: &usize| spacings.get(axis).copied().filter(|step| step.is_finite());
            spatial.iter().map(of_axis).collect::<Option<Vec<_>>>()
        });
        match spacing {
            Some(spacing) => Geometry::from_spacing_mm(&spacing.iter().map(|step| step.abs()).collect::<Vec<_>>()),
            None => Geometry::unknown(),
        }
        .x_first()
    }
}

fn element_type(name: &str) -> Result<ElementType, Fault> {
    Ok(match name.to_lowercase().as_str() {
        "signed char" | "int8" | "int8_t" | "char" => ElementType::I8,
        "uchar" | "unsigned char" | "uint8" | "uint8_t" => ElementType::U8,
        "short" | "short int" | "signed short" | "signed short int" | "int16" | "int16_t" => ElementType::I16,
        "ushort" | "unsigned short" | "unsigned short int" | "uint16" | "uint16_t" => ElementType::U16,
        "int" | "signed int" | "int32" | "int32_t" => ElementType::I32,
        "uint" | "unsigned int" | "uint32" | "uint32_t" => ElementType::U32,
        "longlong"
        | "long long"
        | "long long int"
        | "signed long long"
        | "signed long long int"
        | "int64"
        | "int64_t" => ElementType::I64,
        "ulonglong" | "unsigned long long" | "unsigned long long int" | "uint64" | "uint64_t" => ElementType::U64,
        "float" => ElementType::F32,
        "double" => ElementType::F64,
        other => {
            return Err(Fault::content(format!(
                "holds {other:?}, neither labels nor probabilities; save it with an integer type or floats"
            )));
        }
    })
}
