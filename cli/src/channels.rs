//! Channels of soft labels that are not the classes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;
use serde_json::json;
use soft_labels::{Channels, Encoding, SoftEncoder};
use soft_labels_files::{Format, Place};

use crate::classes::{NamedClasses, NamedLabels, check_name};
use crate::command::{Failure, of_file, printable};

/// What the channels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Classes,
    Regions,
}

/// Names with labels.
#[derive(Debug, Clone)]
pub(crate) struct Regions(pub(crate) Vec<NamedLabels>);

impl FromStr for Regions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let region = |part: &str| {
            let (name, labels) = part.split_once('=')?;
            let labels = labels
                .split('+')
                .map(|label| label.trim().parse().ok())
                .collect::<Option<_>>()?;
            Some((Some(printable(name.trim())).filter(|name| !name.is_empty())?, labels))
        };
        let regions: Vec<NamedLabels> = text
            .split(',')
            .map(region)
            .collect::<Option<_>>()
            .ok_or("write a name and its labels for each region, like WT=1+2+4,TC=1+4")?;
        let mut names: Vec<_> = regions.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("{} is given twice; name each region once", pair[0])),
            None => Ok(Self(regions)),
        }
    }
}

/// The regions that are asked for: those that are named, or else those of the data set, background left out.
pub(crate) fn regions_of(named: &NamedClasses, given: Option<&Regions>) -> Result<Vec<NamedLabels>, Failure> {
    let regions = match given {
        Some(regions) => regions.0.clone(),
        None => named.channels.clone(),
    };
    if regions.is_empty() {
        return Err("--channels regions needs --regions, or a --dataset with regions".into());
    }
    regions.iter().try_for_each(|(name, _)| check_name(name))?;
    Ok(regions)
}

/// An encoding with the channels of regions.
pub(crate) fn with_regions(encoding: Encoding, regions: &[NamedLabels]) -> Result<Encoding, Failure> {
    if regions.is_empty() {
        return Ok(encoding);
    }
    if matches!(encoding, Encoding::WithChannels(_)) {
        return Err("--config has channels already; leave out --channels and --regions".into());
    }
    let labels = regions.iter().map(|(_, labels)| labels);
    Ok(encoding.with_channels(Channels::regions(labels)?).into())
}

/// The file beside an output, or in a folder of outputs, that names the channels.
pub(crate) fn names_file(out: &Path, is_folder: bool) -> PathBuf {
    if is_folder {
        return out.join("channels.json");
    }
    let name = Format::split(out).map_or_else(|| out.as_os_str().to_owned(), |(name, _)| name);
    let mut name = Path::new(&name).file_name().unwrap_or_default().to_owned();
    name.push(".channels.json");
    out.with_file_name(name)
}

/// Writes the names of the channels beside the outputs.
pub(crate) fn write_names(place: &Place<'_>, names: &[String]) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&json!({ "channels": names }))?;
    place.file(|file| of_file(place.path(), writeln!(file, "{text}").map_err(Failure::from)))
}
