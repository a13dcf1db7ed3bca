//! What was found as one page for a browser, with diagrams and with slices of the worst cases.

mod again;
mod charts;
mod definitions;
mod settings;
mod slices;
mod worst;

use std::fmt::Write as _;
use std::io::Write as _;

pub(super) use self::again::Show;
pub(super) use self::slices::Seen;

use self::charts::Dot;
use super::report::Judgement;
use super::scores::OF_STRUCTURES;
use super::{Args, Pair, What};
use crate::command::{Failure, of_file, shown};
use crate::html::{Page, Section, Text};
use crate::summary::Summary;
use crate::tables::{Cell, Glossary, Table, Tables, number};
use soft_labels_files::Place;

/// Writes the page. The worst cases are read again for it.
pub(super) fn write(
    place: &Place<'_>,
    args: &Args,
    what: &What,
    pairs: &[Pair],
    judgement: &Judgement,
    tables: Tables,
) -> Result<(), Failure> {
    let page = page(args, what, pairs, judgement, tables)?.to_string();
    place.file(|file| of_file(place.path(), file.write_all(page.as_bytes()).map_err(Failure::from)))
}

fn page(args: &Args, what: &What, pairs: &[Pair], judgement: &Judgement, mut tables: Tables) -> Result<Page, Failure> {
    let glossary = definitions::glossary();
    let several = judgement.cases.len() > 1;
    let glance = glance(judgement);
    // What is long comes last.
    tables
        .tables
        .sort_by_key(|table| table.columns.iter().any(|column| column.key == "case"));
    tables.tables.iter_mut().for_each(|table| glossary.spell_out(table));
    let mut sections = Vec::new();
    let mut section = |id, title: &str, body: String| {
        sections.push(Section {
            id,
            title: title.to_owned(),
            body,
        });
    };
    if several {
        section("glance", "At a glance", glance.html(&glossary)?);
    }
    if judgement.failed() > 0 {
        section("failed", "Cases that failed", failed(judgement, &glossary)?);
    }
    if several {
        section("distributions", "All cases", distributions(judgement)?);
    }
    if args.worst > 0 {
        section("worst", "The lowest Dice", worst::html(args, what, pairs, judgement)?);
    }
    if let Some(reliability) = &judgement.reliability {
        let about = "<p>Each point is a bin of voxels of similar confidence, of all cases. On the dashed line confidence is as high \
                     as accuracy. Below it the predictions are more confident than they are right. The bars show how many voxels \
                     a bin holds; their heights grow with the logarithm of that number.</p>";
        let diagram = charts::reliability(&reliability.bins())?;
        section(
            "reliability",
            "Calibration",
            format!("{about}\n<figure>{diagram}</figure>"),
        );
    }
    let mut body = "<ul>\n".to_owned();
    for note in &tables.notes {
        writeln!(body, "<li>{}</li>", Text(note))?;
    }
    body.push_str("<li>– stands for a number that does not exist, ∞ for an infinite one.</li>\n</ul>\n");
    for table in &tables.tables {
        writeln!(body, "{}", table.html(&glossary)?)?;
    }
    section("tables", "Tables", body);
    let command = Text(&settings::command()).to_string();
    let table = settings::table(args, what)?.html(&glossary)?;
    section(
        "settings",
        "Settings",
        format!("<pre><code>{command}</code></pre>\n{table}"),
    );
    let all: Vec<_> = tables.tables.iter().chain(several.then_some(&glance)).collect();
    let about = "<p>P is the structure as predicted, R the structure in the reference, and |P| the number of voxels in P. \
                 <code>--threshold</code> is for <code>--channels regions</code> and <code>--structures</code>.</p>";
    section(
        "definitions",
        "Definitions",
        format!("{about}\n{}", glossary.html(&all)?),
    );
    Ok(Page {
        title: "Predictions compared with references".to_owned(),
        lead: lead(args, judgement),
        sections,
    })
}

fn lead(args: &Args, judgement: &Judgement) -> String {
    let failed = match judgement.failed() {
        0 => String::new(),
        1 if judgement.cases.len() == 1 => " <a href=\"#failed\">It failed.</a>".to_owned(),
        1 => " <a href=\"#failed\">One of them failed</a> and is left out of all numbers.".to_owned(),
        failed => format!(" <a href=\"#failed\">{failed} of them failed</a> and are left out of all numbers."),
    };
    let cases = match judgement.cases.len() {
        1 => String::new(),
        cases => format!(": {cases} cases"),
    };
    let [predictions, references] = args.pair().map(shown);
    format!(
        "<p><code>{}</code> was compared with the reference <code>{}</code>{cases}.{failed}</p>\n\
         <p>The title of a column or a metric leads to its <a href=\"#definitions\">definition</a>. This page was made by soft-labels {} \
         with these <a href=\"#settings\">settings</a>.</p>",
        Text(&predictions),
        Text(&references),
        env!("CARGO_PKG_VERSION")
    )
}

fn failed(judgement: &Judgement, glossary: &Glossary) -> Result<String, Failure> {
    let mut table = Table::new("failed", "What went wrong", &[("case", "case"), ("error", "error")]);
    for (case, scores) in &judgement.cases {
        if let Err(error) = scores {
            table.push([case.as_str().into(), error.as_str().into()]);
        }
    }
    Ok(format!(
        "<p class=\"warn\">These cases could not be judged. No number on this page contains them.</p>\n{}",
        table.html(glossary)?
    ))
}

/// What is asked first: how good, how far away, and how often not there.
fn glance(judgement: &Judgement) -> Table {
    let columns = [
        ("structure", "structure"),
        ("dice", "Dice, mean"),
        ("interval_low", "95 % from"),
        ("interval_high", "to"),
        ("surface_dice", "surface Dice, mean"),
        ("hausdorff95_mm", "Hausdorff 95 %, median, mm"),
        ("missed", "missed"),
        ("invented", "invented"),
        ("cases", "cases with a Dice"),
    ];
    let mut table = Table::new("glance", "Structures over all cases", &columns);
    for (structure, name) in judgement.structures.names.iter().enumerate() {
        let of = |key| summary(judgement, structure, key);
        let (dice, surface, distance) = (of("dice"), of("surface_dice"), of("hausdorff95_mm"));
        let found = judgement.found(structure);
        table.push([
            name.as_str().into(),
            dice.mean.into(),
            dice.interval[0].into(),
            dice.interval[1].into(),
            surface.mean.into(),
            distance.median.into(),
            found.missed.into(),
            found.invented.into(),
            Cell::from(dice.cases),
        ]);
    }
    table
}

fn position(key: &str) -> usize {
    OF_STRUCTURES
        .iter()
        .position(|(known, _)| *known == key)
        .unwrap_or_default()
}

fn summary(judgement: &Judgement, structure: usize, key: &str) -> Summary {
    judgement.of_structure(structure, position(key))
}

/// Rows of dots, one for each structure: of Dice and of a distance.
fn distributions(judgement: &Judgement) -> Result<String, Failure> {
    let mut out = "<p>Each dot is a case, and the upright line the median. A dot at ∞ is a case in which only one of the two maps \
                   holds the structure.</p>\n"
        .to_owned();
    for (key, title, end) in [
        ("dice", "Dice", Some(1.0)),
        ("hausdorff95_mm", "Hausdorff distance, 95 %, in mm", None),
    ] {
        let metric = position(key);
        let values = |structure: usize| {
            judgement
                .scored()
                .map(move |(_, scores)| scores.structures[structure][metric])
        };
        let structures = 0..judgement.structures.names.len();
        let end = end.unwrap_or_else(|| charts::end_of(structures.clone().flat_map(values)));
        let infinite = structures.clone().flat_map(values).any(f64::is_infinite);
        writeln!(out, "<h3>{title}</h3>\n<ul class=\"strips\">")?;
        for (structure, name) in structures.zip(&judgement.structures.names) {
            let dots: Vec<_> = judgement
                .scored()
                .zip(values(structure))
                .map(|((case, _), value)| Dot { case, value })
                .collect();
            let median = summary(judgement, structure, key).median;
            let there = dots.iter().filter(|dot| !dot.value.is_nan()).count();
            let shown = number(median).replace("inf", "∞");
            let label = format!("{title} of {name} in {there} cases, median {shown}");
            writeln!(
                out,
                "<li><div>{}<small>median {shown}, {there} cases</small></div>{}</li>",
                Text(name),
                charts::dots(&label, &dots, median, end)?
            )?;
        }
        writeln!(
            out,
            "<li><div></div>{}</li>\n</ul>",
            charts::axis(end, title, infinite)?
        )?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use soft_labels::Classes;
    use soft_labels::metrics::Scope;

    use super::*;
    use crate::judge::args::{Empty, Surface};
    use crate::judge::calibration::{CaseBins, Pooled};
    use crate::judge::report::Structures;
    use crate::judge::scores::{Calibration, OF_CALIBRATION, Scores};

    #[derive(clap::Parser)]
    struct Judge {
        #[command(flatten)]
        args: Args,
    }

    fn judgement() -> Judgement {
        let options = ["judge", "--also", "b=c", "--risk-coverage", "d.svg", "a", "b"];
        let args = <Judge as clap::Parser>::parse_from(options).args;
        let (classes, labels) = (Classes::contiguous(2).unwrap(), array![[0_i64, 1]].into_dyn());
        let probabilities = array![[[0.7, 0.4]], [[0.3, 0.6]]].into_dyn();
        let bins = CaseBins::count(&args, &probabilities, &labels, &classes, &Scope::All).unwrap();
        let bins = vec![bins.clone(), bins];
        let names = ["<i>a".to_owned(), "b".to_owned()];
        let scores = |dice: f64| Scores {
            structures: vec![[dice; OF_STRUCTURES.len()]],
            calibration: Some(Calibration {
                numbers: [0.25; OF_CALIBRATION.len()],
                reliability: bins[0].top().clone(),
                bins: bins.clone(),
            }),
        };
        Judgement {
            structures: Structures {
                names: vec!["<i>liver".into()],
                classes: 1,
            },
            cases: vec![
                ("<u>a".into(), Ok(scores(0.5))),
                ("b".into(), Ok(scores(f64::INFINITY))),
                ("c".into(), Ok(scores(f64::NAN))),
                ("d".into(), Err("<u>is broken".into())),
            ],
            reliability: Some(bins[0].top().clone()),
            by_class: Pooled::new(&names, &names, &[&bins, &bins], &args).unwrap(),
            tolerance_mm: 2.0,
            surface: Surface::Surfels,
            empty: Empty::Skip,
            seed: 0,
        }
    }

    /// Whoever adds a table adds what its columns mean.
    #[test]
    fn every_number_is_defined() {
        let judgement = judgement();
        let tables = [
            judgement.tables(true).tables,
            judgement.tables_of_one().tables,
            vec![glance(&judgement)],
        ];
        for tables in tables {
            let missing = definitions::glossary().missing(&tables);
            assert!(missing.is_empty(), "judge/html/definitions.rs has no {missing:?}");
        }
    }

    #[test]
    fn names_stay_text() {
        let judgement = judgement();
        let glossary = definitions::glossary();
        let parts = [
            distributions(&judgement).unwrap(),
            failed(&judgement, &glossary).unwrap(),
            glance(&judgement).html(&glossary).unwrap(),
        ];
        for part in parts {
            assert!(!part.contains("<u>") && !part.contains("<i>"), "{part}");
        }
    }

    #[test]
    fn a_dot_for_each_number() {
        let html = distributions(&judgement()).unwrap();
        assert_eq!(html.matches("<circle").count(), 2 * 2, "{html}");
    }
}
