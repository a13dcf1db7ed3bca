//! Training of all models, several at a time.

use std::path::Path;

use anyhow::Result;
use burn::tensor::Device;
use ndarray::ArrayRef3;

use super::data::Nodules;
use super::models::{MODELS, Model};
use super::train::{Settings, train};
use crate::store::Store;
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
    pub(crate) fn key(&self) -> String {
        format!("{}_seed_{}", self.model.key, self.seed)
    }

    /// The network that was trained. What burn writes of its normalisation is the running statistics before the last step.
    pub(crate) fn network(&self, store: &Store) -> Result<UNet> {
        store.network(&self.key(), UNet::new(2, &Device::default()))
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
) -> Result<Store> {
    let store = Store::open(folder.to_owned(), &settings)?;
    let part = nodules.split().train;
    store.finish(
        "networks",
        runs,
        Run::key,
        |_| settings.steps,
        jobs,
        |run, step| {
            let net = train(&run.model, run.seed, settings, nodules, images, part.clone(), |_| {
                step();
            })?;
            // They are judged when all are there.
            Ok((net, Vec::<()>::new()))
        },
    )?;
    Ok(store)
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        let store = finish(SETTINGS).unwrap();

        let some = images.slice(s![..4, .., ..]);
        let of_file = || predict(&runs[1].network(&store).unwrap(), &some).unwrap();
        let before = of_file();
        assert_ne!(before, predict(&runs[0].network(&store).unwrap(), &some).unwrap());

        // One is lost, and one is marked to see that nobody touches it.
        let file = |run: &Run, extension| folder.join(format!("{}.{extension}", run.key()));
        fs::remove_file(file(&runs[1], "csv")).unwrap();
        fs::write(file(&runs[2], "bpk"), "not a network").unwrap();
        finish(SETTINGS).unwrap();
        assert_eq!(of_file(), before);
        assert_eq!(fs::read(file(&runs[2], "bpk")).unwrap(), b"not a network");

        let error = runs[2].network(&store).unwrap_err().to_string();
        assert!(error.contains("ls_2_seed_1.bpk"), "{error}");
        let other = Settings { steps: 3, ..SETTINGS };
        assert!(finish(other).unwrap_err().to_string().contains("--out"));
    }
}
