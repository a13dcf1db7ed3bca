//! Small networks trained on one-hot and on soft labels, and how well each knows where it is unsure.

#[path = "../../../examples/figures/canvas.rs"]
mod canvas;
#[path = "../../../examples/figures/grid.rs"]
mod grid;
mod jobs;
mod nodules;
mod phantoms;
mod unet;

use std::fmt::Display;
use std::io::{self, Write};

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
    Choose(nodules::choose::Choose),
    Phantoms(phantoms::Phantoms),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Nodules(args) => nodules::compare(&args),
        Command::Choose(args) => nodules::choose::choose(&args),
        Command::Phantoms(args) => phantoms::compare(&args),
    }
}

/// Prints a line. A closed pipe is an error, not a panic.
fn say(line: &dyn Display) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}
