//! Which label maps are of which rater.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use soft_labels_files::Format;

use super::Args;
use crate::cases::{self, Case, Inputs};
use crate::classes::NamedClasses;
use crate::command::{Failure, complain, printable, shown};
use crate::jobs::{Drawn, Missing};
use crate::raters::Foreground;

/// The cases, and who drew them.
#[derive(Debug)]
pub(crate) struct Cases {
    pub(crate) drawn: Vec<Drawn>,
    /// What the raters are called, unless the files say it when they are read.
    pub(crate) raters: Vec<String>,
}

pub(crate) fn find(args: &Args, classes: &NamedClasses) -> Result<Cases, Failure> {
    let several_files = || {
        args.drawn
            .raters
            .iter()
            .any(|path| path.exists() && !cases::is_folder(path))
    };
    let (cases, raters) = if let Some(pattern) = &args.drawn.rater_files {
        if args.inputs.is_empty() {
            return Err("--rater-files needs the folders of the cases; name them".into());
        }
        by_file_name(cases::of_folders(&args.inputs, pattern)?)
    } else if args.drawn.stacked_raters {
        (cases::one_rater(Inputs::find(&args.inputs)?.files)?, Vec::new())
    } else if args.drawn.raters.is_empty() || several_files() {
        let files = if args.drawn.raters.is_empty() {
            let files = Inputs::find(&args.inputs)?.files;
            cases::check_raters(&files)?;
            files
        } else {
            args.drawn.raters.clone()
        };
        if files.is_empty() {
            return Err("no label maps are given; name those of each rater, or --raters".into());
        }
        let names = distinct(&files);
        let name = files.first().map(|file| cases::name_of(file)).unwrap_or_default();
        let raters = files.into_iter().map(Some).collect();
        (vec![Case { name, raters }], names)
    } else {
        (cases::of_raters(&args.drawn.raters)?, distinct(&args.drawn.raters))
    };
    let cases = complete(args, cases, &raters)?;
    let several = |case: &Case| case.raters.iter().flatten().count() > 1;
    if !args.drawn.stacked_raters && !cases.iter().any(several) {
        return Err("no case was drawn by two raters; give the label maps of several, or --stacked-raters".into());
    }
    let drawn = cases.into_iter().map(|case| Drawn {
        case,
        stacked: args.drawn.stacked_raters,
        foreground: args.drawn.foreground.map(|label| Foreground {
            label,
            ignore: classes.classes.ignore(),
        }),
        palette: classes.palette.clone(),
        grid: args.grid,
    });
    Ok(Cases {
        drawn: drawn.collect(),
        raters,
    })
}

/// The last parts of paths, as many as it takes to tell them apart.
fn distinct(paths: &[PathBuf]) -> Vec<String> {
    let name = |path: &PathBuf| {
        let name = cases::name_of(path).to_string_lossy().into_owned();
        printable(
            if name.is_empty() {
                path.to_string_lossy()
            } else {
                name.into()
            }
            .as_ref(),
        )
    };
    let names: Vec<_> = paths.iter().map(name).collect();
    if names.iter().collect::<BTreeSet<_>>().len() == names.len() {
        return names;
    }
    paths.iter().map(|path| shown(path)).collect()
}

/// Files of one name in several folders are of one rater, if some case has a file of every name. Else the first file of each case is
/// of the first rater, and so on.
fn by_file_name(cases: Vec<Case>) -> (Vec<Case>, Vec<String>) {
    let name = |file: &PathBuf| Format::split(file).map_or_else(|| cases::name_of(file), |(name, _)| name);
    let names: BTreeSet<_> = cases
        .iter()
        .flat_map(|case| case.raters.iter().flatten().map(name))
        .collect();
    let most = cases.iter().map(|case| case.raters.len()).max().unwrap_or(0);
    let pad = |mut case: Case| {
        case.raters.resize(most, None);
        case
    };
    if names.len() != most {
        let numbered = (1..=most).map(|rater| format!("rater {rater}"));
        return (cases.into_iter().map(pad).collect(), numbered.collect());
    }
    let align = |case: Case| {
        let of_name =
            |wanted: &std::ffi::OsString| case.raters.iter().flatten().find(|file| name(file) == *wanted).cloned();
        Case {
            raters: names.iter().map(of_name).collect(),
            name: case.name,
        }
    };
    let titles = names.iter().map(|name| printable(&name.to_string_lossy())).collect();
    (cases.into_iter().map(align).collect(), titles)
}

/// What becomes of cases that a rater did not draw.
fn complete(args: &Args, mut cases: Vec<Case>, raters: &[String]) -> Result<Vec<Case>, Failure> {
    let missing = |case: &Case| case.raters.iter().position(Option::is_none);
    match args.missing {
        Missing::Others => {}
        Missing::Skip => cases.retain(|case| {
            let skipped = missing(case).is_some();
            if skipped {
                complain(&format!("{}: left out, a rater did not draw it", case.title()));
            }
            !skipped
        }),
        Missing::Error => {
            if let Some((case, rater)) = cases.iter().find_map(|case| Some((case, missing(case)?))) {
                let rater = raters.get(rater).map_or("a rater", String::as_str);
                return Err(format!(
                    "{rater} has no case {}; draw it, or set --missing to skip or others",
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

/// All files that are read.
pub(crate) fn inputs(cases: &Cases) -> impl Iterator<Item = &Path> {
    let files = cases.drawn.iter().flat_map(|drawn| drawn.raters());
    files.map(|(_, file)| file.as_path())
}
