//! An encoder that is chosen at run time.

use super::sealed::Encoder;
use crate::engine::Smoothing;
use crate::engine::mixing::Mixing;
use crate::{Classes, LabelSmoothing, OneHot, Result, SoftEncoder, Svls, WithChannels};

/// One of the crate's encoders, as a value: what a training configuration names.
///
/// It is a [`SoftEncoder`] with the bits of the one that it holds. [`Default`] is the paper's SVLS.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Classes, Encoding, LabelSmoothing, SoftEncoder, Svls, SvlsKernel};
///
/// let (labels, classes) = (array![[0_u8, 0, 1, 1]], Classes::contiguous(2)?);
/// for encoding in [
///     Encoding::OneHot,
///     Encoding::LabelSmoothing(LabelSmoothing::new(0.1)?),
///     Encoding::Svls(Svls::new(SvlsKernel::builder().sigma(1.5).radius([0, 2]).build()?)),
///     Encoding::default(),
/// ] {
///     let soft: Array3<f32> = encoding.encode(&labels, &classes)?;
///     assert!(soft[[1, 0, 3]] > 0.9);
/// }
/// # Ok::<(), soft_labels::Error>(())
/// ```
///
/// # As JSON
///
/// With feature `serde` an encoding can be read from and written to JSON, TOML and the like. Settings by axis are one number
/// or a list; settings that are left out are the paper's.
///
/// ```text
/// {"method": "one_hot"}
/// {"method": "label_smoothing", "alpha": 0.1}
/// {"method": "label_smoothing_over_others", "alpha": 0.1}
/// {"method": "svls"}
/// {"method": "svls", "sigma": 1.5, "radius": [1, 2, 2], "strength": 0.5}
/// {"method": "svls", "sigma_mm": 1.0, "spacing_mm": [3.0, 1.0, 1.0], "truncate": 3.0}
/// {"method": "svls", "channels": {"regions": [[1, 2, 4], [1, 4], [4]]}}
/// ```
///
/// [`Channels`](crate::Channels) lists the forms of `channels`.
///
/// Unknown fields, fields of another method, and settings that
/// [`SvlsKernelBuilder::build`](crate::SvlsKernelBuilder::build) refuses are errors.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "super::serde::Fields", into = "super::serde::Fields")
)]
#[non_exhaustive]
pub enum Encoding {
    /// [`OneHot`].
    OneHot,
    /// [`LabelSmoothing`], in either convention.
    LabelSmoothing(LabelSmoothing),
    /// [`Svls`].
    Svls(Svls),
    /// One of them, with channels that are not the classes.
    WithChannels(Box<WithChannels<Self>>),
}

impl Default for Encoding {
    /// The paper's SVLS.
    fn default() -> Self {
        Self::Svls(Svls::default())
    }
}

impl From<OneHot> for Encoding {
    fn from(_: OneHot) -> Self {
        Self::OneHot
    }
}

impl From<LabelSmoothing> for Encoding {
    fn from(smoothing: LabelSmoothing) -> Self {
        Self::LabelSmoothing(smoothing)
    }
}

impl From<Svls> for Encoding {
    fn from(svls: Svls) -> Self {
        Self::Svls(svls)
    }
}

impl<E: Into<Self>> From<WithChannels<E>> for Encoding {
    fn from(encoder: WithChannels<E>) -> Self {
        let (encoder, channels) = encoder.into_parts();
        Self::WithChannels(Box::new(encoder.into().with_channels(channels)))
    }
}

impl Encoder for Encoding {
    fn smoothing(&self, classes: usize, axes: usize) -> Result<Smoothing> {
        match self {
            Self::OneHot => OneHot.smoothing(classes, axes),
            Self::LabelSmoothing(smoothing) => smoothing.smoothing(classes, axes),
            Self::Svls(svls) => svls.smoothing(classes, axes),
            Self::WithChannels(encoder) => encoder.smoothing(classes, axes),
        }
    }

    fn mixing(&self, classes: &Classes) -> Result<Option<Mixing>> {
        match self {
            Self::WithChannels(encoder) => encoder.mixing(classes),
            _ => Ok(None),
        }
    }
}

impl SoftEncoder for Encoding {}
