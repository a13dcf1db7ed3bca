//! Training of all models, several at a time. A network that is finished is a file, and is not trained again.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, io};

use anyhow::{Context, Result, ensure};
use burn::module::Module;
use burn::tensor::Device;
use ndarray::ArrayRef3;

use super::data::Nodules;
use super::models::{MODELS, Model};
use super::train::{Settings, train};
use crate::jobs::{in_parallel, progress};
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

    /// The network that was trained. What burn writes of its normalisation is the running statistics before the last step.
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
    images: &ArrayRef3<f32>,
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
    let steps = missing.len() * settings.steps;
    let bar = progress(steps)?;
    let done = AtomicUsize::new(runs.len() - missing.len());
    let report = |done: usize| {
        let message = format!("{done} of {} networks", runs.len());
        // Where there is no terminal there is no bar.
        if bar.is_hidden() {
            eprintln!("{message}");
        }
        bar.set_message(message);
    };
    report(done.load(Ordering::Relaxed));
    let part = nodules.split().train;
    in_parallel(&missing, jobs, |run| {
        let step = |_| bar.inc(1);
        let net = train(&run.model, run.seed, settings, nodules, images, part.clone(), step)?;
        // Whoever is interrupted leaves no half of a file under its name.
        let file = run.file(folder);
        let unfinished = file.with_extension("part");
        net.save_file(&unfinished)?;
        fs::rename(&unfinished, &file).with_context(|| format!("{}", file.display()))?;
        report(done.fetch_add(1, Ordering::Relaxed) + 1);
        Ok(())
    })?;
    bar.finish();
    Ok(())
}

/// Networks of other settings do not belong together.
fn same_settings(folder: &Path, settings: Settings) -> Result<()> {
    let (file, now) = (
        folder.join("settings.txt"),
        format!("version {}, {settings:?}\n", env!("CARGO_PKG_VERSION")),
    );
    match fs::read_to_string(&file) {
        Ok(before) => ensure!(
            before == now,
            "{} holds networks of other settings, {}; these are {}; give another --out or delete it",
            folder.display(),
            before.trim(),
            now.trim()
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::write(&file, now).with_context(|| format!("{}", file.display()))?;
        }
        Err(error) => return Err(error).with_context(|| format!("{}", file.display())),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::s;

    use super::*;
    use crate::nodules::image::synthesise;
    use crate::nodules::train::predict;

    const SETTINGS: Settings = Settings {
        steps: 2,
        batch_size: 4,
        learning_rate: 1e-2,
    };

    #[test]
    fn what_is_finished_stays() {
        let nodules = Nodules::load().unwrap();
        let images = synthesise(&nodules).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let runs = &all(2)[..3];
        let finish = |settings| finish(runs, folder, settings, 2, &nodules, &images);
        finish(SETTINGS).unwrap();

        let some = images.slice(s![..4, .., ..]);
        let of_file = || predict(&runs[1].network(folder).unwrap(), &some).unwrap();
        let before = of_file();
        assert_ne!(before, predict(&runs[0].network(folder).unwrap(), &some).unwrap());

        // One is lost, and one is marked to see that nobody touches it.
        fs::remove_file(runs[1].file(folder)).unwrap();
        fs::write(runs[2].file(folder), "not a network").unwrap();
        finish(SETTINGS).unwrap();
        assert_eq!(of_file(), before);
        assert_eq!(fs::read(runs[2].file(folder)).unwrap(), b"not a network");

        let error = runs[2].network(folder).unwrap_err().to_string();
        assert!(error.contains("ls_2_seed_1.bpk"), "{error}");
        let other = Settings { steps: 3, ..SETTINGS };
        assert!(finish(other).unwrap_err().to_string().contains("--out"));
    }
}
