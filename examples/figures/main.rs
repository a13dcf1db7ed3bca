//! Figures 1(b) and 3 of Islam & Glocker 2021 (arXiv 2104.05788) as PNGs, of the label maps beside this file or yours.
//!
//! `cargo run --example figures` makes those in `docs/`;
//! `cargo run --example figures -- --labels mine.npy --classes 4 --out .` makes them of integer labels (D, H, W), or
//! (rater, D, H, W), of which 0 is the background.

mod canvas;
mod grid;
mod scene;
mod toy;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use canvas::Canvas;
use clap::Parser;
use ndarray::{Array4, ArrayD, ArrayView2, Axis, Ix4};
use ndarray_npy::{ReadNpyError, ReadNpyExt, ReadableElement};
use scene::Scene;
use soft_labels::{Classes, multirater};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Draws what soft labels look like.
#[derive(Parser)]
#[command(name = "figures")]
struct Cli {
    /// Integer labels, (D, H, W) or (rater, D, H, W); 0 is the background.
    #[arg(long, value_name = "FILE.npy", requires = "classes")]
    labels: Option<PathBuf>,
    /// Number of classes, the background among them.
    #[arg(long, value_name = "N", requires = "labels")]
    classes: Option<u8>,
    /// The slice to show; by default the one with most boundary, or most disagreement.
    #[arg(long, value_name = "D", requires = "labels")]
    slice: Option<usize>,
    /// Where the pictures go.
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/docs"))]
    out: PathBuf,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("figures: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let mut figures = Vec::new();
    match (&cli.labels, cli.classes) {
        (Some(path), Some(count)) => {
            let raters = read(path)?;
            let names = (0..count).map(|class| format!("class {class}")).collect::<Vec<_>>();
            figures.push(("confidence.png", confidence(&raters, cli.slice, &names)?));
            if raters.len_of(Axis(0)) > 1 {
                figures.push(("raters.png", several(&raters, cli.slice, &names)?));
            }
        }
        _ => {
            let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
            let names = ["background", "nodule"].map(String::from);
            let agreed = read(&data.join("lidc_0001_4raters_native.npy"))?;
            let disputed = read(&data.join("lidc_0179_4raters_native.npy"))?;
            figures.push(("toy.png", toy::toy()?));
            figures.push(("confidence.png", confidence(&agreed, None, &names)?));
            figures.push(("raters.png", several(&disputed, None, &names)?));
        }
    }
    let files = figures
        .iter()
        .map(|(name, figure)| Ok((cli.out.join(name), figure.png()?)));
    for (path, png) in files.collect::<Result<Vec<_>>>()? {
        write(&path, &png).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

fn confidence(raters: &Array4<i64>, slice: Option<usize>, names: &[String]) -> Result<Canvas> {
    let mixed = |slice: ArrayView2<'_, i64>| {
        let blocks = slice.windows((2, 2)).into_iter();
        blocks
            .filter(|block| block.iter().any(|label| *label != block[[0, 0]]))
            .count() as f64
    };
    let boundary = raters
        .index_axis(Axis(0), 0)
        .outer_iter()
        .map(mixed)
        .collect::<Vec<_>>();
    Ok(scene(raters, slice, &boundary, names)?.confidence()?)
}

fn several(raters: &Array4<i64>, slice: Option<usize>, names: &[String]) -> Result<Canvas> {
    let maps: Vec<_> = raters.outer_iter().collect();
    let entropy = multirater::disagreement(&maps, &Classes::contiguous(names.len())?)?.entropy;
    let disagreement = entropy.outer_iter().map(|slice| slice.sum()).collect::<Vec<_>>();
    Ok(scene(raters, slice, &disagreement, names)?.several()?)
}

/// The slice asked for, or the one that scores highest.
fn scene<'a>(raters: &'a Array4<i64>, slice: Option<usize>, scores: &[f64], names: &[String]) -> Result<Scene<'a>> {
    let highest = (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let slice = slice.or(highest).unwrap_or(0);
    let last = scores.len().saturating_sub(1);
    if slice > last {
        return Err(format!("there is no slice {slice}, the last is {last}").into());
    }
    Ok(Scene {
        raters: raters.outer_iter().collect(),
        classes: Classes::contiguous(names.len())?,
        slice,
        names: names.to_vec(),
    })
}

/// Labels of any usual integer type, (rater, D, H, W).
fn read(path: &Path) -> Result<Array4<i64>> {
    fn of<L: ReadableElement + Copy + Into<i64>>(file: &[u8]) -> std::result::Result<ArrayD<i64>, ReadNpyError> {
        Ok(ArrayD::<L>::read_npy(file)?.mapv(Into::into))
    }
    let file = fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let labels = of::<u8>(&file)
        .or_else(|_| of::<i16>(&file))
        .or_else(|_| of::<i32>(&file))
        .or_else(|_| of::<i64>(&file))
        .map_err(|error| format!("cannot read {} as u8, i16, i32 or i64: {error}", path.display()))?;
    let labels = if labels.ndim() == 3 {
        labels.insert_axis(Axis(0))
    } else {
        labels
    };
    match labels.into_dimensionality::<Ix4>() {
        Ok(labels) if !labels.is_empty() => Ok(labels),
        _ => Err(format!(
            "{} is neither (D, H, W) nor (rater, D, H, W), or is empty",
            path.display()
        )
        .into()),
    }
}

/// A file is there whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, bytes)
        .and_then(|()| fs::rename(&part, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&part);
        })
}
