//! Helpers that several modules share and no caller sees.

pub(crate) mod arrays;
pub(crate) mod parallel;
pub(crate) mod runs;
