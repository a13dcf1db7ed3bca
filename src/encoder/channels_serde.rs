//! How channels look in JSON and the like.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::channels::{Channels, Form};
use crate::input::serde::Value;

/// The fields of all kinds of channels, of which one kind is given.
#[derive(Default, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "channels such as {\"regions\": [[1, 2], [2]]}"
)]
pub(super) struct Fields {
    #[serde(skip_serializing_if = "Option::is_none")]
    regions: Option<Vec<Vec<Value>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    structures: Option<Vec<Vec<Value>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matrix: Option<Vec<Vec<f64>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ordinal: Option<Ordinal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    siblings: Option<Vec<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_class: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confusion: Option<Vec<Vec<f64>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tau: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    power: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alpha: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ordinal {
    Exponential,
    Binomial,
}

impl Fields {
    /// Returns an error unless there is one kind, with settings of its own alone.
    fn check(&self) -> Result<(), String> {
        let kinds = [
            ("regions", self.regions.is_some()),
            ("structures", self.structures.is_some()),
            ("matrix", self.matrix.is_some()),
            ("ordinal", self.ordinal.is_some()),
            ("siblings", self.siblings.is_some()),
            ("per_class", self.per_class.is_some()),
            ("confusion", self.confusion.is_some()),
        ];
        let mut given = kinds.iter().filter(|(_, given)| *given).map(|(kind, _)| kind);
        let kind = given
            .next()
            .ok_or("channels need regions, structures, matrix, ordinal, siblings, per_class or confusion")?;
        if let Some(other) = given.next() {
            return Err(format!("channels of {kind} and of {other} are given; give one of them"));
        }
        let exponential = self.ordinal == Some(Ordinal::Exponential);
        let settings = [
            ("tau", self.tau.is_some(), exponential),
            ("power", self.power.is_some(), exponential),
            ("alpha", self.alpha.is_some(), self.siblings.is_some()),
        ];
        match settings.iter().find(|(_, given, allowed)| *given && !allowed) {
            Some((setting, ..)) => Err(format!("these channels of {kind} have no {setting}; leave it out")),
            None => Ok(()),
        }
    }
}

impl TryFrom<Fields> for Channels {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        fields.check()?;
        let values = |region: Vec<Value>| region.into_iter().map(|value| value.0).collect::<Vec<_>>();
        let channels = if let Some(regions) = fields.regions {
            Self::regions(regions.into_iter().map(values))
        } else if let Some(structures) = fields.structures {
            Self::of_patterns(structures.into_iter().map(values).collect())
        } else if let Some(rows) = fields.matrix {
            Self::matrix(&array(&rows, "matrix")?)
        } else if let Some(counts) = fields.confusion {
            Self::confusion(&array(&counts, "confusion")?)
        } else if let Some(alphas) = fields.per_class {
            Self::per_class(alphas)
        } else if let Some(groups) = fields.siblings {
            Self::siblings(groups, fields.alpha.ok_or("siblings need alpha, such as 0.2")?)
        } else if fields.ordinal == Some(Ordinal::Exponential) {
            let tau = fields.tau.ok_or("exponential channels need tau, such as 1.0")?;
            Self::ordinal_exponential(tau, fields.power.unwrap_or(1.0))
        } else {
            Ok(Self::ordinal_binomial())
        };
        channels.map_err(|error| error.to_string())
    }
}

/// The rows as an array.
fn array(rows: &[Vec<f64>], what: &str) -> Result<Array2<f64>, String> {
    let columns = rows.first().map_or(0, Vec::len);
    if let Some((row, entries)) = rows.iter().enumerate().find(|(_, row)| row.len() != columns) {
        return Err(format!(
            "row {row} of {what} has {} entries, and row 0 has {columns}; give each row an entry for each channel",
            entries.len()
        ));
    }
    Array2::from_shape_vec((rows.len(), columns), rows.concat()).map_err(|error| error.to_string())
}

impl From<Channels> for Fields {
    fn from(channels: Channels) -> Self {
        let none = Self::default();
        let values = |regions: Vec<Vec<i128>>| {
            let values = |region: Vec<i128>| region.into_iter().map(Value).collect();
            Some(regions.into_iter().map(values).collect())
        };
        match channels.form {
            Form::Regions(regions) => Self {
                regions: values(regions),
                ..none
            },
            Form::Structures(structures) => Self {
                structures: values(structures),
                ..none
            },
            Form::Matrix(matrix) => Self {
                matrix: Some(matrix.rows().into_iter().map(|row| row.to_vec()).collect()),
                ..none
            },
            Form::Exponential { tau, power } => Self {
                ordinal: Some(Ordinal::Exponential),
                tau: Some(tau),
                power: Some(power).filter(|&power| power != 1.0),
                ..none
            },
            Form::Binomial => Self {
                ordinal: Some(Ordinal::Binomial),
                ..none
            },
            Form::PerClass(alphas) => Self {
                per_class: Some(alphas),
                ..none
            },
            Form::Siblings { groups, alpha } => Self {
                siblings: Some(groups),
                alpha: Some(alpha),
                ..none
            },
        }
    }
}
