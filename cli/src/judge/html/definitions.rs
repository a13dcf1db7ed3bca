//! What the numbers of `judge` mean.

mod calibration;
mod cases;
mod raters;
mod structures;

use crate::judge::raters::{AGAINST_ALL, OF_CALIBRATION as CALIBRATION_OF_RATERS};
use crate::judge::scores::{OF_CALIBRATION, OF_STRUCTURES};
use crate::tables::{Definition, Glossary};

pub(super) fn glossary() -> Glossary {
    let raters = CALIBRATION_OF_RATERS
        .iter()
        .zip(OF_RATERS)
        .map(|((_, title), key)| (key, *title));
    let metrics = OF_STRUCTURES.iter().chain(&OF_CALIBRATION).chain(&OF_CLASSES);
    Glossary {
        definitions: all().collect(),
        metrics: metrics.chain(&AGAINST_ALL).copied().chain(raters).collect(),
    }
}

/// What the calibration of several raters is called here: its keys in files are those of one reference.
const OF_RATERS: [&str; 3] = ["raters_ece", "raters_nll", "raters_brier"];

/// The metrics of the table of calibration by class.
const OF_CLASSES: [(&str, &str); 4] = [
    ("class_ece", "ECE"),
    ("class_ace", "ACE"),
    ("class_mce", "MCE"),
    ("aurc", "AURC"),
];

/// In the order of the page.
fn all() -> impl Iterator<Item = &'static Definition> {
    let parts = [
        structures::DEFINITIONS,
        raters::DEFINITIONS,
        calibration::DEFINITIONS,
        cases::DEFINITIONS,
    ];
    parts.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_metric_is_defined() {
        let glossary = glossary();
        for (key, _) in &glossary.metrics {
            assert!(glossary.of_key(key).is_some(), "{key} has no definition");
        }
    }

    #[test]
    fn keys_are_defined_once() {
        let mut known = HashSet::new();
        for key in all().flat_map(|definition| definition.keys) {
            assert!(known.insert(key), "{key} is defined twice");
        }
    }

    /// An option that was renamed is renamed here, too.
    #[test]
    fn options_exist() {
        #[derive(clap::Parser)]
        struct Judge {
            #[command(flatten)]
            args: crate::judge::Args,
        }
        let command = <Judge as clap::CommandFactory>::command();
        let known: HashSet<_> = command.get_arguments().filter_map(|arg| arg.get_long()).collect();
        for option in all().flat_map(|definition| definition.options) {
            assert!(known.contains(option.trim_start_matches("--")), "{option}");
        }
    }
}
