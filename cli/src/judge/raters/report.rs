//! What was found, and its JSON.

use serde_json::{Map, Value, json};
use soft_labels::metrics::Reliability;

use super::super::args::Args;
use super::super::found::Found;
use super::super::report::{Structures, bins_of, json_of_cases, summary_json};
use super::super::scores::{OF_STRUCTURES, VOLUMES};
use super::scores::{AGAINST_ALL, OF_CALIBRATION, OF_ONE, OfStructure, Scores};
use crate::command::shown;
use crate::summary::{DRAWS, Summary};
use crate::tables::json_number;

pub(super) struct Judgement<'a> {
    pub(super) args: &'a Args,
    pub(super) structures: Structures,
    /// Cases with their scores, or with what went wrong.
    pub(super) cases: Vec<(String, Result<Scores, String>)>,
    /// Of all voxels of all cases, once for each rater.
    pub(super) reliability: Option<Reliability>,
}

impl Judgement<'_> {
    pub(super) fn scored(&self) -> impl Iterator<Item = (&str, &Scores)> {
        let cases = self.cases.iter();
        cases.filter_map(|(name, scores)| Some((name.as_str(), scores.as_ref().ok()?)))
    }

    pub(super) fn failed(&self) -> usize {
        self.cases.iter().filter(|(_, scores)| scores.is_err()).count()
    }

    /// All raters, in the order in which cases name them.
    pub(super) fn raters(&self) -> Vec<&str> {
        let mut raters = Vec::new();
        for (_, scores) in self.scored() {
            for rater in &scores.raters {
                if !raters.contains(&rater.as_str()) {
                    raters.push(rater);
                }
            }
        }
        let given: Vec<_> = self.args.several.raters.iter().map(|path| shown(path)).collect();
        raters.sort_by_key(|rater| given.iter().position(|path| path == rater));
        raters
    }

    /// The names of the metrics against all raters.
    pub(super) fn against_all(&self) -> &'static [(&'static str, &'static str)] {
        let count = if self.args.several.has_samples() {
            AGAINST_ALL.len()
        } else {
            OF_ONE
        };
        AGAINST_ALL.get(..count).unwrap_or(&AGAINST_ALL)
    }

    /// For files of one case.
    pub(super) fn json_of_one(&self) -> Value {
        let mut object = Map::new();
        if let Some((_, scores)) = self.scored().next() {
            object.extend(self.json_of(scores));
        }
        self.insert_settings(&mut object);
        object.into()
    }

    pub(super) fn json(&self) -> Value {
        let of_structure = |structure: usize| {
            let mean = (0..OF_STRUCTURES.len()).map(|metric| self.summary(structure, |of| of.mean[metric]));
            let all = (0..AGAINST_ALL.len()).map(|metric| self.summary(structure, |of| of.against_all[metric]));
            let mut object = Map::new();
            object.insert("mean".into(), summaries(&OF_STRUCTURES, mean).into());
            object.extend(summaries(self.against_all(), all));
            let of_rater = |rater: &&str| {
                let numbers = self.of_rater(structure, rater);
                let of = (0..OF_STRUCTURES.len())
                    .map(|metric| Summary::of(numbers.iter().map(|numbers| numbers[metric]), self.args.seed));
                let mut object = Map::from_iter([("rater".to_owned(), json!(rater))]);
                object.extend(summaries(&OF_STRUCTURES, of));
                object.extend(found(&numbers).json());
                Value::from(object)
            };
            object.insert("raters".into(), self.raters().iter().map(of_rater).collect());
            object
        };
        let mut summary = self.structures.named(of_structure);
        if self.reliability.is_some() {
            let of = (0..OF_CALIBRATION.len()).map(|metric| self.of_calibration(metric));
            summary.extend(summaries(&OF_CALIBRATION, of));
        }
        let mut object = Map::new();
        object.insert("raters".into(), json!(self.raters()));
        object.insert(
            "cases".into(),
            json_of_cases(&self.cases, |scores| self.json_of(scores)),
        );
        object.insert("summary".into(), summary.into());
        object.insert("bootstrap".into(), json!({"draws": DRAWS, "seed": self.args.seed}));
        self.insert_settings(&mut object);
        object.into()
    }

    /// A case by rater and structure.
    fn json_of(&self, scores: &Scores) -> Map<String, Value> {
        let of_structure = |structure: usize| {
            let Some(of) = scores.structures.get(structure) else {
                return Map::new();
            };
            let raters = scores.raters.iter().zip(&of.by_rater).map(|(rater, numbers)| {
                let mut object = Map::from_iter([("rater".to_owned(), json!(rater))]);
                object.extend(numbers_json(&OF_STRUCTURES, numbers));
                Value::from(object)
            });
            let mut object = Map::new();
            object.insert("raters".into(), raters.collect());
            object.insert(
                "mean".into(),
                Value::from(numbers_json(&OF_STRUCTURES, &of.mean).collect::<Map<_, _>>()),
            );
            object.extend(numbers_json(self.against_all(), &of.against_all));
            object
        };
        let mut object = Map::from_iter([("raters".to_owned(), json!(scores.raters))]);
        if self.args.several.has_samples() {
            object.insert("samples".into(), json!(scores.samples));
        }
        object.extend(self.structures.named(of_structure));
        if let Some(calibration) = &scores.calibration {
            object.extend(numbers_json(&OF_CALIBRATION, &calibration.numbers));
            let by_rater = calibration.ece_by_rater.iter().map(|&ece| json_number(ece));
            object.insert("ece_by_rater".into(), by_rater.collect());
        }
        object
    }

    fn insert_settings(&self, object: &mut Map<String, Value>) {
        let several = &self.args.several;
        object.insert("empty".into(), self.args.empty.name().into());
        object.insert("surface".into(), self.args.surface.name().into());
        object.insert("thresholds".into(), json!(several.thresholds.all()));
        object.insert("threshold_slack".into(), json!(SLACK));
        if several.has_samples() {
            object.insert("similarity".into(), name_of(&several.similarity).into());
            object.insert("pairs".into(), name_of(&several.pairs).into());
        }
        if let Some(reliability) = &self.reliability {
            object.insert("reliability".into(), bins_of(reliability).json());
        }
    }

    /// A number of a structure over the cases.
    pub(super) fn summary(&self, structure: usize, number: impl Fn(&OfStructure) -> f64) -> Summary {
        let numbers = self
            .scored()
            .filter_map(|(_, scores)| scores.structures.get(structure).map(&number));
        Summary::of(numbers, self.args.seed)
    }

    pub(super) fn of_calibration(&self, metric: usize) -> Summary {
        let of_case = |(_, scores): (_, &Scores)| Some(scores.calibration.as_ref()?.numbers[metric]);
        Summary::of(self.scored().filter_map(of_case), self.args.seed)
    }

    /// The numbers of a structure and a rater in the cases that the rater drew.
    pub(super) fn of_rater(&self, structure: usize, rater: &str) -> Vec<[f64; OF_STRUCTURES.len()]> {
        let cases = self.scored().filter_map(|(_, scores)| {
            let at = scores.raters.iter().position(|name| name == rater)?;
            scores.structures.get(structure)?.by_rater.get(at).copied()
        });
        cases.collect()
    }
}

/// What thresholds are compared with.
pub(super) const SLACK: f64 = 1e-9;

/// As the option has it.
fn name_of(value: &impl clap::ValueEnum) -> String {
    value
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}

pub(super) fn found(numbers: &[[f64; OF_STRUCTURES.len()]]) -> Found {
    Found::of(numbers.iter().map(|numbers| VOLUMES.map(|volume| numbers[volume])))
}

fn numbers_json<'a>(names: &'a [(&str, &str)], numbers: &'a [f64]) -> impl Iterator<Item = (String, Value)> {
    names
        .iter()
        .zip(numbers)
        .map(|((key, _), number)| ((*key).to_owned(), json_number(*number)))
}

fn summaries(names: &[(&str, &str)], summaries: impl Iterator<Item = Summary>) -> Map<String, Value> {
    let named = names.iter().zip(summaries);
    named
        .map(|((key, _), summary)| ((*key).to_owned(), summary_json(&summary)))
        .collect()
}
