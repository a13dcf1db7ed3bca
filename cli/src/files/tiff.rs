//! Label maps from TIFF: one page is (H, W), several are (D, H, W).

use std::io::BufReader;
use std::path::Path;

use ndarray::ArrayD;
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult};

use super::labels::{FileLabel, Volume, unpack};
use super::{check_memory, check_unpacked, open};
use crate::command::Failure;

pub(crate) fn labels(path: &Path) -> Result<Volume, Failure> {
    let broken = |error: tiff::TiffError| format!("is no TIFF that is read here ({error}); save it again");
    let file = open(path)?;
    let size = file.metadata()?.len();
    let mut decoder = Decoder::new(BufReader::new(file)).map_err(broken)?;
    let (width, height) = decoder.dimensions().map_err(broken)?;
    let mut pages: Option<Volume> = None;
    let mut bytes = 0_u64;
    loop {
        let color = decoder.colortype().map_err(broken)?;
        if !matches!(color, ColorType::Gray(_) | ColorType::Palette(_)) {
            return Err(format!("is {color:?}; save labels as grey levels or as a palette").into());
        }
        if decoder.dimensions().map_err(broken)? != (width, height) {
            return Err("has pages of different sizes; save one stack in a file".into());
        }
        // Pages that share their bytes are counted each time.
        let voxels = u64::from(width).checked_mul(u64::from(height));
        let of_page = voxels.and_then(|voxels| (voxels * u64::from(color.bit_depth()).div_ceil(8)).checked_add(bytes));
        bytes = check_unpacked(of_page, size)?;
        check_memory(bytes)?;
        let page = one_page(
            decoder.read_image().map_err(broken)?,
            color.bit_depth(),
            width as usize,
            height as usize,
        )?;
        pages = Some(match pages {
            None => page,
            Some(before) => Volume {
                labels: before.labels.join(page.labels),
                ..before
            },
        });
        if !decoder.more_images() {
            break;
        }
        decoder.next_image().map_err(broken)?;
    }
    let pages = pages.ok_or("has no pages")?;
    Ok(Volume {
        labels: pages.labels.stack()?,
        ..pages
    })
}

fn one_page(pixels: DecodingResult, bits: u8, width: usize, height: usize) -> Result<Volume, Failure> {
    fn volume<T: FileLabel>(pixels: Vec<T>, shape: [usize; 2]) -> Result<Volume, Failure> {
        Volume::of(ArrayD::from_shape_vec(shape.as_slice(), pixels)?)
    }
    let shape = [height, width];
    match pixels {
        DecodingResult::U8(bytes) if bits < 8 => {
            let bits = usize::from(bits);
            volume(unpack(&bytes, bits, height, width, (width * bits).div_ceil(8))?, shape)
        }
        DecodingResult::U8(pixels) => volume(pixels, shape),
        DecodingResult::U16(pixels) => volume(pixels, shape),
        DecodingResult::U32(pixels) => volume(pixels, shape),
        DecodingResult::U64(pixels) => volume(pixels, shape),
        DecodingResult::I8(pixels) => volume(pixels, shape),
        DecodingResult::I16(pixels) => volume(pixels, shape),
        DecodingResult::I32(pixels) => volume(pixels, shape),
        DecodingResult::I64(pixels) => volume(pixels, shape),
        _ => Err("holds floats, not labels; save it with an integer type".into()),
    }
}
