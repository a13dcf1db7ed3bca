//! How classes look in JSON and the like.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::classes::Classes;

/// Either a count or values.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "classes such as {\"count\": 4}")]
pub(super) struct Fields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ignore: Option<Value>,
}

impl TryFrom<Fields> for Classes {
    type Error = String;

    fn try_from(Fields { count, values, ignore }: Fields) -> Result<Self, String> {
        let classes = match (count, values) {
            (Some(count), None) => Self::contiguous(count),
            (None, Some(values)) => Self::from_values(values.into_iter().map(|value| value.0)),
            (Some(_), Some(_)) => return Err("count and values are given; give one of them".into()),
            (None, None) => return Err("classes need count or values".into()),
        };
        let classes = match ignore {
            Some(value) => classes.and_then(|classes| classes.with_ignore(value.0)),
            None => classes,
        };
        classes.map_err(|error| error.to_string())
    }
}

impl From<Classes> for Fields {
    fn from(classes: Classes) -> Self {
        let listed = classes.listed().is_some();
        Self {
            count: (!listed).then_some(classes.len()),
            values: listed.then(|| classes.values().into_iter().map(Value).collect()),
            ignore: classes.ignore().map(Value),
        }
    }
}

/// The value of a label of any type. Not every format has numbers of 128 bits.
pub(crate) struct Value(pub(crate) i128);

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (i64::try_from(self.0), u64::try_from(self.0)) {
            (Ok(value), _) => serializer.serialize_i64(value),
            (_, Ok(value)) => serializer.serialize_u64(value),
            _ => serializer.serialize_i128(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<S: Deserializer<'de>>(deserializer: S) -> Result<Self, S::Error> {
        deserializer.deserialize_any(AnyInteger)
    }
}

struct AnyInteger;

impl Visitor<'_> for AnyInteger {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a whole number")
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value(value))
    }
}
