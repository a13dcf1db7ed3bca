//! Does it help where experts disagree? Images of nuclei that five experts marked.

mod data;
mod objects;
mod pictures;
mod report;
mod scores;
mod train;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use data::Image;
use report::Results;
use scores::{Row, score};
use train::{Run, Settings, Targets, predict, train};

use crate::jobs::processors;
use crate::say::say;
use crate::store::{Store, publish_csv};

/// Compare targets on images of nuclei that five experts marked.
#[derive(Args, Debug)]
pub(crate) struct Cfos {
    /// The folder train_data/lab-wue1 of the published repository, or the repository.
    #[arg(long)]
    data: PathBuf,
    /// One seed, one fold and few steps: whether it runs at all, in a minute.
    #[arg(long)]
    quick: bool,
    /// Seeds of each kind of targets, one network for each.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "quick")]
    seeds: u64,
    /// Networks that are trained at the same time, each on one thread. By default as many as there are processors.
    #[arg(long)]
    jobs: Option<NonZeroUsize>,
    /// Where networks, tables and pictures go. A run that was interrupted is continued there.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/cfos"))]
    out: PathBuf,
}

/// Groups are held out in so many turns.
const FOLDS: usize = 3;

pub(crate) fn compare(args: &Cfos) -> Result<()> {
    let mut groups = data::load(&args.data)?;
    let mut settings = Settings {
        steps: 500,
        batch_size: 8,
        learning_rate: 3e-3,
    };
    let (mut seeds, mut folds, mut out) = (args.seeds, FOLDS, args.out.clone());
    if args.quick {
        settings.steps = 20;
        (seeds, folds) = (1, 1);
        groups.iter_mut().for_each(|group| group.truncate(1));
        out.push("quick");
    }
    let part = |fold: usize, held_out: bool| -> Vec<&Image> {
        let groups = groups.iter().enumerate();
        groups
            .filter(|(group, _)| (group % FOLDS == fold) == held_out)
            .flat_map(|(_, images)| images)
            .collect()
    };
    let about = format!(
        "{} images in {} groups, a third of the groups held out in turn; {} steps of {} crops, Adam with learning rate {}, {seeds} \
         seeds.\n",
        groups.iter().map(Vec::len).sum::<usize>(),
        groups.len(),
        settings.steps,
        settings.batch_size,
        settings.learning_rate,
    );
    say(&about)?;

    let mut runs = Vec::new();
    for seed in 1..=seeds {
        for fold in 0..folds {
            runs.extend(Targets::ALL.map(|targets| Run { targets, fold, seed }));
        }
    }
    let store = Store::open(out.join("networks"), &settings)?;
    let jobs = args.jobs.map_or_else(processors, usize::from);
    store.finish(
        "networks",
        &runs,
        Run::key,
        |_| settings.steps,
        jobs,
        |run, step| {
            let net = train(run.targets, run.seed, &settings, &part(run.fold, false), step)?;
            let about = Row {
                targets: run.targets.name().into(),
                fold: run.fold,
                seed: run.seed,
                ..Row::default()
            };
            let mut rows = Vec::new();
            for image in part(run.fold, true) {
                rows.extend(score(&about, &predict(&net, image)?, image)?);
            }
            Ok((net, rows))
        },
    )?;

    let mut rows = Vec::<Row>::new();
    for run in &runs {
        rows.extend(store.rows(&run.key())?);
    }
    let rows = publish_csv(&out.join("cfos.csv"), &rows)?;
    let images: Vec<_> = groups.iter().flatten().collect();
    let text = format!(
        "{about}\n{}{}",
        Results { rows: &rows }.text(),
        report::agreement(&images)?
    );
    std::fs::write(out.join("cfos.md"), &text)?;
    let first: Vec<_> = runs.iter().filter(|run| run.fold == 0 && run.seed == 1).collect();
    pictures::panel(&first, &store, &part(0, true), &out.join("cfos_panel.png"))?;
    // Predictions are made again, which takes long for more than one seed.
    let first: Vec<_> = runs.iter().copied().filter(|run| run.seed == 1).collect();
    pictures::reliability(&first, &store, part, jobs, &out.join("cfos_reliability.svg"))?;
    say(&text)?;
    say(&out.display())
}
