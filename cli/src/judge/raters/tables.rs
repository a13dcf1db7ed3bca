//! What was found, as tables.

use soft_labels_files::Place;

use super::super::args::{Empty, Scope};
use super::super::found::Found;
use super::super::report::{bins_of, calibration_of_one};
use super::super::scores::OF_STRUCTURES;
use super::args::{Alike, Pairs};
use super::report::{Judgement, SLACK, found};
use super::scores::OF_CALIBRATION;
use crate::command::{Failure, of_file};
use crate::summary::{DRAWS, Summary};
use crate::tables::{Cell, OF_SUMMARY, Table, Tables, all_digits, summary_cells};

/// The names of all tables.
pub(super) const NAMES: [&str; 6] = ["cases", "against_all", "scores", "raters", "calibration", "bins"];

/// What a row of one case shows of each rater, by its place in [`OF_STRUCTURES`].
const OF_RATER: [(usize, &str, &str); 7] = [
    (0, "dice", "Dice"),
    (1, "jaccard", "Jaccard"),
    (4, "volume_prediction_mm3", "vol. pred."),
    (5, "volume_reference_mm3", "vol. rater"),
    (7, "surface_dice", "surf. Dice"),
    (10, "average_surface_distance_mm", "average mm"),
    (11, "hausdorff95_mm", "Hausd. 95"),
];

/// What stands in place of a rater's name in a row of the mean over raters.
const MEAN: &str = "mean";

impl Judgement<'_> {
    /// A row for each case, structure and rater, and one for the mean over raters.
    pub(super) fn write_csv(&self, place: &Place<'_>) -> Result<(), Failure> {
        let first = [("case", ""), ("structure", ""), ("rater", ""), ("raters", "")];
        let metrics = first
            .iter()
            .chain(&OF_STRUCTURES)
            .chain(self.against_all())
            .chain(&OF_CALIBRATION);
        let mut table = Table::new("cases", "", metrics);
        let count = self.against_all().len();
        for (case, scores) in self.scored() {
            for (name, of) in self.structures.names.iter().zip(&scores.structures) {
                let first = |rater: &str| {
                    [
                        case.into(),
                        name.as_str().into(),
                        rater.into(),
                        scores.raters.len().into(),
                    ]
                };
                let nothing = std::iter::repeat_n(f64::NAN, count + OF_CALIBRATION.len());
                for (rater, numbers) in scores.raters.iter().zip(&of.by_rater) {
                    let numbers = numbers.iter().copied().chain(nothing.clone()).map(Cell::from);
                    table.push(first(rater).into_iter().chain(numbers));
                }
                let calibration = scores
                    .calibration
                    .as_ref()
                    .map_or([f64::NAN; OF_CALIBRATION.len()], |of| of.numbers);
                let numbers = of
                    .mean
                    .iter()
                    .chain(of.against_all.iter().take(count))
                    .chain(&calibration);
                table.push(first(MEAN).into_iter().chain(numbers.map(|&number| number.into())));
            }
        }
        place.file(|file| of_file(place.path(), table.write_csv(file)))
    }

    /// For files of one case.
    pub(super) fn tables_of_one(&self) -> Tables {
        let mut tables = Vec::from(self.of_cases(false));
        if let Some(calibration) = self.scored().find_map(|(_, scores)| scores.calibration.as_ref()) {
            let numbers = OF_CALIBRATION.iter().zip(calibration.numbers);
            tables.push(calibration_of_one(numbers));
        }
        tables.extend(self.reliability.as_ref().map(bins_of));
        Tables {
            notes: self.notes(),
            tables,
        }
    }

    pub(super) fn tables(&self, per_case: bool) -> Tables {
        let raters = self.raters().len();
        let missing = self.scored().filter(|(_, scores)| scores.raters.len() < raters).count();
        let most = self.scored().map(|(_, scores)| scores.samples).max().unwrap_or(0);
        let fewer = self.scored().filter(|(_, scores)| scores.samples < most).count();
        let mut notes = vec![
            format!(
                "{} cases, {} failed. {raters} raters; {missing} cases lack one, and have the others.",
                self.cases.len(),
                self.failed()
            ),
            format!(
                "Intervals: 95 % of the mean, bootstrap over cases, {DRAWS} draws, seed {}. Of each case the mean over its \
                 raters counts.",
                self.args.seed
            ),
            "A mean is over finite values. The median has the infinite ones in it. The mean over raters is infinite if one is."
                .to_owned(),
        ];
        if most > 0 {
            notes.push(format!("Samples of a case: at most {most}; {fewer} cases have fewer."));
        }
        notes.extend(self.notes());
        let mut tables = Vec::new();
        if per_case {
            tables.extend(self.of_cases(true));
        }
        tables.push(self.scores());
        tables.push(self.of_raters());
        if self.reliability.is_some() {
            let columns = [("metric", "metric")];
            let mut table = Table::new("calibration", "Calibration", columns.iter().chain(&OF_SUMMARY));
            for (metric, (_, title)) in OF_CALIBRATION.iter().enumerate() {
                let summary = summary_cells(&self.of_calibration(metric));
                table.push([Cell::from(*title)].into_iter().chain(summary));
            }
            tables.push(table);
        }
        tables.extend(self.reliability.as_ref().map(bins_of));
        Tables { notes, tables }
    }

    fn scores(&self) -> Table {
        let columns = [("structure", "structure"), ("metric", "metric")];
        let mut table = Table::new(
            "scores",
            "Structures, mean over raters",
            columns.iter().chain(&OF_SUMMARY),
        );
        for (structure, name) in self.structures.names.iter().enumerate() {
            let mut push = |title: &str, summary: &Summary| {
                table.push(
                    [name.as_str().into(), title.into()]
                        .into_iter()
                        .chain(summary_cells(summary)),
                );
            };
            for (metric, (_, title)) in OF_STRUCTURES.iter().enumerate() {
                push(title, &self.summary(structure, |of| of.mean[metric]));
            }
            for (metric, (_, title)) in self.against_all().iter().enumerate() {
                push(title, &self.summary(structure, |of| of.against_all[metric]));
            }
        }
        table
    }

    /// A row for each structure and rater.
    fn of_raters(&self) -> Table {
        let columns = [
            ("structure", "structure"),
            ("rater", "rater"),
            ("cases", "cases"),
            ("dice", "Dice"),
            ("surface_dice", "surf. Dice"),
            ("average_surface_distance_mm", "average mm"),
            ("hausdorff95_mm", "Hausd. 95"),
        ];
        let title = "Raters: mean scores, median distances, and cases in which a structure is";
        let mut table = Table::new("raters", title, columns.iter().chain(&Found::TITLES));
        for (structure, name) in self.structures.names.iter().enumerate() {
            for rater in self.raters() {
                let numbers = self.of_rater(structure, rater);
                let summary =
                    |metric: usize| Summary::of(numbers.iter().map(|numbers| numbers[metric]), self.args.seed);
                let row = [
                    name.as_str().into(),
                    rater.into(),
                    numbers.len().into(),
                    summary(0).mean.into(),
                    summary(7).mean.into(),
                    summary(10).median.into(),
                    summary(11).median.into(),
                ];
                table.push(row.into_iter().chain(found(&numbers).counts().map(Cell::from)));
            }
        }
        table
    }

    /// A row for each case, if there are several, structure and rater, and another table for all raters together.
    fn of_cases(&self, several: bool) -> [Table; 2] {
        let first = [("case", "case"), ("structure", "structure")];
        let first = first.iter().skip(usize::from(!several));
        let of_rater = OF_RATER.map(|(_, key, title)| (key, title));
        let mut by_rater = Table::new(
            "cases",
            "Raters",
            first.clone().chain(&[("rater", "rater")]).chain(&of_rater),
        );
        let mut all = Table::new(
            "against_all",
            "All raters",
            first.chain(&[("raters", "raters")]).chain(self.against_all()),
        );
        for (case, scores) in self.scored() {
            for (name, of) in self.structures.names.iter().zip(&scores.structures) {
                let first = || {
                    several
                        .then(|| case.into())
                        .into_iter()
                        .chain([Cell::from(name.as_str())])
                };
                let raters = scores.raters.iter().map(String::as_str).zip(&of.by_rater);
                for (rater, numbers) in raters.chain([(MEAN, &of.mean)]) {
                    let numbers = OF_RATER.iter().map(|&(at, ..)| numbers[at].into());
                    by_rater.push(first().chain([rater.into()]).chain(numbers));
                }
                let numbers = of
                    .against_all
                    .iter()
                    .take(self.against_all().len())
                    .map(|&number| number.into());
                all.push(first().chain([scores.raters.len().into()]).chain(numbers));
            }
        }
        [by_rater, all]
    }

    /// What holds for all numbers.
    fn notes(&self) -> Vec<String> {
        let (args, several) = (self.args, &self.args.several);
        let thresholds: Vec<_> = several.thresholds.all().iter().map(ToString::to_string).collect();
        let mut notes = vec![
            args.surface.rule().to_owned(),
            format!(
                "Surfaces agree within {} mm. Distances are in mm, volumes in mm³ (areas in mm² for images).",
                all_digits(args.tolerance_mm)
            ),
            format!(
                "Threshold Dice: probability and share of raters >= {}, with a slack of {SLACK:e}.",
                thresholds.join(", ")
            ),
            "A voxel that a rater ignores does not count against that rater; CRPS is of the volumes that all raters labelled."
                .to_owned(),
            args.empty.rule().to_owned(),
            format!(
                "A threshold that neither side reaches counts as 1 in the threshold Dice of a case that holds the structure. CRPS is {} \
                 for a structure that no map holds.",
                if args.empty != Empty::Skip { "0" } else { "none" }
            ),
        ];
        if self.reliability.is_some() {
            let scope = match args.scope {
                Scope::All => "each voxel",
                Scope::Foreground | Scope::Band => "each voxel of a rater's foreground",
            };
            notes.push(format!(
                "ECE counts {scope} once for each rater who labelled it, in {} bins.",
                args.bins
            ));
        }
        if several.has_samples() {
            let own = match several.pairs {
                Pairs::All => "all pairs, one with itself included (V-statistic)",
                Pairs::Different => "pairs of different masks (U-statistic)",
            };
            let measure = match several.similarity {
                Alike::Iou => "IoU",
                Alike::Dice => "Dice",
            };
            notes.push(format!("Energy distance: squared, of 1 - {measure}, over {own}."));
            notes.push(format!(
                "Two empty masks are alike (similarity 1) in a case that another map holds; if none does, the energy distance is {}, \
                 IoU and Dice as told.",
                if args.empty != Empty::Skip { "0" } else { "none" }
            ));
            notes.push("The other numbers are of the share of the samples, and of its most frequent class, the first of equals."
                .to_owned());
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use soft_labels::metrics::Reliability;

    use super::super::super::args::Args;
    use super::super::super::html::check_definitions;
    use super::super::super::report::Structures;
    use super::super::scores::{AGAINST_ALL, Calibration, OfStructure, Scores};
    use super::*;

    #[derive(Parser)]
    struct Judge {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn every_number_is_defined() {
        let args = Judge::parse_from(["judge", "--samples", "a", "b", "--raters", "c", "d"]).args;
        let reliability = Reliability::new(2).unwrap();
        let scores = Scores {
            raters: vec!["c".into()],
            samples: 2,
            structures: vec![OfStructure {
                by_rater: vec![[0.5; OF_STRUCTURES.len()]],
                mean: [0.5; OF_STRUCTURES.len()],
                against_all: [0.5; AGAINST_ALL.len()],
            }],
            calibration: Some(Calibration {
                numbers: [0.25; OF_CALIBRATION.len()],
                ece_by_rater: vec![0.25],
                reliability: reliability.clone(),
            }),
        };
        let judgement = Judgement {
            args: &args,
            structures: Structures {
                names: vec!["liver".into()],
                classes: 1,
            },
            cases: vec![("a".into(), Ok(scores))],
            reliability: Some(reliability),
        };
        check_definitions(&judgement.tables(true).tables);
        check_definitions(&judgement.tables_of_one().tables);
    }
}
