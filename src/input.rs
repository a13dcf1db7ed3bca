//! What goes in: label maps of one or several raters, their classes, a window of them, and the element types.

pub(crate) mod classes;
pub(crate) mod dimension;
pub(crate) mod float;
pub(crate) mod label;
pub(crate) mod per_axis;
pub(crate) mod raters;
#[cfg(feature = "serde")]
pub(crate) mod serde;
pub(crate) mod window;
