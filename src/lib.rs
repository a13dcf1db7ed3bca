//! Soft labels from segmentation label maps.
//!
//! A label map goes in, the probability of each class at each pixel or voxel comes out. Such *soft labels* tell a network
//! where the annotation is uncertain: near boundaries, and where annotators disagree. The crate works in 2D and 3D, for one
//! annotator (a *rater*) or several. Its method is Spatially Varying Label Smoothing (SVLS; Islam & Glocker, [IPMI 2021]);
//! the encodings that SVLS is compared with are here, too:
//!
//! | | one rater | several raters |
//! |---|---|---|
//! | certain everywhere | [`OneHot`] | mOH, its [`multirater::average`] |
//! | uncertain everywhere by the same α | [`LabelSmoothing`] | mLS |
//! | uncertain near boundaries | [`Svls`] | mSVLS |
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
//! - Which labels are classes, and which value is ignored: [`Classes`]. [`Label`] lists the element types.
//! - The methods that encode: [`SoftEncoder`]. Its methods return a new array or write to a given buffer, for a whole label
//!   map or a window. The results are [`SoftFloat`]s, and new arrays are in C order.
//! - A part of a label map: [`Window`]. The label maps of several raters: [`Raters`].
//! - The weights of SVLS, in voxels or millimetres, one value for all axes or one for each ([`PerAxis`]): [`SvlsKernel`].
//! - An encoder that is chosen at run time, from a configuration file for example: [`Encoding`].
//! - Channels that are not the classes, such as regions that hold one another, ordered classes, or labels that mean "one of
//!   these": [`Channels`]. One mask a structure: [`structures`].
//! - Several raters: [`multirater`]; majority vote and STAPLE to compare with: [`fusion`].
//! - Many classes in little memory: [`sparse`].
//! - Soft labels in 8 bits, to store them: [`quantize`].
//! - Targets at coarser scales, for deep supervision: [`pool`].
//! - The targets of a training step: [`batch`]. Losses with their gradients: [`loss`].
//! - Overlap, surface and calibration of predictions: [`metrics`].
//! - What can go wrong: [`Error`]. Nothing panics on data.
//!
//! # Examples by question
//!
//! Short programs in the folder `examples` of the repository; run one with `cargo run --features serde --example NAME`.
//!
//! | Question | Example |
//! |---|---|
//! | How do I get soft labels of a `Vec<u8>` or of my own PNG masks? | `from_vec_and_png` |
//! | In which order do I augment, crop and encode? | `augment_then_encode` |
//! | What if some of four annotators are missing? | `missing_raters` |
//! | How do I keep 100 classes in memory, and train on them? | `many_classes_sparse` |
//! | What are the targets of outputs at several resolutions? | `several_scales` |
//! | How do I choose the encoding in a configuration file? | `encoding_from_json` |
//!
//! # When to smooth
//!
//! Last: augment and crop the label map, then encode. A window has the same bits as that part of the whole result, so take
//! crops as windows with [`encode_window`](SoftEncoder::encode_window). Do not resample, rotate or deform soft labels:
//! resample the label map by nearest neighbour, then encode the result.
//!
//! # Features
//!
//! - `half`: soft labels of `half::f16` and `half::bf16`.
//! - `simd`: losses are computed with AVX2 where the processor has it. The result has the same bits.
//! - `rayon`: large inputs are computed on the current rayon pool. The result has the same bits. Without it no thread is
//!   started.
//! - `serde`: [`Encoding`], [`Classes`] and results of [`metrics`] can be read from and written to JSON, TOML and other
//!   formats.
//!
//! # Order
//!
//! *C order* means that the last axis is contiguous in memory. All arrays that the crate
//! allocates are in C order. Those that it reads or writes to may have any strides.
//!
//! # Precision
//!
//! Probabilities are computed in `f64` from exact sums of weights and then rounded to the output type, so a result is the
//! same to the last bit for any window, any strides, any label type and any number of threads.
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
pub mod pool;
pub mod quantize;
pub mod sparse;
pub mod structures;

mod common;
mod encoder;
mod engine;
mod error;
mod input;

pub use encoder::SoftEncoder;
pub use encoder::channels::Channels;
pub use encoder::encoding::Encoding;
pub use encoder::kernel::SvlsKernel;
pub use encoder::kernel_builder::SvlsKernelBuilder;
pub use encoder::label_smoothing::LabelSmoothing;
pub use encoder::one_hot::OneHot;
pub use encoder::smooth::Svls;
pub use encoder::with_channels::WithChannels;
pub use error::{Error, Place, Result};
pub use input::classes::Classes;
pub use input::dimension::SpatialDim;
pub use input::float::SoftFloat;
pub use input::label::{ClassValue, Label};
pub use input::per_axis::PerAxis;
pub use input::raters::Raters;
pub use input::window::Window;

pub use ndarray;

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
