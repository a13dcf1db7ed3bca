//! nnU-Net's `dataset.json`: what the labels of a data set mean.

use std::collections::BTreeSet;
use std::path::Path;

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
    /// The label of voxels that nobody labelled.
    pub ignore: Option<i64>,
}

/// Longer names fit no table and no picture.
const LONGEST_NAME: usize = 200;

/// Reads the object `labels` of nnU-Net's `dataset.json`, version 1 and 2, which is also that of the Medical Segmentation
/// Decathlon.
///
/// # Errors
///
/// If the file is no JSON, has no such object, or a name of more than 200 characters.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("dataset.json");
/// std::fs::write(&path, r#"{"labels": {"background": 0, "tumour": 2, "organ": 1, "whole": [1, 2], "ignore": 3}}"#)?;
///
/// let dataset = soft_labels_files::read_dataset(&path)?;
/// assert_eq!(dataset.classes[2], (2, "tumour".into()));
/// assert_eq!(dataset.regions, [("whole".into(), vec![1, 2])]);
/// assert_eq!(dataset.ignore, Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_dataset(path: impl AsRef<Path>) -> Result<Dataset> {
    let path = path.as_ref();
    read(path).map_err(|fault| fault.at(path))
}

fn read(path: &Path) -> std::result::Result<Dataset, Fault> {
    let broken = |error: serde_json::Error| Fault::broken(error.to_string());
    let file: Value = serde_json::from_str(&limits::text(path)?).map_err(broken)?;
    let entries = file
        .get("labels")
        .and_then(Value::as_object)
        .ok_or_else(|| Fault::content("has no object \"labels\""))?;
    let mut dataset = Dataset::default();
    for (key, value) in entries {
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
    for name in classes.chain(dataset.regions.iter().map(|(name, _)| name)) {
        let length = name.chars().count();
        if length > LONGEST_NAME {
            return Err(Fault::content(format!(
                "a name has {length} characters; {LONGEST_NAME} are enough"
            )));
        }
    }
    dataset.classes.sort();
    Ok(dataset)
}
