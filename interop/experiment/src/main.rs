//! Small networks trained on one-hot and on soft labels, and how well each knows where it is unsure.

#[path = "../../../examples/figures/canvas.rs"]
mod canvas;
#[path = "../../../examples/figures/grid.rs"]
mod grid;
mod jobs;
mod nodules;
mod phantoms;
mod unet;

use clap::{Parser, Subcommand};

#[derive(Parser, Debug)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Nodules(nodules::Compare),
    Choose(nodules::Choose),
    Phantoms(phantoms::Phantoms),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Nodules(args) => nodules::compare(&args),
        Command::Choose(args) => nodules::choose(&args),
        Command::Phantoms(args) => phantoms::compare(&args),
    }
}
