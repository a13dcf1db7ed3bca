//! Label maps from TIFF: one page is (H, W), several are (D, H, W).

use std::io::BufReader;
use std::path::Path;

use ndarray::ArrayD;
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult};

use super::pixels::unpack;
use crate::error::Fault;
use crate::labels::{LabelElement, LabelMap, Labels};
use crate::limits::{check_memory, check_unpacked, open};

pub(super) fn labels(path: &Path) -> Result<LabelMap, Fault> {
    let broken =
        |error: tiff::TiffError| Fault::broken(format!("is no TIFF that is read here ({error}); save it again"));
    let file = open(path)?;
    let size = file.metadata()?.len();
    let mut decoder = Decoder::new(BufReader::new(file)).map_err(broken)?;
    let (width, height) = decoder.dimensions().map_err(broken)?;
    let mut pages = Vec::new();
    let mut bytes = 0_u64;
    loop {
        let color = decoder.colortype().map_err(broken)?;
        if !matches!(color, ColorType::Gray(_) | ColorType::Palette(_)) {
            return Err(Fault::content(format!(
                "is {color:?}; save labels as grey levels or as a palette"
            )));
        }
        if decoder.dimensions().map_err(broken)? != (width, height) {
            return Err(Fault::content("has pages of different sizes; save one stack in a file"));
        }
        // Pages that share their bytes are counted each time.
        let voxels = u64::from(width).checked_mul(u64::from(height));
        let of_page = voxels.and_then(|voxels| (voxels * u64::from(color.bit_depth()).div_ceil(8)).checked_add(bytes));
        bytes = check_unpacked(of_page, size)?;
        // The page, its labels, and the stack of all of them.
        let of_byte = if color.bit_depth() <= 8 {
            2
        } else {
            16 / u64::from(color.bit_depth() / 8)
        };
        check_memory(bytes.saturating_mul(of_byte))?;
        pages.push(one_page(
            decoder.read_image().map_err(broken)?,
            color.bit_depth(),
            width as usize,
            height as usize,
        )?);
        if !decoder.more_images() {
            break;
        }
        decoder.next_image().map_err(broken)?;
    }
    // The element type is that of the first page.
    let mut rest = pages.split_off(1);
    let mut first = pages.remove(0);
    if !rest.is_empty() {
        let slices = rest.drain(..).map(|page| page.labels);
        first.labels = Labels::stack(std::iter::once(first.labels).chain(slices).collect())?;
    }
    Ok(first)
}

fn one_page(pixels: DecodingResult, bits: u8, width: usize, height: usize) -> Result<LabelMap, Fault> {
    fn page<T: LabelElement>(pixels: Vec<T>, shape: [usize; 2]) -> Result<LabelMap, Fault> {
        LabelMap::of(ArrayD::from_shape_vec(shape.as_slice(), pixels)?)
    }
    let shape = [height, width];
    match pixels {
        DecodingResult::U8(bytes) if bits < 8 => {
            let bits = usize::from(bits);
            page(unpack(&bytes, bits, height, width, (width * bits).div_ceil(8))?, shape)
        }
        DecodingResult::U8(pixels) => page(pixels, shape),
        DecodingResult::U16(pixels) => page(pixels, shape),
        DecodingResult::U32(pixels) => page(pixels, shape),
        DecodingResult::U64(pixels) => page(pixels, shape),
        DecodingResult::I8(pixels) => page(pixels, shape),
        DecodingResult::I16(pixels) => page(pixels, shape),
        DecodingResult::I32(pixels) => page(pixels, shape),
        DecodingResult::I64(pixels) => page(pixels, shape),
        _ => Err(Fault::content("holds floats, not labels; save it with an integer type")),
    }
}
