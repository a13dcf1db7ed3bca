//! Label maps and probabilities from TIFF: one page is (H, W), several are (D, H, W).

mod description;
mod pages;
mod stored;

use std::io::BufReader;
use std::path::Path;

use tiff::ColorType;
use tiff::decoder::{Decoder, Limits};
use tiff::tags::Tag;

use self::description::Description;
use self::pages::Pages;
use self::stored::Stored;
use crate::error::Fault;
use crate::geometry::{Axes, Geometry};
use crate::limits::{check_memory, check_unpacked, open};
use crate::numbers::Image;
use crate::probabilities::Prediction;

pub(super) fn read(path: &Path) -> Result<Image, Fault> {
    Ok(pages(path)?.0)
}

/// What a network predicts of a label map of so many axes. The samples of a pixel are its classes.
pub(super) fn prediction(path: &Path, axes: usize, _: Axes) -> Result<Prediction, Fault> {
    let (mut image, has_samples) = pages(path)?;
    let count = image.numbers.shape().len();
    if has_samples && count == axes + 1 {
        let order: Vec<_> = std::iter::once(axes).chain(0..axes).collect();
        image.numbers = image.numbers.permuted(&order);
    }
    image.prediction(axes)
}

/// All pages, and whether the last axis has the samples of a pixel.
fn pages(path: &Path) -> Result<(Image, bool), Fault> {
    let file = open(path)?;
    let size = file.metadata()?.len();
    let mut stored = Stored::new(BufReader::new(file), size)?;
    let mut told = stored.first()?;
    let description = Description::parse(&told.description)?;
    let mut decoder = Decoder::new(stored).map_err(broken)?;
    let mut pages = None::<Pages>;
    let resolution = [Tag::XResolution, Tag::YResolution].map(|tag| per_unit(&mut decoder, tag));
    let mut bytes = 0_u64;
    loop {
        if !told.reduced {
            let color = decoder.colortype().map_err(broken)?;
            let (width, height) = decoder.dimensions().map_err(broken)?;
            let mut side = vec![height as usize, width as usize];
            let samples = match color {
                ColorType::Gray(_) => 1,
                ColorType::RGB(_) => 3,
                ColorType::RGBA(_) => 4,
                ColorType::Multiband { num_samples, .. } => num_samples,
                _ => 0,
            };
            if samples != 1 {
                side.push(samples.into());
                // The library reads one of several planes.
                let planes = decoder
                    .find_tag_unsigned::<u16>(Tag::PlanarConfiguration)
                    .map_err(broken)?;
                if samples == 0 || planes == Some(PLANES) {
                    return Err(colours(color));
                }
            }
            // Pages that share their bytes are counted each time.
            let bits = color.bit_depth();
            let voxels = side.iter().try_fold(1_u64, |all, &len| all.checked_mul(len as u64));
            let of_page = voxels.and_then(|voxels| voxels.checked_mul(u64::from(bits).div_ceil(8))?.checked_add(bytes));
            bytes = check_unpacked(of_page, size)?;
            // The page, its labels, and the stack of all of them.
            let of_byte = if bits <= 8 { 2 } else { 16 / u64::from(bits / 8) };
            check_memory(bytes.saturating_mul(of_byte))?;
            // What a page unpacks to is checked, and the library's limit for values of directories stays.
            let mut limits = Limits::default();
            limits.decoding_buffer_size = usize::MAX;
            decoder = decoder.with_limits(limits);
            let pixels = decoder.read_image().map_err(broken)?;
            decoder = decoder.with_limits(Limits::default());
            // Colours are no floats: what looks like them is an axis of 3 or 4, which tifffile writes so.
            if samples != 1 && !pages::are_floats(&pixels) {
                return Err(colours(color));
            }
            match &mut pages {
                Some(pages) => pages.push(pixels, bits, &side)?,
                None => pages = Some(Pages::first(pixels, bits, &side)?),
            }
        }
        if !decoder.more_images() {
            break;
        }
        told = decoder.inner().plain(told.next)?;
        decoder.next_image().map_err(broken)?;
    }
    let pages = pages.ok_or_else(|| Fault::broken("has no page but overviews; save it again"))?;
    let has_samples = pages.side().len() > 2;
    let shape = description.shape(pages.count(), pages.side())?;
    let (numbers, element_type) = pages.numbers(&shape)?;
    let image = Image {
        numbers,
        element_type,
        geometry: match description.spacing_mm(resolution, shape.len()) {
            Some(spacing) => Geometry::from_spacing_mm(&spacing),
            None => Geometry::unknown(),
        },
    };
    Ok((image, has_samples))
}

/// The samples of a pixel lie in planes, one after the other.
const PLANES: u16 = 2;

fn colours(color: ColorType) -> Fault {
    Fault::content(format!(
        "is {color:?}; save labels as grey levels or as a palette, and probabilities as grey floats with a page for each class \
         (photometric=\"minisblack\" of tifffile)"
    ))
}

/// A resolution in pixels per unit.
fn per_unit(decoder: &mut Decoder<Stored<BufReader<std::fs::File>>>, tag: Tag) -> Option<f64> {
    use tiff::decoder::ifd::Value;
    match decoder.find_tag(tag).ok()?? {
        Value::Rational(n, d) => Some(f64::from(n) / f64::from(d)),
        Value::Float(value) => Some(value.into()),
        _ => None,
    }
}

fn broken(error: impl std::fmt::Display) -> Fault {
    Fault::broken(format!("is no TIFF that is read here ({error}); save it again"))
}
