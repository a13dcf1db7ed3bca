//! What the labels mean: classes by number, by value or from nnU-Net's `dataset.json`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use soft_labels::{Classes, Error};
use soft_labels_files::{Dataset, LabelMap, Palette, read_dataset, read_labels};

use crate::command::{Failure, of_file, printable};

#[derive(Debug, clap::Args)]
pub(crate) struct ClassArgs {
    /// Number of classes, for labels 0, 1, ..., N-1
    #[arg(long, value_name = "N", help_heading = "Classes")]
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

    /// Colours of classes, for PNG and TIFF in colour: CSV or JSON of name, r, g, b; the first is label 0
    #[arg(long, value_name = "FILE", conflicts_with_all = ["classes", "values", "dataset"], help_heading = "Classes")]
    palette: Option<PathBuf>,

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
    /// The regions of a data set that has some, those of one label among them, in its order and without the background.
    pub(crate) channels: Vec<NamedLabels>,
    /// The colours of the labels, if they are pictures.
    pub(crate) palette: Option<Arc<Palette>>,
}

/// Reads a label map, by colours if there are some.
pub(crate) fn read_map(path: &Path, palette: Option<&Palette>) -> Result<LabelMap, Failure> {
    Ok(match palette {
        Some(palette) => palette.read_labels(path)?,
        None => read_labels(path)?,
    })
}

impl ClassArgs {
    /// The file that is read.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.dataset.as_deref().or(self.palette.as_deref())
    }

    /// The colours of the labels, if they are told.
    pub(crate) fn palette(&self) -> Result<Option<Palette>, Failure> {
        Ok(self.palette.as_ref().map(Palette::read).transpose()?)
    }

    pub(crate) fn read(&self) -> Result<NamedClasses, Failure> {
        if let Some(path) = &self.dataset {
            return dataset(path);
        }
        let palette = self.palette()?;
        let classes = match (
            &self.values,
            self.classes.or(palette.as_ref().map(|palette| palette.names().len())),
        ) {
            (Some(values), _) => Classes::from_values(values.iter().copied())?,
            (None, Some(count)) => Classes::contiguous(count)?,
            (None, None) => {
                return Err("the classes are not given; name --classes, --values, --dataset or --palette".into());
            }
        };
        let classes = match self.ignore {
            Some(value) => classes.with_ignore(value)?,
            None => classes,
        };
        Ok(NamedClasses {
            names: match &palette {
                Some(palette) => palette.names().iter().map(|name| printable(name)).collect(),
                None => classes.values().iter().map(ToString::to_string).collect(),
            },
            classes,
            regions: Vec::new(),
            channels: Vec::new(),
            palette: palette.map(Arc::new),
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

/// With names as they are printed.
fn printed(named: Vec<NamedLabels>) -> Vec<NamedLabels> {
    named
        .into_iter()
        .map(|(name, labels)| (printable(&name), labels))
        .collect()
}

/// The classes of a `dataset.json`, ascending by label.
fn dataset(path: &Path) -> Result<NamedClasses, Failure> {
    let Dataset {
        classes: named,
        regions,
        channels,
        ignore,
        ..
    } = read_dataset(path)?;
    let known = || -> Result<Classes, Error> {
        let classes = Classes::from_values(named.iter().map(|(label, _)| *label))?;
        ignore.map_or(Ok(classes.clone()), |label| classes.with_ignore(label))
    };
    Ok(NamedClasses {
        classes: of_file(path, known().map_err(Failure::from))?,
        names: named.into_iter().map(|(_, name)| printable(&name)).collect(),
        regions: printed(regions),
        channels: printed(channels),
        palette: None,
    })
}
