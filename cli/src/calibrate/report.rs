//! What was found, as tables and as JSON.

use std::io::Write;

use serde_json::{Map, Value, json};
use soft_labels::metrics::{Calibration, CalibrationMethod, CalibrationScores};
use soft_labels_files::Place;

use crate::command::{Failure, of_file};
use crate::tables::{Cell, Column, Table, Tables, json_number};

/// The names of the tables.
pub(super) const TABLES: [&str; 3] = ["scores", "temperatures", "biases"];

pub(super) struct Report<'a> {
    /// Of all cases.
    pub(super) calibration: Calibration,
    /// Without each fold; none if there is one case.
    pub(super) without: Vec<Calibration>,
    pub(super) cases: usize,
    pub(super) before: CalibrationScores,
    pub(super) after: Option<CalibrationScores>,
    pub(super) bins: usize,
    /// What the classes are called.
    pub(super) names: &'a [String],
}

/// The scores by their names in files, with what people call them.
const SCORES: [(&str, &str); 4] = [
    ("nll", "negative log-likelihood"),
    ("brier", "Brier score"),
    ("ece", "ECE, top label"),
    ("class_ece", "ECE, mean of classes"),
];

fn numbers(scores: &CalibrationScores) -> [f64; SCORES.len()] {
    [scores.nll(), scores.brier(), scores.ece(), scores.class_ece()]
}

impl Report<'_> {
    pub(super) fn tables(&self) -> Tables {
        let none = [f64::NAN; SCORES.len()];
        let after = self.after.as_ref().map_or(none, numbers);
        let mut scores = Table::new(
            "scores",
            format!("Scores of {} cases", self.cases),
            &[("score", "score"), ("before", "before"), ("after", "after")],
        );
        for (((_, title), before), after) in SCORES.iter().zip(numbers(&self.before)).zip(after) {
            scores.push([(*title).into(), before.into(), after.into()]);
        }
        let mut tables = vec![
            scores,
            self.parameters("temperatures", "Temperatures", Calibration::temperatures),
        ];
        if self.calibration.method() == CalibrationMethod::Vector {
            tables.push(self.parameters("biases", "Biases", Calibration::biases));
        }
        Tables {
            notes: self.notes(),
            tables,
        }
    }

    /// A row for each class, or one for all of them.
    fn parameters(&self, name: &'static str, title: &str, of: fn(&Calibration) -> &[f64]) -> Table {
        let mut table = Table::new(name, title, &[("class", "class"), ("all_cases", "all cases")]);
        for fold in 1..=self.without.len() {
            table.columns.push(Column {
                key: format!("without_fold_{fold}"),
                title: format!("without fold {fold}"),
            });
        }
        let all = ["all".to_owned()];
        let names = if of(&self.calibration).len() > 1 {
            self.names
        } else {
            &all
        };
        for (class, name) in names.iter().enumerate() {
            let fits = std::iter::once(&self.calibration).chain(&self.without);
            let cells = fits.map(|fit| Cell::from(of(fit).get(class).copied().unwrap_or(f64::NAN)));
            table.push(std::iter::once(Cell::from(name.as_str())).chain(cells));
        }
        table
    }

    fn notes(&self) -> Vec<String> {
        let folds = self.without.len();
        let mut notes = vec![if folds > 0 {
            format!(
                "after: each case scored by what was found without its fold, of {folds}; pooled over {} voxels, {} bins",
                self.before.voxels(),
                self.bins
            )
        } else {
            format!(
                "one case has no others to be scored by, so there are no scores after; {} voxels, {} bins",
                self.before.voxels(),
                self.bins
            )
        }];
        let ends = |of: &f64| *of <= 1.001e-3 || *of >= 0.999e3;
        if self.calibration.temperatures().iter().any(ends) {
            notes.push(
                "a temperature is at an end of the range that is searched, 0.001 to 1000: predictions are always right, or never \
                 better than chance, so the labels say no more; look at the cases before you apply it"
                    .to_owned(),
            );
        }
        if !self.calibration.is_of_logits() {
            notes.push("a probability of 0 counts as half of the smallest positive number of its type, divided by the number of classes".to_owned());
        }
        notes
    }

    /// The calibration, and how it was scored.
    pub(super) fn json(&self) -> Value {
        let scores = |scores: &CalibrationScores| {
            let scores = SCORES.iter().zip(numbers(scores));
            scores
                .map(|((name, _), number)| ((*name).to_owned(), json_number(number)))
                .collect::<Map<_, _>>()
        };
        let mut object = json!(self.calibration);
        let of_fold = |fit: &Calibration| json!({"temperatures": fit.temperatures(), "biases": fit.biases()});
        object["cross_validation"] = json!({
            "cases": self.cases,
            "voxels": self.before.voxels(),
            "folds": self.without.len(),
            "bins": self.bins,
            "before": scores(&self.before),
            "after": self.after.as_ref().map(scores),
            "without_fold": self.without.iter().map(of_fold).collect::<Value>(),
        });
        object
    }

    pub(super) fn write(&self, place: &Place<'_>) -> Result<(), Failure> {
        place.file(|out| of_file(place.path(), writeln!(out, "{:#}", self.json()).map_err(Failure::from)))
    }
}
