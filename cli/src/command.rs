//! What the commands have in common: how they begin, how they fail, and how classes are given.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use soft_labels::Classes;

pub(crate) type Failure = Box<dyn Error>;

/// Parses the arguments and runs the command. Whatever is wrong is one line on stderr, and the exit code 2.
pub(crate) fn main<A: Parser>(run: impl FnOnce(&A) -> Result<(), Failure>) -> ExitCode {
    let args = match A::try_parse() {
        Ok(args) => args,
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::DisplayHelp
                    | ErrorKind::DisplayVersion
                    | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            ) =>
        {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
        Err(error) => return fail(&first_paragraph(&error.to_string())),
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(message: &str) -> ExitCode {
    // In the words of the command line; a closed stderr is no reason to panic.
    let message = message
        .replace("Classes::from_values", "--values")
        .replace("Classes::with_ignore", "--ignore");
    let _ = writeln!(io::stderr(), "soft-labels: {}", message.replace('\n', " "));
    ExitCode::from(2)
}

/// What clap says before it goes on about usage, in one line.
fn first_paragraph(message: &str) -> String {
    let lines = message.lines().map(str::trim).take_while(|line| !line.is_empty());
    lines
        .collect::<Vec<_>>()
        .join(" ")
        .trim_start_matches("error: ")
        .to_owned()
}

/// What became of our output. Whoever closes it early has seen enough.
pub(crate) fn printed(result: io::Result<()>) -> Result<(), Failure> {
    match result.and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write the output: {error}").into())
        }
        _ => Ok(()),
    }
}

/// Puts a file's name before what is wrong with it.
pub(crate) fn of_file<T>(path: &Path, result: Result<T, Failure>) -> Result<T, Failure> {
    result.map_err(|error| format!("{}: {error}", path.display()).into())
}

/// What the labels mean.
#[derive(Debug, clap::Args)]
pub(crate) struct ClassArgs {
    /// Number of classes, for labels 0, 1, ..., N-1.
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "values",
        required_unless_present = "values"
    )]
    classes: Option<usize>,

    /// The label of each class, in the order of the class axis.
    #[arg(long, value_name = "V,V..", value_delimiter = ',', allow_hyphen_values = true)]
    values: Option<Vec<i64>>,

    /// The label of voxels that nobody labelled.
    #[arg(long, value_name = "V", allow_hyphen_values = true)]
    ignore: Option<i64>,
}

impl ClassArgs {
    pub(crate) fn classes(&self) -> Result<Classes, Failure> {
        let classes = match &self.values {
            Some(values) => Classes::from_values(values.iter().copied())?,
            None => Classes::contiguous(self.classes.unwrap_or_default())?,
        };
        Ok(match self.ignore {
            Some(value) => classes.with_ignore(value)?,
            None => classes,
        })
    }
}
