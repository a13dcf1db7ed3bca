//! The pages of a TIFF file, one after the other.

use ndarray::ArrayD;
use tiff::decoder::DecodingResult;

use crate::elements::ElementType;
use crate::error::Fault;
use crate::formats::pixels::unpack;
use crate::labels::Labels;
use crate::numbers::Numbers;

#[derive(Debug)]
pub(super) struct Pages {
    pixels: Pixels,
    /// Of the first page.
    element_type: ElementType,
    side: Vec<usize>,
    count: usize,
}

#[derive(Debug)]
enum Pixels {
    Bytes(Vec<u8>),
    Wide(Vec<i64>),
    Floats(Vec<f64>),
}

impl Pages {
    pub(super) fn first(page: DecodingResult, bits: u8, side: &[usize]) -> Result<Self, Fault> {
        let (pixels, element_type) = pixels(page, bits, side)?;
        Ok(Self {
            pixels,
            element_type,
            side: side.to_vec(),
            count: 1,
        })
    }

    pub(super) fn push(&mut self, page: DecodingResult, bits: u8, side: &[usize]) -> Result<(), Fault> {
        if side != self.side {
            return Err(Fault::content("has pages of different sizes; save one stack in a file"));
        }
        let (page, _) = pixels(page, bits, side)?;
        let before = std::mem::replace(&mut self.pixels, Pixels::Bytes(Vec::new()));
        self.pixels = match (before, page) {
            (Pixels::Bytes(mut all), Pixels::Bytes(page)) => {
                all.extend(page);
                Pixels::Bytes(all)
            }
            (Pixels::Floats(mut all), page) => {
                all.extend(page.floats());
                Pixels::Floats(all)
            }
            (before, Pixels::Floats(page)) => {
                let mut all = before.floats();
                all.extend(page);
                Pixels::Floats(all)
            }
            (before, page) => {
                let mut all = before.wide();
                all.extend(page.wide());
                Pixels::Wide(all)
            }
        };
        self.count += 1;
        Ok(())
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Rows and columns of a page, and samples of a pixel if there are several.
    pub(super) fn side(&self) -> &[usize] {
        &self.side
    }

    pub(super) fn numbers(self, shape: &[usize]) -> Result<(Numbers, ElementType), Fault> {
        let numbers = match self.pixels {
            Pixels::Bytes(pixels) => Numbers::Labels(Labels::U8(ArrayD::from_shape_vec(shape, pixels)?)),
            Pixels::Wide(pixels) => Numbers::Labels(Labels::I64(ArrayD::from_shape_vec(shape, pixels)?)),
            Pixels::Floats(pixels) => Numbers::Floats(ArrayD::from_shape_vec(shape, pixels)?),
        };
        Ok((numbers, self.element_type))
    }
}

impl Pixels {
    fn wide(self) -> Vec<i64> {
        match self {
            Self::Bytes(pixels) => pixels.into_iter().map(i64::from).collect(),
            Self::Wide(pixels) => pixels,
            Self::Floats(pixels) => pixels.into_iter().map(|pixel| pixel as i64).collect(),
        }
    }

    fn floats(self) -> Vec<f64> {
        match self {
            Self::Bytes(pixels) => pixels.into_iter().map(f64::from).collect(),
            Self::Wide(pixels) => pixels.into_iter().map(|pixel| pixel as f64).collect(),
            Self::Floats(pixels) => pixels,
        }
    }
}

pub(super) fn are_floats(page: &DecodingResult) -> bool {
    matches!(
        page,
        DecodingResult::F16(_) | DecodingResult::F32(_) | DecodingResult::F64(_)
    )
}

fn pixels(page: DecodingResult, bits: u8, side: &[usize]) -> Result<(Pixels, ElementType), Fault> {
    fn wide<T: Into<i64>>(pixels: Vec<T>) -> Pixels {
        Pixels::Wide(pixels.into_iter().map(Into::into).collect())
    }
    fn floats<T: Into<f64>>(pixels: Vec<T>) -> Pixels {
        Pixels::Floats(pixels.into_iter().map(Into::into).collect())
    }
    Ok(match page {
        DecodingResult::U8(bytes) if bits < 8 => {
            let bits = usize::from(bits);
            let &[height, width] = side else {
                return Err(Fault::content(
                    "has several samples of less than a byte; save grey levels",
                ));
            };
            let row = (width * bits).div_ceil(8);
            (
                Pixels::Bytes(unpack(&bytes, bits, height, width, row)?),
                ElementType::U8,
            )
        }
        DecodingResult::U8(pixels) => (Pixels::Bytes(pixels), ElementType::U8),
        DecodingResult::U16(pixels) => (wide(pixels), ElementType::U16),
        DecodingResult::U32(pixels) => (wide(pixels), ElementType::U32),
        DecodingResult::U64(pixels) => {
            let label = |pixel| {
                i64::try_from(pixel).map_err(|_| Fault::content(format!("has label {pixel}; the largest is 2^63 - 1")))
            };
            let pixels = pixels.into_iter().map(label).collect::<Result<_, _>>()?;
            (Pixels::Wide(pixels), ElementType::U64)
        }
        DecodingResult::I8(pixels) => (wide(pixels), ElementType::I8),
        DecodingResult::I16(pixels) => (wide(pixels), ElementType::I16),
        DecodingResult::I32(pixels) => (wide(pixels), ElementType::I32),
        DecodingResult::I64(pixels) => (Pixels::Wide(pixels), ElementType::I64),
        DecodingResult::F16(pixels) => (floats(pixels), ElementType::F16),
        DecodingResult::F32(pixels) => (floats(pixels), ElementType::F32),
        DecodingResult::F64(pixels) => (Pixels::Floats(pixels), ElementType::F64),
    })
}
