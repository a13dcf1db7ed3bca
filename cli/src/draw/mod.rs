//! Pictures of label maps and of their soft labels.

pub(crate) mod canvas;
pub(crate) mod grid;
pub(crate) mod scene;
