//! What was found, as tables, JSON and CSV.

use std::fs::File;
use std::io::{self, Write};

use serde_json::{Map, Value, json};
use soft_labels::metrics::{Reliability, ReliabilityBin};
use soft_labels_files::Place;

use super::args::Empty;
use super::scores::{OF_CALIBRATION, OF_STRUCTURES, Scores};
use super::summary::{DRAWS, Summary};
use crate::command::{Failure, of_file};

/// The structures that are judged.
#[derive(Debug, Clone)]
pub(crate) struct Structures {
    pub(crate) names: Vec<String>,
    /// How many of them are classes. The others are regions.
    pub(crate) classes: usize,
}

#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) structures: Structures,
    /// Cases with their scores, or with what went wrong.
    pub(crate) cases: Vec<(String, Result<Scores, String>)>,
    /// Of all voxels of all cases.
    pub(crate) reliability: Option<Reliability>,
    pub(crate) tolerance_mm: f64,
    pub(crate) empty: Empty,
    pub(crate) seed: u64,
}

impl Judgement {
    fn scored(&self) -> impl Iterator<Item = (&str, &Scores)> {
        let cases = self.cases.iter();
        cases.filter_map(|(name, scores)| Some((name.as_str(), scores.as_ref().ok()?)))
    }

    pub(crate) fn failed(&self) -> usize {
        self.cases.iter().filter(|(_, scores)| scores.is_err()).count()
    }

    /// For two files.
    pub(crate) fn print_json_of_one(&self) -> io::Result<()> {
        let mut object = Map::new();
        if let Some((_, scores)) = self.scored().next() {
            object.extend(self.json_of(scores));
        }
        object.insert("empty".into(), self.empty.name().into());
        self.insert_reliability(&mut object);
        writeln!(io::stdout(), "{:#}", Value::from(object))
    }

    /// For two folders.
    pub(crate) fn print_json(&self) -> io::Result<()> {
        let case = |(name, scores): &(String, Result<Scores, String>)| match scores {
            Ok(scores) => {
                let mut object = Map::from_iter([("case".to_owned(), json!(name))]);
                object.extend(self.json_of(scores));
                Value::from(object)
            }
            Err(error) => json!({"case": name, "error": error}),
        };
        let of_structure = |structure: usize| {
            let summary = |metric: usize| self.of_structure(structure, metric);
            OF_STRUCTURES
                .iter()
                .enumerate()
                .map(|(metric, (key, _))| ((*key).to_owned(), summary_json(&summary(metric))))
                .collect()
        };
        let mut summary = self.named(of_structure);
        if self.reliability.is_some() {
            let of_case = |(metric, (key, _)): (usize, &(&str, _))| {
                ((*key).to_owned(), summary_json(&self.of_calibration(metric)))
            };
            summary.extend(OF_CALIBRATION.iter().enumerate().map(of_case));
        }
        let mut object = Map::new();
        object.insert("cases".into(), self.cases.iter().map(case).collect());
        object.insert("summary".into(), summary.into());
        object.insert("empty".into(), self.empty.name().into());
        object.insert("bootstrap".into(), json!({"draws": DRAWS, "seed": self.seed}));
        self.insert_reliability(&mut object);
        writeln!(io::stdout(), "{:#}", Value::from(object))
    }

    fn json_of(&self, scores: &Scores) -> Map<String, Value> {
        let of_structure = |structure: usize| {
            let numbers = scores.structures[structure];
            OF_STRUCTURES
                .iter()
                .zip(numbers)
                .map(|((key, _), number)| ((*key).to_owned(), json!(number)))
                .collect()
        };
        let mut object = self.named(of_structure);
        if let Some(calibration) = &scores.calibration {
            let numbers = OF_CALIBRATION.iter().zip(calibration.numbers);
            object.extend(numbers.map(|((key, _), number)| ((*key).to_owned(), json!(number))));
        }
        object
    }

    /// Something for each class and each region.
    fn named(&self, what: impl Fn(usize) -> Map<String, Value>) -> Map<String, Value> {
        let Structures { names, classes } = &self.structures;
        let entry = |at: usize| (names[at].clone(), Value::from(what(at)));
        let of = |range: std::ops::Range<usize>| Value::from(range.map(entry).collect::<Map<_, _>>());
        Map::from_iter([
            ("classes".to_owned(), of(0..*classes)),
            ("regions".to_owned(), of(*classes..names.len())),
        ])
    }

    fn insert_reliability(&self, object: &mut Map<String, Value>) {
        let bin = |bin: ReliabilityBin| {
            json!({
                "lower": bin.lower,
                "upper": bin.upper,
                "count": bin.count,
                "accuracy": bin.accuracy,
                "confidence": bin.confidence,
            })
        };
        if let Some(reliability) = &self.reliability {
            object.insert("reliability".into(), reliability.bins().into_iter().map(bin).collect());
        }
    }

    fn of_structure(&self, structure: usize, metric: usize) -> Summary {
        Summary::of(
            self.scored().map(|(_, scores)| scores.structures[structure][metric]),
            self.seed,
        )
    }

    fn of_calibration(&self, metric: usize) -> Summary {
        let of_case = |(_, scores): (_, &Scores)| Some(scores.calibration.as_ref()?.numbers[metric]);
        Summary::of(self.scored().filter_map(of_case), self.seed)
    }

    /// A row for each case and structure.
    pub(crate) fn write_csv(&self, place: &Place<'_>) -> Result<(), Failure> {
        let write = |file: &mut File| -> Result<(), Failure> {
            let mut writer = csv::Writer::from_writer(file);
            let keys = OF_STRUCTURES.iter().chain(&OF_CALIBRATION).map(|(key, _)| *key);
            writer.write_record(["case", "structure"].into_iter().chain(keys))?;
            for (case, scores) in self.scored() {
                for (name, numbers) in self.structures.names.iter().zip(&scores.structures) {
                    // Calibration is of the case; it stands in each of its rows.
                    let calibration = scores
                        .calibration
                        .as_ref()
                        .map_or([f64::NAN; OF_CALIBRATION.len()], |of| of.numbers);
                    let numbers = numbers.iter().chain(&calibration).map(|&number| cell(number));
                    writer.write_record([text_cell(case), text_cell(name)].into_iter().chain(numbers))?;
                }
            }
            Ok(writer.flush()?)
        };
        place.file(|file| of_file(place.path(), write(file)))
    }

    /// For two files.
    pub(crate) fn print_tables_of_one(&self) -> io::Result<()> {
        let mut text = io::stdout().lock();
        self.print_structures(&mut text, false)?;
        writeln!(text, "\n{}", self.about_empty())?;
        let Some(calibration) = self.scored().find_map(|(_, scores)| scores.calibration.as_ref()) else {
            return Ok(());
        };
        writeln!(text)?;
        for ((_, title), score) in OF_CALIBRATION.iter().zip(calibration.numbers) {
            writeln!(text, "{title:26} {:>10}", number(score))?;
        }
        self.print_bins(&mut text)
    }

    /// A row for each structure, and case if there are several, in two tables that fit a terminal.
    fn print_structures(&self, text: &mut impl Write, cases: bool) -> io::Result<()> {
        let width = |names: &mut dyn Iterator<Item = &str>| names.map(|name| name.chars().count()).max().unwrap_or(0);
        let of_case = if cases {
            width(&mut self.scored().map(|(case, _)| case)).max(4) + 2
        } else {
            0
        };
        let of_name = width(&mut self.structures.names.iter().map(String::as_str)).max(9);
        let case_title = if cases { "case" } else { "" };
        let headings = [
            [
                "Dice",
                "Jaccard",
                "precision",
                "recall",
                "vol. pred.",
                "vol. ref.",
                "rel. diff.",
            ]
            .as_slice(),
            &[
                "surf. Dice",
                "of refer.",
                "of predict.",
                "average mm",
                "Hausd. 95",
                "Hausdorff",
            ],
        ];
        let mut first = 0;
        for heading in headings {
            if first > 0 {
                writeln!(text, "\nsurfaces, within {} mm", short(self.tolerance_mm))?;
            }
            write!(text, "{case_title:of_case$}{:of_name$}", "structure")?;
            heading.iter().try_for_each(|title| write!(text, "  {title:>11}"))?;
            writeln!(text)?;
            for (case, scores) in self.scored() {
                let case = if cases { case } else { "" };
                for (name, numbers) in self.structures.names.iter().zip(&scores.structures) {
                    write!(text, "{case:of_case$}{name:of_name$}")?;
                    let columns = numbers[first..].iter().zip(heading);
                    columns
                        .into_iter()
                        .try_for_each(|(&value, _)| write!(text, "  {:>11}", number(value)))?;
                    writeln!(text)?;
                }
            }
            first += heading.len();
        }
        Ok(())
    }

    /// For two folders.
    pub(crate) fn print_tables(&self, per_case: bool) -> io::Result<()> {
        let mut text = io::stdout().lock();
        if per_case {
            self.print_structures(&mut text, true)?;
            writeln!(text)?;
        }
        let (cases, failed) = (self.cases.len(), self.failed());
        writeln!(text, "{cases} cases, {failed} failed")?;
        let seed = self.seed;
        writeln!(
            text,
            "Intervals: 95 % of the mean, bootstrap over cases, {DRAWS} draws, seed {seed}. Distances in mm, volumes in mm³."
        )?;
        writeln!(text, "{}", self.about_empty())?;
        writeln!(
            text,
            "\n{:26}  {:>10}  {:>10}  {:>10}  {:>24}  {:>5}",
            "", "mean", "std. dev.", "median", "95 % interval of mean", "cases"
        )?;
        let near = format!(", {} mm", short(self.tolerance_mm));
        for (structure, name) in self.structures.names.iter().enumerate() {
            writeln!(text, "{name}")?;
            for (metric, (key, title)) in OF_STRUCTURES.iter().enumerate() {
                let near = if *key == "surface_dice" { near.as_str() } else { "" };
                print_summary(
                    &mut text,
                    &format!("  {title}{near}"),
                    &self.of_structure(structure, metric),
                )?;
            }
        }
        if self.reliability.is_some() {
            writeln!(text, "calibration")?;
            for (metric, (_, title)) in OF_CALIBRATION.iter().enumerate() {
                print_summary(&mut text, &format!("  {title}"), &self.of_calibration(metric))?;
            }
        }
        self.print_bins(&mut text)
    }

    fn about_empty(&self) -> String {
        let scores = match self.empty {
            Empty::Skip => "has no Dice and no Jaccard, and counts in no mean",
            Empty::One => "has a Dice and Jaccard of 1",
            Empty::Zero => "has a Dice and Jaccard of 0",
        };
        format!(
            "A structure that neither map holds {scores} (--empty {}).",
            self.empty.name()
        )
    }

    fn print_bins(&self, text: &mut impl Write) -> io::Result<()> {
        let Some(reliability) = &self.reliability else {
            return Ok(());
        };
        writeln!(text, "\n   confidence        voxels  accuracy  mean confidence")?;
        for bin in reliability.bins() {
            let (accuracy, confidence) = (number(bin.accuracy), number(bin.confidence));
            writeln!(
                text,
                "{:5.3} to {:5.3} {:>13}  {accuracy:>8}  {confidence:>15}",
                bin.lower, bin.upper, bin.count
            )?;
        }
        Ok(())
    }
}

fn print_summary(text: &mut impl Write, title: &str, summary: &Summary) -> io::Result<()> {
    let [mean, deviation, median] = [summary.mean, summary.deviation, summary.median].map(number);
    let [low, high] = summary.interval.map(number);
    let interval = format!("{low} to {high}");
    let cases = summary.cases;
    writeln!(
        text,
        "{title:26}  {mean:>10}  {deviation:>10}  {median:>10}  {interval:>24}  {cases:5}"
    )
}

fn summary_json(summary: &Summary) -> Value {
    json!({
        "cases": summary.cases,
        "mean": summary.mean,
        "standard_deviation": summary.deviation,
        "median": summary.median,
        "interval_95": summary.interval,
    })
}

/// A name that no spreadsheet takes for a formula.
fn text_cell(name: &str) -> String {
    if name.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{name}")
    } else {
        name.to_owned()
    }
}

/// All digits, but no rows of zeros.
fn short(value: f64) -> String {
    if value == 0.0 || (1e-5..1e16).contains(&value.abs()) || !value.is_finite() {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// All digits, or an empty cell for what does not exist.
fn cell(value: f64) -> String {
    if value.is_nan() { String::new() } else { short(value) }
}

/// A few places, or a dash for what does not exist.
fn number(value: f64) -> String {
    match value.abs() {
        size if size.is_nan() => "-".into(),
        size if size.is_infinite() => "inf".into(),
        0.0 => "0".into(),
        size if size < 1e-3 => format!("{value:.3e}"),
        size if size < 1e4 => format!("{value:.4}"),
        size if size >= 1e9 => format!("{value:.3e}"),
        _ => format!("{value:.0}"),
    }
}
