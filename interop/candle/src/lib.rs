//! Soft labels in [candle]: targets as tensors, and the losses that they are made for.
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use ndarray::Array2;
//! use soft_labels::batch::Sample;
//! use soft_labels::{Classes, Svls};
//! use soft_labels_candle::{soft_cross_entropy, soft_targets};
//!
//! let labels = Array2::<u8>::zeros((64, 64));
//! let samples = [Sample::new(labels.view())?.window(&[0..32, 8..40])];
//! let targets = soft_targets(&Svls::default(), &samples, &Classes::contiguous(3)?, &Device::Cpu)?;
//! assert_eq!(targets.dims(), [1, 3, 32, 32]); // (N, C, H, W)
//!
//! let logits = Tensor::zeros((1, 3, 32, 32), DType::F32, &Device::Cpu)?; // from a network
//! let loss = soft_cross_entropy(&logits, &targets, None, None)?;
//! assert!((loss.to_scalar::<f32>()? - 3_f32.ln()).abs() < 1e-6);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`label_loss`] takes label maps and makes no soft labels of them: any loss of [`soft_labels::loss`], on the CPU.
//!
//! The example `candle_data_loader` reads label maps from disk and makes batches of random crops on worker threads.
//!
//! [candle]: https://github.com/huggingface/candle

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod batch;
mod cross_entropy;
mod label_loss;

pub use batch::{soft_target_scales, soft_targets};
pub use cross_entropy::soft_cross_entropy;
pub use label_loss::{LabelLoss, LabelTargets, label_loss};

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
