//! `soft-labels calibrate`: temperatures that make predictions as sure as they are right.

mod apply;
mod args;
mod fit;
mod outputs;
mod report;

pub(crate) use self::args::Args;
use crate::command::{Failure, Outcome};

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    args.work.start()?;
    match &args.apply {
        Some(calibration) => apply::run(args, calibration),
        None => fit::run(args),
    }
}
