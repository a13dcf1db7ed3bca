//! Pictures of label maps and of their soft labels: what the command `soft-labels show`, the figures of the documentation and
//! the experiment share.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod canvas;
pub mod grid;
pub mod scene;
