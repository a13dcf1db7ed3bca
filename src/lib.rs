//! Soft labels from segmentation label maps.
//!
//! A network that learns from one-hot targets is told that every voxel is certain. *Soft labels* tell it where the
//! annotation is not: near boundaries, and where experts disagree. This crate makes them from label maps in 2D and
//! 3D, of one annotator or many, by Spatially Varying Label Smoothing (SVLS; Islam & Glocker, [IPMI 2021]), beside the
//! encodings it is compared with:
//!
//! | | one rater | several raters |
//! |---|---|---|
//! | certain everywhere | [`OneHot`] | mOH, [`multirater::average`] of it |
//! | unsure everywhere by the same α | [`LabelSmoothing`] | mLS |
//! | unsure near boundaries | [`Svls`] | mSVLS |
//!
//! ```
//! use ndarray::{Array3, array};
//! use soft_labels::{Classes, SoftEncoder, Svls};
//!
//! // A label map: what an annotator drew. 2D here, (H, W); 3D is (D, H, W).
//! let labels = array![
//!     [0_u8, 0, 0, 0],
//!     [0, 1, 1, 0],
//!     [0, 1, 1, 0],
//!     [0, 0, 0, 0],
//! ];
//! let classes = Classes::contiguous(2)?;
//! let soft: Array3<f32> = Svls::default().encode(&labels, &classes)?;
//!
//! assert_eq!(soft.shape(), [2, 4, 4]); // classes first
//! assert!((soft[[1, 1, 1]] - 0.7028).abs() < 1e-4); // class 1 at a corner of its structure
//! assert!((soft[[1, 0, 0]] - 0.0472).abs() < 1e-4); // a little of it outside
//! # Ok::<(), soft_labels::Error>(())
//! ```
//!
//! # Where to look
//!
//! - What the labels mean: [`Classes`], with listed values and an ignore value. [`Label`] lists the element types.
//! - How to encode: [`SoftEncoder`], whose methods allocate, fill a buffer of yours, or make a window alone. The
//!   results are [`SoftFloat`]s.
//! - How SVLS weighs neighbours: [`SvlsKernel`], by axis, in voxels or millimetres.
//! - Several annotators: [`multirater`].
//! - Many classes, little memory: [`sparse`].
//! - Training on soft labels: [`batch`] for the targets of a step, [`loss`] for values and gradients.
//! - Judging what comes out: [`metrics`], with the calibration errors and surface Dice of the paper.
//! - Joining raters in other ways, to compare with: [`fusion`], majority vote and STAPLE.
//! - What can go wrong: [`Error`]. Nothing panics on data.
//!
//! # When to smooth
//!
//! Last: augment and crop the label map, then encode. Windows commute with smoothing — a window of the result is the
//! same bits as the result of [`encode_window`](SoftEncoder::encode_window) — but resampling and rotation do not:
//! interpolate labels by their nearest neighbour first, and smooth what came out.
//!
//! # Features
//!
//! - `half`: soft labels of `half::f16` and `half::bf16`.
//! - `rayon`: the same calls run on the current rayon pool. Without it no thread is ever started.
//!
//! # Precision
//!
//! Probabilities are computed in `f64` from exact sums and rounded once, so a result is the same to the last bit for
//! any window, any strides, any label type and any number of threads.
//!
//! [IPMI 2021]: https://arxiv.org/abs/2104.05788

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod batch;
pub mod fusion;
pub mod loss;
pub mod metrics;
pub mod multirater;
pub mod sparse;

mod common;
mod encoder;
mod engine;
mod error;
mod input;

pub use encoder::SoftEncoder;
pub use encoder::kernel::{SvlsKernel, SvlsKernelBuilder};
pub use encoder::label_smoothing::LabelSmoothing;
pub use encoder::one_hot::OneHot;
pub use encoder::smooth::Svls;
pub use error::{Error, Result};
pub use input::classes::Classes;
pub use input::dimension::{FixedSpatialDim, SpatialDim};
pub use input::float::SoftFloat;
pub use input::label::Label;
pub use input::raters::Raters;

pub use ndarray;

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
