//! The choice of the learning rate.

use anyhow::Result;
use clap::Args;
use indicatif::ProgressBar;
use ndarray::s;

use super::data::Nodules;
use super::image::{ORIGIN, synthesise};
use super::models::MODELS;
use super::scores::{Metric, Scores};
use super::train::{FULL, Settings, predict, train};
use crate::jobs::{in_parallel, processors};
use crate::say::say;

/// Try learning rates on one-hot labels of one rater, judged on patients that are neither learned from nor held out.
#[derive(Args, Debug)]
pub(crate) struct Choose {
    #[arg(long, default_value_t = FULL.steps)]
    steps: usize,
}

pub(crate) fn choose(args: &Choose) -> Result<()> {
    let nodules = Nodules::load()?;
    let images = synthesise(&nodules)?;
    let split = nodules.split();
    say(&format!(
        "{ORIGIN}.\n\n| samples a step | learning rate | loss while learning | DSC | NLL |\n|---|---|---|---|---|"
    ))?;
    // First what the paper's code has.
    let candidates = [(2, 1e-4), (16, 1e-4), (16, 1e-3), (16, 3e-3), (16, 1e-2)];
    let bar = ProgressBar::new((candidates.len() * args.steps) as u64);
    let rows = in_parallel(&candidates, processors(), |&(batch_size, learning_rate)| {
        let settings = Settings {
            steps: args.steps,
            batch_size,
            learning_rate,
        };
        let mut losses = Vec::new();
        let step = |loss| {
            bar.inc(1);
            losses.push(loss);
        };
        let net = train(&MODELS[0], 1, settings, &nodules, &images, split.train.clone(), step)?;
        let probabilities = predict(&net, &images.slice(s![split.choice.clone(), .., ..]))?;
        let scores = Scores::new(&probabilities, &nodules, split.choice.clone())?;
        let last = &losses[losses.len().saturating_sub(100)..];
        let loss = last.iter().sum::<f32>() / last.len() as f32;
        let [dice, nll] = [Metric::Dice, Metric::Nll].map(|metric| scores.get(0, metric));
        Ok(format!(
            "| {batch_size} | {learning_rate} | {loss:.4} | {dice:.4} | {nll:.4} |"
        ))
    })?;
    bar.finish_and_clear();
    say(&rows.join("\n"))
}
