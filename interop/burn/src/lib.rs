//! Soft labels in [burn]: targets as tensors, and the losses that they are made for.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use ndarray::Array2;
//! use soft_labels::batch::Sample;
//! use soft_labels::{Classes, Svls};
//! use soft_labels_burn::{SoftCrossEntropyLossConfig, soft_targets};
//!
//! let device = Device::default();
//! let labels = Array2::<u8>::zeros((64, 64));
//! let samples = [Sample::new(labels.view())?.window(&[0..32, 8..40])];
//! let targets: Tensor<4> = soft_targets(&Svls::default(), &samples, &Classes::contiguous(3)?, &device)?; // (N, C, H, W)
//!
//! let logits = Tensor::<4>::zeros([1, 3, 32, 32], &device); // from a network
//! let loss = SoftCrossEntropyLossConfig::new().init(&device)?.forward(logits, targets)?;
//! assert!((loss.into_scalar::<f32>() - 3_f32.ln()).abs() < 1e-5);
//! # Ok::<(), soft_labels::Error>(())
//! ```
//!
//! | | |
//! |---|---|
//! | [`SoftCrossEntropyLoss`], [`SemimetricLoss`] | losses as modules: cross entropy, Dice and Jaccard |
//! | [`LabelTargets`] | label maps on a device as the targets of a loss |
//! | [`soft_targets`], [`soft_target_scales`] | soft labels of label maps in memory, as tensors |
//! | `SegmentationMetric`, feature `train` | Dice and the calibration error in burn's training loop |
//!
//! The example `burn_data_loader` reads label maps from disk and makes batches of random crops on worker threads.
//!
//! [burn]: https://burn.dev

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod batch;
mod class_index;
mod cross_entropy;
mod label_targets;
#[cfg(feature = "train")]
mod metric;
mod neighbours;
mod plan;
mod prepared;
mod semimetric;
mod targets;

pub use batch::{BatchDim, soft_target_scales, soft_targets};
pub use cross_entropy::{SoftCrossEntropyLoss, SoftCrossEntropyLossConfig};
pub use label_targets::LabelTargets;
#[cfg(feature = "train")]
pub use metric::{SegmentationInput, SegmentationMetric};
pub use semimetric::{Form, Overlap, SemimetricLoss, SemimetricLossConfig};
pub use targets::Targets;

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
