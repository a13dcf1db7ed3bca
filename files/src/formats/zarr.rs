//! Zarr arrays, versions 2 and 3, as a whole or part by part.
//!
//! Needs feature `zarr`. [`read_labels`](crate::read_labels) and [`write_probabilities`](crate::write_probabilities) handle whole
//! arrays. For those larger than memory, [`LabelArray`] reads windows and [`ArrayWriter`] writes chunks.

mod group;
mod layout;
mod limited;
mod ome_writer;
mod ours;
mod reader;
mod state;
mod writer;

use std::path::Path;

use ndarray::{ArrayViewD, Dimension};
pub(super) use ours::is_ours;
pub use reader::LabelArray;
use reader::{Keep, METADATA};
pub use state::State;
use writer::About;
pub use writer::ArrayWriter;

use crate::elements::{Element, ElementType, Values, each_value};
use crate::error::Fault;
use crate::geometry::{Axes, Geometry};
use crate::numbers::Image;
use crate::probabilities::Prediction;

/// Whether a folder is a Zarr array, or an image of OME-Zarr. A group of anything else is a folder.
pub(super) fn is_array(path: &Path) -> bool {
    let described = METADATA.iter().any(|name| path.join(name).is_file());
    (described && !group::is_group(path)) || group::is_image(path)
}

/// A whole array.
pub(super) fn read(path: &Path) -> Result<Image, Fault> {
    image(path, Keep::Space)
}

/// What a network predicts of a label map of so many axes. In a group of OME-Zarr an axis of channels may have the classes.
pub(super) fn prediction(path: &Path, axes: usize, _: Axes) -> Result<Prediction, Fault> {
    image(path, Keep::Channels)?.prediction(axes)
}

fn image(path: &Path, keep: Keep) -> Result<Image, Fault> {
    let array = LabelArray::open_unguarded(path, keep)?;
    let window: Vec<_> = array.shape().iter().map(|&len| 0..len).collect();
    Ok(Image {
        numbers: array.numbers(&window)?,
        element_type: array.element_type(),
        geometry: array.geometry().clone(),
    })
}

/// Edges of the chunks of whole arrays, by the number of spatial axes: 2, or 3 and more.
const EDGES: [usize; 2] = [1024, 64];

pub(super) fn write_labels(path: &Path, labels: &Values<'_>, geometry: &Geometry) -> Result<(), Fault> {
    write(path, labels, geometry, false)
}

/// A chunk holds all classes, which are first.
pub(super) fn write_probabilities(path: &Path, soft: &Values<'_>, geometry: &Geometry) -> Result<(), Fault> {
    write(path, soft, geometry, true)
}

/// The classes of soft labels are not divided.
fn write(path: &Path, values: &Values<'_>, geometry: &Geometry, soft: bool) -> Result<(), Fault> {
    let whole = usize::from(soft);
    let about = About {
        labels: &[],
        geometry,
        soft,
    };
    let shape = values.shape().to_vec();
    if shape.contains(&0) {
        return Err(Fault::content("has no voxels to write"));
    }
    let edge = EDGES[usize::from(shape.len() > 2 + whole)];
    let chunk: Vec<_> = shape
        .iter()
        .enumerate()
        .map(|(axis, &len)| if axis < whole { len } else { len.min(edge) })
        .collect();
    each_value!(values, array => {
        let writer = ArrayWriter::create_unnamed(path, &shape, &chunk, element_type_of(array), &about)?;
        let grid: Vec<_> = shape.iter().zip(&chunk).map(|(len, chunk)| len.div_ceil(*chunk)).collect();
        for place in ndarray::indices(grid) {
            let start = |axis: usize| place[axis] * chunk[axis];
            let part = array.slice_each_axis(|axis| {
                let (first, len) = (start(axis.axis.index()), axis.len);
                (first..(first + chunk[axis.axis.index()]).min(len)).into()
            });
            let place: Vec<_> = place.as_array_view().iter().map(|&at| at as u64).collect();
            writer.store(&place, &part)?;
        }
        Ok(())
    })
}

fn element_type_of<T: Element>(_: &ArrayViewD<'_, T>) -> ElementType {
    T::TYPE
}
