//! What was found, as tables, JSON and CSV.

use serde_json::{Map, Value, json};
use soft_labels::metrics::Reliability;
use soft_labels_files::Place;

use super::args::{Empty, Surface};
use super::calibration::Pooled;
use super::found::Found;
use super::scores::{OF_CALIBRATION, OF_STRUCTURES, Scores, VOLUMES};
use crate::command::{Failure, of_file};
use crate::summary::{DRAWS, Summary};
use crate::tables::{Cell, OF_SUMMARY, Table, Tables, all_digits, json_number, summary_cells};

/// The names of all tables.
pub(crate) const NAMES: [&str; 7] = [
    "overlap",
    "surfaces",
    "scores",
    "found",
    "calibration",
    "calibration_classes",
    "bins",
];

/// The structures that are judged.
#[derive(Debug, Clone)]
pub(crate) struct Structures {
    pub(crate) names: Vec<String>,
    /// How many of them are classes. The others are regions.
    pub(crate) classes: usize,
}

impl Structures {
    /// Something for each class and each region.
    pub(crate) fn named(&self, what: impl Fn(usize) -> Map<String, Value>) -> Map<String, Value> {
        let entry = |at: usize| (self.names[at].clone(), Value::from(what(at)));
        let of = |range: std::ops::Range<usize>| Value::from(range.map(entry).collect::<Map<_, _>>());
        Map::from_iter([
            ("classes".to_owned(), of(0..self.classes)),
            ("regions".to_owned(), of(self.classes..self.names.len())),
        ])
    }
}

#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) structures: Structures,
    /// Cases with their scores, or with what went wrong.
    pub(crate) cases: Vec<(String, Result<Scores, String>)>,
    /// Of all voxels of all cases.
    pub(crate) reliability: Option<Reliability>,
    /// The calibration of the classes, if there are probabilities.
    pub(crate) by_class: Option<Pooled>,
    pub(crate) tolerance_mm: f64,
    pub(crate) surface: Surface,
    pub(crate) empty: Empty,
    pub(crate) seed: u64,
}

impl Judgement {
    pub(crate) fn scored(&self) -> impl Iterator<Item = (&str, &Scores)> {
        let cases = self.cases.iter();
        cases.filter_map(|(name, scores)| Some((name.as_str(), scores.as_ref().ok()?)))
    }

    pub(crate) fn failed(&self) -> usize {
        self.cases.iter().filter(|(_, scores)| scores.is_err()).count()
    }

    /// For two files.
    pub(crate) fn json_of_one(&self) -> Value {
        let mut object = Map::new();
        if let Some((_, scores)) = self.scored().next() {
            object.extend(self.json_of(scores));
        }
        object.insert("surface".into(), self.surface.name().into());
        object.insert("empty".into(), self.empty.name().into());
        self.insert_reliability(&mut object);
        object.into()
    }

    /// For two folders.
    pub(crate) fn json(&self) -> Value {
        let of_structure = |structure: usize| {
            let summary = |metric: usize| self.of_structure(structure, metric);
            let metrics = OF_STRUCTURES.iter().enumerate();
            let mut object: Map<_, _> = metrics
                .map(|(metric, (key, _))| ((*key).to_owned(), summary_json(&summary(metric))))
                .collect();
            object.extend(self.found(structure).json());
            object
        };
        let mut summary = self.structures.named(of_structure);
        if self.reliability.is_some() {
            let of_case = |(metric, (key, _)): (usize, &(&str, _))| {
                ((*key).to_owned(), summary_json(&self.of_calibration(metric)))
            };
            summary.extend(OF_CALIBRATION.iter().enumerate().map(of_case));
        }
        let mut object = Map::new();
        object.insert(
            "cases".into(),
            json_of_cases(&self.cases, |scores| self.json_of(scores)),
        );
        object.insert("summary".into(), summary.into());
        object.insert("surface".into(), self.surface.name().into());
        object.insert("empty".into(), self.empty.name().into());
        object.insert("bootstrap".into(), json!({"draws": DRAWS, "seed": self.seed}));
        self.insert_reliability(&mut object);
        object.into()
    }

    fn json_of(&self, scores: &Scores) -> Map<String, Value> {
        let of_structure = |structure: usize| {
            let numbers = scores.structures[structure];
            OF_STRUCTURES
                .iter()
                .zip(numbers)
                .map(|((key, _), number)| ((*key).to_owned(), json_number(number)))
                .collect()
        };
        let mut object = self.structures.named(of_structure);
        if let Some(calibration) = &scores.calibration {
            let numbers = OF_CALIBRATION.iter().zip(calibration.numbers);
            object.extend(numbers.map(|((key, _), number)| ((*key).to_owned(), json_number(number))));
        }
        object
    }

    fn insert_reliability(&self, object: &mut Map<String, Value>) {
        if let Some(by_class) = &self.by_class {
            object.insert("calibration_classes".into(), by_class.table(self.seed).json());
        }
        if let Some(bins) = self.bins() {
            object.insert("reliability".into(), bins.json());
        }
    }

    pub(crate) fn of_structure(&self, structure: usize, metric: usize) -> Summary {
        Summary::of(
            self.scored().map(|(_, scores)| scores.structures[structure][metric]),
            self.seed,
        )
    }

    fn of_calibration(&self, metric: usize) -> Summary {
        let of_case = |(_, scores): (_, &Scores)| Some(scores.calibration.as_ref()?.numbers[metric]);
        Summary::of(self.scored().filter_map(of_case), self.seed)
    }

    /// In how many cases a structure was found.
    pub(crate) fn found(&self, structure: usize) -> Found {
        Found::of(
            self.scored()
                .map(|(_, scores)| VOLUMES.map(|volume| scores.structures[structure][volume])),
        )
    }

    /// A row for each case and structure.
    pub(crate) fn write_csv(&self, place: &Place<'_>) -> Result<(), Failure> {
        let metrics = OF_STRUCTURES.iter().chain(&OF_CALIBRATION);
        let mut table = Table::new("cases", "", [("case", ""), ("structure", "")].iter().chain(metrics));
        for (case, scores) in self.scored() {
            for (name, numbers) in self.structures.names.iter().zip(&scores.structures) {
                // Calibration is of the case; it stands in each of its rows.
                let calibration = scores
                    .calibration
                    .as_ref()
                    .map_or([f64::NAN; OF_CALIBRATION.len()], |of| of.numbers);
                let numbers = numbers.iter().chain(&calibration).map(|&number| number.into());
                table.push([case.into(), name.as_str().into()].into_iter().chain(numbers));
            }
        }
        place.file(|file| of_file(place.path(), table.write_csv(file)))
    }

    /// For two files.
    pub(crate) fn tables_of_one(&self) -> Tables {
        let mut tables = Tables {
            notes: self.notes(),
            tables: self.of_cases(false).into(),
        };
        if let Some(calibration) = self.scored().find_map(|(_, scores)| scores.calibration.as_ref()) {
            let numbers = OF_CALIBRATION.iter().zip(calibration.numbers);
            tables.tables.push(calibration_of_one(numbers));
        }
        tables
            .tables
            .extend(self.by_class.as_ref().map(|by_class| by_class.table(self.seed)));
        tables.tables.extend(self.bins());
        tables
    }

    /// For two folders.
    pub(crate) fn tables(&self, per_case: bool) -> Tables {
        let mut notes = vec![
            format!("{} cases, {} failed.", self.cases.len(), self.failed()),
            format!(
                "Intervals: 95 % of the mean, bootstrap over cases, {DRAWS} draws, seed {}.",
                self.seed
            ),
            "A mean is over finite values. The median has the infinite ones in it.".to_owned(),
        ];
        notes.extend(self.notes());
        let mut tables = Vec::new();
        if per_case {
            tables.extend(self.of_cases(true));
        }
        tables.push(self.scores());
        tables.push(self.of_found());
        if self.reliability.is_some() {
            let mut table = Table::new(
                "calibration",
                "Calibration",
                [("metric", "metric")].iter().chain(&OF_SUMMARY),
            );
            for (metric, (_, title)) in OF_CALIBRATION.iter().enumerate() {
                let summary = summary_cells(&self.of_calibration(metric));
                table.push([Cell::from(*title)].into_iter().chain(summary));
            }
            tables.push(table);
            tables.extend(self.by_class.as_ref().map(|by_class| by_class.table(self.seed)));
            tables.extend(self.bins());
        }
        Tables { notes, tables }
    }

    fn scores(&self) -> Table {
        let columns = [("structure", "structure"), ("metric", "metric")];
        let mut table = Table::new("scores", "Structures", columns.iter().chain(&OF_SUMMARY));
        for (structure, name) in self.structures.names.iter().enumerate() {
            for (metric, (_, title)) in OF_STRUCTURES.iter().enumerate() {
                let summary = summary_cells(&self.of_structure(structure, metric));
                table.push([name.as_str().into(), Cell::from(*title)].into_iter().chain(summary));
            }
        }
        table
    }

    fn of_found(&self) -> Table {
        let columns = [("structure", "structure")];
        let mut table = Table::new(
            "found",
            "Cases in which a structure is",
            columns.iter().chain(&Found::TITLES),
        );
        for (structure, name) in self.structures.names.iter().enumerate() {
            let counts = self.found(structure).counts().map(Cell::from);
            table.push([name.as_str().into()].into_iter().chain(counts));
        }
        table
    }

    /// A row for each structure, and case if there are several, in two tables that fit a terminal.
    fn of_cases(&self, several: bool) -> [Table; 2] {
        const OVERLAP: [(&str, &str); 7] = [
            ("dice", "Dice"),
            ("jaccard", "Jaccard"),
            ("precision", "precision"),
            ("recall", "recall"),
            ("volume_prediction_mm3", "vol. pred."),
            ("volume_reference_mm3", "vol. ref."),
            ("relative_volume_difference", "rel. diff."),
        ];
        const SURFACES: [(&str, &str); 6] = [
            ("surface_dice", "surf. Dice"),
            ("overlap_reference", "of refer."),
            ("overlap_prediction", "of predict."),
            ("average_surface_distance_mm", "average mm"),
            ("hausdorff95_mm", "Hausd. 95"),
            ("hausdorff_mm", "Hausdorff"),
        ];
        let first = [("case", "case"), ("structure", "structure")];
        let first = &first[usize::from(!several)..];
        let mut overlap = Table::new("overlap", "Overlap", first.iter().chain(&OVERLAP));
        let mut surfaces = Table::new("surfaces", "Surfaces", first.iter().chain(&SURFACES));
        for (case, scores) in self.scored() {
            for (name, numbers) in self.structures.names.iter().zip(&scores.structures) {
                let (of_overlap, of_surfaces) = numbers.split_at(OVERLAP.len());
                for (table, numbers) in [(&mut overlap, of_overlap), (&mut surfaces, of_surfaces)] {
                    let case = several.then(|| Cell::from(case));
                    let first = case.into_iter().chain([name.as_str().into()]);
                    table.push(first.chain(numbers.iter().map(|&number| number.into())));
                }
            }
        }
        [overlap, surfaces]
    }

    /// What holds for all numbers.
    fn notes(&self) -> Vec<String> {
        let near = format!(
            "Surfaces agree within {} mm. Distances are in mm, volumes in mm³ (areas in mm² for images).",
            all_digits(self.tolerance_mm)
        );
        let by_class = self.by_class.iter().map(Pooled::note);
        [self.surface.rule().to_owned(), near, self.empty.rule().to_owned()]
            .into_iter()
            .chain(by_class)
            .collect()
    }

    fn bins(&self) -> Option<Table> {
        self.reliability.as_ref().map(bins_of)
    }
}

/// A reliability diagram as a table.
pub(crate) fn bins_of(reliability: &Reliability) -> Table {
    let columns = [
        ("lower", "above"),
        ("upper", "to"),
        ("count", "voxels"),
        ("accuracy", "accuracy"),
        ("confidence", "mean confidence"),
    ];
    let mut table = Table::new("bins", "Confidence of the top label", &columns);
    for bin in reliability.bins() {
        table.push([
            bin.lower.into(),
            bin.upper.into(),
            Cell::Count(bin.count),
            bin.accuracy.into(),
            bin.confidence.into(),
        ]);
    }
    table
}

/// An object for each case: its name, and its scores or what went wrong.
pub(super) fn json_of_cases<S>(
    cases: &[(String, Result<S, String>)],
    json_of: impl Fn(&S) -> Map<String, Value>,
) -> Value {
    let case = |(name, scores): &(String, Result<S, String>)| match scores {
        Ok(scores) => {
            let mut object = Map::from_iter([("case".to_owned(), json!(name))]);
            object.extend(json_of(scores));
            Value::from(object)
        }
        Err(error) => json!({"case": name, "error": error}),
    };
    cases.iter().map(case).collect()
}

/// The calibration of the only case.
pub(super) fn calibration_of_one<'a>(numbers: impl Iterator<Item = (&'a (&'a str, &'a str), f64)>) -> Table {
    let columns = [("metric", "metric"), ("value", "value")];
    let mut table = Table::new("calibration", "Calibration", &columns);
    numbers.for_each(|((_, title), number)| table.push([(*title).into(), number.into()]));
    table
}

pub(crate) fn summary_json(summary: &Summary) -> Value {
    json!({
        "cases": summary.cases,
        "infinite": summary.infinite,
        "mean": summary.mean,
        "standard_deviation": summary.deviation,
        "median": json_number(summary.median),
        "interval_95": summary.interval,
    })
}
