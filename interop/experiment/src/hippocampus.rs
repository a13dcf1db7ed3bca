//! Does it help? MR volumes of the hippocampus, one annotation each.

mod data;
mod judge;
mod pictures;
pub(crate) mod predictions;
mod report;
mod run;
mod sampler;
mod scores;
mod train;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Result, anyhow};
use clap::Args;
use report::Results;
use run::{Run, SVLS, Scales, Targets};
use scores::Row;
use train::BATCH;

use crate::jobs::{in_parallel, processors};
use crate::say::say;
use crate::statistics::mean;
use crate::store::{Store, publish_csv};

/// Compare targets on MR volumes of the hippocampus: how well networks segment, and how well they know where they are unsure.
#[derive(Args, Debug)]
pub(crate) struct Hippocampus {
    /// The folder of `Task04_Hippocampus`, with imagesTr and labelsTr.
    #[arg(long)]
    data: PathBuf,
    /// One seed and few steps: whether it runs at all, in a minute.
    #[arg(long)]
    quick: bool,
    /// Seeds of each kind of targets, one network for each.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "quick")]
    seeds: u64,
    /// Networks that are trained at the same time, each on one thread. By default as many as there are processors.
    #[arg(long)]
    jobs: Option<NonZeroUsize>,
    /// Where networks, tables and pictures go. A run that was interrupted is continued there.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/hippocampus"))]
    out: PathBuf,
}

/// Time a step of training on MR volumes of the hippocampus, and the targets in it.
#[derive(Args, Debug)]
pub(crate) struct Time {
    /// The folder of `Task04_Hippocampus`, with imagesTr and labelsTr.
    #[arg(long)]
    data: PathBuf,
    /// Steps for each kind of targets.
    #[arg(long, default_value = "50")]
    steps: usize,
    /// Networks that are trained at the same time, each on one thread.
    #[arg(long, default_value = "1")]
    jobs: NonZeroUsize,
}

pub(crate) fn time(args: &Time) -> Result<()> {
    let split = data::load(&args.data)?;
    let smoothing = Targets::Smoothing { alpha: 0.1 };
    for targets in [Targets::OneHot, smoothing, SVLS] {
        let run = Run {
            targets,
            volumes: split.train.len(),
            seed: 1,
            scales: Scales::Full,
            learning_rate: 1e-3,
            steps: args.steps.max(1),
        };
        let runs = vec![run; args.jobs.into()];
        for [targets, step] in in_parallel(&runs, args.jobs.into(), |run| train::time(run, &split.train))? {
            say(&format!(
                "{}: {step:.1} ms a step, {targets:.2} ms of it for the targets",
                runs[0].name()
            ))?;
        }
    }
    Ok(())
}

/// What is compared.
#[derive(Debug)]
pub(crate) struct Plan {
    seeds: u64,
    /// Numbers of volumes to learn from.
    volumes: Vec<usize>,
    /// That of the choices and of the tables.
    few: usize,
    /// Numbers of steps; the last is that of the choices and of the tables.
    lengths: Vec<usize>,
    rates: Vec<f64>,
    candidates: Vec<Targets>,
}

impl Plan {
    fn full(seeds: u64) -> Self {
        let svls = |sigma, radius, strength| Targets::Svls {
            sigma,
            radius,
            strength,
        };
        let mut candidates: Vec<_> = [0.5, 1.0, 2.0]
            .into_iter()
            .flat_map(|sigma| [0.25, 0.5, 1.0].map(|strength| svls(sigma, 1, strength)))
            .collect();
        candidates.push(svls(1.0, 2, 1.0));
        Self {
            seeds,
            volumes: vec![5, 20, 80, 160],
            few: 20,
            lengths: vec![400, 800, 1600],
            rates: vec![1e-3, 3e-3, 1e-2],
            candidates,
        }
    }

    fn quick(volumes: usize) -> Self {
        Self {
            seeds: 1,
            volumes: vec![volumes.min(2), volumes.min(5)],
            few: volumes.min(5),
            lengths: vec![10, 20],
            rates: vec![3e-3],
            candidates: Self::full(1).candidates[3..5].to_vec(),
        }
    }
}

pub(crate) fn compare(args: &Hippocampus) -> Result<()> {
    let mut split = data::load(&args.data)?;
    let mut plan = Plan::full(args.seeds);
    plan.volumes.retain(|&volumes| volumes <= split.train.len());
    let mut out = args.out.clone();
    if args.quick {
        plan = Plan::quick(split.train.len());
        split.held_out.truncate(4);
        split.choice.truncate(2);
        out.push("quick");
    }
    let steps = plan.lengths.last().copied().unwrap_or(0);
    let about = format!(
        "{} volumes to learn from, {} for choices, {} held out; at most {} steps of {} crops of {:?} voxels, Adam, {} seeds.\n",
        split.train.len(),
        split.choice.len(),
        split.held_out.len(),
        steps,
        BATCH,
        data::CROP,
        plan.seeds
    );
    say(&about)?;
    let store = Store::open(out.join("networks"), &(BATCH, data::CROP))?;
    let jobs = args.jobs.map_or_else(processors, usize::from);
    let finish = |what: &str, runs: &[Run], chosen_from: bool| {
        store.finish(
            what,
            runs,
            Run::key,
            |run| run.steps,
            jobs,
            |run, step| run.finish(&split, chosen_from, step),
        )
    };

    let run = |targets, volumes, seed, learning_rate| Run {
        targets,
        volumes,
        seed,
        scales: Scales::Full,
        learning_rate,
        steps,
    };
    // The learning rate by one-hot labels, so that no other target is favoured.
    let rates: Vec<_> = plan
        .rates
        .iter()
        .map(|&rate| run(Targets::OneHot, plan.few, 1, rate))
        .collect();
    finish("learning rate", &rates, true)?;
    let dice = |row: &Row| row.dsc_both;
    let rate = best(&rates, &store, |run| run.learning_rate, |row| -dice(row))?;

    let candidates: Vec<_> = plan
        .candidates
        .iter()
        .map(|&targets| run(targets, plan.few, 1, rate))
        .collect();
    finish("σ and strength", &candidates, true)?;
    let chosen = best(&candidates, &store, |run| run.targets, |row| row.nll)?;

    let smoothing = |alpha| Targets::Smoothing { alpha };
    let curves = [Targets::OneHot, smoothing(0.1), SVLS];
    let mut compared = curves.to_vec();
    if chosen != SVLS {
        compared.push(chosen);
    }
    let mut runs = Vec::new();
    for seed in 1..=plan.seeds {
        let others = [smoothing(0.2), smoothing(0.3)];
        runs.extend(
            compared
                .iter()
                .chain(&others)
                .map(|&targets| run(targets, plan.few, seed, rate)),
        );
        for &volumes in plan.volumes.iter().filter(|&&volumes| volumes != plan.few) {
            runs.extend(curves.map(|targets| run(targets, volumes, seed, rate)));
        }
        for &shorter in plan.lengths.iter().filter(|&&length| length < steps) {
            runs.extend(curves.map(|targets| Run {
                steps: shorter,
                ..run(targets, plan.few, seed, rate)
            }));
        }
        runs.extend([Scales::Pooled, Scales::Nearest].map(|scales| Run {
            scales,
            ..run(SVLS, plan.few, seed, rate)
        }));
    }
    finish("comparison", &runs, false)?;

    let mut rows = Vec::new();
    for (runs, part) in [(&runs, "held out"), (&rates, "choice"), (&candidates, "choice")] {
        for run in runs {
            rows.extend(run.rows(&store)?.into_iter().filter(|row: &Row| row.part == part));
        }
    }
    let rows = publish_csv(&out.join("hippocampus.csv"), &rows)?;
    let results = Results {
        rows: &rows,
        few: plan.few,
        volumes: &plan.volumes,
        lengths: &plan.lengths,
        chosen: &chosen.name(),
    };
    let choices = report::choices(&rates, &candidates, &store)?;
    let text = format!(
        "{about}\n{choices}\nChosen: learning rate {rate}, {}.\n\n{}",
        chosen.name(),
        results.text()
    );
    let file = |name: &str| out.join(name);
    std::fs::write(file("hippocampus.md"), &text)?;
    pictures::curves(&results, &file("hippocampus_curves.svg"))?;
    let shown: Vec<_> = compared
        .iter()
        .map(|&targets| run(targets, plan.few, 1, rate))
        .collect();
    pictures::panel(&shown, &store, &split.held_out, &file("hippocampus_panel.png"))?;
    pictures::reliability(
        &runs,
        &results,
        &store,
        &split.held_out,
        jobs,
        &file("hippocampus_reliability.svg"),
    )?;
    say(&text)?;
    say(&out.display())
}

/// What the run with the least mean on the volumes for choices has.
fn best<T>(runs: &[Run], store: &Store, what: impl Fn(&Run) -> T, less: impl Fn(&Row) -> f64) -> Result<T> {
    let mut least = None;
    for run in runs {
        let rows = run.rows(store)?;
        let of_choice: Vec<_> = rows.iter().filter(|row| row.part == "choice").map(&less).collect();
        let score = mean(&of_choice);
        if least.as_ref().is_none_or(|(so_far, _)| score < *so_far) {
            least = Some((score, what(run)));
        }
    }
    Ok(least.ok_or_else(|| anyhow!("nothing to choose from"))?.1)
}
