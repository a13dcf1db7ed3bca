//! What the labels mean: classes by number, by value or from nnU-Net's `dataset.json`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use soft_labels::Classes;

use crate::command::{Failure, of_file};
use crate::files;

#[derive(Debug, clap::Args)]
pub(crate) struct ClassArgs {
    /// Number of classes, for labels 0, 1, ..., N-1
    #[arg(long, value_name = "N", required_unless_present_any = ["values", "dataset"], help_heading = "Classes")]
    classes: Option<usize>,

    /// The label of each class, in the order of the class axis
    #[arg(
        long,
        value_name = "V,V..",
        value_delimiter = ',',
        allow_hyphen_values = true,
        conflicts_with = "classes",
        help_heading = "Classes"
    )]
    values: Option<Vec<i64>>,

    /// nnU-Net's dataset.json: labels with their names, regions and the ignore label
    #[arg(long, value_name = "FILE", conflicts_with_all = ["classes", "values", "ignore"], help_heading = "Classes")]
    dataset: Option<PathBuf>,

    /// The label of voxels that nobody labelled
    #[arg(long, value_name = "V", allow_hyphen_values = true, help_heading = "Classes")]
    ignore: Option<i64>,
}

/// A name, and the labels that it stands for.
pub(crate) type NamedLabels = (String, Vec<i64>);

/// Classes with what they are called.
#[derive(Debug)]
pub(crate) struct NamedClasses {
    pub(crate) classes: Classes,
    /// Of each class.
    pub(crate) names: Vec<String>,
    /// Structures of several labels.
    pub(crate) regions: Vec<NamedLabels>,
}

impl ClassArgs {
    pub(crate) fn read(&self) -> Result<NamedClasses, Failure> {
        if let Some(path) = &self.dataset {
            return of_file(path, dataset(path));
        }
        let classes = match &self.values {
            Some(values) => Classes::from_values(values.iter().copied())?,
            None => Classes::contiguous(self.classes.unwrap_or_default())?,
        };
        let classes = match self.ignore {
            Some(value) => classes.with_ignore(value)?,
            None => classes,
        };
        Ok(NamedClasses {
            names: classes.values().iter().map(ToString::to_string).collect(),
            classes,
            regions: Vec::new(),
        })
    }
}

/// Longer names fit no table and no picture.
const LONGEST_NAME: usize = 200;

pub(crate) fn check_name(name: &str) -> Result<(), Failure> {
    match name.chars().count() {
        length if length > LONGEST_NAME => {
            Err(format!("a name has {length} characters; {LONGEST_NAME} are enough").into())
        }
        _ => Ok(()),
    }
}

/// The classes of a `dataset.json`, ascending by label.
fn dataset(path: &Path) -> Result<NamedClasses, Failure> {
    let file: Value = serde_json::from_str(&files::text(path)?)?;
    let entries = file
        .get("labels")
        .and_then(Value::as_object)
        .ok_or("has no object \"labels\"")?;
    let (mut named, mut regions, mut ignore) = (Vec::<(i64, String)>::new(), Vec::new(), None);
    for (key, value) in entries {
        let wrong = || format!("has the label {key:?} with {value}; give a whole number, or a list of them");
        match value {
            // nnU-Net 1 and the Medical Segmentation Decathlon: names by label.
            Value::String(name) => named.push((key.parse().map_err(|_| wrong())?, name.clone())),
            Value::Array(labels) => {
                let labels: Option<Vec<_>> = labels.iter().map(Value::as_i64).collect();
                regions.push((
                    key.clone(),
                    labels.filter(|labels| !labels.is_empty()).ok_or_else(wrong)?,
                ));
            }
            value => match (key.as_str(), value.as_i64().ok_or_else(wrong)?) {
                ("ignore", label) => ignore = Some(label),
                (name, label) => named.push((label, name.to_owned())),
            },
        }
    }
    // Labels that only regions name are called by their number.
    let mut known: BTreeSet<i64> = named.iter().map(|(label, _)| *label).collect();
    for &label in regions.iter().flat_map(|(_, labels)| labels) {
        if known.insert(label) {
            named.push((label, label.to_string()));
        }
    }
    let names = named
        .iter()
        .map(|(_, name)| name)
        .chain(regions.iter().map(|(name, _)| name));
    names.into_iter().try_for_each(|name| check_name(name))?;
    named.sort();
    let mut classes = Classes::from_values(named.iter().map(|(label, _)| *label))?;
    if let Some(label) = ignore {
        classes = classes.with_ignore(label)?;
    }
    Ok(NamedClasses {
        classes,
        names: named.into_iter().map(|(_, name)| name).collect(),
        regions,
    })
}
