//! All integration tests, in one binary.
//!
//! The judges come first: [`naive`], an implementation that is obviously right, and the golden numbers of [`golden`]
//! made by tests/golden/generate.py. [`scene`] draws the hard cases, [`layout`] lays arrays out in memory in every way.

mod layout;
mod naive;
mod real;
mod scene;

mod errors;
mod golden;
mod multirater;
mod paper;
mod promises;
mod properties;
mod sparse;
#[cfg(feature = "rayon")]
mod threads;
