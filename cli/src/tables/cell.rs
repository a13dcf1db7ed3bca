//! What a table holds in one place, and how numbers are written.

use serde_json::{Value, json};

use crate::command::printable;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    /// NaN is what does not exist.
    Number(f64),
    Count(u64),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl Cell {
    /// For people: a few places, or a dash for what does not exist.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Text(text) => printable(text),
            Self::Number(value) => number(*value),
            Self::Count(count) => count.to_string(),
        }
    }

    /// All digits, or an empty cell for what does not exist. No text is taken for a formula by a spreadsheet.
    pub(super) fn csv(&self) -> String {
        match self {
            Self::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
            Self::Text(text) => text.clone(),
            Self::Number(value) if value.is_nan() => String::new(),
            Self::Number(value) => all_digits(*value),
            Self::Count(count) => count.to_string(),
        }
    }

    pub(super) fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(value) => json_number(*value),
            Self::Count(count) => json!(count),
        }
    }
}

/// NaN is null, and an infinite number "inf".
pub(crate) fn json_number(value: f64) -> Value {
    match value {
        _ if value == f64::INFINITY => json!("inf"),
        _ if value == f64::NEG_INFINITY => json!("-inf"),
        _ => json!(value),
    }
}

/// All digits, but no rows of zeros.
pub(crate) fn all_digits(value: f64) -> String {
    if value == 0.0 || (1e-5..1e16).contains(&value.abs()) || !value.is_finite() {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// A few places, or a dash for what does not exist.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size.is_nan() => "-".into(),
        size if size.is_infinite() => if value > 0.0 { "inf" } else { "-inf" }.into(),
        0.0 => "0".into(),
        size if size < 1e-3 => format!("{value:.3e}"),
        size if size < 1e4 => format!("{value:.4}"),
        size if size >= 1e9 => format!("{value:.3e}"),
        _ => format!("{value:.0}"),
    }
}
