//! The volumes of `Task04_Hippocampus`: MR images of the hippocampus with its anterior and posterior part.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use ndarray::{Array3, Ix3};
use nifti::{IntoNdArray, NiftiObject, ReaderOptions};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use soft_labels_files::read_labels;

const WHERE_FROM: &str = "it has to be the folder of Task04_Hippocampus with imagesTr and labelsTr: download \
    Task04_Hippocampus.tar from http://medicaldecathlon.com (Antonelli et al. 2022, doi 10.1038/s41467-022-30695-9; \
    licence CC BY-SA 4.0) and unpack it";

/// The size of a crop to learn from. No volume is smaller.
pub(crate) const CROP: [usize; 3] = [24, 32, 16];

/// One volume with axes (x, y, z), 1 mm apart.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// Mean 0 and standard deviation 1.
    pub(crate) image: Array3<f32>,
    /// 0 background, 1 anterior, 2 posterior.
    pub(crate) labels: Array3<u8>,
}

/// Volumes to learn from, for choices and to be judged by. Which of them are of one person is not published.
#[derive(Debug)]
pub(crate) struct Split {
    pub(crate) train: Vec<Case>,
    pub(crate) choice: Vec<Case>,
    pub(crate) held_out: Vec<Case>,
}

/// Of 260 volumes, 160 are learned from, 50 are for choices and 50 are held out; others in proportion.
pub(crate) fn load(folder: &Path) -> Result<Split> {
    let labels = folder.join("labelsTr");
    let mut names: Vec<String> = fs::read_dir(&labels)
        .with_context(|| format!("{}: {WHERE_FROM}", labels.display()))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".nii.gz") && !name.starts_with('.'))
        .collect();
    names.sort_unstable();
    ensure!(
        names.len() >= 10,
        "{}: {} volumes are too few; {WHERE_FROM}",
        labels.display(),
        names.len()
    );
    names.shuffle(&mut ChaCha8Rng::seed_from_u64(4));
    let mut cases = names
        .into_iter()
        .map(|name| Case::load(folder, &name))
        .collect::<Result<Vec<_>>>()?;
    let other = cases.len() * 50 / 260;
    let held_out = cases.split_off(cases.len() - other.max(1));
    let choice = cases.split_off(cases.len() - other.max(1));
    Ok(Split {
        train: cases,
        choice,
        held_out,
    })
}

impl Case {
    fn load(folder: &Path, name: &str) -> Result<Self> {
        let image = image(&folder.join("imagesTr").join(name))?;
        let labels = labels(&folder.join("labelsTr").join(name))?;
        ensure!(
            image.shape() == labels.shape(),
            "{name}: the image has {:?} voxels and the labels have {:?}",
            image.shape(),
            labels.shape()
        );
        ensure!(
            image.shape().iter().zip(CROP).all(|(&len, crop)| len >= crop),
            "{name}: {:?} voxels are fewer than a crop of {CROP:?} has",
            image.shape()
        );
        ensure!(
            labels.iter().all(|&label| label <= 2),
            "{name}: labels other than 0, 1 and 2; {WHERE_FROM}"
        );
        let mean = image.mean().unwrap_or(0.0);
        let deviation = image.std(0.0).max(f32::MIN_POSITIVE);
        ensure!(deviation.is_finite(), "{name}: the image is not finite");
        Ok(Self {
            name: name.trim_end_matches(".nii.gz").to_owned(),
            image: image.map(|value| (value - mean) / deviation),
            labels,
        })
    }
}

/// In C order.
fn image(file: &Path) -> Result<Array3<f32>> {
    let context = || format!("{}: {WHERE_FROM}", file.display());
    let volume = ReaderOptions::new()
        .read_file(file)
        .with_context(context)?
        .into_volume();
    let volume = volume.into_ndarray::<f32>().with_context(context)?;
    let volume = volume.into_dimensionality::<Ix3>().with_context(context)?;
    Ok(volume.as_standard_layout().into_owned())
}

/// In C order.
fn labels(file: &Path) -> Result<Array3<u8>> {
    let labels = read_labels(file)
        .and_then(|map| map.labels.cast::<u8>())
        .context(WHERE_FROM)?;
    let labels = labels
        .into_dimensionality::<Ix3>()
        .with_context(|| format!("{}: {WHERE_FROM}", file.display()))?;
    Ok(labels.as_standard_layout().into_owned())
}
