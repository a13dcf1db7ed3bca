//! The one error type.

mod place;
mod words;

pub use place::Place;
use words::{of, of_rater, short, voxels_hold};

/// What went wrong, with the facts, worded so that a person knows what to change.
///
/// Axes, classes, raters, samples and voxels count from 0.
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
///      make it a class, or the value to ignore",
/// );
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing to work with: no class, no rater, no sample or no bin.
    #[error("there are no {what}; give at least one")]
    Empty {
        /// What is missing: `"classes"`, `"channels"`, `"labels of a region"`, `"masks"`, `"raters"`, `"samples"`, `"thresholds"`
        /// or `"bins"`.
        what: &'static str,
    },
    /// More of something than is possible.
    #[error("{count} {what} are too many; use at most {max}")]
    TooMany {
        /// What there is too much of: `"classes"`, `"channels"`, `"structures"`, `"patterns of structures"`, `"pairs to match"`,
        /// `"classes with temperatures of their own"`, `"folds"` or `"bins"`.
        what: &'static str,
        /// The number asked for.
        count: usize,
        /// The largest number possible.
        max: usize,
    },
    /// A value is listed for two classes.
    #[error("value {value} is listed twice, as class {first} and as class {second}; list each value once")]
    DuplicateValue {
        /// The value.
        value: i128,
        /// The first class that has it.
        first: usize,
        /// The second class that has it.
        second: usize,
    },
    /// The value to ignore is one of the classes.
    #[error("value {value} cannot be ignored, it is class {class}; ignore another value or drop the class")]
    IgnoredClass {
        /// The value.
        value: i128,
        /// The class that it stands for.
        class: usize,
    },
    /// A label map holds a label that is neither a class nor the value to ignore.
    /// [`Classes::from_values`](crate::Classes::from_values) makes it a class, and
    /// [`Classes::with_ignore`](crate::Classes::with_ignore) the value to ignore.
    #[error(
        "label {value} at voxel {index:?}{} is not one of the {classes} classes ({}); make it a class, or the value to ignore",
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
        /// Which label map.
        rater: usize,
        /// How many label maps there are.
        raters: usize,
    },
    /// Something that names a class names none.
    #[error("{what} {value} is none of the {classes} classes; use one that is")]
    NoClass {
        /// What names a class: `"label"`, or `"class"` for its position.
        what: &'static str,
        /// The label, or the position.
        value: i128,
        /// Number of classes.
        classes: usize,
    },
    /// The mask of a structure holds two labels beside 0, so it may be a label map.
    #[error(
        "the mask of structure {structure} (the first is 0) holds {first} and {second}; a mask has one label beside 0, encode a \
         label map with regions"
    )]
    Mask {
        /// Which mask.
        structure: usize,
        /// The first label that is not 0.
        first: i128,
        /// The first other one.
        second: i128,
    },
    /// What a class means for the channels is neither a distribution nor a list of memberships.
    #[error(
        "row {row} of the channels sums to {}; each row must sum to 1 (a class that is mixed), or all entries must be 0 or 1 \
         (a class that belongs to several channels)",
        short(*.sum)
    )]
    ChannelRow {
        /// The row, which is that of a class.
        row: usize,
        /// Its sum.
        sum: f64,
    },
    /// Channels that need not sum to 1 meet something that is for distributions.
    #[error("{what} is for channels that sum to 1, and those of regions and structures do not; {instead}")]
    NotDistribution {
        /// What they meet.
        what: &'static str,
        /// What to use instead.
        instead: &'static str,
    },
    /// The element type of a label map cannot hold a label.
    #[error("label {value} does not fit the element type; ask for a larger one")]
    LabelType {
        /// The label.
        value: i128,
    },
    /// An array has the wrong number of axes.
    #[error(
        "the axes of {what} are {expected}, but {actual} axes are given; add or drop axes of length 1, or pass one at a time"
    )]
    Axes {
        /// What was given: `"a label map"`, `"soft labels"`, `"logits of one sample"` or `"logits of a batch"`.
        what: &'static str,
        /// The axes that it can have, such as `"(H, W) or (D, H, W)"`.
        expected: &'static str,
        /// Its number of axes.
        actual: usize,
    },
    /// An array does not have the shape of those that it belongs to.
    #[error("the {what}{} has shape {actual:?}, but {expected:?} is needed", of(*.place))]
    Shape {
        /// What was given: `"output"`, `"label map"`, `"mask"` and so on.
        what: &'static str,
        /// Whose it is, if there are several.
        place: Option<Place>,
        /// The shape that fits, with the axes in the order of the array.
        expected: Vec<usize>,
        /// Its shape.
        actual: Vec<usize>,
    },
    /// A list does not have an entry for each axis, rater or class.
    #[error("a list of {actual} is given for {what}, but there are {expected} {per}; give one entry for each")]
    Count {
        /// What is listed: `"sigma"`, `"radius"`, `"spacing"`, `"box"`, `"window"`, `"weights"`, `"class weights"`,
        /// `"prior probabilities"`, `"bins"`, `"temperatures"`, `"biases"` or `"outputs"`.
        what: &'static str,
        /// What there has to be an entry for: `"axes"`, `"raters"` or `"classes"`.
        per: &'static str,
        /// Their number. 3 for axes that no label map has told.
        expected: usize,
        /// Number of entries.
        actual: usize,
    },
    /// The result is too large to allocate.
    #[error("a result of shape {shape:?} does not fit in memory; work on windows or parts of it, one at a time")]
    TooLarge {
        /// Shape of the result.
        shape: Vec<usize>,
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
        /// Length of the label map on this axis, in voxels.
        len: usize,
    },
    /// The boxes of a window are not boxes of the whole label map.
    #[error(
        "window {start}..{end} on axis {axis} does not hold whole boxes of {size} voxels; begin it at a multiple of {size}, \
         and end it at one or at the end of the label map, {len}"
    )]
    BoxWindow {
        /// The spatial axis.
        axis: usize,
        /// First voxel of the window.
        start: usize,
        /// One past its last voxel.
        end: usize,
        /// Length of a box, in voxels.
        size: usize,
        /// Length of the label map on this axis, in voxels.
        len: usize,
    },
    /// A setting has a value that is not possible.
    #[error("{what}{} is {}; it must be {allowed}", of(*.place), short(*.value))]
    Setting {
        /// The setting: `"sigma"`, `"spacing"`, `"truncate"`, `"strength"`, `"alpha"`, `"box"`, `"weight"`,
        /// `"prior probability"`, `"tolerance"`, `"distance"`, `"threshold"`, `"percentile"`, `"count of raters"`, `"temperature"`,
        /// `"bias"`, `"smallest probability"` or `"number of folds"`.
        what: &'static str,
        /// The axis, class or rater that it is for, if there is one for each.
        place: Option<Place>,
        /// The value given, in the unit of the setting: voxels, or millimetres for a spacing.
        value: f64,
        /// What values are possible, such as `"finite and greater than 0"`.
        allowed: &'static str,
    },
    /// All entries of a setting are 0.
    #[error("{what} is 0 for all {per}; at least one must be greater")]
    AllZero {
        /// The setting: `"radius"`, `"weight"` or `"prior probability"`.
        what: &'static str,
        /// What it has an entry for: `"axes"`, `"raters"` or `"classes"`.
        per: &'static str,
    },
    /// A setting means nothing without another: a spacing is for a sigma in millimetres, and that needs a spacing.
    #[error("{given} is given without {missing}; give both, or leave {given} out")]
    Missing {
        /// The setting that is given.
        given: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// Two settings exclude one another.
    #[error("{first} and {second} are given; give one of them")]
    Conflict {
        /// One setting.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
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
        /// The largest radius possible, in voxels.
        max_radius: usize,
    },
    /// The encoding has no sparse form: label smoothing, or channels that mix all classes.
    #[error("soft labels without zeros, such as those of label smoothing, have no sparse form; make dense ones")]
    NotSparse,
    /// The parts of a sparse form contradict one another.
    #[error("{part}[{entry}] of the sparse form {why}; pass the arrays as they were made")]
    SparseParts {
        /// The array.
        part: &'static str,
        /// The entry of the array.
        entry: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A value is not a probability.
    #[error(
        "the probability of class {class} at voxel {index:?} is {}; it must lie within 0 and 1, pass logits through a softmax",
        short(*.value)
    )]
    Probability {
        /// The number.
        value: f64,
        /// Its class.
        class: usize,
        /// Its voxel, an index for each spatial axis.
        index: Vec<usize>,
    },
    /// A logit is NaN, infinite or too large.
    #[error("the logit of class {class} at voxel {index:?} is {}; it must be finite and at most 1e100", short(*.value))]
    Logit {
        /// The number.
        value: f64,
        /// Its class.
        class: usize,
        /// Its voxel, an index for each spatial axis.
        index: Vec<usize>,
    },
    /// Outputs of a network are not of the kind that a calibration is for.
    #[error(
        "the calibration is for {calibrated}, but {given} are given, which several temperatures scale to others; give {calibrated}, \
         or calibrate with one temperature"
    )]
    OtherOutputs {
        /// What it is for: `"logits"` or `"probabilities"`.
        calibrated: &'static str,
        /// The other.
        given: &'static str,
    },
    /// The probabilities of a voxel do not sum to 1.
    #[error(
        "the probabilities at voxel {index:?} sum to {}; they must sum to 1, pass logits through a softmax over classes \
         (channels of regions and structures, which do not sum to 1, are judged one by one)",
        short(*.sum)
    )]
    ProbabilitySum {
        /// Their sum.
        sum: f64,
        /// The voxel, an index for each spatial axis.
        index: Vec<usize>,
    },
    /// A prediction has no probability for any class at a voxel that counts.
    #[error(
        "no class has a probability at voxel {index:?}: the prediction ignores it, but its reference counts; predict it, or \
         ignore it in the reference (channels of regions and structures, which may all be 0, are judged one by one)"
    )]
    NoPrediction {
        /// The voxel, an index for each spatial axis.
        index: Vec<usize>,
    },
    /// Voxels of a table have different numbers of raters.
    #[error(
        "voxel {voxel} of the table has {raters} raters, and the first has {expected}; leave such voxels out, or compute \
         krippendorff_alpha, which takes any"
    )]
    UnequalRaters {
        /// The first voxel with another number of raters than the first, a row of the table.
        voxel: usize,
        /// Its number of raters.
        raters: i128,
        /// That of the first voxel.
        expected: i128,
    },
    /// No voxel counts, so there is no mean. With [`Divisor::Weight`](crate::loss::Divisor::Weight) a voxel of weight 0 does
    /// not count either.
    #[error("no voxel counts, all are masked out, ignored or of weight 0; leave such samples out")]
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

/// What values a setting can have, where several settings have the same.
pub(crate) mod allowed {
    pub(crate) const POSITIVE: &str = "finite and greater than 0";
    pub(crate) const WEIGHT: &str = "finite and not negative";
    pub(crate) const TOLERANCE: &str = "0 or more";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let error = |value| Error::Setting {
            what: "sigma",
            place: None,
            value,
            allowed: allowed::POSITIVE,
        };
        for (value, text) in [
            (-1e300, "-1e300"),
            (0.25, "0.25"),
            (-0.0, "-0"),
            (1e-300, "1e-300"),
            (f64::NAN, "NaN"),
        ] {
            assert!(
                error(value).to_string().starts_with(&format!("sigma is {text};")),
                "{}",
                error(value)
            );
        }
    }
}
