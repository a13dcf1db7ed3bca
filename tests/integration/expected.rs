//! Errors as tests expect them, in few words.

use soft_labels::{Error, Place};

pub(crate) const POSITIVE: &str = "finite and greater than 0";
pub(crate) const WEIGHT: &str = "finite and not negative";

/// A setting of one value.
pub(crate) fn setting(what: &'static str, value: f64, allowed: &'static str) -> Error {
    Error::Setting {
        what,
        place: None,
        value,
        allowed,
    }
}

/// A setting that has a value for each axis, class or rater.
pub(crate) fn setting_of(what: &'static str, place: Place, value: f64, allowed: &'static str) -> Error {
    Error::Setting {
        what,
        place: Some(place),
        value,
        allowed,
    }
}

pub(crate) fn count(what: &'static str, per: &'static str, expected: usize, actual: usize) -> Error {
    Error::Count {
        what,
        per,
        expected,
        actual,
    }
}

pub(crate) fn output_shape(expected: &[usize], actual: &[usize]) -> Error {
    Error::Shape {
        what: "output",
        place: None,
        expected: expected.to_vec(),
        actual: actual.to_vec(),
    }
}

pub(crate) fn label_axes(actual: usize) -> Error {
    Error::Axes {
        what: "a label map",
        expected: "(H, W) or (D, H, W)",
        actual,
    }
}

pub(crate) fn soft_axes(actual: usize) -> Error {
    Error::Axes {
        what: "soft labels",
        expected: "(C, H, W) or (C, D, H, W)",
        actual,
    }
}
