//! What the commands have in common: how they begin, and how they fail.

use std::error::Error;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use soft_labels_files::Place;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// How a command ended that could be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Well,
    /// Some cases failed. Each has been named.
    SomeFailed,
}

/// Parses the arguments and runs the command. Whatever is wrong is one line on stderr, and the exit code 2.
pub(crate) fn main<A: Parser>(run: impl FnOnce(&A) -> Result<Outcome, Failure>) -> ExitCode {
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
        Err(error) => {
            complain(&first_paragraph(&error.to_string()));
            return ExitCode::from(2);
        }
    };
    // What panics is told in one line.
    panic::set_hook(Box::new(|_| {}));
    let run = || panic::catch_unwind(AssertUnwindSafe(|| run(&args)));
    match run().unwrap_or_else(|_| Err("a bug of soft-labels; please report it with the command and its input".into()))
    {
        Ok(Outcome::Well) => ExitCode::SUCCESS,
        Ok(Outcome::SomeFailed) => ExitCode::from(1),
        Err(error) => {
            complain(&text(&*error));
            ExitCode::from(2)
        }
    }
}

/// Whether a file that is there already may be replaced.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Existing {
    /// Replaces outputs that exist already
    #[arg(long)]
    pub(crate) overwrite: bool,
}

impl Existing {
    /// The place of an output.
    pub(crate) fn place<'a>(&self, path: &'a Path) -> Place<'a> {
        Place::new(path).overwrite(self.overwrite)
    }
}

/// What failed, with the options that help where the words of the libraries leave them open.
pub(crate) fn text(failure: &(dyn Error + Send + Sync + 'static)) -> String {
    if let Some(soft_labels::Error::UnknownLabel { .. }) = failure.downcast_ref() {
        return format!("{failure} (with --values or --ignore)");
    }
    match failure.downcast_ref().map(soft_labels_files::Error::kind) {
        Some(soft_labels_files::ErrorKind::Exists) => format!("{failure}, or --overwrite"),
        _ => failure.to_string(),
    }
}

/// Text in which characters that steer a terminal, or break or turn a line, are written out.
pub(crate) fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

/// A path for a terminal.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// One line on stderr.
pub(crate) fn complain(message: &str) {
    // A closed stderr is no reason to panic.
    let _ = writeln!(io::stderr(), "soft-labels: {}", printable(message));
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
    result.map_err(|error| format!("{}: {}", path.display(), text(&*error)).into())
}
