//! The command `soft-labels`: soft labels of files, and how well predictions agree with label maps.

mod command;
mod encode;
mod judge;
mod read;
mod space;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Soft labels of segmentation label maps, and the metrics that go with them.
#[derive(Debug, Parser)]
#[command(name = "soft-labels", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Encode(Box<encode::Args>),
    Judge(judge::Args),
}

fn main() -> ExitCode {
    command::main(|cli: &Cli| match &cli.command {
        Command::Encode(args) => encode::run(args),
        Command::Judge(args) => judge::run(args),
    })
}
