//! Of numbers over cases.

use crate::tables::Definition;

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        keys: &["metric"],
        term: "Metric",
        text: "What a row is about. Each has an entry here.",
        formula: "",
        range: "",
        options: &[],
    },
    Definition {
        keys: &["value"],
        term: "Value",
        text: "The metric of this one case.",
        formula: "",
        range: "",
        options: &[],
    },
    Definition {
        keys: &["mean"],
        term: "Mean",
        text: "The mean over cases in which the metric exists and is finite. An infinite distance is in no mean, so look at the \
               number of infinite ones, too.",
        formula: "",
        range: "",
        options: &["--empty"],
    },
    Definition {
        keys: &["standard_deviation"],
        term: "Standard deviation",
        text: "How much the cases of the mean differ, with their number less 1 as divisor. It does not exist for a single case.",
        formula: "",
        range: "",
        options: &["--empty"],
    },
    Definition {
        keys: &["median"],
        term: "Median",
        text: "The value in the middle: half of the cases are below it. Infinite values are among them, so that a method does not \
               look better by missing more.",
        formula: "",
        range: "",
        options: &["--empty"],
    },
    Definition {
        keys: &["interval_low", "interval_high"],
        term: "95 % interval of the mean",
        text: "Where the mean would lie for other cases of this kind: cases are drawn anew 2000 times, with repetition, and 95 % \
               of the means of these draws lie in the interval (bootstrap, percentiles 2.5 and 97.5). With few cases it is too narrow.",
        formula: "",
        range: "",
        options: &["--seed"],
    },
    Definition {
        keys: &["cases"],
        term: "Cases of the mean",
        text: "In how many cases the metric exists and is finite.",
        formula: "",
        range: "",
        options: &["--empty"],
    },
    Definition {
        keys: &["infinite"],
        term: "Infinite",
        text: "In how many cases the metric is infinite, such as the distance to a structure that was missed.",
        formula: "",
        range: "0 is best.",
        options: &["--empty"],
    },
];
