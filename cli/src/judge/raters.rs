//! Predictions, or samples of them, against several raters.

mod args;
mod case;
mod files;
mod report;
mod scores;
mod tables;

use std::path::PathBuf;

use soft_labels::Classes;
use soft_labels::metrics::Region;

pub(crate) use self::args::RaterArgs;
use self::case::{AnyCase, Read};
use self::files::Files;
use self::report::Judgement;
use self::scores::Scores;
pub(super) use self::scores::{AGAINST_ALL, OF_CALIBRATION};
use super::args::Args;
use super::diagram::Series;
use super::{What, diagram, html, pooled, spacing};
use crate::command::{Failure, Outcome};
use crate::spared::Spared;

pub(super) fn run(args: &Args) -> Result<Outcome, Failure> {
    args.several.check(args)?;
    let What::Classes {
        classes,
        regions,
        structures,
        ..
    } = What::read(args)?
    else {
        return Err("several raters are for classes and --regions".into());
    };
    let cases = files::find(args)?;
    check_outputs(args, &cases)?;
    let judge = |files: &Files| judge(args, &classes, &regions, files);
    let (one, scores) = match cases.as_slice() {
        [files] if files.name.is_empty() => (true, vec![Ok(judge(files)?)]),
        _ => (false, args.work.each(&cases, |files| files.name.clone(), judge)?),
    };
    let cases: Vec<_> = cases.into_iter().map(|files| files.name).zip(scores).collect();
    let judgement = Judgement {
        args,
        structures,
        reliability: pooled(
            cases
                .iter()
                .filter_map(|(_, scores)| Some(&scores.as_ref().ok()?.calibration.as_ref()?.reliability)),
        )?,
        cases,
    };
    write(args, &judgement)?;
    if let Some(path) = &args.html {
        let tables = if one {
            judgement.tables_of_one()
        } else {
            judgement.tables(true)
        };
        let (place, reliability) = (args.existing.place(path), judgement.reliability.as_ref());
        html::write_of_raters(&place, args, &judgement.cases, reliability, tables)?;
    }
    if one {
        let json = || judgement.json_of_one();
        args.tables.show(&judgement.tables_of_one(), json, args.existing)?;
    } else {
        let json = || judgement.json();
        args.tables
            .show(&judgement.tables(args.per_case), json, args.existing)?;
    }
    Ok(if judgement.failed() == 0 {
        Outcome::Well
    } else {
        Outcome::SomeFailed
    })
}

/// Nothing is begun if an output is an input, or is there already.
fn check_outputs(args: &Args, cases: &[Files]) -> Result<(), Failure> {
    let read = cases.iter().flat_map(|files| {
        let raters = files.raters.iter().map(|(_, path)| path);
        files.predictions.iter().chain(raters).map(PathBuf::as_path)
    });
    let spared = Spared::of(read.chain(args.classes.file()));
    for path in [&args.csv, &args.reliability, &args.html].into_iter().flatten() {
        spared.check(path)?;
        args.existing.place(path).check()?;
    }
    args.tables.check(&tables::NAMES, &spared, args.existing)?;
    super::check_names(args)?;
    Ok(())
}

fn write(args: &Args, judgement: &Judgement<'_>) -> Result<(), Failure> {
    let any = judgement.failed() < judgement.cases.len();
    if let Some(path) = args.reliability.as_ref().filter(|_| any) {
        let Some(reliability) = &judgement.reliability else {
            return Err("--reliability is for probabilities; the predictions are label maps".into());
        };
        let series = Series {
            name: "",
            of: reliability.bins(),
        };
        diagram::draw(&args.existing.place(path), &[series])?;
    }
    match &args.csv {
        Some(path) => judgement.write_csv(&args.existing.place(path)),
        None => Ok(()),
    }
}

fn judge(args: &Args, classes: &Classes, regions: &[Region], files: &Files) -> Result<Scores, Failure> {
    let Read { case, raters, geometry } = case::read(args, classes, files)?;
    match case {
        AnyCase::U8(case) => {
            let spacing = spacing(args.spacing_mm.as_deref(), case.labels.ndim(), &geometry)?;
            case.judge(args, classes, regions, &spacing, raters)
        }
        AnyCase::I64(case) => {
            let spacing = spacing(args.spacing_mm.as_deref(), case.labels.ndim(), &geometry)?;
            case.judge(args, classes, regions, &spacing, raters)
        }
    }
}
