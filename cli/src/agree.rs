//! `soft-labels agree`: several raters among themselves.

mod args;
mod cases;
mod compare;
mod maps;
mod picture;
mod pooled;
mod report;

pub(crate) use args::Args;
use compare::{Compared, Structures};
use report::Report;
use soft_labels::fusion::Ties;
use soft_labels::metrics::Region;

use crate::classes::{NamedClasses, check_name};
use crate::command::{Failure, Outcome};
use crate::jobs::Drawn;
use crate::spared::Spared;

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    args.check()?;
    args.work.start()?;
    let named = args.classes.read()?;
    let all = cases::find(args, &named)?;
    let structures = structures(args, named)?;
    let spared = Spared::of(cases::inputs(&all).chain(args.classes.file()));
    args.tables.check(&report::NAMES, &spared, args.existing)?;
    if let Some(path) = &args.picture {
        spared.check(path)?;
        args.existing.place(path).check()?;
    }
    let maps = maps::plan(args, &all)?;

    let numbered: Vec<(usize, &Drawn)> = all.drawn.iter().enumerate().collect();
    let compare = |&(at, drawn): &(usize, &Drawn)| {
        let maps = maps.as_ref().and_then(|maps| maps.get(at));
        compare::compare(args, &structures, drawn, all.raters.len(), maps)
            .map_err(|failure| drawn.named_failure(failure))
    };
    let results = match numbered.as_slice() {
        [one] => vec![Ok(compare(one)?)],
        _ => args.work.each(&numbered, |(_, drawn)| drawn.title(), compare)?,
    };
    let cases: Vec<(String, Result<Compared, String>)> = all.drawn.iter().map(Drawn::title).zip(results).collect();
    let failed = cases.iter().filter(|(_, result)| result.is_err()).count();
    let most = cases
        .iter()
        .filter_map(|(_, case)| Some(case.as_ref().ok()?.count))
        .max();
    let mut raters = all.raters;
    // Where the files hold all raters, they have numbers.
    raters.extend((raters.len() + 1..=most.unwrap_or(0)).map(|rater| format!("rater {rater}")));
    let report = Report {
        args,
        structures: &structures,
        raters,
        cases,
    };
    if let Some(path) = args.picture.as_ref().filter(|_| most.is_some()) {
        picture::draw(&args.existing.place(path), &report)?;
    }
    let tables = report.tables();
    args.tables.show(&tables, || tables.json().into(), args.existing)?;
    Ok(if failed == 0 {
        Outcome::Well
    } else {
        Outcome::SomeFailed
    })
}

/// The classes but the first, and regions.
fn structures(args: &Args, named: NamedClasses) -> Result<Structures, Failure> {
    let classes = named.classes;
    if let Ties::Prefer(label) = args.ties.0 {
        Region::of_labels(&classes, [label])?;
    }
    // Label maps are read as i64, and classes are those of such labels.
    let labels = classes.values().into_iter().skip(1);
    let foreground: Vec<i64> = labels.filter_map(|label| label.try_into().ok()).collect();
    if foreground.is_empty() {
        return Err("there is one class, the background; name the classes of structures, too".into());
    }
    let of_classes = named.names.into_iter().enumerate().skip(1);
    let mut all: Vec<_> = of_classes.map(|(class, name)| (name, Region::class(class))).collect();
    let given = args.regions.iter().flat_map(|regions| regions.0.clone());
    for (name, labels) in named.regions.into_iter().chain(given) {
        check_name(&name)?;
        all.push((name, Region::of_labels(&classes, labels)?));
    }
    Ok(Structures {
        foreground: Region::of_labels(&classes, foreground)?,
        classes,
        all,
    })
}
