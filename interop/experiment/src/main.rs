//! Small networks trained on one-hot and on soft labels, and how well each knows where it is unsure.

mod cfos;
mod diagrams;
mod hippocampus;
mod initial;
mod jobs;
mod markdown;
mod metric;
mod nodules;
mod say;
mod schedule;
mod statistics;
mod store;
mod unet;
mod unet3d;

use clap::{Parser, Subcommand};

#[derive(Parser, Debug)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Cfos(cfos::Cfos),
    Hippocampus(hippocampus::Hippocampus),
    Nodules(nodules::Compare),
    Predict(hippocampus::predictions::Predict),
    Time(hippocampus::Time),
    Choose(nodules::choose::Choose),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Cfos(args) => cfos::compare(&args),
        Command::Hippocampus(args) => hippocampus::compare(&args),
        Command::Predict(args) => hippocampus::predictions::write(&args),
        Command::Time(args) => hippocampus::time(&args),
        Command::Nodules(args) => nodules::compare(&args),
        Command::Choose(args) => nodules::choose::choose(&args),
    }
}
