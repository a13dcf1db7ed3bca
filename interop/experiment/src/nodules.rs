//! The paper's comparison on lung nodules that four radiologists drew.

pub(crate) mod choose;
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

use anyhow::{Context, Result};
use clap::Args;
use data::Nodules;
use image::ORIGIN;
use models::MODELS;
use ndarray::s;
use report::Results;
use scores::Scores;
use train::{EPSILON, FULL, QUICK, predict};

use crate::jobs::{in_parallel, processors, progress};
use crate::say::say;

/// Train ten models of one network, and compare them on held-out patients.
#[derive(Args, Debug)]
pub(crate) struct Compare {
    /// Two seeds and few steps: whether it runs at all, in a minute.
    #[arg(long)]
    quick: bool,
    /// Seeds of each model, one network for each.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(3..), conflicts_with = "quick")]
    seeds: u64,
    /// Networks that are trained at the same time, each on one thread. By default as many as there are processors.
    #[arg(long)]
    jobs: Option<NonZeroUsize>,
    /// Where networks, tables and pictures go. A run that was interrupted is continued there.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/nodules"))]
    out: PathBuf,
}

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
        "{ORIGIN}; the order of the raters identifies nobody.\n{} nodules of {} patients to learn from, {} of {} others to be \
         judged by; {} networks, {} seeds of each model, {} steps of {} crops, Adam with learning rate {} and ε = {EPSILON:e}.\n",
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
    say(&about)?;

    let runs = runs::all(seeds);
    let jobs = args.jobs.map_or_else(processors, usize::from);
    let networks = out.join("networks");
    let store = runs::finish(&runs, &networks, settings, jobs, &nodules, &images)?;

    let held_out = images.slice(s![split.held_out.clone(), .., ..]);
    let bar = progress(runs.len())?.with_message("judging");
    let judged = in_parallel(&runs, jobs, |run| {
        let probabilities = predict(&run.network(&store)?, &held_out)?;
        let scores = Scores::new(&probabilities, &nodules, split.held_out.clone())?;
        bar.inc(1);
        let shown = run.seed == 1 && pictures::SHOWN.iter().any(|(key, _)| *key == run.model.key);
        Ok((scores, shown.then_some((run.model.key, probabilities))))
    })?;
    bar.finish();
    let (scores, shown): (Vec<_>, Vec<_>) = judged.into_iter().unzip();
    let shown: HashMap<_, _> = shown.into_iter().flatten().collect();
    let results = Results::new(&runs, &scores);
    let mut text = results.tables();
    // Two seeds tell nothing.
    if !args.quick {
        text = format!("{text}\n{}", results.differences());
    }
    let [csv, markdown, diagram, panel] =
        ["results.csv", "results.md", "reliability.svg", "panel.png"].map(|name| out.join(name));
    results.write_csv(&csv)?;
    std::fs::write(&markdown, format!("{about}\n{text}")).with_context(|| format!("{}", markdown.display()))?;
    pictures::reliability(&results, &diagram)?;
    pictures::panel(&shown, &nodules, &images, split.held_out, &panel)?;
    say(&text)?;
    for file in [csv, markdown, diagram, panel] {
        say(&file.display())?;
    }
    Ok(())
}
