//! How much the raters of a case count.

use std::str::FromStr;

use ndarray::{ArrayViewD, IxDyn};
use soft_labels::fusion::Staple;
use soft_labels::{Classes, Label, Raters};

use super::args::Args;
use super::report::Report;
use crate::command::Failure;
use crate::jobs::Job;

/// How much each rater counts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RaterWeights {
    Given(Vec<f64>),
    /// By their performance, as STAPLE estimates it.
    Staple,
}

impl FromStr for RaterWeights {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "staple" {
            return Ok(Self::Staple);
        }
        let weights = text.split(',').map(|weight| weight.trim().parse().ok());
        weights
            .collect::<Option<_>>()
            .map(Self::Given)
            .ok_or_else(|| "write a number for each rater, like 1,2,1, or staple".into())
    }
}

/// The given weights of those who drew a case.
pub(super) fn given(args: &Args, job: &Job) -> Option<Vec<f64>> {
    let Some(RaterWeights::Given(weights)) = &args.rater_weights else {
        return None;
    };
    if args.files.drawn.raters.is_empty() {
        return Some(weights.clone());
    }
    // As many as there are folders: the arguments were checked.
    let drawn = job.raters().filter_map(|(rater, _)| weights.get(rater).copied());
    Some(drawn.collect())
}

/// An error where weights are found from whole label maps, but only blocks are read.
#[cfg(feature = "zarr")]
pub(super) fn check_blocks(args: &Args) -> Result<(), Failure> {
    if args.rater_weights == Some(RaterWeights::Staple) {
        return Err(
            "--rater-weights staple needs whole label maps, and Zarr is written block by block; write another format, or \
             give the weights"
                .into(),
        );
    }
    Ok(())
}

/// The raters of a case with their weights, given or found.
pub(super) fn raters<'a, L: Label>(
    args: &Args,
    given: Option<&[f64]>,
    views: &'a [ArrayViewD<'a, L>],
    classes: &Classes,
    report: &mut Report,
) -> Result<Raters<'a, L, IxDyn>, Failure> {
    Ok(match given {
        Some(weights) => Raters::weighted(views, weights)?,
        None if args.rater_weights == Some(RaterWeights::Staple) => {
            let raters = Staple::new().weighted_raters(views, classes)?;
            report.weights(raters.weights());
            raters
        }
        None => Raters::new(views)?,
    })
}
