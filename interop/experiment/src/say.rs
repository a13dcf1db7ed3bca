//! What the experiment prints.

use std::fmt::Display;
use std::io::{self, Write};

/// Prints a line. A closed pipe is an error, not a panic.
pub(crate) fn say(line: &dyn Display) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}
