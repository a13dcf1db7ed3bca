//! nnU-Net's `dataset.json`: what the labels of a data set mean.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::error::{Fault, Result};
use crate::limits;

/// What the labels of a data set mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dataset {
    /// The labels with their names, ascending. Labels that only regions name are called by their number.
    pub classes: Vec<(i64, String)>,
    /// Structures of several labels, by name.
    pub regions: Vec<(String, Vec<i64>)>,
    /// What a network has a channel for that is trained on regions: all structures, those of one label among them, in the file's
    /// order and without the background. Empty unless there are regions.
    pub channels: Vec<(String, Vec<i64>)>,
    /// The label of voxels that nobody labelled.
    pub ignore: Option<i64>,
}

/// The channels of a network that is trained on regions.
fn channels(entries: &[(String, Value)], dataset: &Dataset) -> Vec<(String, Vec<i64>)> {
    if dataset.regions.is_empty() {
        return Vec::new();
    }
    let region = |name: &String| dataset.regions.iter().find(|(known, _)| known == name).cloned();
    let class = |name: &String| {
        let class = dataset.classes.iter().find(|(_, known)| known == name);
        class
            .filter(|(label, _)| *label != 0)
            .map(|(label, _)| (name.clone(), vec![*label]))
    };
    let names = entries.iter().map(|(key, value)| match value {
        Value::String(name) => name,
        _ => key,
    });
    names.filter_map(|name| region(name).or_else(|| class(name))).collect()
}

/// Longer names fit no table and no picture.
const LONGEST_NAME: usize = 200;

/// Reads the object `labels` of nnU-Net's `dataset.json`, version 1 and 2, which is also that of the Medical Segmentation
/// Decathlon.
///
/// # Errors
///
/// If the file is no JSON (a byte order mark is let pass), has no such object, or a name of more than 200 characters.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("dataset.json");
/// std::fs::write(&path, r#"{"labels": {"background": 0, "tumour": 2, "organ": 1, "whole": [1, 2], "ignore": 3}}"#)?;
///
/// let dataset = soft_labels_files::read_dataset(&path)?;
/// assert_eq!(dataset.classes[2], (2, "tumour".into()));
/// assert_eq!(dataset.regions, [("whole".into(), vec![1, 2])]);
/// assert_eq!(dataset.channels, [("tumour".into(), vec![2]), ("organ".into(), vec![1]), ("whole".into(), vec![1, 2])]);
/// assert_eq!(dataset.ignore, Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_dataset(path: impl AsRef<Path>) -> Result<Dataset> {
    let path = path.as_ref();
    read(path).map_err(|fault| fault.at(path))
}

/// What is read of the file.
#[derive(serde::Deserialize)]
struct File {
    labels: Option<Entries>,
}

/// The entries of an object, with those that are there twice.
pub(crate) struct Entries(pub(crate) Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of labels")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<Entries, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

fn twice(name: &str) -> Fault {
    Fault::content(format!("names {name:?} twice; give each label a name of its own"))
}

fn read(path: &Path) -> std::result::Result<Dataset, Fault> {
    let broken = |error: serde_json::Error| Fault::broken(error.to_string());
    let File { labels } = serde_json::from_str(&limits::text(path)?).map_err(broken)?;
    let Some(Entries(entries)) = labels else {
        return Err(Fault::content("has no object \"labels\""));
    };
    let mut dataset = Dataset::default();
    for (key, value) in &entries {
        let wrong = || {
            Fault::content(format!(
                "has the label {key:?} with {value}; give a whole number, or a list of them"
            ))
        };
        match value {
            // nnU-Net 1 and the Medical Segmentation Decathlon: names by label.
            Value::String(name) => dataset.classes.push((key.parse().map_err(|_| wrong())?, name.clone())),
            Value::Array(labels) => {
                let labels: Option<Vec<_>> = labels.iter().map(Value::as_i64).collect();
                let labels = labels.filter(|labels| !labels.is_empty()).ok_or_else(wrong)?;
                dataset.regions.push((key.clone(), labels));
            }
            value => match (key.as_str(), value.as_i64().ok_or_else(wrong)?) {
                ("ignore", _) if dataset.ignore.is_some() => return Err(twice("ignore")),
                ("ignore", label) => dataset.ignore = Some(label),
                (name, label) => dataset.classes.push((label, name.to_owned())),
            },
        }
    }
    let mut known: BTreeSet<i64> = dataset.classes.iter().map(|(label, _)| *label).collect();
    for &label in dataset.regions.iter().flat_map(|(_, labels)| labels) {
        if known.insert(label) {
            dataset.classes.push((label, label.to_string()));
        }
    }
    let classes = dataset.classes.iter().map(|(_, name)| name);
    let mut names = BTreeSet::new();
    for name in classes.chain(dataset.regions.iter().map(|(name, _)| name)) {
        if !names.insert(name) {
            return Err(twice(name));
        }
        let length = name.chars().count();
        if length > LONGEST_NAME {
            return Err(Fault::content(format!(
                "a name has {length} characters; {LONGEST_NAME} are enough"
            )));
        }
    }
    dataset.channels = channels(&entries, &dataset);
    dataset.classes.sort();
    Ok(dataset)
}
