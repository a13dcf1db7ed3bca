//! The losses that soft labels are made for, with their gradients.
//!
//! | | smallest value | use |
//! |---|---|---|
//! | [`SoftCrossEntropy`] | the entropy of the target | equation 3 of Islam & Glocker 2021 |
//! | [`SoftCrossEntropy::kl_divergence`] | 0 | the same gradient; the value is the distance to the optimum |
//! | [`DiceSemimetric`], [`JaccardSemimetric`] | 0 | region losses whose minimum is at the soft target |
//! | [`BinaryCrossEntropy`] | the entropy of the target | each channel alone, for regions and structures that overlap |
//! | [`DiceSemimetric::sigmoid`] | 0 | each channel alone, for the Dice and Jaccard losses |
//!
//! Targets are soft labels, dense or sparse, or label maps ([`LabelTargets`]), whose soft labels are then made a small part at a
//! time.
//!
//! Whether the first axis is a batch is said where a loss is made, since shapes cannot tell: `of_map` takes logits and targets
//! of one map, (C, H, W) or (C, D, H, W), and `of_batch` those of a batch, (N, C, H, W) or (N, C, D, H, W). They are `f32` or
//! `f64`, and any strides will do: what is not in C order is copied first. Sums run in `f64` in one fixed order, whatever the number of threads.
//!
//! ```
//! use ndarray::{Array3, array};
//! use soft_labels::loss::SoftCrossEntropy;
//! use soft_labels::{Classes, SoftEncoder, Svls};
//!
//! let labels = array![[0_u8, 0, 1, 1]];
//! let targets: Array3<f32> = Svls::default().encode(&labels, &Classes::contiguous(2)?)?;
//! let logits = Array3::<f32>::zeros((2, 1, 4)); // from a network
//! let (loss, gradient) = SoftCrossEntropy::of_map().value_and_gradient(&logits, &targets)?;
//!
//! assert!((loss - 2_f64.ln()).abs() < 1e-6); // both classes have probability 0.5
//! assert!(gradient[[0, 0, 0]] < 0.0); // a larger logit of class 0 lowers the loss here
//! # Ok::<(), soft_labels::Error>(())
//! ```

mod activation;
mod batch;
mod binary_cross_entropy;
mod block;
mod class_weights;
mod cross_entropy;
mod elementary;
mod label_targets;
mod overlap;
mod reduction;
mod semimetric;
mod simd;
mod targets;

pub use binary_cross_entropy::BinaryCrossEntropy;
pub use cross_entropy::SoftCrossEntropy;
pub use elementary::LossFloat;
pub use label_targets::LabelTargets;
pub use overlap::{Dice, Jaccard, Overlap, OverlapForm};
pub use reduction::{Divisor, Reduction};
pub use semimetric::{DiceSemimetric, JaccardSemimetric, Semimetric};
pub use targets::Targets;
