//! The header of `.npy`: a Python dictionary of the element type, the order and the shape.

use std::io::Read;

use crate::elements::ElementType;
use crate::error::Fault;
use crate::limits::read_exactly;

/// Headers of arrays of plain numbers have fewer than 200 bytes.
const LONGEST: u64 = 1 << 16;

/// More axes than NumPy has.
const MOST_AXES: usize = 64;

#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) element_type: ElementType,
    pub(super) big_endian: bool,
    pub(super) first_fastest: bool,
    pub(super) shape: Vec<usize>,
}

impl Header {
    pub(super) fn read(mut reader: impl Read) -> Result<Self, Fault> {
        let not_npy = || Fault::broken("is not an .npy file");
        let start = read_exactly(&mut reader, 8).map_err(|_| not_npy())?;
        // The header's length has 16 bits in version 1 and 32 in later ones.
        let bytes = match start.as_slice() {
            [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _] => 2,
            [0x93, b'N', b'U', b'M', b'P', b'Y', 2..=3, _] => 4,
            _ => return Err(not_npy()),
        };
        let length = read_exactly(&mut reader, bytes)?;
        let length = length
            .iter()
            .rev()
            .fold(0, |length, &byte| length << 8 | u64::from(byte));
        if length > LONGEST {
            return Err(Fault::broken(
                "has a header that is too long for an .npy file of plain numbers",
            ));
        }
        let header = read_exactly(&mut reader, length)?;
        Self::parse(&String::from_utf8_lossy(&header))
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        let not_plain = || Fault::broken("is not an .npy file of plain numbers");
        let inner = text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        let mut rest = inner.ok_or_else(not_plain)?.trim();
        let (mut descr, mut order, mut shape) = (None, None, None);
        while !rest.is_empty() {
            let (key, value) = rest.split_once(':').ok_or_else(not_plain)?;
            let value = value.trim_start();
            // A value ends at a comma, and a shape has commas of its own.
            let end = match (value.strip_prefix('('), value.find(',')) {
                (Some(axes), _) => axes.find(')').map(|end| end + 2).ok_or_else(not_plain)?,
                (None, Some(end)) => end,
                (None, None) => value.len(),
            };
            let (value, after) = value.split_at(end);
            let before = match unquoted(key) {
                Some("descr") => descr.replace(value),
                Some("fortran_order") => order.replace(value),
                Some("shape") => shape.replace(value),
                _ => return Err(not_plain()),
            };
            if before.is_some() {
                return Err(not_plain());
            }
            let after = after.trim_start();
            rest = after.strip_prefix(',').unwrap_or(after).trim();
        }
        let (Some(descr), Some(order), Some(shape)) = (descr, order, shape) else {
            return Err(not_plain());
        };
        let (element_type, big_endian) = element_type(unquoted(descr).unwrap_or(descr))?;
        Ok(Self {
            element_type,
            big_endian,
            first_fastest: match order.trim() {
                "True" => true,
                "False" => false,
                _ => return Err(not_plain()),
            },
            shape: axes(shape).ok_or_else(not_plain)?,
        })
    }
}

fn unquoted(text: &str) -> Option<&str> {
    let text = text.trim();
    ['\'', '"']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
}

fn axes(text: &str) -> Option<Vec<usize>> {
    let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    let axes = inner.split(',').map(str::trim).filter(|axis| !axis.is_empty());
    let axes: Vec<usize> = axes.map(|axis| axis.parse().ok()).collect::<Option<_>>()?;
    (axes.len() <= MOST_AXES).then_some(axes)
}

fn element_type(descr: &str) -> Result<(ElementType, bool), Fault> {
    let name = descr.trim_start_matches(['<', '>', '|', '=']);
    let element_type = match name {
        "b1" => ElementType::Bool,
        "u1" => ElementType::U8,
        "u2" => ElementType::U16,
        "u4" => ElementType::U32,
        "u8" => ElementType::U64,
        "i1" => ElementType::I8,
        "i2" => ElementType::I16,
        "i4" => ElementType::I32,
        "i8" => ElementType::I64,
        "f2" => ElementType::F16,
        "f4" => ElementType::F32,
        "f8" => ElementType::F64,
        _ => {
            return Err(Fault::content(
                "holds neither labels, as integers or whole floats, nor probabilities, as floats or 255ths; \
                 save it with an integer type, bool, or floats of 16, 32 or 64 bits",
            ));
        }
    };
    Ok((element_type, descr.starts_with('>')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let parsed = Header::parse("{'descr': '>f2', 'fortran_order': True, 'shape': (2, 3,), }   \n").unwrap();
        assert_eq!(parsed.element_type, ElementType::F16);
        assert!(parsed.big_endian && parsed.first_fastest);
        assert_eq!(parsed.shape, [2, 3]);
        let scalar = Header::parse("{\"shape\":(),'descr':'|b1','fortran_order':False}").unwrap();
        assert!(scalar.shape.is_empty());
        for text in [
            "",
            "{}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (1, }",
            "{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}",
            "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}",
        ] {
            assert!(Header::parse(text).is_err(), "{text}");
        }
    }
}
