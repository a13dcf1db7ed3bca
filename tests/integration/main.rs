//! All integration tests, in one binary.
//!
//! The judges come first: [`naive`], an implementation that is obviously right, and the golden numbers of [`golden`]
//! made by tests/golden/generate.py; for losses, fusions and metrics those of [`fixture`]. [`scene`] draws the hard cases, [`layout`] lays arrays out in memory in every way.

mod expected;
mod fixture;
mod layout;
mod naive;
mod real;
mod scene;

mod agreement;
mod batch;
mod boundary_band;
mod calibration;
mod channels;
mod encoding;
mod errors;
mod fusion;
mod golden;
mod kernel;
mod label_loss;
mod loss;
mod membership_loss;
mod metrics;
mod multirater;
mod orders;
mod paper;
mod pool;
mod promises;
mod properties;
mod quantize;
mod raters;
mod scaling;
#[cfg(feature = "serde")]
mod serde;
mod sparse;
mod structures;
mod surfaces;
#[cfg(feature = "rayon")]
mod threads;
mod window;
