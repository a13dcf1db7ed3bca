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

/// Writes the names of the channels beside the outputs, which are there. Without names, those of an output of before go.
pub(crate) fn write_names(file: &Path, names: &[String]) -> Result<(), Failure> {
    if names.is_empty() {
        return match names_in(file)? {
            Some(_) => of_file(file, std::fs::remove_file(file).map_err(Failure::from)),
            None => Ok(()),
        };
    }
    let text = serde_json::to_string_pretty(&json!({ "channels": names }))?;
    // What is there are names: it was checked before the outputs were made.
    let place = Place::new(file).overwrite(true);
    place.file(|out| of_file(file, writeln!(out, "{text}").map_err(Failure::from)))
}

/// An error if another file is at the place of the names, or if outputs are gone on with whose channels have other names.
pub(crate) fn check_names(file: &Path, names: &[String], goes_on: bool) -> Result<(), Failure> {
    match names_in(file)? {
        Some(before) if goes_on && before != names => of_file(
            file,
            Err("names other channels than those of this run; give another --out, or --overwrite".into()),
        ),
        None if file.symlink_metadata().is_ok() && !names.is_empty() => of_file(
            file,
            Err("is there and holds no names of channels; move it, or give another --out".into()),
        ),
        _ => Ok(()),
    }
}

/// What the channels of a file are called, where a file beside it says so.
pub(crate) fn read_names(path: &Path) -> Result<Option<Vec<String>>, Failure> {
    let folder = path.parent().map(|folder| folder.join("channels.json"));
    for file in [Some(names_file(path, false)), folder].into_iter().flatten() {
        if let Some(names) = names_in(&file)? {
            return Ok(Some(names));
        }
    }
    Ok(None)
}

/// In bytes.
const LONGEST: u64 = 1 << 24;

/// The names in a file, if it is there and of this kind.
fn names_in(file: &Path) -> Result<Option<Vec<String>>, Failure> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Names {
        channels: Vec<String>,
    }
    match file.metadata() {
        Ok(metadata) if metadata.is_file() && metadata.len() <= LONGEST => {}
        _ => return Ok(None),
    }
    let text = of_file(file, std::fs::read_to_string(file).map_err(Failure::from));
    Ok(text
        .ok()
        .and_then(|text| serde_json::from_str::<Names>(&text).ok())
        .map(|names| names.channels))
}
