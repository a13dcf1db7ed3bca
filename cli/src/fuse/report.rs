//! What became of the cases, and what STAPLE found.

use std::collections::BTreeSet;

use ndarray::IxDyn;
use serde_json::{Map, Value, json};
use soft_labels::SoftFloat;
use soft_labels::fusion::StapleFusion;

use crate::command::shown;
use crate::jobs::Job;
use crate::summary::{DRAWS, Summary};
use crate::tables::{Cell, OF_SUMMARY, Table, Tables, summary_cells};

/// The names of all tables.
pub(super) const NAMES: [&str; 3] = ["cases", "performance", "summary"];

/// What is said about a case.
#[derive(Debug)]
pub(super) struct Fused {
    pub(super) raters: Vec<String>,
    pub(super) shape: Vec<usize>,
    pub(super) staple: Option<Performance>,
}

/// What STAPLE found about the raters.
#[derive(Debug)]
pub(super) struct Performance {
    iterations: usize,
    converged: bool,
    /// Sensitivity and specificity by rater and class.
    of_raters: Vec<Vec<[f64; 2]>>,
    weights: Vec<f64>,
    /// First voxel and end of the part that it was estimated on, by axis.
    part: Vec<[usize; 2]>,
    /// The part's share of the map.
    share: f64,
}

impl Performance {
    pub(super) fn of<F: SoftFloat>(staple: &StapleFusion<F, IxDyn>, raters: usize, classes: usize) -> Self {
        let of = |rater, class| {
            [staple.sensitivity(rater, class), staple.specificity(rater, class)].map(|p| p.unwrap_or(f64::NAN))
        };
        let window = staple.window();
        let voxels = |shape: &[usize]| shape.iter().map(|&len| len as f64).product::<f64>();
        Self {
            iterations: staple.iterations(),
            converged: staple.converged(),
            of_raters: (0..raters)
                .map(|rater| (0..classes).map(|class| of(rater, class)).collect())
                .collect(),
            weights: staple.performance().weights(),
            part: window.ranges().iter().map(|range| [range.start, range.end]).collect(),
            share: voxels(&window.shape()) / voxels(window.map_shape()),
        }
    }
}

pub(super) struct Report<'a> {
    pub(super) jobs: &'a [Job],
    pub(super) results: &'a [Result<Fused, String>],
    /// Of the classes.
    pub(super) names: &'a [String],
    pub(super) seed: u64,
}

impl Report<'_> {
    fn cases(&self) -> impl Iterator<Item = (&Job, &Result<Fused, String>)> {
        self.jobs.iter().zip(self.results)
    }

    /// The cases of which STAPLE found something.
    fn found(&self) -> impl Iterator<Item = (&Job, &Fused, &Performance)> {
        self.cases().filter_map(|(job, result)| {
            let fused = result.as_ref().ok()?;
            Some((job, fused, fused.staple.as_ref()?))
        })
    }

    pub(super) fn tables(&self, per_case: bool) -> Tables {
        let several = self.jobs.len() > 1;
        let mut tables = vec![self.files()];
        let mut notes = Vec::new();
        if self.found().next().is_some() {
            notes.push(
                "STAPLE's prior and specificity are those of the box, whose axes are the array's; outside of it the raters agree."
                    .to_owned(),
            );
            tables.extend((!several || per_case).then(|| self.performance()));
            if several {
                tables.push(self.summary());
                notes.push(format!(
                    "Intervals: 95 % of the mean over cases, bootstrap, {DRAWS} draws, seed {}. A rater counts in the cases that they \
                     drew.",
                    self.seed
                ));
            }
        }
        Tables { notes, tables }
    }

    fn files(&self) -> Table {
        let mut columns = vec![("file", "file"), ("shape", "shape"), ("raters", "raters")];
        let staple = self.found().next().is_some();
        if staple {
            columns.extend([
                ("iterations", "iterations"),
                ("converged", "converged"),
                ("box", "box"),
                ("share", "share of map"),
            ]);
        }
        let mut table = Table::new("cases", "Cases", &columns);
        for (job, result) in self.cases() {
            let mut row = vec![Cell::Text(shown(&job.out))];
            match result {
                Err(_) => row.extend([Cell::from("failed"), Cell::from(0_usize)]),
                Ok(fused) => row.extend([Cell::Text(lengths(&fused.shape)), fused.raters.len().into()]),
            }
            if staple {
                row.extend(match result.as_ref().ok().and_then(|fused| fused.staple.as_ref()) {
                    None => [0_usize.into(), "".into(), "".into(), f64::NAN.into()],
                    Some(found) => {
                        let ranges = found.part.iter().map(|[start, end]| format!("{start}:{end}"));
                        [
                            found.iterations.into(),
                            if found.converged { "yes" } else { "no" }.into(),
                            Cell::Text(ranges.collect::<Vec<_>>().join(",")),
                            found.share.into(),
                        ]
                    }
                });
            }
            table.push(row);
        }
        table
    }

    /// A row for each rater and class of each case.
    fn performance(&self) -> Table {
        let columns = [
            ("case", "case"),
            ("rater", "rater"),
            ("weight", "weight"),
            ("class", "class"),
            ("sensitivity", "sensitivity"),
            ("specificity", "specificity"),
        ];
        let mut table = Table::new("performance", "Performance of the raters by STAPLE", &columns);
        for (job, fused, found) in self.found() {
            let raters = fused.raters.iter().zip(&found.weights).zip(&found.of_raters);
            for ((rater, &weight), of_classes) in raters {
                for (class, [sensitivity, specificity]) in self.names.iter().zip(of_classes) {
                    let numbers = [*sensitivity, *specificity].map(Cell::from);
                    let who = [
                        Cell::Text(job.title()),
                        rater.as_str().into(),
                        weight.into(),
                        class.as_str().into(),
                    ];
                    table.push(who.into_iter().chain(numbers));
                }
            }
        }
        table
    }

    /// The performance over the cases.
    fn summary(&self) -> Table {
        let columns = [("rater", "rater"), ("class", "class"), ("measure", "measure")];
        let mut table = Table::new(
            "summary",
            "Performance of the raters by STAPLE, over cases",
            columns.iter().chain(&OF_SUMMARY),
        );
        let mut seen = BTreeSet::new();
        let raters = self.found().flat_map(|(_, fused, _)| &fused.raters);
        let raters: Vec<&String> = raters.filter(|rater| seen.insert(*rater)).collect();
        for rater in raters {
            for (class, name) in self.names.iter().enumerate() {
                for (measure, title) in ["sensitivity", "specificity"].into_iter().enumerate() {
                    let values = self.found().filter_map(|(_, fused, found)| {
                        let at = fused.raters.iter().position(|other| other == rater)?;
                        Some(found.of_raters.get(at)?.get(class)?[measure])
                    });
                    let summary = Summary::of(values, self.seed);
                    let who = [rater.as_str(), name, title].map(Cell::from);
                    table.push(who.into_iter().chain(summary_cells(&summary)));
                }
            }
        }
        table
    }

    pub(super) fn json(&self) -> Value {
        let of_class = |(name, [sensitivity, specificity]): (&String, &[f64; 2])| json!({"class": name, "sensitivity": sensitivity, "specificity": specificity});
        let case = |(job, result): (&Job, &Result<Fused, String>)| match result {
            Err(error) => json!({"case": job.title(), "error": error}),
            Ok(fused) => {
                let mut object = json!({"case": job.title(), "shape": fused.shape, "raters": fused.raters});
                if let Some(staple) = &fused.staple {
                    let of_rater =
                        |classes: &Vec<[f64; 2]>| self.names.iter().zip(classes).map(of_class).collect::<Value>();
                    object["iterations"] = json!(staple.iterations);
                    object["converged"] = json!(staple.converged);
                    object["box"] = json!(staple.part);
                    object["share_of_map"] = json!(staple.share);
                    object["weights"] = json!(staple.weights);
                    object["performance"] = staple.of_raters.iter().map(of_rater).collect();
                }
                object
            }
        };
        let mut object = Map::new();
        object.insert("cases".into(), self.cases().map(case).collect());
        if self.jobs.len() > 1 && self.found().next().is_some() {
            object.insert("summary".into(), self.summary().json());
            object.insert("bootstrap".into(), json!({"draws": DRAWS, "seed": self.seed}));
        }
        object.into()
    }
}

/// The lengths of the axes.
fn lengths(shape: &[usize]) -> String {
    let lengths: Vec<_> = shape.iter().map(ToString::to_string).collect();
    lengths.join(" x ")
}
