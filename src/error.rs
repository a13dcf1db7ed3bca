//! The one error type.

/// What went wrong, with the facts, worded so that a person knows what to change.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Classes, Error, OneHot, SoftEncoder};
///
/// let labels = array![[0_u8, 1], [4, 4]];
/// let result: Result<Array3<f32>, Error> = OneHot.encode(&labels, &Classes::contiguous(4)?);
/// let error = result.unwrap_err();
/// assert!(matches!(&error, Error::UnknownLabel { value: 4, index, count: 2, .. } if index == &[1, 0]));
/// assert_eq!(
///     error.to_string(),
///     "label 4 at voxel [1, 0] is not one of the 4 classes (2 voxels hold labels that are no class); \
///      list it with Classes::from_values, or mark it with Classes::with_ignore",
/// );
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No class was given.
    #[error("there are no classes; give at least one")]
    NoClasses,
    /// More classes than the crate can index.
    #[error("{count} classes are more than the {max} that can be indexed")]
    TooManyClasses {
        /// Number of classes asked for.
        count: usize,
        /// The largest number possible.
        max: usize,
    },
    /// A value is listed for two classes.
    #[error("value {value} is listed twice, as class {first} and as class {second}; list each value once")]
    DuplicateValue {
        /// The value.
        value: i128,
        /// Its first position.
        first: usize,
        /// Its second position.
        second: usize,
    },
    /// The value to ignore is one of the classes.
    #[error("value {value} cannot be ignored, it is class {class}; ignore another value or drop the class")]
    IgnoredClass {
        /// The value.
        value: i128,
        /// The class it stands for.
        class: usize,
    },
    /// A label map holds a label that is neither a class nor the ignore value.
    #[error(
        "label {value} at voxel {index:?}{} is not one of the {classes} classes ({}); \
         list it with Classes::from_values, or mark it with Classes::with_ignore",
        of_rater(*.rater, *.raters), voxels_hold(*.count)
    )]
    UnknownLabel {
        /// The first such label, in the order of the axes.
        value: i128,
        /// Its voxel, an index for each axis of the label map.
        index: Vec<usize>,
        /// How many voxels of this rater's label map (of the part that was read, for a window) hold such labels.
        count: usize,
        /// Number of classes.
        classes: usize,
        /// Which label map, counted from 0.
        rater: usize,
        /// How many label maps there are.
        raters: usize,
    },
    /// A label map is neither 2D nor 3D.
    #[error(
        "a label map has 2 axes (H, W) or 3 (D, H, W), this one has {axes}; drop axes of length 1, and encode one map at a time"
    )]
    LabelAxes {
        /// Number of axes found.
        axes: usize,
    },
    /// A setting has another number of axes than the label map.
    #[error("{what} is for {actual} axes, but the label map has {expected}; give one value, or one for each axis")]
    KernelAxes {
        /// The setting: sigma, radius, spacing or box.
        what: &'static str,
        /// Number of axes of the label map, or 3 if it is not known.
        expected: usize,
        /// Number of axes of what was given.
        actual: usize,
    },
    /// The output has the wrong shape.
    #[error("the output has shape {actual:?}, but these soft labels have {expected:?} (classes first)")]
    OutputShape {
        /// Shape of the soft labels.
        expected: Vec<usize>,
        /// Shape of the output passed in.
        actual: Vec<usize>,
    },
    /// The result is too large to allocate.
    #[error("a result of shape {shape:?} does not fit in memory; work on windows or parts of it, one at a time")]
    TooLarge {
        /// Shape of the result.
        shape: Vec<usize>,
    },
    /// A window has the wrong number of ranges.
    #[error("the window has {actual} ranges, but the label map has {expected} axes; give one for each")]
    WindowAxes {
        /// Number of axes of the label map.
        expected: usize,
        /// Number of ranges of the window.
        actual: usize,
    },
    /// A range of a window is reversed or ends past the label map.
    #[error("window {start}..{end} on axis {axis} does not lie within 0..{len}")]
    Window {
        /// The axis.
        axis: usize,
        /// First voxel of the window.
        start: usize,
        /// One past its last voxel.
        end: usize,
        /// Length of the label map on this axis.
        len: usize,
    },
    /// Sigma is not a positive finite number.
    #[error("sigma is {value} on axis {axis}; it must be finite and greater than 0")]
    Sigma {
        /// The axis.
        axis: usize,
        /// The value given.
        value: f64,
    },
    /// Voxel spacing is not a positive finite number.
    #[error(
        "voxel spacing is {value} on axis {axis}; it must be finite and greater than 0, and for surfaces within 1e-30 and 1e30"
    )]
    Spacing {
        /// The axis.
        axis: usize,
        /// The value given.
        value: f64,
    },
    /// Sigma is in millimetres and the voxel spacing is not known.
    #[error("sigma is in millimetres, but the voxel spacing is not given; call spacing_mm, or give sigma in voxels")]
    MissingSpacing,
    /// A spacing is given that nothing uses.
    #[error("spacing_mm is for sigma_mm; give sigma_mm or leave spacing_mm out")]
    UnusedSpacing,
    /// Two settings exclude one another.
    #[error("{first} and {second} are given; give one of them")]
    Conflict {
        /// One setting.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// Truncate is not a positive finite number.
    #[error("truncate is {value}; it must be finite and greater than 0")]
    Truncate {
        /// The value given.
        value: f64,
    },
    /// The kernel has no neighbours.
    #[error("radius is 0 on every axis; set it to 1 or more on at least one, or use OneHot")]
    ZeroRadius,
    /// The kernel has more weights than can be held, or reaches too far.
    #[error(
        "a kernel of radius {radius:?} is too large, it may have {max} weights and reach {max_radius} voxels; \
         use a smaller radius, or a smaller truncate or sigma if the radius follows from them"
    )]
    KernelTooLarge {
        /// Radius on each axis, in voxels.
        radius: Vec<usize>,
        /// The largest number of weights possible.
        max: usize,
        /// The largest radius possible.
        max_radius: usize,
    },
    /// The α of label smoothing is not between 0 and 1.
    #[error("alpha is {value}; it must lie within 0 and 1")]
    Alpha {
        /// The value given.
        value: f64,
    },
    /// The strength of SVLS is not above 0 and at most 1.
    #[error("strength is {value}; it must be greater than 0 and at most 1, which is the paper's (for 0 use OneHot)")]
    Strength {
        /// The value given.
        value: f64,
    },
    /// The encoding has no sparse form.
    #[error("label smoothing has no sparse form, it leaves no voxel certain; make dense soft labels")]
    NotSparse,
    /// The parts of a sparse form contradict one another.
    #[error("{part}[{entry}] of the sparse form {why}; pass the arrays as SparseLabels::parts gives them")]
    SparseParts {
        /// The array.
        part: &'static str,
        /// The entry of the array.
        entry: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No label map was given.
    #[error("there are no raters; give at least one label map")]
    NoRaters,
    /// The label maps of two raters differ in shape.
    #[error(
        "the label map of rater {rater} (the first is 0) has shape {actual:?}, but that of rater 0 has {expected:?}; all must be alike"
    )]
    RaterShape {
        /// The rater, counted from 0.
        rater: usize,
        /// Shape of the first rater's label map.
        expected: Vec<usize>,
        /// Shape of this rater's label map.
        actual: Vec<usize>,
    },
    /// The number of weights is not the number of raters.
    #[error("there are {actual} weights for {expected} raters; give one for each")]
    WeightCount {
        /// Number of raters.
        expected: usize,
        /// Number of weights.
        actual: usize,
    },
    /// A rater's weight is negative or not finite.
    #[error("the weight of rater {rater} (the first is 0) is {value}; it must be finite and not negative")]
    Weight {
        /// The rater, counted from 0.
        rater: usize,
        /// The value given.
        value: f64,
    },
    /// Every rater's weight is zero.
    #[error("all raters' weights are 0; give at least one of them weight")]
    ZeroWeights,
    /// An array does not have the shape of the one that it belongs to.
    #[error("the {what} has shape {actual:?}, but {expected:?} is needed")]
    ShapeMismatch {
        /// What was given.
        what: &'static str,
        /// The shape that fits.
        expected: Vec<usize>,
        /// Its shape.
        actual: Vec<usize>,
    },
    /// Logits have the wrong number of axes.
    #[error("logits have the axes {}, these have {axes} axes; {}",
        if *.batched { "(N, C, H, W) or (N, C, D, H, W)" } else { "(C, H, W) or (C, D, H, W)" },
        if *.batched { "for one map use of_map" } else { "for a batch use of_batch" })]
    LogitAxes {
        /// Number of axes found.
        axes: usize,
        /// Whether a batch was expected.
        batched: bool,
    },
    /// The number of class weights is not the number of classes.
    #[error("there are {actual} class weights for {expected} classes; give one for each")]
    ClassWeightCount {
        /// Number of classes.
        expected: usize,
        /// Number of weights.
        actual: usize,
    },
    /// A class's weight is negative or not finite.
    #[error("class {class}'s weight is {value}; it must be finite and not negative")]
    ClassWeight {
        /// The class.
        class: usize,
        /// The value given.
        value: f64,
    },
    /// The label is none of the classes.
    #[error("label {value} is none of the {classes} classes; use one that is, or add it to them")]
    NoClass {
        /// The label.
        value: i128,
        /// Number of classes.
        classes: usize,
    },
    /// The number of prior probabilities is not the number of classes.
    #[error("there are {actual} prior probabilities for {expected} classes; give one for each")]
    PriorCount {
        /// Number of classes.
        expected: usize,
        /// Number of prior probabilities.
        actual: usize,
    },
    /// A prior probability is negative or not finite, or all are 0.
    #[error("class {class}'s prior probability is {value}; give finite numbers, none negative and not all 0")]
    Prior {
        /// The class.
        class: usize,
        /// The value given.
        value: f64,
    },
    /// A value is not a probability.
    #[error(
        "the probability of class {class} at voxel {index:?} is {value}; it must lie within 0 and 1, pass logits through a softmax"
    )]
    Probability {
        /// The number.
        value: f64,
        /// Its class.
        class: usize,
        /// Its voxel.
        index: Vec<usize>,
    },
    /// The probabilities of a voxel do not sum to 1.
    #[error(
        "the probabilities at voxel {index:?} sum to {sum}; they must sum to 1, pass logits through a softmax over classes"
    )]
    ProbabilitySum {
        /// Their sum.
        sum: f64,
        /// The voxel.
        index: Vec<usize>,
    },
    /// A prediction has no probability for any class at a voxel that counts.
    #[error(
        "no class has a probability at voxel {index:?}: the prediction ignores it, but its reference counts; predict it, or ignore it in the reference"
    )]
    NoPrediction {
        /// The voxel.
        index: Vec<usize>,
    },
    /// There are no bins, or too many.
    #[error("{count} bins are not possible; use 1 to {max}")]
    Bins {
        /// Number of bins asked for.
        count: usize,
        /// The largest number possible.
        max: usize,
    },
    /// A tolerance is negative or NaN.
    #[error("the tolerance is {value}; it must be 0 or more")]
    Tolerance {
        /// The value given.
        value: f64,
    },
    /// A threshold is NaN.
    #[error("the threshold is {value}; it must be a number")]
    Threshold {
        /// The value given.
        value: f64,
    },
    /// A percentile does not lie within 0 and 100.
    #[error("the percentile is {value}; it must lie within 0 and 100")]
    Percentile {
        /// The value given.
        value: f64,
    },
    /// The element type of a label map cannot hold a label.
    #[error("label {value} does not fit the element type; ask for a larger one")]
    LabelType {
        /// The label.
        value: i128,
    },
    /// A region contains a class that does not exist.
    #[error("class {class} of the region is none of the {classes} classes; count them from 0")]
    RegionClass {
        /// The class.
        class: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A box to average over has no voxels.
    #[error("the box is 0 voxels long on axis {axis}; use 1 or more")]
    Box {
        /// The spatial axis, counted from 0.
        axis: usize,
    },
    /// The boxes of a window are not boxes of the whole label map.
    #[error(
        "window {start}..{end} on axis {axis} does not hold whole boxes of {size} voxels; begin it at a multiple of {size}, \
         and end it at one or at the end of the label map, {len}"
    )]
    BoxWindow {
        /// The spatial axis, counted from 0.
        axis: usize,
        /// First voxel of the window.
        start: usize,
        /// One past its last voxel.
        end: usize,
        /// Length of a box.
        size: usize,
        /// Length of the label map.
        len: usize,
    },
    /// A batch has no samples.
    #[error("the batch has no samples; give at least one")]
    NoSamples,
    /// No voxel counts, so there is no mean.
    #[error(
        "no voxel counts: in all voxels the mask is false, or they are ignored or, with Divisor::Weight, of weight 0; leave such samples out"
    )]
    NoVoxels,
}

/// A [`Result`](std::result::Result) with the crate's [`Error`].
///
/// ```
/// fn classes() -> soft_labels::Result<soft_labels::Classes> {
///     soft_labels::Classes::contiguous(3)
/// }
/// assert!(classes().is_ok());
/// ```
pub type Result<T> = std::result::Result<T, Error>;

fn of_rater(rater: usize, raters: usize) -> String {
    if raters > 1 {
        format!(" of rater {rater} (the first is 0)")
    } else {
        String::new()
    }
}

fn voxels_hold(count: usize) -> String {
    let (voxels, hold, labels) = if count == 1 {
        ("voxel", "holds", "a label that is")
    } else {
        ("voxels", "hold", "labels that are")
    };
    format!("{count} {voxels} {hold} {labels} no class")
}
