//! OME-Zarr: a group of an image at several resolutions, with its axes, their scale, their unit and the place of the first voxel.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::ours::MADE_BY;
use crate::error::Fault;
use crate::geometry::Geometry;
use crate::geometry::ome::{self, Ome, Version};
use crate::limits;

/// The highest resolution of a group.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) folder: PathBuf,
    /// Axes of times and channels.
    pub(super) dropped: Vec<usize>,
    /// The one of them that has the channels of soft labels, if it comes before the axes of space.
    pub(super) channel: Option<usize>,
    /// Whether the group was written here. Its channels are those of soft labels, also a single one.
    pub(super) is_ours: bool,
    /// How many axes there are.
    pub(super) axes: usize,
    pub(super) geometry: Geometry,
}

/// The attributes of a group with images, if a folder is one.
struct Attributes {
    version: Version,
    multiscales: Vec<Value>,
    is_ours: bool,
}

fn attributes(path: &Path) -> Option<Attributes> {
    let json = |name: &str| -> Option<Value> {
        let file = path.join(name);
        file.is_file().then_some(())?;
        serde_json::from_str(&limits::text(&file).ok()?).ok()
    };
    let of_group = |mut value: Value| (value["node_type"] == "group").then(|| value["attributes"].take());
    let found = json("zarr.json").and_then(of_group).map(|found| (Version::V05, found));
    let found = found.or_else(|| json(".zgroup").and_then(|_| Some((Version::V04, json(".zattrs")?))));
    let (version, found) = found?;
    Some(Attributes {
        version,
        multiscales: found.get("ome").unwrap_or(&found)["multiscales"].as_array()?.clone(),
        is_ours: found.get(MADE_BY).is_some(),
    })
}

/// Whether a folder is a group of an image.
pub(super) fn is_image(path: &Path) -> bool {
    attributes(path).is_some()
}

/// Whether a folder is a group, of images or of anything.
pub(super) fn is_group(path: &Path) -> bool {
    let text = limits::text(&path.join("zarr.json")).unwrap_or_default();
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    value["node_type"] == "group"
}

/// The array to read of a folder that is a group of an image; `None` of any other.
pub(super) fn level(path: &Path) -> Result<Option<Level>, Fault> {
    let Some(attributes) = attributes(path) else {
        return Ok(None);
    };
    let [image] = attributes.multiscales.as_slice() else {
        return Err(Fault::content(format!(
            "has {} images (OME), and a label map is one; name its array",
            attributes.multiscales.len()
        )));
    };
    let dataset = &image["datasets"][0];
    let name = dataset["path"].as_str().unwrap_or_default();
    let inside = Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let folder = path.join(name);
    let real = folder.canonicalize().ok();
    let here = real
        .zip(path.canonicalize().ok())
        .is_some_and(|(real, path)| real.starts_with(path));
    if name.is_empty() || !inside || !here {
        return Err(Fault::broken(format!(
            "names the array {name:?}, which is not in it; save it again"
        )));
    }
    let axes = axes(image);
    let is_spatial = |axis: &Axis| !matches!(axis.kind.as_str(), "time" | "channel");
    let of_kind = |kind: &str| axes.iter().position(|axis| axis.kind == kind);
    let first = axes.iter().position(is_spatial);
    Ok(Some(Level {
        folder,
        dropped: (0..axes.len()).filter(|&axis| !is_spatial(&axes[axis])).collect(),
        channel: of_kind("channel").filter(|&channel| first.is_some_and(|first| channel < first)),
        is_ours: attributes.is_ours,
        axes: axes.len(),
        geometry: geometry(attributes.version, &axes, is_spatial, [dataset, image]),
    }))
}

/// Where the voxels are, by the transformations of a dataset and those of its image, which come after.
fn geometry(version: Version, axes: &[Axis], is_spatial: impl Fn(&Axis) -> bool, told: [&Value; 2]) -> Geometry {
    let [scales, translations] = ["scale", "translation"].map(|kind| told.map(|told| transformation(told, kind)));
    let is_scaled = scales.iter().any(Option::is_some);
    let spatial = axes.iter().enumerate().filter(|(_, axis)| is_spatial(axis));
    let spatial = spatial.map(|(at, axis)| {
        // Of what is too short, nothing is known.
        let number = |told: &Option<Vec<f64>>, or: f64| {
            let told = told.as_ref();
            told.map_or(or, |numbers| numbers.get(at).copied().unwrap_or(f64::NAN))
        };
        let (mut scale, mut translation) = (1.0, 0.0);
        for (told, moved) in scales.iter().zip(&translations) {
            let factor = number(told, 1.0);
            scale *= factor;
            translation = translation * factor + number(moved, 0.0);
        }
        ome::Axis {
            name: axis.name.clone(),
            // A unit without a scale is no length.
            unit: axis.unit.clone().filter(|_| is_scaled),
            scale,
            translation,
        }
    });
    let axes: Vec<_> = spatial.collect();
    let is_number = |axis: &ome::Axis| axis.scale.is_finite() && axis.scale > 0.0 && axis.translation.is_finite();
    if !axes.iter().all(is_number) {
        return Geometry::unknown();
    }
    Geometry::of_ome(Ome {
        version,
        axes,
        is_placed: translations.iter().any(Option::is_some),
    })
}

struct Axis {
    name: String,
    kind: String,
    unit: Option<String>,
}

/// Old versions name axes alone, or have always the same five.
fn axes(image: &Value) -> Vec<Axis> {
    let of_name = |name: &str| match name {
        "t" => "time",
        "c" => "channel",
        _ => "space",
    };
    let axis = |value: &Value| {
        let name = value["name"].as_str().or(value.as_str()).unwrap_or_default();
        Axis {
            name: name.to_owned(),
            kind: value["type"].as_str().unwrap_or_else(|| of_name(name)).to_owned(),
            unit: value["unit"].as_str().map(ToOwned::to_owned),
        }
    };
    match image["axes"].as_array() {
        Some(axes) => axes.iter().map(axis).collect(),
        None => ["t", "c", "z", "y", "x"].map(|name| axis(&Value::from(name))).into(),
    }
}

/// The numbers of a scale or a translation.
fn transformation(value: &Value, kind: &str) -> Option<Vec<f64>> {
    let transformations = value["coordinateTransformations"].as_array()?;
    let numbers = transformations.iter().find_map(|step| step[kind].as_array())?;
    numbers.iter().map(Value::as_f64).collect()
}
