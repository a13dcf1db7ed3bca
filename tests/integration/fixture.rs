//! Inputs and expected values made by running the implementations that the field trusts; see tests/fixtures/README.md.

use std::path::{Path, PathBuf};

use ndarray::ArrayD;
use ndarray_npy::{ReadableElement, read_npy};
use serde_json::Value;

/// The fixtures of one topic.
pub(crate) struct Topic {
    folder: PathBuf,
    pub(crate) expected: Value,
}

impl Topic {
    pub(crate) fn open(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
        let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
        Self {
            folder,
            expected: serde_json::from_str(&text).unwrap(),
        }
    }

    /// The array in the file that `value` names.
    pub(crate) fn array<A: ReadableElement>(&self, value: &Value) -> ArrayD<A> {
        read_npy(self.folder.join(value.as_str().unwrap())).unwrap()
    }
}

/// A number, which may be written "nan", "inf" or "-inf".
pub(crate) fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some(text) => text.parse().unwrap(),
        None => value.as_f64().unwrap_or_else(|| panic!("{value} is no number")),
    }
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// Equal within a tolerance relative to numbers above 1; NaN and infinities are equal to themselves.
#[track_caller]
pub(crate) fn assert_near(actual: f64, expected: f64, tolerance: f64, what: &str) {
    let same = actual.to_bits() == expected.to_bits() || (actual.is_nan() && expected.is_nan());
    let near = (actual - expected).abs() <= tolerance * expected.abs().max(1.0);
    assert!(same || near, "{what}: {actual:?}, expected {expected:?}");
}

#[track_caller]
pub(crate) fn assert_all_near<'a>(
    actual: impl IntoIterator<Item = &'a f64>,
    expected: impl IntoIterator<Item = &'a f64>,
    tolerance: f64,
    what: &str,
) {
    let (actual, expected): (Vec<_>, Vec<_>) = (actual.into_iter().collect(), expected.into_iter().collect());
    assert_eq!(actual.len(), expected.len(), "{what}");
    for (i, (actual, expected)) in actual.into_iter().zip(expected).enumerate() {
        assert_near(*actual, *expected, tolerance, &format!("{what} [{i}]"));
    }
}
