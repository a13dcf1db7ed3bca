//! Label maps and probabilities from and to NRRD, `.nrrd` and `.nhdr`: (x, y, z), and probabilities (x, y, z, C).

mod header;
mod segments;
mod space;
mod write;

use std::path::Path;

use self::header::Header;
pub use self::segments::{Segment, Segmentation, read_segments};
pub(super) use self::write::{write_labels, write_probabilities};
use super::detached::{Data, Lines};
use super::raw::{Raw, size_in_bytes};
use crate::elements::ElementType;
use crate::error::Fault;
use crate::geometry::Geometry;
use crate::labels::Labels;
use crate::numbers::{Image, Numbers};

/// The array in a file, with an axis that is none of space last.
pub(super) fn read(path: &Path) -> Result<Image, Fault> {
    let (header, image) = array(path)?;
    let layers = image.numbers.shape().get(3).copied().unwrap_or(1);
    if header.is_segmentation() && layers > 1 {
        return Err(Fault::content(format!(
            "has {layers} layers of segments that overlap, and a label map has one; read_segments has a mask of each segment"
        )));
    }
    Ok(image)
}

/// The header and the array.
fn array(path: &Path) -> Result<(Header, Image), Fault> {
    let mut lines = Lines::open(path)?;
    let header = Header::read(&mut lines)?;
    let mut data = match &header.data_file {
        Some(name) => Data::beside(path, name)?,
        None => lines.rest()?,
    };
    data.skip_lines(header.line_skip)?;
    let bytes = size_in_bytes(&header.sizes, header.element_type);
    let raw = Raw {
        bytes: data.read(bytes, header.packing, header.byte_skip)?,
        element_type: header.element_type,
        big_endian: header.big_endian,
        shape: header.sizes.clone(),
        first_fastest: true,
    };
    let numbers = raw.numbers()?.permuted(&header.order());
    let mut numbers = if header.spatial().count() > 2 {
        numbers.squeezed()
    } else {
        numbers
    };
    // An image has a third axis of length 1 if classes follow.
    if let (true, Numbers::Labels(Labels::U8(parts))) = (header.has_parts(), &numbers) {
        numbers = Numbers::Floats(parts.mapv(|part| f64::from(part) / 255.0));
    }
    let geometry: Geometry = header.geometry();
    let element_type: ElementType = header.element_type;
    Ok((
        header,
        Image {
            numbers,
            element_type,
            geometry,
        },
    ))
}
