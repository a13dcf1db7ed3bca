//! Which files are read for which output, for commands that write one of each case.

mod drawn;
mod job;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use soft_labels_files::Format;

pub(crate) use self::drawn::Drawn;
pub(crate) use self::job::Job;
use crate::cases::{self, Case, Inputs};
use crate::classes::NamedClasses;
use crate::command::{Existing, Failure, complain, of_file};
use crate::grid::GridArgs;
use crate::raters::Foreground;
use crate::spared::Spared;
use crate::work::WorkArgs;

/// The files of cases and of their raters. Flattened into the arguments of a command.
#[derive(Debug, clap::Args)]
pub(crate) struct FileArgs {
    /// Label maps: files, folders and patterns. Several files for one --out file are several raters, if their names say so
    #[arg(value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,

    /// A file, whose ending tells the format, or a folder for a file of each case
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,

    #[arg(long, help = FolderFormat::help(), value_parser = FolderFormat::parser(), hide_possible_values = true)]
    pub(crate) format: Option<FolderFormat>,

    #[command(flatten)]
    pub(crate) existing: Existing,

    /// In a folder, leaves outputs that exist already: to go on with an interrupted run
    #[arg(long, conflicts_with = "overwrite")]
    pub(crate) skip_existing: bool,

    #[command(flatten)]
    pub(crate) drawn: RaterFileArgs,

    /// Cases that a rater did not draw: error, skip, or others to take the other raters alone
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = Missing::Error, help_heading = "Raters")]
    pub(crate) missing: Missing,

    #[command(flatten)]
    pub(crate) grid: GridArgs,

    #[command(flatten)]
    pub(crate) work: WorkArgs,
}

/// The files of raters, for commands that take label maps as `inputs`.
#[derive(Debug, clap::Args)]
pub(crate) struct RaterFileArgs {
    /// A folder of each rater, with the same names for the same cases; or a file of each rater, for one case
    #[arg(long, value_name = "DIR|FILE", num_args = 1.., conflicts_with_all = ["inputs", "stacked_raters"], help_heading = "Raters")]
    pub(crate) raters: Vec<PathBuf>,

    /// Each case is a folder, in which these files are its raters, such as 'rater*.nii.gz'
    #[arg(long, value_name = "PATTERN", conflicts_with_all = ["raters", "stacked_raters"], help_heading = "Raters")]
    pub(crate) rater_files: Option<String>,

    /// Each file holds all raters: along the first axis, (rater, D, H, W) or (rater, H, W), and along the last of NIfTI
    #[arg(long, help_heading = "Raters")]
    pub(crate) stacked_raters: bool,

    /// Makes every label but 0 and that of --ignore this one: numbered objects become one class
    #[arg(long, value_name = "V", value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) foreground: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Missing {
    Error,
    Skip,
    Others,
}

/// The ending of files in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FolderFormat(&'static str);

impl FolderFormat {
    /// With its dot.
    pub(crate) fn ending(self) -> &'static str {
        self.0
    }

    /// All endings, with their dots.
    fn endings() -> impl Iterator<Item = &'static str> {
        let written = Format::all().filter(|format| format.writes_probabilities());
        written.flat_map(|format| format.endings()).copied()
    }

    fn names() -> impl Iterator<Item = &'static str> {
        Self::endings().map(|ending| ending.trim_start_matches('.'))
    }

    pub(crate) fn parser() -> impl TypedValueParser<Value = Self> {
        PossibleValuesParser::new(Self::names()).map(|name| {
            let ending = Self::endings().zip(Self::names()).find(|(_, known)| **known == name);
            Self(ending.map_or("", |(ending, _)| ending))
        })
    }

    pub(crate) fn listed() -> String {
        Self::names().collect::<Vec<_>>().join(", ")
    }

    fn help() -> String {
        format!(
            "Format in a folder: {} [default: that of the input, nii.gz for NIfTI, or npy]",
            Self::listed()
        )
    }
}

/// Whether outputs go to files in this folder. A name with an unknown ending is more likely mistyped.
pub(crate) fn is_folder(out: &Path) -> Result<bool, Failure> {
    if Format::of_name(out).is_some() {
        return Ok(false);
    }
    let slash = out.to_string_lossy().ends_with(std::path::is_separator);
    if out.extension().is_some() && !slash && !out.is_dir() {
        return of_file(
            out,
            Err("has an unknown ending; end it with / if it is a folder".into()),
        );
    }
    Ok(true)
}

/// The formats that a command writes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Formats {
    pub(crate) written: fn(Format) -> bool,
    /// The option that asks for them, if no other format will do.
    pub(crate) option: Option<&'static str>,
}

/// What a command has to do.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) jobs: Vec<Job>,
    /// Whether outputs go to a folder.
    pub(crate) to_folder: bool,
    /// What overlapping structures are called, whose masks are the files of each case.
    pub(crate) structures: Vec<String>,
}

/// `structures` is the folder of overlapping structures, if these are what is read. `more` are the files that other options name.
/// Like the label maps they are never written over.
pub(crate) fn plan(
    args: &FileArgs,
    structures: Option<&Path>,
    formats: &Formats,
    classes: Option<&NamedClasses>,
    more: &[&Path],
) -> Result<Plan, Failure> {
    let to_folder = is_folder(&args.out)?;
    let name_of_out = || args.out.file_name().map(OsString::from).unwrap_or_default();
    let mut names = Vec::new();
    // With --rater-files, folders are cases and their other files are not looked at.
    let inputs = if args.drawn.rater_files.is_some() {
        Inputs::default()
    } else {
        Inputs::find(&args.inputs)?
    };
    let cases = if let Some(folder) = structures {
        let others = !inputs.files.is_empty() || !args.drawn.raters.is_empty() || args.drawn.rater_files.is_some();
        if others || args.drawn.stacked_raters {
            return Err(
                "--structures reads the masks of its folder; give no label maps and no raters beside it".into(),
            );
        }
        let (structures, cases) = cases::of_structures(folder)?;
        names = structures
            .iter()
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        cases
    } else if let Some(pattern) = args.drawn.rater_files.as_ref().filter(|_| !args.inputs.is_empty()) {
        cases::of_folders(&args.inputs, pattern)?
    } else if inputs.files.is_empty() && args.drawn.raters.is_empty() {
        return Err("no label maps are given; name them, or --raters".into());
    } else if args
        .drawn
        .raters
        .iter()
        .any(|path| path.exists() && !cases::is_folder(path))
    {
        // The files of one case, which the option says.
        let files = args.drawn.raters.iter().cloned().map(Some).collect();
        vec![Case {
            name: args
                .drawn
                .raters
                .first()
                .map_or_else(name_of_out, |file| cases::name_of(file)),
            raters: files,
        }]
    } else if !args.drawn.raters.is_empty() {
        complete(args, cases::of_raters(&args.drawn.raters)?)?
    } else if to_folder || inputs.several {
        cases::one_rater(inputs.files)?
    } else {
        cases::check_raters(&inputs.files)?;
        vec![Case {
            name: name_of_out(),
            raters: inputs.files.into_iter().map(Some).collect(),
        }]
    };
    if structures.is_none() && args.drawn.stacked_raters && cases.iter().any(|case| case.raters.len() > 1) {
        return Err("--stacked-raters reads one file; give the raters' files without it".into());
    }
    if !to_folder && cases.len() > 1 {
        let many = format!("is a file, but there are {} cases; name a folder", cases.len());
        return of_file(&args.out, Err(many.into()));
    }
    let mut jobs = cases
        .into_iter()
        .map(|case| job(args, formats, classes, case, to_folder))
        .collect::<Result<Vec<_>, _>>()?;
    check_outputs(args, structures, more, &mut jobs, to_folder)?;
    Ok(Plan {
        jobs,
        to_folder,
        structures: names,
    })
}

/// What becomes of cases that a rater did not draw.
fn complete(args: &FileArgs, mut cases: Vec<Case>) -> Result<Vec<Case>, Failure> {
    let missing = |case: &Case| case.raters.iter().position(Option::is_none);
    match args.missing {
        Missing::Others => {}
        Missing::Skip => cases.retain(|case| {
            let skipped = missing(case);
            if skipped.is_some() {
                complain(&format!("{}: left out, a rater did not draw it", case.title()));
            }
            skipped.is_none()
        }),
        Missing::Error => {
            if let Some((case, rater)) = cases.iter().find_map(|case| Some((case, missing(case)?))) {
                return Err(format!(
                    "{} has no case {}; draw it, or set --missing to skip or others",
                    args.drawn.raters[rater].display(),
                    case.title()
                )
                .into());
            }
        }
    }
    if cases.is_empty() {
        return Err("no case was drawn by all raters; set --missing others".into());
    }
    Ok(cases)
}

fn job(
    args: &FileArgs,
    formats: &Formats,
    classes: Option<&NamedClasses>,
    case: Case,
    to_folder: bool,
) -> Result<Job, Failure> {
    let out = if to_folder {
        let mut name = case.name.clone();
        name.push(ending(args, formats, &case));
        args.out.join(name)
    } else {
        args.out.clone()
    };
    match Format::of_name(&out).filter(|&format| (formats.written)(format)) {
        Some(format) => Ok(Job {
            drawn: Drawn {
                case,
                stacked: args.drawn.stacked_raters,
                foreground: args.drawn.foreground.map(|label| Foreground {
                    label,
                    ignore: classes.and_then(|named| named.classes.ignore()),
                }),
                palette: classes.and_then(|named| named.palette.clone()),
                grid: args.grid,
            },
            out,
            format,
            existing: args.existing,
        }),
        None => {
            let option = formats.option.map_or(String::new(), |option| format!(" for {option}"));
            let names = Format::list(formats.written);
            of_file(&out, Err(format!("is not written here; name {names}{option}").into()))
        }
    }
}

/// The ending of a case's file in a folder.
fn ending(args: &FileArgs, formats: &Formats, case: &Case) -> &'static str {
    if formats.option.is_some() {
        let only = Format::all().find(|&format| (formats.written)(format));
        return only.map_or("", Format::default_ending);
    }
    let first = case.raters.iter().flatten().next();
    let of_input = first.and_then(|file| Format::of(file));
    let of_input = of_input.filter(|format| format.writes_probabilities());
    match args.format {
        Some(FolderFormat(ending)) => ending,
        None => of_input.map_or(".npy", Format::default_ending),
    }
}

/// Nothing is begun if an output is an input, or is there already.
fn check_outputs(
    args: &FileArgs,
    structures: Option<&Path>,
    more: &[&Path],
    jobs: &mut Vec<Job>,
    to_folder: bool,
) -> Result<(), Failure> {
    let files = jobs.iter().flat_map(|job| job.raters()).map(|(_, file)| file.as_path());
    let folders = args
        .inputs
        .iter()
        .chain(&args.drawn.raters)
        .map(PathBuf::as_path)
        .chain(structures)
        .filter(|path| cases::is_folder(path));
    // Where each folder is a case, a folder of results would be one, too.
    let of_cases = args.inputs.iter().filter(|_| args.drawn.rater_files.is_some());
    let files = files.chain(of_cases.map(PathBuf::as_path));
    let spared = Spared::of(files.chain(more.iter().copied())).with_folders(folders);
    if to_folder {
        spared.check_all(&args.out, jobs.iter().map(|job| job.out.as_path()))?;
    } else {
        jobs.iter().try_for_each(|job| spared.check(&job.out))?;
    }
    if !to_folder {
        return Ok(jobs.iter().try_for_each(|job| job.place().check())?);
    }
    let there = || jobs.iter().filter(|job| job.out.symlink_metadata().is_ok());
    let count = there().count();
    if args.skip_existing {
        if count > 0 {
            complain(&format!(
                "{}: {count} of {} outputs exist already and are left as they are",
                args.out.display(),
                jobs.len()
            ));
        }
        let missing = |job: &Job| job.out.symlink_metadata().is_err();
        jobs.retain(missing);
    } else if let Some(first) = there().next().filter(|_| !args.existing.overwrite) {
        let error = format!(
            "exists already, one of {count} outputs; give another --out, --overwrite, or --skip-existing to go on"
        );
        return of_file(&first.out, Err(error.into()));
    }
    of_file(&args.out, fs::create_dir_all(&args.out).map_err(Failure::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_an_ending_are_folders() {
        let is_folder = |name: &str| is_folder(Path::new(name)).ok();
        assert_eq!(is_folder("soft"), Some(true));
        assert_eq!(is_folder("soft.d/"), Some(true));
        assert_eq!(is_folder("soft.nii.gz"), Some(false));
        assert_eq!(is_folder("soft.nii.gzz"), None);
        assert_eq!(is_folder("soft.mhaa"), None);
    }
}
