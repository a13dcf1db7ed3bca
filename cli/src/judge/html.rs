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
use soft_labels::metrics::Reliability;
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
    let glossary = definitions::glossary();
    let counted = Counted::of(&judgement.cases, judgement.reliability.as_ref());
    let several = counted.cases > 1;
    let glance = several.then(|| glance(judgement));
    let mut sections = Vec::new();
    if let Some(glance) = &glance {
        sections.push(section("glance", "At a glance", glance.html(&glossary)?));
    }
    sections.extend(counted.failed(&glossary)?);
    if several {
        sections.push(section("distributions", "All cases", distributions(judgement)?));
    }
    if args.worst > 0 {
        let worst = worst::html(args, what, pairs, judgement)?;
        sections.push(section("worst", "The lowest Dice", worst));
    }
    sections.extend(of_tables(args, &counted, tables, glance.as_ref(), &glossary)?);
    let [prediction, reference] = args.pair().map(|path| Text(&shown(path)).to_string());
    let what = format!("<code>{prediction}</code> was compared with the reference <code>{reference}</code>");
    print(place, &counted, &what, sections)
}

/// Writes the page of several raters, which has no slices.
pub(super) fn write_of_raters<S>(
    place: &Place<'_>,
    args: &Args,
    cases: &[(String, Result<S, String>)],
    reliability: Option<&Reliability>,
    tables: Tables,
) -> Result<(), Failure> {
    let glossary = definitions::glossary();
    let counted = Counted::of(cases, reliability);
    let mut sections = Vec::from_iter(counted.failed(&glossary)?);
    sections.extend(of_tables(args, &counted, tables, None, &glossary)?);
    let what = if args.several.has_samples() {
        "Several sampled predictions were compared with raters"
    } else {
        "Predictions were compared with several raters"
    };
    print(place, &counted, what, sections)
}

/// What is said of cases, whatever they were compared with.
struct Counted<'a> {
    cases: usize,
    /// Cases that failed, and how.
    failed: Vec<[&'a str; 2]>,
    reliability: Option<&'a Reliability>,
}

impl<'a> Counted<'a> {
    fn of<S>(cases: &'a [(String, Result<S, String>)], reliability: Option<&'a Reliability>) -> Self {
        let failed = cases.iter().filter_map(|(case, scores)| match scores {
            Ok(_) => None,
            Err(error) => Some([case.as_str(), error]),
        });
        Self {
            cases: cases.len(),
            failed: failed.collect(),
            reliability,
        }
    }

    fn failed(&self, glossary: &Glossary) -> Result<Option<Section>, Failure> {
        if self.failed.is_empty() {
            return Ok(None);
        }
        let mut table = Table::new("failed", "What went wrong", &[("case", "case"), ("error", "error")]);
        for row in &self.failed {
            table.push(row.map(Cell::from));
        }
        let body = format!(
            "<p class=\"warn\">These cases could not be judged. No number on this page contains them.</p>\n{}",
            table.html(glossary)?
        );
        Ok(Some(section("failed", "Cases that failed", body)))
    }
}

fn section(id: &'static str, title: &str, body: String) -> Section {
    Section {
        id,
        title: title.to_owned(),
        body,
    }
}

/// The diagram, the tables, the settings, and what all numbers mean, those of a table before as well.
fn of_tables(
    args: &Args,
    counted: &Counted<'_>,
    mut tables: Tables,
    before: Option<&Table>,
    glossary: &Glossary,
) -> Result<Vec<Section>, Failure> {
    let mut sections = Vec::new();
    if let Some(reliability) = counted.reliability {
        let about = "<p>Each point is a bin of voxels of similar confidence, of all cases. On the dashed line confidence is as high \
                     as accuracy. Below it the predictions are more confident than they are right. The bars show how many voxels \
                     a bin holds; their heights grow with the logarithm of that number.</p>";
        let diagram = charts::reliability(&reliability.bins())?;
        let body = format!("{about}\n<figure>{diagram}</figure>");
        sections.push(section("reliability", "Calibration", body));
    }
    // What is long comes last.
    let has_cases = |table: &Table| table.columns.iter().any(|column| column.key == "case");
    tables.tables.sort_by_key(has_cases);
    tables.tables.iter_mut().for_each(|table| glossary.spell_out(table));
    let mut body = "<ul>\n".to_owned();
    for note in &tables.notes {
        writeln!(body, "<li>{}</li>", Text(note))?;
    }
    body.push_str("<li>– stands for a number that does not exist, ∞ for an infinite one.</li>\n</ul>\n");
    for table in &tables.tables {
        writeln!(body, "{}", table.html(glossary)?)?;
    }
    sections.push(section("tables", "Tables", body));
    let command = settings::command();
    let settings = settings::table(args)?.html(glossary)?;
    let body = format!("<pre><code>{}</code></pre>\n{settings}", Text(&command));
    sections.push(section("settings", "Settings", body));
    let all: Vec<_> = tables.tables.iter().chain(before).collect();
    let about = "<p>P is the structure as predicted, R the structure in the reference, and |P| the number of voxels in P. \
                 <code>--threshold</code> is for <code>--channels regions</code> and <code>--structures</code>.</p>";
    let body = format!("{about}\n{}", glossary.html(&all)?);
    sections.push(section("definitions", "Definitions", body));
    Ok(sections)
}

/// Writes a page about what was compared.
fn print(place: &Place<'_>, counted: &Counted<'_>, what: &str, sections: Vec<Section>) -> Result<(), Failure> {
    let failed = match counted.failed.len() {
        0 => String::new(),
        1 if counted.cases == 1 => " <a href=\"#failed\">It failed.</a>".to_owned(),
        1 => " <a href=\"#failed\">One of them failed</a> and is left out of all numbers.".to_owned(),
        failed => format!(" <a href=\"#failed\">{failed} of them failed</a> and are left out of all numbers."),
    };
    let cases = match counted.cases {
        1 => String::new(),
        cases => format!(": {cases} cases"),
    };
    let page = Page {
        title: "Predictions compared with references".to_owned(),
        lead: format!(
            "<p>{what}{cases}.{failed}</p>\n\
             <p>The title of a column or a metric leads to its <a href=\"#definitions\">definition</a>. This page was made by \
             soft-labels {} with these <a href=\"#settings\">settings</a>.</p>",
            env!("CARGO_PKG_VERSION")
        ),
        sections,
    };
    let page = page.to_string();
    place.file(|file| of_file(place.path(), file.write_all(page.as_bytes()).map_err(Failure::from)))
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

/// Whoever adds a table adds what its columns mean.
#[cfg(test)]
pub(super) fn check_definitions(tables: &[Table]) {
    let missing = definitions::glossary().missing(tables);
    assert!(missing.is_empty(), "judge/html/definitions/ has no {missing:?}");
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

    #[test]
    fn every_number_is_defined() {
        let judgement = judgement();
        let tables = [
            judgement.tables(true).tables,
            judgement.tables_of_one().tables,
            vec![glance(&judgement)],
        ];
        tables.iter().for_each(|tables| check_definitions(tables));
    }

    #[test]
    fn names_stay_text() {
        let judgement = judgement();
        let glossary = definitions::glossary();
        let parts = [
            distributions(&judgement).unwrap(),
            Counted::of(&judgement.cases, None)
                .failed(&glossary)
                .unwrap()
                .unwrap()
                .body,
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
