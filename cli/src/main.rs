//! The command `soft-labels`: soft labels of files, and how well predictions agree with label maps.

mod agree;
mod calibrate;
mod cases;
mod channels;
mod classes;
mod command;
mod encode;
mod fuse;
mod grid;
mod html;
mod jobs;
mod judge;
mod memory;
mod raters;
mod show;
mod spared;
mod summary;
mod tables;
mod work;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use command::{Failure, Outcome};

/// Soft labels of segmentation label maps, and the metrics that go with them
#[derive(Debug, Parser)]
#[command(
    name = "soft-labels",
    version,
    after_help = "\
soft-labels COMMAND --help shows two examples. The exit code is 0 if all is well, 1 if some cases failed, and 2 for
wrong use or input."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Agree(Box<agree::Args>),
    Encode(Box<encode::Args>),
    Fuse(Box<fuse::Args>),
    Judge(Box<judge::Args>),
    Calibrate(Box<calibrate::Args>),
    Show(Box<show::Args>),
    /// Prints completions for a shell
    Completions {
        shell: Shell,
    },
    /// Prints the manual page as roff
    Man,
}

fn main() -> ExitCode {
    command::main(|cli: &Cli| match &cli.command {
        Command::Agree(args) => agree::run(args),
        Command::Encode(args) => encode::run(args),
        Command::Fuse(args) => fuse::run(args),
        Command::Judge(args) => judge::run(args),
        Command::Calibrate(args) => calibrate::run(args),
        Command::Show(args) => show::run(args),
        Command::Completions { shell } => completions(*shell),
        Command::Man => manual(),
    })
}

fn completions(shell: Shell) -> Result<Outcome, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "soft-labels", &mut text);
    // clap_complete 4.6 takes the hyphen of our name for the end of a command in some places.
    let text = String::from_utf8_lossy(&text).replace("soft__subcmd__labels", "soft__labels");
    command::printed(io::stdout().write_all(text.as_bytes()))?;
    Ok(Outcome::Well)
}

/// One page: the command, and then each of its commands.
fn manual() -> Result<Outcome, Failure> {
    let mut text = Vec::new();
    let mut cli = Cli::command();
    cli.build();
    clap_mangen::Man::new(cli.clone()).render(&mut text)?;
    for command in cli.get_subcommands() {
        clap_mangen::Man::new(command.clone()).render(&mut text)?;
    }
    command::printed(io::stdout().write_all(&text))?;
    Ok(Outcome::Well)
}
