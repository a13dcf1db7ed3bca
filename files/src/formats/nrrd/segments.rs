//! Segmentations of 3D Slicer, `.seg.nrrd`: segments share layers where they do not overlap.

use std::path::Path;

use ndarray::{ArrayD, Axis};

use super::header::Header;
use crate::error::{Fault, Result};
use crate::geometry::Geometry;
use crate::labels::Labels;
use crate::limits::guarded;

/// The segments of a file of 3D Slicer, which may overlap.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Segmentation {
    /// In the order of the file.
    pub segments: Vec<Segment>,
    /// Where the voxels are.
    pub geometry: Geometry,
    /// Along the last axis.
    layers: ArrayD<i64>,
}

/// One structure of a segmentation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Segment {
    /// What it is called.
    pub name: String,
    /// Its label in its layer.
    pub label: i64,
    /// The layer that it is in.
    pub layer: usize,
}

impl Segmentation {
    /// The voxels of a segment by its name, (x, y, z). `None` if there is no such segment.
    pub fn mask(&self, name: &str) -> Option<ArrayD<bool>> {
        let segment = self.segments.iter().find(|segment| segment.name == name)?;
        let last = Axis(self.layers.ndim().checked_sub(1)?);
        let layer = self.layers.axis_iter(last).nth(segment.layer)?;
        Some(layer.mapv(|label| label == segment.label))
    }
}

/// Reads the segments of a `.seg.nrrd` file of 3D Slicer, with their names.
///
/// # Errors
///
/// If the file is no NRRD that is read here, names no segments, or a segment is in a layer that is not there.
///
/// ```
/// let header = "NRRD0004\ntype: uchar\ndimension: 4\nsizes: 2 2 1 1\nkinds: list domain domain domain\nencoding: raw\n\
///     Segment0_Name:=liver\nSegment0_LabelValue:=1\nSegment0_Layer:=0\n\
///     Segment1_Name:=tumour\nSegment1_LabelValue:=1\nSegment1_Layer:=1\n\n";
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("a.seg.nrrd");
/// // Of the two voxels, both are liver and one is tumour.
/// std::fs::write(&path, [header.as_bytes(), &[1, 0, 1, 1]].concat())?;
///
/// let segmentation = soft_labels_files::read_segments(&path)?;
/// assert_eq!(segmentation.segments[1].name, "tumour");
/// let tumour = segmentation.mask("tumour").unwrap();
/// assert_eq!(tumour.into_raw_vec_and_offset().0, [false, true]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_segments(path: impl AsRef<Path>) -> Result<Segmentation> {
    let path = path.as_ref();
    guarded(|| read(path)).map_err(|fault| fault.at(path))
}

/// More segments than anybody draws.
const MOST: usize = 1 << 16;

fn read(path: &Path) -> std::result::Result<Segmentation, Fault> {
    let (header, image) = super::array(path)?;
    let map = image.labels()?;
    let mut layers = match map.labels {
        Labels::U8(map) => map.mapv(i64::from),
        Labels::I64(map) => map,
    };
    // Of one layer there is no axis.
    if layers.ndim() < 4 {
        let last = Axis(layers.ndim());
        layers = layers.insert_axis(last);
    }
    let count = layers.shape().last().copied().unwrap_or(0);
    let segments: Vec<_> = (0..MOST).map_while(|index| segment(&header, index)).collect();
    if segments.is_empty() {
        return Err(Fault::content(
            "names no segments; read it as a label map if it is not of 3D Slicer",
        ));
    }
    if let Some(segment) = segments.iter().find(|segment| segment.layer >= count) {
        return Err(Fault::broken(format!(
            "has the segment {:?} in layer {} of {count}, counted from 0; save it again",
            segment.name, segment.layer
        )));
    }
    Ok(Segmentation {
        segments,
        geometry: map.geometry,
        layers,
    })
}

/// Old files have a layer for each segment, with label 1.
fn segment(header: &Header, index: usize) -> Option<Segment> {
    let key = |name: &str| header.keys.get(&format!("Segment{index}_{name}"));
    let id = key("ID");
    let name = key("Name").or(id)?.clone();
    let label = key("LabelValue").and_then(|label| label.parse().ok());
    let layer = key("Layer").and_then(|layer| layer.parse().ok());
    Some(Segment {
        name,
        label: label.unwrap_or(1),
        layer: layer.unwrap_or(if label.is_some() { 0 } else { index }),
    })
}
