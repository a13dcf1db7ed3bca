//! Tables, CSV and what can be concluded.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use super::models::{MODELS, Model};
use super::runs::Run;
use super::scores::{MEAN, Metric, REFERENCES, Scores};
use crate::markdown::{cell, table};

/// All seeds of each model, in the order of the models.
pub(crate) struct Results {
    scores: Vec<Vec<Scores>>,
}

/// The models of the paper's table 1, and those of its table 2, by their keys.
const ONE_RATER: [&str; 5] = ["one_hot", "ls_1", "ls_2", "ls_3", "svls"];
const ALL_RATERS: [&str; 7] = ["one_hot", "svls", "in_turn", "moh", "msvls", "majority", "staple"];

/// What is compared with what.
const PAIRS: [(&str, &str); 9] = [
    ("svls", "one_hot"),
    ("svls", "ls_1"),
    ("svls", "ls_2"),
    ("svls", "ls_3"),
    ("msvls", "svls"),
    ("msvls", "moh"),
    ("msvls", "in_turn"),
    ("msvls", "majority"),
    ("msvls", "staple"),
];

impl Results {
    pub(crate) fn new(runs: &[Run], scores: &[Scores]) -> Self {
        let of_model = |key| {
            let with = runs.iter().zip(scores).filter(|(run, _)| run.model.key == key);
            with.map(|(_, scores)| scores.clone()).collect()
        };
        Self {
            scores: MODELS.map(|model| of_model(model.key)).into(),
        }
    }

    /// The scores of a model, one for each seed.
    pub(crate) fn of(&self, key: &str) -> &[Scores] {
        let model = MODELS.iter().position(|model| model.key == key);
        model.map_or(&[], |model| &self.scores[model])
    }

    fn values(&self, key: &str, reference: usize, metric: Metric) -> Vec<f64> {
        self.of(key)
            .iter()
            .map(|scores| scores.get(reference, metric))
            .collect()
    }

    /// Both tables, as Markdown.
    pub(crate) fn tables(&self) -> String {
        let mut text =
            "Mean ± standard deviation over seeds. DSC and SD: more is better; all others: less is better.\n\n"
                .to_owned();
        let one = Metric::ALL.map(|metric| (0, metric));
        let mean = Metric::ALL.map(|metric| (MEAN, metric));
        text += "**Table 1.** One rater to learn from: judged by that rater, and by the mean of all four.\n\n";
        text += &self.table(&ONE_RATER, &[one, mean].concat());
        let each = |metric| (0..MEAN).map(move |rater| (rater, metric));
        let some = [Metric::Dice, Metric::SurfaceDice, Metric::Ece, Metric::Tace];
        let each: Vec<_> = some.into_iter().flat_map(each).collect();
        text += "\n**Table 2.** One rater or several to learn from: judged by each of four, and by their mean.\n\n";
        text += &self.table(&ALL_RATERS, &[&each[..], &mean].concat());
        text
    }

    fn table(&self, keys: &[&str], rows: &[(usize, Metric)]) -> String {
        let header = ["judged by", "metric"]
            .into_iter()
            .chain(keys.iter().map(|key| Model::named(key)));
        let mut cells: Vec<Vec<String>> = vec![header.map(str::to_owned).collect()];
        for &(reference, metric) in rows {
            let mut row = vec![judge(reference, metric).to_owned(), metric.name().to_owned()];
            row.extend(keys.iter().map(|key| cell(&self.values(key, reference, metric))));
            cells.push(row);
        }
        table(&cells)
    }

    /// Which differences are larger than what seeds make of them: every seed of one is better than every seed of the other.
    pub(crate) fn differences(&self) -> String {
        let seeds = self.scores.first().map_or(0, Vec::len);
        let mut text = format!(
            "Judged by the raters' mean. Named are differences where every seed of one model is better than every seed of the \
             other; for the others nothing can be said. Of two models that are alike {:.1} % of the metrics would be named, and \
             other patients are another matter.\n\n",
            100.0 * chance(seeds)
        );
        for (first, second) in PAIRS {
            let (mut better, mut worse, mut open) = (Vec::new(), Vec::new(), Vec::new());
            for metric in Metric::ALL {
                let [a, b] = [first, second].map(|key| self.values(key, MEAN, metric));
                let (low, high) = if metric.more_is_better() { (b, a) } else { (a, b) };
                match (apart(&low, &high), apart(&high, &low)) {
                    (true, _) => better.push(metric.name()),
                    (_, true) => worse.push(metric.name()),
                    _ => open.push(metric.name()),
                }
            }
            let list = |metrics: Vec<&str>| {
                if metrics.is_empty() {
                    "nothing".into()
                } else {
                    metrics.join(", ")
                }
            };
            let [a, b] = [first, second].map(Model::named);
            let _ = writeln!(
                text,
                "- {a} against {b}: better in {}; worse in {}; not apart in {}.",
                list(better),
                list(worse),
                list(open)
            );
        }
        text
    }

    /// One line for each network and reference.
    pub(crate) fn write_csv(&self, file: &Path) -> Result<()> {
        let mut csv = csv::Writer::from_path(file).with_context(|| format!("{}", file.display()))?;
        let metrics = Metric::ALL.map(Metric::name);
        csv.write_record(["images", "model", "seed", "judged by"].iter().chain(&metrics))?;
        for (model, scores) in MODELS.iter().zip(&self.scores) {
            for (seed, scores) in (1..).zip(scores) {
                for (reference, name) in REFERENCES.iter().enumerate() {
                    let of_run = ["synthetic".into(), model.name.into(), format!("{seed}"), (*name).into()];
                    let values = Metric::ALL.map(|metric| scores.get(reference, metric).to_string());
                    csv.write_record(of_run.iter().chain(&values))?;
                }
            }
        }
        Ok(csv.flush()?)
    }
}

/// Overlap needs labels: that of the raters' mean is with their majority.
fn judge(reference: usize, metric: Metric) -> &'static str {
    match (reference, metric) {
        (MEAN, Metric::Dice) => "majority",
        (MEAN, Metric::SurfaceDice) => "two of four",
        _ => REFERENCES[reference],
    }
}

/// The chance that all of so many numbers are above or all below as many others of the same distribution, 2 / C(2n, n).
fn chance(n: usize) -> f64 {
    (1..=n).fold(2.0, |chance, k| chance * k as f64 / (n + k) as f64)
}

/// Whether all of some numbers are below all others.
fn apart(low: &[f64], high: &[f64]) -> bool {
    low.iter().all(|low| high.iter().all(|high| low < high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_counts_orders() {
        for (n, orders) in [(1, 2.0), (2, 6.0), (3, 20.0), (5, 252.0)] {
            assert!((chance(n) - 2.0 / orders).abs() < 1e-15);
        }
    }

    #[test]
    fn ranges_that_touch_are_not_apart() {
        assert!(apart(&[1.0, 2.0], &[3.0, 2.5]));
        assert!(!apart(&[1.0, 2.0], &[2.0, 3.0]));
        assert!(!apart(&[3.0], &[1.0]));
        assert!(!apart(&[f64::NAN], &[1.0]));
    }
}
