//! Several raters' label maps as one: what averages of soft labels are compared with.
//!
//! | | gives | keeps disagreement |
//! |---|---|---|
//! | [`majority_vote`] | a label map | no |
//! | [`Staple`] | a posterior, and how reliable each rater is | what remains after weighing the raters |
//! | [`multirater::average`](crate::multirater::average) of [`OneHot`](crate::OneHot) (mOH) | soft labels | yes |
//! | the same of [`Svls`](crate::Svls) (mSVLS) | soft labels | yes, and the boundary |
//!
//! [`metrics::top_labels_with_ties`](crate::metrics::top_labels_with_ties) makes labels of a posterior. [`leave_one_out_majority`] and
//! [`Staple::leave_one_out`] compare each rater with the others, and [`Staple::weighted_raters`] weighs them for mSVLS.
//!
//! A rater who ignores a voxel has no part in it. What all ignore stays ignored: the ignore value in a vote, all zero in a
//! posterior.
//!
//! ```
//! use ndarray::array;
//! use soft_labels::Classes;
//! use soft_labels::fusion::{Staple, Ties, majority_vote};
//!
//! let raters = [array![[0_u8, 1, 1, 0]], array![[0_u8, 1, 1, 0]], array![[0_u8, 0, 1, 1]]];
//! let (raters, classes) = (raters.each_ref().map(|map| map.view()), Classes::contiguous(2)?);
//!
//! assert_eq!(majority_vote(&raters, &classes, Ties::Lowest)?, array![[0, 1, 1, 0]]);
//! let staple = Staple::new().fuse::<_, f64, _>(&raters, &classes)?;
//! assert!(staple.converged());
//! assert!(staple.sensitivity(0, 1).unwrap() > staple.sensitivity(2, 1).unwrap());
//! # Ok::<(), soft_labels::Error>(())
//! ```

mod estimate;
mod leave_one_out;
mod patterns;
mod staple;
mod staple_fusion;
mod staple_performance;
mod vote;

pub use leave_one_out::leave_one_out_majority;
pub use staple::Staple;
pub use staple_fusion::StapleFusion;
pub use staple_performance::StaplePerformance;
pub(crate) use vote::SLACK;
pub use vote::{Ties, majority_vote};
