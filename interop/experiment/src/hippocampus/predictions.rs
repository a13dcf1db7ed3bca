//! Predictions of one network in files, for other programs to judge.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use burn::module::Module;
use burn::tensor::Device;
use clap::Args;
use soft_labels_files::{Geometry, Place, write_probabilities};

use super::data;
use super::train::{predict, probabilities};
use crate::say::say;
use crate::unet3d::UNet3d;

/// Write what a trained network predicts for the held-out volumes of the hippocampus.
#[derive(Args, Debug)]
pub(crate) struct Predict {
    /// The folder of `Task04_Hippocampus`, with imagesTr and labelsTr.
    #[arg(long)]
    data: PathBuf,
    /// A network that `hippocampus` has trained, a .bpk file of its folder `networks`.
    #[arg(long)]
    network: PathBuf,
    /// A folder for a .npy file of each volume: probabilities (C, D, H, W) with the axes of labelsTr.
    #[arg(long)]
    out: PathBuf,
}

pub(crate) fn write(args: &Predict) -> Result<()> {
    let net = UNet3d::new(3, &Device::default())
        .try_load_file(&args.network)
        .with_context(|| format!("{}", args.network.display()))?;
    fs::create_dir_all(&args.out).with_context(|| format!("{}", args.out.display()))?;
    for case in data::load(&args.data)?.held_out {
        let file = args.out.join(format!("{}.npy", case.name));
        let probabilities = probabilities(&predict(&net, &case)?, 1.0);
        write_probabilities(Place::new(&file).overwrite(true), &probabilities, &Geometry::unknown())?;
    }
    say(&args.out.display())
}
