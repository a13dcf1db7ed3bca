//! The numbers of all cases: pooled, and averaged.

use super::super::args::{Args, Scope};
use super::bins::{CaseBins, ERRORS, Numbers};
use crate::command::Failure;
use crate::summary::{Summary, intervals};
use crate::tables::{Cell, Table, all_digits};

/// What was counted, prediction by prediction.
#[derive(Debug)]
pub(crate) struct Pooled {
    /// What the rows are about: the classes, their mean and the top label.
    rows: Vec<String>,
    predictions: Vec<Counted>,
    title: String,
    /// Which voxels count.
    about: String,
}

/// One prediction.
#[derive(Debug)]
struct Counted {
    name: String,
    bins: CaseBins,
    pooled: Numbers,
    /// Of the pooled numbers, and of each case.
    intervals: Vec<[f64; 2]>,
    cases: Vec<Numbers>,
}

/// Which voxels count, if not all do.
fn about(args: &Args) -> String {
    let scope = match (args.scope, args.calibration.band_mm) {
        (Scope::All, _) => String::new(),
        (Scope::Foreground, _) => " Voxels count whose reference is not class 0.".to_owned(),
        (Scope::Band, mm) => format!(
            " Voxels count from which the nearest voxel of another class in the reference is at most {} mm away, from centre to \
             centre; ignored voxels are neither, and the border of the map is no boundary.",
            all_digits(mm.unwrap_or(f64::NAN))
        ),
    };
    let mask = if args.calibration.mask.is_some() {
        " Voxels outside of --mask do not count."
    } else {
        ""
    };
    scope + mask
}

const COLUMNS: [(&str, &str); 9] = [
    ("class", "class"),
    ("metric", "metric"),
    ("pooled", "pooled"),
    ("pooled_low", "95 % from"),
    ("pooled_high", "to"),
    ("averaged", "averaged"),
    ("averaged_low", "95 % from"),
    ("averaged_high", "to"),
    ("cases", "cases"),
];

impl Pooled {
    /// Of cases with the bins of each prediction; nothing if there are none. `classes` are their names.
    pub(crate) fn new(
        classes: &[String],
        names: &[String],
        cases: &[&[CaseBins]],
        args: &Args,
    ) -> Result<Option<Self>, Failure> {
        let mut predictions = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let of_cases: Vec<_> = cases.iter().filter_map(|case| case.get(at)).collect();
            let Some(bins) = CaseBins::merged(of_cases.iter().copied())? else {
                return Ok(None);
            };
            let numbers = |drawn: &[usize]| {
                let drawn = drawn.iter().filter_map(|&case| of_cases.get(case).copied());
                let merged = CaseBins::merged(drawn).ok().flatten();
                merged.map_or_else(Vec::new, |bins| bins.numbers().all().collect())
            };
            let several = of_cases.len() > 1;
            predictions.push(Counted {
                name: name.clone(),
                pooled: bins.numbers(),
                bins,
                intervals: if several {
                    intervals(of_cases.len(), args.seed, numbers)
                } else {
                    Vec::new()
                },
                cases: of_cases.iter().map(|case| case.numbers()).collect(),
            });
        }
        let ends = ["mean over classes", "top label"].map(str::to_owned);
        let mass = if args.calibration.equal_mass {
            ", bins of equal mass"
        } else {
            ""
        };
        Ok(Some(Self {
            rows: classes.iter().cloned().chain(ends).collect(),
            predictions,
            title: format!("Calibration by class{mass}"),
            about: about(args),
        }))
    }

    /// What each row is about: the place among the rows, and the metric.
    fn metrics(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let errors = self
            .rows
            .iter()
            .flat_map(|row| ERRORS.map(|error| (row.as_str(), error)));
        errors.chain(self.rows.last().map(|row| (row.as_str(), "AURC")))
    }

    /// A row for each prediction, class and metric.
    pub(crate) fn table(&self, seed: u64) -> Table {
        let first = [("prediction", "prediction")];
        let several = self.predictions.len() > 1;
        let columns = first[usize::from(!several)..].iter().chain(&COLUMNS);
        let mut table = Table::new("calibration_classes", self.title.as_str(), columns);
        for prediction in &self.predictions {
            let each: Vec<Vec<f64>> = prediction.cases.iter().map(|case| case.all().collect()).collect();
            for (at, (pooled, (row, metric))) in prediction.pooled.all().zip(self.metrics()).enumerate() {
                let [low, high] = prediction.intervals.get(at).copied().unwrap_or([f64::NAN; 2]);
                let averaged = Summary::of(each.iter().filter_map(|case| case.get(at).copied()), seed);
                let [average_low, average_high] = match averaged.cases {
                    0 | 1 => [f64::NAN; 2],
                    _ => averaged.interval,
                };
                let name = several.then(|| Cell::from(prediction.name.as_str()));
                table.push(name.into_iter().chain([
                    row.into(),
                    metric.into(),
                    pooled.into(),
                    low.into(),
                    high.into(),
                    averaged.mean.into(),
                    average_low.into(),
                    average_high.into(),
                    averaged.cases.into(),
                ]));
            }
        }
        table
    }

    /// What stands below the table.
    pub(crate) fn note(&self) -> String {
        format!(
            "{}: each class against all others, and the mean over the classes that the reference has. Pooled: the voxels of all \
             cases in one set of bins, its interval by drawing cases. Averaged: the mean of the numbers of the cases that have the \
             class.{}",
            self.title, self.about
        )
    }

    /// The predictions by their names.
    pub(super) fn predictions(&self) -> impl Iterator<Item = (&str, &CaseBins)> {
        self.predictions
            .iter()
            .map(|prediction| (prediction.name.as_str(), &prediction.bins))
    }

    /// The names of the classes.
    pub(super) fn classes(&self) -> &[String] {
        self.rows.get(..self.rows.len().saturating_sub(2)).unwrap_or_default()
    }
}
