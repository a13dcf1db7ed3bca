//! The paper's comparison on lung nodules that four radiologists drew.

mod data;
mod image;
mod models;
mod pictures;
mod report;
mod runs;
mod sampler;
mod scores;
mod train;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use anyhow::{Context, Result};
use clap::Args;
use data::Nodules;
use image::ORIGIN;
use indicatif::{ProgressBar, ProgressStyle};
use models::MODELS;
use ndarray::s;
use report::Results;
use scores::{Metric, Scores};
use train::{Settings, predict, train};

use crate::jobs::in_parallel;

/// Train ten models of one network, and compare them on held-out patients.
#[derive(Args, Debug)]
pub(crate) struct Compare {
    /// Two seeds and few steps: whether it runs at all, in a minute.
    #[arg(long)]
    quick: bool,
    /// Seeds of each model, one network for each.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(2..), conflicts_with = "quick")]
    seeds: u64,
    /// Networks that are trained at the same time, each on one thread. By default as many as there are processors.
    #[arg(long)]
    jobs: Option<NonZeroUsize>,
    /// Where networks, tables and pictures go. A run that was interrupted is continued there.
    #[arg(long, default_value = "target/nodules")]
    out: PathBuf,
}

/// The learning rate and the number of samples a step were chosen by `choose`, on one-hot labels of one rater alone.
const FULL: Settings = Settings {
    steps: 1500,
    batch_size: 16,
    learning_rate: 3e-3,
};
const QUICK: Settings = Settings { steps: 60, ..FULL };

pub(crate) fn compare(args: &Compare) -> Result<()> {
    let (settings, seeds) = if args.quick { (QUICK, 2) } else { (FULL, args.seeds) };
    let out = if args.quick {
        args.out.join("quick")
    } else {
        args.out.clone()
    };
    let nodules = Nodules::load()?;
    let images = image::synthesise(&nodules)?;
    let split = nodules.split();
    let about = format!(
        "{ORIGIN}.\n{} nodules of {} patients to learn from, {} of {} others to be judged by; {} networks, {} seeds \
         of each model, {} steps of {} crops, Adam with learning rate {}.\n",
        split.train.len(),
        nodules.patients_in(&split.train),
        split.held_out.len(),
        nodules.patients_in(&split.held_out),
        MODELS.len() as u64 * seeds,
        seeds,
        settings.steps,
        settings.batch_size,
        settings.learning_rate
    );
    println!("{about}");

    let runs = runs::all(seeds);
    let jobs = args
        .jobs
        .map_or_else(thread::available_parallelism, Ok)
        .map_or(1, usize::from);
    let networks = out.join("networks");
    runs::finish(&runs, &networks, settings, jobs, &nodules, &images)?;

    let held_out = images.slice(s![split.held_out.clone(), .., ..]);
    let bar = ProgressBar::new(runs.len() as u64).with_style(ProgressStyle::with_template(
        "{bar:40} {percent:>3} %, {eta} left, judging",
    )?);
    let judged = in_parallel(&runs, jobs, |run| {
        let probabilities = predict(&run.network(&networks)?, &held_out)?;
        let scores = Scores::new(&probabilities, &nodules, split.held_out.clone())?;
        bar.inc(1);
        let shown = run.seed == 1 && pictures::SHOWN.iter().any(|(key, _)| *key == run.model.key);
        Ok((scores, shown.then_some((run.model.key, probabilities))))
    })?;
    bar.finish();
    let (scores, shown): (Vec<_>, Vec<_>) = judged.into_iter().unzip();
    let shown: HashMap<_, _> = shown.into_iter().flatten().collect();
    let results = Results::new(&runs, &scores);
    let text = format!("{}\n{}", results.tables(), results.differences());
    println!("{text}");
    let [csv, markdown, diagram, panel] =
        ["results.csv", "results.md", "reliability.svg", "panel.png"].map(|name| out.join(name));
    results.write_csv(&csv)?;
    std::fs::write(&markdown, format!("{about}\n{text}")).with_context(|| format!("{}", markdown.display()))?;
    pictures::reliability(&results, &diagram)?;
    pictures::panel(&shown, &nodules, &images, split.held_out, &panel)?;
    for file in [csv, markdown, diagram, panel] {
        println!("{}", file.display());
    }
    Ok(())
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Try learning rates on one-hot labels of one rater, judged on patients that are neither learned from nor held out.
#[derive(Args, Debug)]
pub(crate) struct Choose {
    #[arg(long, default_value_t = FULL.steps)]
    steps: usize,
}

pub(crate) fn choose(args: &Choose) -> Result<()> {
    let nodules = Nodules::load()?;
    let images = image::synthesise(&nodules)?;
    let split = nodules.split();
    println!(
        "{ORIGIN}.\n\n| samples a step | learning rate | loss while learning | DSC | NLL |\n|---|---|---|---|---|"
    );
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
    println!("{}", rows.join("\n"));
    Ok(())
}
