//! Label maps of images, from and to PNG: grey levels, or indices of a palette.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;

use ndarray::{ArrayD, ArrayViewD};

use super::pixels::unpack;
use crate::elements::{Values, each_value};
use crate::error::Fault;
use crate::geometry::Geometry;
use crate::labels::LabelMap;
use crate::limits::{check_memory, check_unpacked, open};
use crate::numbers::Image;

pub(super) fn read(path: &Path) -> Result<Image, Fault> {
    Ok(labels(path)?.into())
}

fn labels(path: &Path) -> Result<LabelMap, Fault> {
    let file = open(path)?;
    let packed = file.metadata()?.len();
    let mut decoder = png::Decoder::new(BufReader::new(file));
    // Grey levels and palette indices as they are in the file.
    decoder.set_transformations(png::Transformations::IDENTITY);
    let broken = |error: png::DecodingError| Fault::broken(format!("is no whole PNG ({error}); save it again"));
    let mut reader = decoder.read_info().map_err(broken)?;
    let (color, depth) = reader.output_color_type();
    if !matches!(color, png::ColorType::Grayscale | png::ColorType::Indexed) {
        return Err(Fault::content(format!(
            "is {color:?}; save labels as grey levels or as a palette"
        )));
    }
    let size = reader.output_buffer_size();
    let bytes = check_unpacked(size.map(|size| size as u64), packed)?;
    let pixels = u64::from(reader.info().width) * u64::from(reader.info().height);
    // Beside the bytes as they are packed, the pixels, and of 16 bits the labels.
    let of_pixel = if depth == png::BitDepth::Sixteen { 10 } else { 1 };
    check_memory(bytes.saturating_add(pixels.saturating_mul(of_pixel)))?;
    let mut bytes = vec![0; size.unwrap_or(0)];
    let info = reader.next_frame(&mut bytes).map_err(broken)?;
    let (height, width) = (info.height as usize, info.width as usize);
    let shape = vec![height, width];
    if depth == png::BitDepth::Sixteen {
        let rows = bytes.chunks_exact(info.line_size).take(height);
        let pixels = rows.flat_map(|row| row.as_chunks().0.iter().map(|&pixel| u16::from_be_bytes(pixel)));
        // With room from the beginning: a list that grows needs several times as much.
        let mut values: Vec<u16> = Vec::with_capacity(height.saturating_mul(width));
        values.extend(pixels);
        LabelMap::of(ArrayD::from_shape_vec(shape, values)?)
    } else {
        let pixels = unpack(&bytes, depth as usize, height, width, info.line_size)?;
        LabelMap::of(ArrayD::from_shape_vec(shape, pixels)?)
    }
}

/// An image of labels up to 255 as grey levels.
pub(super) fn write(path: &Path, labels: &Values<'_>, _: &Geometry) -> Result<(), Fault> {
    let &[height, width] = labels.shape() else {
        return Err(Fault::format("PNG is for images; write .npy or NIfTI"));
    };
    let too_large = || Fault::too_large("PNG has labels from 0 to 255; write .npy");
    fn bytes<L: Copy + TryInto<u8>>(labels: &ArrayViewD<'_, L>) -> Option<Vec<u8>> {
        labels.iter().map(|&label| label.try_into().ok()).collect()
    }
    let grey = each_value!(labels, array => bytes(array), bool => bytes(array), half => None, float => None);
    let grey = grey.ok_or_else(too_large)?;
    let failed = |error| match error {
        png::EncodingError::IoError(error) => error.into(),
        other => Fault::format(format!("cannot be written as PNG ({other}); write .npy")),
    };
    let side = |len| u32::try_from(len).map_err(|_| Fault::too_large("has more pixels than PNG holds; write .npy"));
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), side(width)?, side(height)?);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&grey).map_err(failed)?;
    writer.finish().map_err(failed)
}
