//! Label maps and soft labels in files, with their spacing and affine.
//!
//! [`read_labels`] reads a label map from NIfTI, NRRD, MetaImage, NumPy, PNG, TIFF or Zarr. It goes to [`soft_labels`] as an `ndarray`, and
//! [`write_probabilities`] writes the result with the geometry of its label map:
//!
//! ```standalone_crate
//! use ndarray::ArrayD;
//! use soft_labels::{Classes, SoftEncoder, Svls, SvlsKernel};
//! use soft_labels_files::{read_labels, write_probabilities};
//!
//! # let folder = tempfile::tempdir()?;
//! # std::env::set_current_dir(&folder)?;
//! # let drawn = ndarray::Array3::from_shape_fn((6, 5, 4), |(x, y, _)| u8::from(x > 2) + u8::from(x > 2 && y > 2));
//! # let geometry = soft_labels_files::Geometry::from_spacing_mm(&[0.7, 0.7, 2.5]);
//! # soft_labels_files::write_labels("case.nii.gz", &drawn, &geometry)?;
//! let map = read_labels("case.nii.gz")?;
//! let labels: ArrayD<u8> = map.labels.cast()?; // (x, y, z)
//!
//! let spacing = map.geometry.spacing_mm().ok_or("no spacing")?; // along x, y and z
//! let kernel = SvlsKernel::builder().sigma_mm(1.0).spacing_mm(spacing).build()?;
//! let soft: ArrayD<f32> = Svls::new(kernel).encode(&labels, &Classes::contiguous(3)?)?; // (C, x, y, z)
//!
//! write_probabilities("soft.nii.gz", &soft, &map.geometry)?; // (x, y, z, C) in the file
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Axes
//!
//! Arrays have the axes of their file: (H, W) or (D, H, W) from NumPy, PNG, TIFF and Zarr, and (x, y, z) from NIfTI, NRRD and
//! MetaImage.
//! [`Geometry::axes`] says which, and all that a [`Geometry`] has by axis is in that order. Probabilities have the classes
//! first in memory, whatever the file has. Nothing is turned or flipped when it is read or written.
//!
//! # Formats
//!
//! | | labels | probabilities | geometry |
//! |---|---|---|---|
//! | `.nii`, `.nii.gz` | read, written | read, written | spacing, sform, qform, unit |
//! | `.nrrd`, `.nhdr` | read, `.nrrd` written | read, `.nrrd` written | spacing, directions, unit |
//! | `.mha`, `.mhd` | read | read | spacing, directions |
//! | `.npy` | read, written | read, written | |
//! | `.png` | read, images written | | |
//! | `.tif`, `.tiff` | read | read | spacing of ImageJ and OME |
//! | `.zarr`, versions 2 and 3, feature `zarr` | read, written | read, written | scale, unit and translation of OME-Zarr, spacing |
//! | `.npz` | | sparse ones read, written; nnU-Net's read | |
//! | `.hdr` with `.img` | read | read | as `.nii` |
//!
//! [`Format`] tells the same at run time. `zarr::LabelArray` and `zarr::ArrayWriter` handle arrays larger than memory.
//!
//! # What is promised
//!
//! A broken or hostile file is an [`Error`], with no panic and no more memory than the file justifies. A file is written beside
//! its [`Place`] and moved there when it is whole, and replaces nothing unless it is told to.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod dataset;
mod elements;
mod error;
mod formats;
mod geometry;
mod labels;
mod limits;
mod numbers;
mod palette;
mod place;
mod probabilities;
mod read;
mod write;

pub use dataset::{Dataset, read_dataset};
pub use elements::{Element, ElementType};
pub use error::{Error, ErrorKind, Result};
pub use formats::Format;
pub use formats::nrrd::{Segment, Segmentation, read_segments};
#[cfg(feature = "zarr")]
pub use formats::zarr;
pub use geometry::{Affine, Axes, Geometry, Unit};
pub use labels::{LabelElement, LabelMap, Labels};
pub use palette::Palette;
pub use place::{Place, folder_of};
pub use probabilities::{Prediction, Probabilities};
pub use read::{read_labels, read_prediction, read_prediction_of, read_probabilities};
pub use write::{write_labels, write_labels_as, write_map, write_probabilities, write_sparse};

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
