//! Maps of confidences and errors, as files.

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, Axis, Zip};
use soft_labels::metrics::top_labels_against;
use soft_labels_files::{Format, write_labels, write_map};

use super::super::args::Args;
use super::super::prediction::Prediction;
use super::Case;
use crate::cases::name_of;
use crate::command::{Failure, of_file};
use crate::spared::Spared;

/// Whether a format holds numbers with a fraction.
fn fractions(format: Format) -> bool {
    format.writes_labels() && format.writes_probabilities()
}

/// Where the map of a case goes: the name of its reference, with `.npy` where its format does not hold the map.
fn place(folder: &Path, reference: &Path, holds: fn(Format) -> bool) -> PathBuf {
    let name = match reference.file_name() {
        Some(name) if Format::of_name(reference).is_some_and(holds) => name.to_owned(),
        _ => {
            let mut name = name_of(reference);
            name.push(".npy");
            name
        }
    };
    folder.join(name)
}

fn confidence(args: &Args, reference: &Path) -> Option<PathBuf> {
    let folder = args.calibration.confidence_maps.as_deref()?;
    Some(place(folder, reference, fractions))
}

fn errors(args: &Args, reference: &Path) -> Option<PathBuf> {
    let folder = args.calibration.error_maps.as_deref()?;
    Some(place(folder, reference, Format::writes_labels))
}

/// An error if a map would go where something is, or if both are of the same folder.
pub(crate) fn check(args: &Args, references: &[&Path], spared: &Spared) -> Result<(), Failure> {
    let folders = [&args.calibration.confidence_maps, &args.calibration.error_maps];
    let [confidences, of_errors] = folders.map(|folder| folder.as_deref().map(crate::spared::place));
    if confidences.is_some() && confidences == of_errors {
        return Err("--confidence-maps and --error-maps are the same folder; give two".into());
    }
    for (folder, to) in folders.into_iter().zip([confidence, errors]) {
        let Some(folder) = folder else { continue };
        let outputs: Vec<_> = references.iter().filter_map(|reference| to(args, reference)).collect();
        spared.check_all(folder, outputs.iter().map(PathBuf::as_path))?;
        if folder.is_dir() {
            outputs.iter().try_for_each(|out| args.existing.place(out).check())?;
        }
    }
    Ok(())
}

fn make_folder_of(out: &Path) -> Result<(), Failure> {
    let folder = out.parent().unwrap_or(Path::new("."));
    of_file(folder, fs::create_dir_all(folder).map_err(Failure::from))
}

/// `path` is that of the prediction.
pub(super) fn write(case: &Case<'_>, path: &Path, prediction: &Prediction) -> Result<(), Failure> {
    let (labels, geometry) = (&case.reference.labels, &case.reference.geometry);
    if let Some(out) = confidence(case.args, case.path) {
        let Prediction::Probabilities(p) = prediction else {
            return of_file(path, Err("holds labels; --confidence-maps needs probabilities".into()));
        };
        let map = p.fold_axis(Axis(0), 0_f32, |&most, &p| most.max(p as f32));
        make_folder_of(&out)?;
        write_map(case.args.existing.place(&out), &map, geometry)?;
    }
    if let Some(out) = errors(case.args, case.path) {
        let found: ArrayD<i64> = match prediction {
            Prediction::Labels(labels) => labels.clone().into_i64(),
            Prediction::Probabilities(p) => {
                of_file(path, top_labels_against(p, labels, case.classes).map_err(Failure::from))?
            }
        };
        let wrong = |&found: &i64, &label: &i64| u8::from(found != label && !case.classes.is_ignored(label));
        let map = Zip::from(&found).and(labels).map_collect(wrong);
        make_folder_of(&out)?;
        write_labels(case.args.existing.place(&out), &map, geometry)?;
    }
    Ok(())
}
