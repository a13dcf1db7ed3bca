//! Tables, and which differences exceed their intervals.

use std::fmt::Write;

use anyhow::Result;

use super::run::Run;
use super::scores::{METRICS, Metric, Row};
use crate::markdown::{about_intervals, cell, difference_cell, table};
use crate::statistics::{Difference, mean};
use crate::store::Store;

/// The scores of all networks that are compared.
pub(crate) struct Results<'a> {
    pub(crate) rows: &'a [Row],
    /// Volumes to learn from in table 1.
    pub(crate) few: usize,
    pub(crate) volumes: &'a [usize],
    pub(crate) lengths: &'a [usize],
    /// The name of the chosen SVLS.
    pub(crate) chosen: &'a str,
}

/// Share of all intervals together that may miss a difference.
const OUTSIDE: f64 = 0.05;

impl Results<'_> {
    /// A metric on the held-out volumes: by seed and volume.
    pub(crate) fn values(&self, targets: &str, volumes: usize, steps: usize, metric: Metric) -> Vec<Vec<f64>> {
        let fits = |row: &&Row| {
            row.targets == targets && row.volumes == volumes && row.steps == steps && row.part == "held out"
        };
        let mut of_seeds: Vec<(u64, Vec<f64>)> = Vec::new();
        for row in self.rows.iter().filter(fits) {
            match of_seeds.last_mut() {
                Some((seed, values)) if *seed == row.seed => values.push((metric.of)(row)),
                _ => of_seeds.push((row.seed, vec![(metric.of)(row)])),
            }
        }
        of_seeds.into_iter().map(|(_, values)| values).collect()
    }

    /// The mean of a metric over volumes, one number for each seed.
    pub(crate) fn of_seeds(&self, targets: &str, volumes: usize, steps: usize, metric: Metric) -> Vec<f64> {
        let values = self.values(targets, volumes, steps, metric);
        values.iter().map(|of_seed| mean(of_seed)).collect()
    }

    pub(crate) fn last(&self) -> usize {
        self.lengths.last().copied().unwrap_or(0)
    }

    /// The targets of table 1, by their names.
    pub(crate) fn compared(&self) -> Vec<&str> {
        let mut names = vec!["one-hot", "one-hot, temperature", "LS 0.1", "LS 0.2", "LS 0.3", "SVLS"];
        if self.chosen != "SVLS" {
            names.push(self.chosen);
        }
        names
    }

    /// The targets of the learning curves.
    pub(crate) fn curves() -> Vec<&'static str> {
        vec!["one-hot", "one-hot, temperature", "LS 0.1", "SVLS"]
    }

    pub(crate) fn text(&self) -> String {
        let (few, last) = (self.few, self.last());
        let mut text = format!(
            "Every number is the mean over held-out volumes, ± the standard deviation over seeds. DSC and SD: more is better; \
             all others: less is better.\n\n**Table 1.** {few} volumes to learn from, {last} steps.\n\n"
        );
        text += &self.metrics_table(&self.compared());
        text += &self.differences("Table 1", &self.pairs());
        for metric in of_curves() {
            let _ = write!(
                text,
                "\n**{}** over the number of volumes, after {last} steps.\n\n",
                metric.name
            );
            let columns = self
                .volumes
                .iter()
                .map(|&volumes| (format!("{volumes} volumes"), volumes, last));
            text += &self.curve_table(metric, &columns.collect::<Vec<_>>());
            let _ = write!(text, "\n**{}** over the steps, {few} volumes.\n\n", metric.name);
            let columns = self.lengths.iter().map(|&steps| (format!("{steps} steps"), few, steps));
            text += &self.curve_table(metric, &columns.collect::<Vec<_>>());
        }
        text += &self.temperatures();
        text += &self.curve_differences();
        let _ = write!(text, "\n**Two scales.** {few} volumes, {last} steps.\n\n");
        let names = ["SVLS", "SVLS, two scales, pooled", "SVLS, two scales, nearest"];
        text += &self.metrics_table(&names);
        text += &self.differences("Two scales", &[(names[1], names[2]), (names[1], names[0])]);
        text
    }

    fn metrics_table(&self, names: &[&str]) -> String {
        let mut cells = vec![[&["metric"], names].concat().into_iter().map(str::to_owned).collect()];
        for metric in METRICS {
            let of = |name: &&str| cell(&self.of_seeds(name, self.few, self.last(), metric));
            cells.push(
                [metric.name.to_owned()]
                    .into_iter()
                    .chain(names.iter().map(of))
                    .collect(),
            );
        }
        table(&cells)
    }

    fn curve_table(&self, metric: Metric, columns: &[(String, usize, usize)]) -> String {
        let header = ["targets".to_owned()]
            .into_iter()
            .chain(columns.iter().map(|column| column.0.clone()));
        let mut cells: Vec<Vec<String>> = vec![header.collect()];
        for name in Self::curves() {
            let of =
                |(_, volumes, steps): &(String, usize, usize)| cell(&self.of_seeds(name, *volumes, *steps, metric));
            cells.push([name.to_owned()].into_iter().chain(columns.iter().map(of)).collect());
        }
        table(&cells)
    }

    /// What is compared in table 1.
    fn pairs(&self) -> Vec<(&str, &str)> {
        let mut pairs = vec![
            ("SVLS", "one-hot"),
            ("SVLS", "LS 0.1"),
            ("SVLS", "one-hot, temperature"),
        ];
        if self.chosen != "SVLS" {
            pairs.extend([
                (self.chosen, "one-hot"),
                (self.chosen, "one-hot, temperature"),
                (self.chosen, "SVLS"),
            ]);
        }
        pairs
    }

    /// Paired differences with their intervals.
    fn differences(&self, title: &str, pairs: &[(&str, &str)]) -> String {
        let comparisons = pairs.len() * METRICS.len();
        let text = format!(
            "\n**{title}, differences**: the first minus the second. {}\n\n",
            about_intervals(comparisons, OUTSIDE, "seeds and volumes")
        );
        let header = pairs.iter().map(|(first, second)| format!("{first} − {second}"));
        let mut cells: Vec<Vec<String>> = vec![["metric".to_owned()].into_iter().chain(header).collect()];
        for metric in METRICS {
            let mut row = vec![metric.name.to_owned()];
            row.extend(
                pairs
                    .iter()
                    .map(|&pair| self.difference(pair, self.few, self.last(), metric, comparisons)),
            );
            cells.push(row);
        }
        text + &table(&cells)
    }

    /// The points of all curves: what they are called, volumes and steps.
    fn places(&self) -> Vec<(String, usize, usize)> {
        let (few, last) = (self.few, self.last());
        let of_volumes = self
            .volumes
            .iter()
            .map(|&volumes| (format!("{volumes} volumes, {last} steps"), volumes, last));
        let shorter = self.lengths.iter().filter(|&&steps| steps != last);
        let of_steps = shorter.map(|&steps| (format!("{few} volumes, {steps} steps"), few, steps));
        of_volumes.chain(of_steps).collect()
    }

    /// The best temperature of the networks with one-hot labels.
    fn temperatures(&self) -> String {
        let temperature = Metric::less("temperature", |row| row.temperature);
        let mut cells = vec![vec!["one-hot".to_owned()], vec!["temperature".to_owned()]];
        for (place, volumes, steps) in self.places() {
            cells[0].push(place);
            cells[1].push(cell(&self.of_seeds(
                "one-hot, temperature",
                volumes,
                steps,
                temperature,
            )));
        }
        format!(
            "\n**Temperatures** that were chosen. Above 1 a network was overconfident.\n\n{}",
            table(&cells)
        )
    }

    /// Paired differences over the number of volumes and over the steps.
    fn curve_differences(&self) -> String {
        let places = self.places();
        let pairs = ["one-hot", "one-hot, temperature", "LS 0.1"].map(|other| ("SVLS", other));
        let comparisons = pairs.len() * places.len() * of_curves().count();
        let mut text = format!(
            "\n**Differences over volumes and steps.** {}\n",
            about_intervals(comparisons, OUTSIDE, "seeds and volumes")
        );
        for pair in pairs {
            let header = of_curves().map(|metric| metric.name.to_owned());
            let corner = format!("{} − {}", pair.0, pair.1);
            let mut cells: Vec<Vec<String>> = vec![[corner].into_iter().chain(header).collect()];
            for (place, volumes, steps) in &places {
                let of = |metric| self.difference(pair, *volumes, *steps, metric, comparisons);
                cells.push([place.clone()].into_iter().chain(of_curves().map(of)).collect());
            }
            text += "\n";
            text += &table(&cells);
        }
        text
    }

    fn difference(
        &self,
        (first, second): (&str, &str),
        volumes: usize,
        steps: usize,
        metric: Metric,
        comparisons: usize,
    ) -> String {
        let values = |name| self.values(name, volumes, steps, metric);
        let found = Difference::between(&values(first), &values(second), OUTSIDE / comparisons as f64);
        difference_cell(found, metric.more_is_better)
    }
}

/// The metrics of the learning curves.
fn of_curves() -> impl Iterator<Item = Metric> {
    let names = ["DSC both", "ECE", "ECE structures", "TACE", "NLL", "Brier"];
    METRICS.into_iter().filter(move |metric| names.contains(&metric.name))
}

/// What learning rates and kernels were chosen from.
pub(crate) fn choices(rates: &[Run], candidates: &[Run], store: &Store) -> Result<String> {
    let mut cells = vec![
        ["on the volumes for choices", "DSC both", "NLL", "ECE structures"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let rates = rates
        .iter()
        .map(|run| (format!("one-hot, learning rate {}", run.learning_rate), run));
    for (name, run) in rates.chain(candidates.iter().map(|run| (run.name(), run))) {
        let rows = run.rows(store)?;
        let of = |value: fn(&Row) -> f64| {
            let values: Vec<_> = rows.iter().filter(|row| row.part == "choice").map(value).collect();
            format!("{:.4}", mean(&values))
        };
        cells.push(vec![
            name,
            of(|row| row.dsc_both),
            of(|row| row.nll),
            of(|row| row.ece_structures),
        ]);
    }
    Ok(table(&cells))
}
