//! Tables, and which differences exceed their intervals.

use anyhow::Result;

use super::data::{EXPERTS, Image, classes};
use super::objects::Objects;
use super::scores::{METRICS, Metric, Row, dice};
use super::train::Targets;
use crate::markdown::{about_intervals, cell, difference_cell, table};
use crate::statistics::{Difference, mean};

/// The scores of all networks.
pub(crate) struct Results<'a> {
    pub(crate) rows: &'a [Row],
}

/// Share of all intervals together that may miss a difference.
const OUTSIDE: f64 = 0.05;

const PAIRS: [(Targets, Targets); 7] = [
    (Targets::OneSvls, Targets::One),
    (Targets::OneSvls, Targets::OneSmoothed),
    (Targets::MeanSvls, Targets::One),
    (Targets::MeanSvls, Targets::InTurn),
    (Targets::MeanSvls, Targets::Mean),
    (Targets::MeanSvls, Targets::Majority),
    (Targets::MeanSvls, Targets::Staple),
];

impl Results<'_> {
    /// A metric by seed and image. Each image is held out once a seed.
    fn values(&self, targets: Targets, judged_by: &str, metric: Metric) -> Vec<Vec<f64>> {
        let mut of_seeds = std::collections::BTreeMap::<u64, Vec<f64>>::new();
        for row in self.rows {
            if row.targets == targets.name() && row.judged_by == judged_by {
                of_seeds.entry(row.seed).or_default().push((metric.of)(row));
            }
        }
        of_seeds.into_values().collect()
    }

    pub(crate) fn text(&self) -> String {
        let mut text =
            "Every number is the mean over held-out images, ± the standard deviation over seeds. DSC and F1: more is \
                        better; all others: less is better.\n\n**Table 2.**\n\n"
                .to_owned();
        let header = ["judged by", "metric"]
            .into_iter()
            .chain(Targets::ALL.map(Targets::name));
        let mut cells: Vec<Vec<String>> = vec![header.map(str::to_owned).collect()];
        let judges: Vec<String> = (1..=EXPERTS).map(|expert| format!("expert {expert}")).collect();
        for metric in METRICS {
            for judge in judges.iter().map(String::as_str).chain(["mean"]) {
                let mut row = vec![judge.to_owned(), metric.name.to_owned()];
                row.extend(Targets::ALL.map(|targets| {
                    let values = self.values(targets, judge, metric);
                    cell(&values.iter().map(|of_seed| mean(of_seed)).collect::<Vec<_>>())
                }));
                cells.push(row);
            }
        }
        text += &table(&cells);
        text + &self.differences()
    }

    /// Paired differences, judged by the experts' mean.
    fn differences(&self) -> String {
        let comparisons = PAIRS.len() * METRICS.len();
        let outside = OUTSIDE / comparisons as f64;
        let text = format!(
            "\n**Differences in table 2**, judged by the experts' mean: the first minus the second. {}\n\n",
            about_intervals(comparisons, OUTSIDE, "seeds and images")
        );
        let header = METRICS.iter().map(|metric| metric.name.to_owned());
        let mut cells: Vec<Vec<String>> = vec![["first − second".to_owned()].into_iter().chain(header).collect()];
        for (first, second) in PAIRS {
            let mut row = vec![format!("{} − {}", first.name(), second.name())];
            row.extend(METRICS.iter().map(|metric| {
                let values = |targets| self.values(targets, "mean", *metric);
                let found = Difference::between(&values(first), &values(second), outside);
                difference_cell(found, metric.more_is_better)
            }));
            cells.push(row);
        }
        text + &table(&cells)
    }
}

/// How well the experts agree with each other: above the diagonal the mean DSC of an image, below it the mean F1 of objects.
pub(crate) fn agreement(images: &[&Image]) -> Result<String> {
    let experts = || (1..=EXPERTS).map(|expert| format!("expert {expert}"));
    let mut cells: Vec<Vec<String>> = vec![["".to_owned()].into_iter().chain(experts()).collect()];
    let classes = classes()?;
    for (first, name) in experts().enumerate() {
        let mut row = vec![name];
        for second in 0..EXPERTS {
            let of = |image: &&Image| {
                let (a, b) = (image.expert(first), image.expert(second));
                if first < second {
                    dice(&a, &b, &classes)
                } else {
                    Ok(Objects::match_up(&a, &b).f1())
                }
            };
            row.push(if first == second {
                "–".into()
            } else {
                format!("{:.2}", mean(&images.iter().map(of).collect::<Result<Vec<_>>>()?))
            });
        }
        cells.push(row);
    }
    Ok(format!(
        "\n**The experts against each other.** Above the diagonal: the mean DSC of an image. Below: the mean F1 of objects.\n\n{}",
        table(&cells)
    ))
}
