//! How encodings and settings by axis look in JSON and the like.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error as _, IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::channels::Channels;
use super::encoding::Encoding;
use super::kernel::{Reach, SvlsKernel};
use super::kernel_builder::SvlsKernelBuilder;
use super::label_smoothing::LabelSmoothing;
use super::smooth::Svls;
use crate::SoftEncoder;
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
    truncate: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    strength: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channels: Option<Channels>,
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
            truncate: None,
            strength: None,
            channels: None,
        }
    }

    /// SVLS, without the settings that are the paper's.
    fn of_kernel(kernel: SvlsKernel) -> Self {
        let paper = SvlsKernel::default();
        let fields = Self::of(Method::Svls);
        let fields = match kernel.reach {
            Reach::Truncate(sigmas) => Self {
                truncate: Some(sigmas),
                ..fields
            },
            reach if reach == paper.reach => fields,
            Reach::Radius(radius) => Self {
                radius: Some(radius),
                ..fields
            },
        };
        let in_mm = kernel.spacing.is_some();
        Self {
            sigma: Some(kernel.sigma.clone()).filter(|sigma| !in_mm && *sigma != paper.sigma),
            sigma_mm: in_mm.then_some(kernel.sigma),
            spacing_mm: kernel.spacing,
            strength: Some(kernel.strength).filter(|strength| *strength != paper.strength),
            ..fields
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
            ("truncate", self.truncate.is_some(), is_svls),
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

    fn try_from(mut fields: Fields) -> Result<Self, String> {
        fields.check()?;
        let channels = fields.channels.take();
        let alpha = || {
            fields
                .alpha
                .ok_or(format!("{} needs alpha, such as 0.1", fields.method.name()))
        };
        let encoding = match fields.method {
            Method::OneHot => Ok(Self::OneHot),
            Method::LabelSmoothing => LabelSmoothing::new(alpha()?).map(Self::from),
            Method::LabelSmoothingOverOthers => LabelSmoothing::over_others(alpha()?).map(Self::from),
            Method::Svls => svls(fields).map(Self::from),
        };
        let encoding: Self = encoding.map_err(|error| error.to_string())?;
        Ok(match channels {
            Some(channels) => Self::from(encoding.with_channels(channels)),
            None => encoding,
        })
    }
}

fn svls(fields: Fields) -> crate::Result<Svls> {
    let settings = SvlsKernelBuilder {
        sigma: fields.sigma,
        sigma_mm: fields.sigma_mm,
        spacing_mm: fields.spacing_mm,
        radius: fields.radius,
        truncate: fields.truncate,
        strength: fields.strength,
    };
    settings.build().map(Svls::new)
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
            Encoding::Svls(svls) => Self::of_kernel(svls.kernel().clone()),
            Encoding::WithChannels(encoder) => {
                let (encoding, channels) = encoder.into_parts();
                Self {
                    channels: Some(channels),
                    ..Self::from(encoding)
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
