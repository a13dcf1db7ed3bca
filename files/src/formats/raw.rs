//! Numbers as bytes, as most formats have them behind their headers.

use half::f16;
use ndarray::{ArrayD, IxDyn, ShapeBuilder};

use crate::elements::ElementType;
use crate::error::Fault;
use crate::labels::Labels;
use crate::limits::{reserve, shorter};
use crate::numbers::Numbers;

/// The bytes of all numbers.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) bytes: Vec<u8>,
    pub(super) element_type: ElementType,
    pub(super) big_endian: bool,
    pub(super) shape: Vec<usize>,
    /// Whether the first axis is the fastest.
    pub(super) first_fastest: bool,
}

/// Bytes of an element.
pub(super) fn size_of(element_type: ElementType) -> usize {
    match element_type {
        ElementType::Bool | ElementType::U8 | ElementType::I8 => 1,
        ElementType::U16 | ElementType::I16 | ElementType::F16 => 2,
        ElementType::U32 | ElementType::I32 | ElementType::F32 => 4,
        ElementType::U64 | ElementType::I64 | ElementType::F64 => 8,
    }
}

/// Bytes of an array, unless there are more than can be counted.
pub(super) fn size_in_bytes(shape: &[usize], element_type: ElementType) -> Option<u64> {
    let size = size_of(element_type) as u64;
    shape.iter().try_fold(size, |bytes, &len| bytes.checked_mul(len as u64))
}

impl Raw {
    pub(super) fn numbers(self) -> Result<Numbers, Fault> {
        if size_in_bytes(&self.shape, self.element_type) != Some(self.bytes.len() as u64) {
            return Err(shorter());
        }
        macro_rules! elements {
            ($kind:ty, $bytes:ident => $wide:expr) => {{
                let (elements, _) = self.bytes.as_chunks();
                let mut wide = reserve(elements.len())?;
                let (from_be, from_le) = (<$kind>::from_be_bytes, <$kind>::from_le_bytes);
                if self.big_endian {
                    wide.extend(elements.iter().map(|&element| from_be(element)).map($wide));
                } else {
                    wide.extend(elements.iter().map(|&element| from_le(element)).map($wide));
                }
                wide
            }};
        }
        macro_rules! integers {
            ($kind:ty) => {
                Numbers::Labels(Labels::I64(self.array(elements!($kind, bytes => i64::from))?))
            };
        }
        macro_rules! floats {
            ($kind:ty) => {
                Numbers::Floats(self.array(elements!($kind, bytes => f64::from))?)
            };
        }
        Ok(match self.element_type {
            ElementType::U8 => {
                let shape = IxDyn(&self.shape).set_f(self.first_fastest);
                Numbers::Labels(Labels::U8(ArrayD::from_shape_vec(shape, self.bytes)?))
            }
            ElementType::Bool => {
                let mut bytes = self.bytes;
                bytes.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
                let shape = IxDyn(&self.shape).set_f(self.first_fastest);
                Numbers::Labels(Labels::U8(ArrayD::from_shape_vec(shape, bytes)?))
            }
            ElementType::U16 => integers!(u16),
            ElementType::U32 => integers!(u32),
            ElementType::I8 => integers!(i8),
            ElementType::I16 => integers!(i16),
            ElementType::I32 => integers!(i32),
            ElementType::I64 => integers!(i64),
            ElementType::U64 => {
                let mut largest = 0;
                let wide = elements!(u64, bytes => |label: u64| {
                    largest = largest.max(label);
                    label as i64
                });
                if i64::try_from(largest).is_err() {
                    return Err(Fault::content(format!("has label {largest}; the largest is 2^63 - 1")));
                }
                Numbers::Labels(Labels::I64(self.array(wide)?))
            }
            ElementType::F16 => floats!(f16),
            ElementType::F32 => floats!(f32),
            ElementType::F64 => floats!(f64),
        })
    }

    fn array<T>(&self, values: Vec<T>) -> Result<ArrayD<T>, Fault> {
        let shape = IxDyn(&self.shape).set_f(self.first_fastest);
        Ok(ArrayD::from_shape_vec(shape, values)?)
    }
}
