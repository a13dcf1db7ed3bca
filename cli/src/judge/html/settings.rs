//! With what settings a report was made.

use std::env;
use std::path::PathBuf;

use clap::ValueEnum;

use super::super::args::{Args, Scope};
use crate::channels::Kind;
use crate::command::{Failure, shown};
use crate::summary::DRAWS;
use crate::tables::{Table, all_digits};

pub(super) fn table(args: &Args) -> Result<Table, Failure> {
    let mut table = Table::new(
        "settings",
        "The settings, and the options that change them",
        &[("setting", "setting"), ("set_to", "value"), ("option", "option")],
    );
    let mut push = |setting: &str, value: String, option: &str| {
        table.push([setting.into(), value.as_str().into(), option.into()]);
    };
    let list = |values: &[f64]| {
        values
            .iter()
            .map(|value| all_digits(*value))
            .collect::<Vec<_>>()
            .join(", ")
    };
    push("version of soft-labels", env!("CARGO_PKG_VERSION").to_owned(), "");
    let several = &args.several;
    let listed = |paths: &[PathBuf]| paths.iter().map(|path| shown(path)).collect::<Vec<_>>().join(", ");
    if let Some(prediction) = &args.prediction {
        push("predictions", shown(prediction), "first argument");
    }
    if !several.samples.is_empty() {
        push("sampled predictions", listed(&several.samples), "--samples");
    }
    if several.stacked_samples {
        push(
            "a file holds",
            "several sampled predictions".into(),
            "--stacked-samples",
        );
    }
    if let Some(reference) = &args.reference {
        push("references", shown(reference), "argument after the predictions");
    }
    if !several.raters.is_empty() {
        push("raters", listed(&several.raters), "--raters");
    }
    if let Some(pattern) = &several.rater_files {
        push("files of raters", pattern.clone(), "--rater-files");
    }
    if several.stacked_raters {
        push("a file holds", "all raters".into(), "--stacked-raters");
    }
    if several.are_asked_for() {
        push(
            "thresholds of the threshold Dice",
            list(several.thresholds.all()),
            "--thresholds",
        );
    }
    if several.has_samples() {
        push("two masks are alike by", option(&several.similarity), "--similarity");
        push("pairs of the energy distance", option(&several.pairs), "--pairs");
    }
    match args.structures {
        true => push(
            "judged",
            "structures that may overlap, a mask of each".into(),
            "--structures",
        ),
        false => {
            let named = args.classes.read()?;
            let of_class = |(name, value): (&String, i128)| match value.to_string() {
                value if value == *name => value,
                value => format!("{value} {name}"),
            };
            let classes = named.names.iter().zip(named.classes.values()).map(of_class);
            let classes = classes.collect::<Vec<_>>().join(", ");
            push(
                "labels of the classes",
                classes,
                "--classes, --values, --dataset or --palette",
            );
            let ignored = named.classes.ignore().map_or("none".into(), |label| label.to_string());
            push("label of voxels that nobody labelled", ignored, "--ignore or --dataset");
            let channels = match args.channels {
                Kind::Classes => "the classes",
                Kind::Regions => "the regions, which may overlap",
            };
            push("a prediction has channels of", channels.into(), "--channels");
        }
    }
    if args.structures || args.channels == Kind::Regions {
        let thresholds = args.threshold.as_deref().unwrap_or(&[0.5]);
        push(
            "a voxel is in a structure from the probability",
            list(thresholds),
            "--threshold",
        );
    }
    let spacing = match &args.spacing_mm {
        Some(spacing) => list(spacing),
        None => "as in the files, or 1 if they have none".into(),
    };
    push("spacing of voxels, mm", spacing, "--spacing-mm");
    push(
        "tolerance of surfaces, mm",
        all_digits(args.tolerance_mm),
        "--tolerance-mm",
    );
    push(
        "a structure that neither map holds",
        args.empty.name().into(),
        "--empty",
    );
    if !args.structures && args.channels == Kind::Classes {
        push("bins of calibration", args.bins.to_string(), "--bins");
        let scope = match args.scope {
            Scope::All => "all",
            Scope::Foreground => "those whose reference is not class 0",
            Scope::Band => "those near a boundary of the reference",
        };
        push("voxels of calibration", scope.into(), "--scope");
        let calibration = &args.calibration;
        if let Some(mm) = calibration.band_mm {
            push("half the width of the band, mm", all_digits(mm), "--band-mm");
        }
        if let Some(mask) = &calibration.mask {
            push("only voxels in the mask", shown(mask), "--mask");
        }
        let bins = if calibration.equal_mass {
            "equally many voxels"
        } else {
            "equally wide ranges of confidence"
        };
        push("bins of calibration by class hold", bins.into(), "--equal-mass");
        for (name, path) in &calibration.also {
            push(&format!("calibration is compared with {name}"), shown(path), "--also");
        }
    }
    push("draws of the bootstrap", DRAWS.to_string(), "");
    push("seed of the bootstrap", args.seed.to_string(), "--seed");
    Ok(table)
}

/// As the option has it.
fn option(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The command as it can be given again.
pub(super) fn command() -> String {
    let quoted = |arg: String| {
        let plain = |c: char| c.is_alphanumeric() || "-_=+,./:@%".contains(c);
        if !arg.is_empty() && arg.chars().all(plain) {
            arg
        } else {
            format!("'{}'", arg.replace('\'', "'\\''"))
        }
    };
    let args = env::args_os().skip(1);
    let args = args.map(|arg| quoted(arg.to_string_lossy().into_owned()));
    std::iter::once("soft-labels".to_owned())
        .chain(args)
        .collect::<Vec<_>>()
        .join(" ")
}
