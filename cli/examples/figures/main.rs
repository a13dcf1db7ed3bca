//! Figures 1(b) and 3 of Islam & Glocker 2021 (arXiv 2104.05788) with lung nodules, and the README's first picture.
//!
//! `cargo run -p soft-labels-cli --example figures` makes those in `docs/`. `soft-labels show` draws your own label maps.

mod toy;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use ndarray::{Array4, ArrayView2, Axis, Ix4};
use soft_labels::{Classes, multirater};
use soft_labels_draw::canvas::Canvas;
use soft_labels_draw::scene::Scene;
use soft_labels_files::read_labels;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Draws the pictures of the documentation.
#[derive(Parser)]
#[command(name = "figures")]
struct Cli {
    /// Where the pictures go [default: the folder docs].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
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
    let out = cli.out.clone().unwrap_or(Path::new(ROOT).join("docs"));
    let nodule = |name: &str| -> Result<Array4<i64>> {
        let map = read_labels(Path::new(ROOT).join("examples/data").join(name))?;
        Ok(map.labels.into_i64().into_dimensionality::<Ix4>()?)
    };
    let figures = [
        ("toy.png", toy::toy()?),
        ("confidence.png", confidence(&nodule("lidc_0001_4raters_native.npy")?)?),
        ("raters.png", several(&nodule("lidc_0179_4raters_native.npy")?)?),
    ];
    for (name, figure) in figures {
        fs::write(out.join(name), figure.png()?)?;
    }
    Ok(())
}

/// The first rater's slice with most boundary.
fn confidence(raters: &Array4<i64>) -> Result<Canvas> {
    let mixed = |slice: ArrayView2<'_, i64>| {
        let blocks = slice.windows((2, 2)).into_iter();
        blocks
            .filter(|block| block.iter().any(|label| *label != block[[0, 0]]))
            .count() as f64
    };
    let first = raters.index_axis(Axis(0), 0);
    let boundary = first.outer_iter().map(mixed).collect::<Vec<_>>();
    Ok(scene(raters, &boundary)?.confidence()?)
}

/// The slice with most disagreement.
fn several(raters: &Array4<i64>) -> Result<Canvas> {
    let maps: Vec<_> = raters.outer_iter().collect();
    let entropy = multirater::disagreement(&maps, &Classes::contiguous(2)?)?.entropy;
    let disagreement = entropy.outer_iter().map(|slice| slice.sum()).collect::<Vec<_>>();
    Ok(scene(raters, &disagreement)?.several()?)
}

/// The slice that scores highest.
fn scene<'a>(raters: &'a Array4<i64>, scores: &[f64]) -> Result<Scene<'a>> {
    Ok(Scene {
        raters: raters.outer_iter().map(|map| map.into_dyn()).collect(),
        classes: Classes::contiguous(2)?,
        slice: (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])),
        names: ["background", "nodule"].map(String::from).to_vec(),
        spacing: [1.0; 2],
    })
}
