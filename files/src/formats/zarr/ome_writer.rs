//! The metadata of a group of OME-Zarr with one image of one resolution.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::ours::MADE_BY;
use crate::error::Fault;
use crate::geometry::ome::{Ome, Version};

/// The array in the group.
pub(super) const ARRAY: &str = "0";

/// Makes the group. Of soft labels the first axis has the channels.
pub(super) fn write(path: &Path, ome: &Ome, soft: bool) -> Result<(), Fault> {
    fs::create_dir_all(path)?;
    let put = |name: &str, value: &Value| fs::write(path.join(name), format!("{value:#}"));
    let made_by = env!("CARGO_PKG_VERSION");
    match ome.version {
        Version::V04 => {
            put(".zgroup", &json!({"zarr_format": 2}))?;
            let image = image(ome, soft, Some("0.4"));
            put(".zattrs", &json!({"multiscales": [image], MADE_BY: made_by}))?;
        }
        Version::V05 => {
            let image = image(ome, soft, None);
            let attributes = json!({"ome": {"version": "0.5", "multiscales": [image]}, MADE_BY: made_by});
            put(
                "zarr.json",
                &json!({"zarr_format": 3, "node_type": "group", "attributes": attributes}),
            )?;
        }
    }
    Ok(())
}

/// The names of all axes. Those of the input stay where they are names of axes of space.
pub(super) fn names(ome: &Ome, soft: bool) -> Vec<String> {
    let mut names: Vec<_> = ome.axes.iter().map(|axis| axis.name.clone()).collect();
    let is_name = |(at, name): (usize, &String)| {
        !matches!(name.as_str(), "" | "c" | "t") && names.iter().position(|other| other == name) == Some(at)
    };
    if !names.iter().enumerate().all(is_name) {
        let usual = ["z", "y", "x"].iter().skip(3_usize.saturating_sub(names.len()));
        names = usual.map(ToString::to_string).collect();
    }
    if soft {
        names.insert(0, "c".to_owned());
    }
    names
}

fn image(ome: &Ome, soft: bool, version: Option<&str>) -> Value {
    let channel = usize::from(soft);
    let names = names(ome, soft);
    let axes = names.iter().enumerate().map(|(at, name)| {
        let Some(axis) = at.checked_sub(channel).and_then(|at| ome.axes.get(at)) else {
            return json!({"name": name, "type": "channel"});
        };
        match &axis.unit {
            Some(unit) => json!({"name": name, "type": "space", "unit": unit}),
            None => json!({"name": name, "type": "space"}),
        }
    });
    let axes: Value = axes.collect();
    let of_channel = |number: f64| std::iter::repeat_n(number, channel);
    let scale: Vec<f64> = of_channel(1.0).chain(ome.axes.iter().map(|axis| axis.scale)).collect();
    let mut transformations = vec![json!({"type": "scale", "scale": scale})];
    if ome.is_placed {
        let places = ome.axes.iter().map(|axis| axis.translation);
        let translation: Vec<f64> = of_channel(0.0).chain(places).collect();
        transformations.push(json!({"type": "translation", "translation": translation}));
    }
    let datasets = json!([{"path": ARRAY, "coordinateTransformations": transformations}]);
    let mut image = Map::new();
    image.insert("axes".to_owned(), axes);
    image.insert("datasets".to_owned(), datasets);
    if let Some(version) = version {
        image.insert("version".to_owned(), version.into());
    }
    image.into()
}
