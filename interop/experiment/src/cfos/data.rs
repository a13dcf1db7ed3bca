//! Fluorescence microscopy images of nuclei, each marked by five experts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ndarray::{Array2, Array3, ArrayView2, Axis};
use serde::Deserialize;
use soft_labels::Classes;
use soft_labels::fusion::{Staple, Ties, majority_vote};

use crate::statistics::mean;

pub(crate) const EXPERTS: usize = 5;

/// Background and nucleus.
pub(crate) fn classes() -> soft_labels::Result<Classes> {
    Classes::contiguous(2)
}

const WHERE_FROM: &str = "it has to be the folder train_data/lab-wue1 of github.com/matjesg/bioimage_analysis, with images, \
    labels and groups_wue1.csv (Segebarth, Griebel, Stein et al. 2020, eLife 9:e59780; also in their Dryad data set, doi \
    10.5061/dryad.4b8gtht9d; licence Apache-2.0)";

/// The least height and width of an image, which is also the side of the panel.
pub(crate) const LEAST: usize = 96;

/// One image with the experts' masks: 0 background, 1 nucleus.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) name: String,
    /// Mean 0 and standard deviation 1.
    pub(crate) pixels: Array2<f32>,
    /// (expert, H, W)
    experts: Array3<u8>,
    pub(crate) majority: Array2<u8>,
    pub(crate) staple: Array2<u8>,
    /// Pixels that some expert marked, for crops around them.
    pub(crate) marked: Vec<[usize; 2]>,
}

#[derive(Debug, Deserialize)]
struct Group {
    file_id: String,
    group_id: u32,
}

/// The images by group, in the order of the groups.
pub(crate) fn load(folder: &Path) -> Result<Vec<Vec<Image>>> {
    let file = groups_file(folder);
    let mut groups = BTreeMap::<u32, Vec<Image>>::new();
    let mut csv = csv::Reader::from_path(&file).with_context(|| format!("{}: {WHERE_FROM}", file.display()))?;
    for group in csv.deserialize() {
        let Group { file_id, group_id } = group.with_context(|| format!("{}: {WHERE_FROM}", file.display()))?;
        let image = Image::load(file.parent().unwrap_or(folder), file_id)?;
        groups.entry(group_id).or_default().push(image);
    }
    ensure!(
        groups.len() >= 3,
        "{}: fewer than three groups; {WHERE_FROM}",
        file.display()
    );
    Ok(groups.into_values().collect())
}

/// The folder itself, or that of the whole repository.
fn groups_file(folder: &Path) -> PathBuf {
    let inner = folder.join("train_data/lab-wue1/groups_wue1.csv");
    if inner.exists() {
        inner
    } else {
        folder.join("groups_wue1.csv")
    }
}

impl Image {
    fn load(folder: &Path, name: String) -> Result<Self> {
        let values = read(&folder.join(format!("images/{name}.png")))?;
        let shape = values.dim();
        ensure!(
            shape.0 >= LEAST && shape.1 >= LEAST && shape.0 % 4 == 0 && shape.1 % 4 == 0,
            "{name}: {shape:?} pixels; height and width have to be multiples of 4, and at least {LEAST}"
        );
        let mut experts = Array3::zeros((EXPERTS, shape.0, shape.1));
        for (expert, mut mask) in (1..).zip(experts.outer_iter_mut()) {
            let file = folder.join(format!("labels/expert_{expert}/{name}_cFOS.png"));
            let read = read(&file)?;
            ensure!(
                read.dim() == shape,
                "{}: {:?} pixels, and the image has {shape:?}",
                file.display(),
                read.dim()
            );
            mask.zip_mut_with(&read, |label, &level| *label = u8::from(level > 127));
        }
        let views: Vec<_> = experts.outer_iter().collect();
        let majority = majority_vote(&views, &classes()?, Ties::Lowest)?;
        let fusion = Staple::new().fuse::<_, f32, _>(&views, &classes()?)?;
        let staple = fusion.posterior().index_axis(Axis(0), 1).map(|&p| u8::from(p >= 0.5));
        let values = values.map(|&level| f32::from(level));
        let (average, deviation) = (values.mean().unwrap_or(0.0), values.std(0.0).max(f32::MIN_POSITIVE));
        let union = experts.fold_axis(Axis(0), 0, |seen, marked| seen | marked);
        let marked = union.indexed_iter().filter(|(_, marked)| **marked == 1);
        Ok(Self {
            name,
            pixels: values.map(|value| (value - average) / deviation),
            marked: marked.map(|((y, x), _)| [y, x]).collect(),
            experts,
            majority,
            staple,
        })
    }

    pub(crate) fn expert(&self, expert: usize) -> ArrayView2<'_, u8> {
        self.experts.index_axis(Axis(0), expert)
    }

    pub(crate) fn experts(&self) -> Vec<ArrayView2<'_, u8>> {
        self.experts.outer_iter().collect()
    }
}

/// Grey levels of 8 bits; of RGB the mean.
fn read(file: &Path) -> Result<Array2<u8>> {
    let context = || format!("{}: {WHERE_FROM}", file.display());
    let decoder = png::Decoder::new(BufReader::new(File::open(file).with_context(context)?));
    let mut reader = decoder.read_info().with_context(context)?;
    let mut bytes = vec![0; reader.output_buffer_size().with_context(context)?];
    let info = reader.next_frame(&mut bytes).with_context(context)?;
    ensure!(
        info.bit_depth == png::BitDepth::Eight,
        "{}: not of 8 bits; {WHERE_FROM}",
        file.display()
    );
    let samples = info.color_type.samples();
    let level = |pixel: &[u8]| mean(&pixel.iter().take(3).map(|&level| f64::from(level)).collect::<Vec<_>>()) as u8;
    let levels = bytes[..info.buffer_size()].chunks_exact(samples).map(level).collect();
    Ok(Array2::from_shape_vec(
        (info.height as usize, info.width as usize),
        levels,
    )?)
}
