//! How encodings and settings by axis look in JSON and the like.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error as _, IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::encoding::Encoding;
use super::kernel_builder::SvlsKernelBuilder;
use super::label_smoothing::LabelSmoothing;
use crate::input::per_axis::PerAxis;

/// The fields of all encodings. A flat form refuses unknown fields, which an enum with tags does not in every variant.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an encoding such as {\"method\": \"svls\"}")]
pub(super) struct Fields {
    method: Method,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alpha: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sigma: Option<PerAxis<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sigma_mm: Option<PerAxis<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spacing_mm: Option<PerAxis<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    radius: Option<PerAxis<usize>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    strength: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    OneHot,
    LabelSmoothing,
    LabelSmoothingOverOthers,
    Svls,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::OneHot => "one_hot",
            Self::LabelSmoothing => "label_smoothing",
            Self::LabelSmoothingOverOthers => "label_smoothing_over_others",
            Self::Svls => "svls",
        }
    }
}

impl Fields {
    fn of(method: Method) -> Self {
        Self {
            method,
            alpha: None,
            sigma: None,
            sigma_mm: None,
            spacing_mm: None,
            radius: None,
            strength: None,
        }
    }

    /// Returns an error if a field of another method is given.
    fn check(&self) -> Result<(), String> {
        let is_svls = self.method == Method::Svls;
        let has_alpha = matches!(self.method, Method::LabelSmoothing | Method::LabelSmoothingOverOthers);
        let fields = [
            ("alpha", self.alpha.is_some(), has_alpha),
            ("sigma", self.sigma.is_some(), is_svls),
            ("sigma_mm", self.sigma_mm.is_some(), is_svls),
            ("spacing_mm", self.spacing_mm.is_some(), is_svls),
            ("radius", self.radius.is_some(), is_svls),
            ("strength", self.strength.is_some(), is_svls),
        ];
        match fields.iter().find(|(_, given, allowed)| *given && !allowed) {
            Some((field, ..)) => Err(format!("{} has no {field}; leave it out", self.method.name())),
            None => Ok(()),
        }
    }
}

impl TryFrom<Fields> for Encoding {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        fields.check()?;
        let alpha = || {
            fields
                .alpha
                .ok_or(format!("{} needs alpha, such as 0.1", fields.method.name()))
        };
        let smoothing = |made: crate::Result<LabelSmoothing>| made.map(Self::from).map_err(|error| error.to_string());
        match fields.method {
            Method::OneHot => Ok(Self::OneHot),
            Method::LabelSmoothing => smoothing(LabelSmoothing::new(alpha()?)),
            Method::LabelSmoothingOverOthers => smoothing(LabelSmoothing::over_others(alpha()?)),
            Method::Svls => svls(fields),
        }
    }
}

fn svls(fields: Fields) -> Result<Encoding, String> {
    let mut settings = SvlsKernelBuilder::new();
    settings = match (fields.sigma, fields.sigma_mm, fields.spacing_mm) {
        (Some(_), Some(_), _) => return Err("sigma and sigma_mm are given; give one of them".into()),
        (_, None, Some(_)) => return Err("spacing_mm is for sigma_mm; give sigma_mm or leave spacing_mm out".into()),
        (Some(voxels), None, None) => settings.sigma(voxels),
        (None, Some(mm), None) => settings.sigma_mm(mm),
        (None, Some(mm), Some(spacing)) => settings.sigma_mm(mm).spacing_mm(spacing),
        (None, None, None) => settings,
    };
    if let Some(radius) = fields.radius {
        settings = settings.radius(radius);
    }
    if let Some(strength) = fields.strength {
        settings = settings.strength(strength);
    }
    // Settings that are invalid for every number of axes are refused here, before there is a label map.
    settings.clone().build().map_err(|error| error.to_string())?;
    Ok(Encoding::Svls(settings))
}

impl From<Encoding> for Fields {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::OneHot => Self::of(Method::OneHot),
            Encoding::LabelSmoothing(smoothing) => Self {
                alpha: Some(smoothing.alpha()),
                ..Self::of(if smoothing.is_over_others() {
                    Method::LabelSmoothingOverOthers
                } else {
                    Method::LabelSmoothing
                })
            },
            Encoding::Svls(settings) => {
                let default = SvlsKernelBuilder::<ndarray::IxDyn>::new();
                let SvlsKernelBuilder {
                    sigma,
                    in_mm,
                    spacing,
                    radius,
                    strength,
                    ..
                } = settings;
                let (sigma, sigma_mm) = if in_mm {
                    (None, Some(sigma))
                } else {
                    (Some(sigma), None)
                };
                Self {
                    sigma: sigma.filter(|sigma| *sigma != default.sigma),
                    sigma_mm,
                    spacing_mm: spacing.filter(|_| in_mm),
                    radius: Some(radius).filter(|radius| *radius != default.radius),
                    strength: Some(strength).filter(|strength| *strength != default.strength),
                    ..Self::of(Method::Svls)
                }
            }
        }
    }
}

/// A number for one value, a list for several.
impl<T: Serialize> Serialize for PerAxis<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.values() {
            [value] => value.serialize(serializer),
            values => values.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for PerAxis<T> {
    fn deserialize<S: Deserializer<'de>>(deserializer: S) -> Result<Self, S::Error> {
        deserializer.deserialize_any(OneOrEach(PhantomData))
    }
}

struct OneOrEach<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrEach<T> {
    type Value = PerAxis<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number, or a list with a number for each axis")
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(PerAxis::from)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(PerAxis::from)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(PerAxis::from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<Self::Value, A::Error> {
        let values = Vec::deserialize(SeqAccessDeserializer::new(values))?;
        if values.is_empty() {
            return Err(A::Error::custom(
                "the list is empty; give one number, or one for each axis",
            ));
        }
        Ok(PerAxis::from(values))
    }
}
