//! OME-Zarr: a group of an image at several resolutions, with its axes, their scale and unit.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use crate::error::Fault;
use crate::geometry::{Geometry, length_in_mm};
use crate::limits;

/// The highest resolution of a group.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) folder: PathBuf,
    /// Axes of times and channels.
    pub(super) dropped: Vec<usize>,
    /// How many axes there are.
    pub(super) axes: usize,
    pub(super) geometry: Geometry,
}

/// The attributes of a group with images, if a folder is one: of version 0.5, or of 0.4 and before.
fn attributes(path: &Path) -> Option<Value> {
    let json = |name: &str| -> Option<Value> {
        let file = path.join(name);
        file.is_file().then_some(())?;
        serde_json::from_str(&limits::text(&file).ok()?).ok()
    };
    let of_group = |value: Value| (value["node_type"] == "group").then(|| value["attributes"].clone());
    let attributes = json("zarr.json")
        .and_then(of_group)
        .map(|attributes| match attributes.get("ome") {
            Some(ome) => ome.clone(),
            None => attributes,
        });
    let attributes = attributes.or_else(|| json(".zgroup").and_then(|_| json(".zattrs")))?;
    attributes["multiscales"].is_array().then_some(attributes)
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
    let images = attributes["multiscales"].as_array().map_or(0, Vec::len);
    if images != 1 {
        return Err(Fault::content(format!(
            "has {images} images (OME), and a label map is one; name its array"
        )));
    }
    let image = &attributes["multiscales"][0];
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
    let dropped = (0..axes.len()).filter(|&axis| !is_spatial(&axes[axis])).collect();
    let scales = [scale(dataset), scale(image)];
    let step = |(axis, of): (usize, &Axis)| {
        let scale = scales.iter().map(|scale| match scale {
            Some(scale) => scale.get(axis).copied().unwrap_or(f64::NAN),
            None => 1.0,
        });
        let step = scale.product::<f64>() * length_in_mm(of.unit.as_deref()?)?;
        Some(step).filter(|step| step.is_finite() && *step > 0.0)
    };
    let spatial = axes.iter().enumerate().filter(|(_, axis)| is_spatial(axis));
    let spacing: Option<Vec<f64>> = spatial.map(step).collect();
    // A scale without a unit, or a unit without a scale, is no length.
    let spacing = spacing.filter(|_| scales.iter().any(Option::is_some));
    Ok(Some(Level {
        folder,
        dropped,
        axes: axes.len(),
        geometry: spacing.map_or_else(Geometry::unknown, |spacing| Geometry::from_spacing_mm(&spacing)),
    }))
}

struct Axis {
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
            kind: value["type"].as_str().unwrap_or_else(|| of_name(name)).to_owned(),
            unit: value["unit"].as_str().map(ToOwned::to_owned),
        }
    };
    match image["axes"].as_array() {
        Some(axes) => axes.iter().map(axis).collect(),
        None => ["t", "c", "z", "y", "x"].map(|name| axis(&Value::from(name))).into(),
    }
}

fn scale(value: &Value) -> Option<Vec<f64>> {
    let transformations = value["coordinateTransformations"].as_array()?;
    let scale = transformations.iter().find_map(|step| step["scale"].as_array())?;
    scale.iter().map(Value::as_f64).collect()
}
