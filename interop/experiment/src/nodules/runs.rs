//! Training of all models, several at a time. A network that is finished is a file, and is not trained again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, ensure};
use burn::module::Module;
use burn::tensor::Device;
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::ArrayView3;

use super::data::Nodules;
use super::models::{MODELS, Model};
use super::train::{Settings, train};
use crate::unet::UNet;

/// A model with one of its seeds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) model: Model,
    pub(crate) seed: u64,
}

/// Seed after seed, so that an interrupted experiment has compared all models with the same seeds.
pub(crate) fn all(seeds: u64) -> Vec<Run> {
    (1..=seeds)
        .flat_map(|seed| MODELS.map(|model| Run { model, seed }))
        .collect()
}

impl Run {
    fn file(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}_seed_{}.bpk", self.model.key, self.seed))
    }

    /// The network that was trained.
    pub(crate) fn network(&self, folder: &Path) -> Result<UNet> {
        let file = self.file(folder);
        UNet::new(2, &Device::default())
            .try_load_file(&file)
            .with_context(|| format!("{}: delete it, and it is trained again", file.display()))
    }
}

/// Trains whatever is not yet in the folder, `jobs` networks at a time.
pub(crate) fn finish(
    runs: &[Run],
    folder: &Path,
    settings: Settings,
    jobs: usize,
    nodules: &Nodules,
    images: ArrayView3<'_, f32>,
) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    same_settings(folder, settings)?;
    let missing: Vec<_> = runs.iter().filter(|run| !run.file(folder).exists()).collect();
    if missing.len() < runs.len() {
        eprintln!(
            "{} of {} networks are there already",
            runs.len() - missing.len(),
            runs.len()
        );
    }
    let bar = ProgressBar::new((missing.len() * settings.steps) as u64).with_style(ProgressStyle::with_template(
        "{bar:40} {percent:>3} %, {eta} left, {msg}",
    )?);
    let (queue, done) = (Mutex::new(missing.iter()), Mutex::new(runs.len() - missing.len()));
    let split = nodules.split();
    let work = || -> Result<()> {
        loop {
            let Some(run) = queue.lock().ok().and_then(|mut queue| queue.next()) else {
                return Ok(());
            };
            let step = |_| bar.inc(1);
            let net = train(
                &run.model,
                run.seed,
                settings,
                nodules,
                images,
                split.train.clone(),
                step,
            )?;
            // Whoever is interrupted leaves no half of a file under its name.
            let (file, part) = (
                run.file(folder),
                folder.join(format!("{}_{}.part", run.model.key, run.seed)),
            );
            net.save_file(&part)?;
            fs::rename(&part, &file).with_context(|| format!("{}", file.display()))?;
            if let Ok(mut done) = done.lock() {
                *done += 1;
                bar.set_message(format!("{done} of {} networks", runs.len()));
            }
        }
    };
    bar.set_message(format!("{} of {} networks", runs.len() - missing.len(), runs.len()));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| anyhow::anyhow!("training panicked"))?)
    })?;
    bar.finish();
    Ok(())
}

/// Networks of other settings do not belong together.
fn same_settings(folder: &Path, settings: Settings) -> Result<()> {
    let (file, now) = (folder.join("settings.txt"), format!("{settings:?}\n"));
    match fs::read_to_string(&file) {
        Ok(before) => ensure!(
            before == now,
            "{} holds networks of other settings, {}; these are {}; give another --out or delete it",
            folder.display(),
            before.trim(),
            now.trim()
        ),
        Err(_) => fs::write(&file, now).with_context(|| format!("{}", file.display()))?,
    }
    Ok(())
}
