//! An encoder whose channels are not the classes.

use super::channels::Channels;
use super::sealed::Encoder;
use crate::engine::Smoothing;
use crate::engine::mixing::Mixing;
use crate::{Classes, Error, Result, SoftEncoder};

/// An encoder with [`Channels`]: the first axis of its soft labels has an entry for each channel, not for each class.
///
/// Made by [`SoftEncoder::with_channels`]. All that takes an encoder takes this one: windows, several raters, batches, coarser
/// scales, sparse soft labels and 255ths. Those of channels that do not sum to 1 are rounded one by one.
///
/// # Errors
/// Where it meets classes that its channels do not fit:
/// - [`Error::NoClass`] if a region lists a label that is no class.
/// - [`Error::Count`] if the channels are for another number of classes.
/// - [`Error::Conflict`] if the encoder already had channels.
/// - [`Error::TooLarge`] if classes and channels are too many.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Channels, Classes, OneHot, SoftEncoder};
///
/// // Edema, core and enhancing tumour. Each region holds the next one.
/// let brats = Classes::from_values([0, 1, 2, 4])?;
/// let regions = OneHot.with_channels(Channels::regions([vec![1, 2, 4], vec![1, 4], vec![4]])?);
/// let soft: Array3<f32> = regions.encode(&array![[0_u8, 2, 1, 4]], &brats)?;
/// assert_eq!(soft, array![[[0.0, 1.0, 1.0, 1.0]], [[0.0, 0.0, 1.0, 1.0]], [[0.0, 0.0, 0.0, 1.0]]]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct WithChannels<E> {
    encoder: E,
    channels: Channels,
}

impl<E> WithChannels<E> {
    pub(super) fn new(encoder: E, channels: Channels) -> Self {
        Self { encoder, channels }
    }

    pub(super) fn into_parts(self) -> (E, Channels) {
        (self.encoder, self.channels)
    }

    /// The encoder of the classes.
    ///
    /// ```
    /// use soft_labels::{Channels, OneHot, SoftEncoder};
    /// let binomial = OneHot.with_channels(Channels::ordinal_binomial());
    /// assert_eq!(binomial.encoder(), &OneHot);
    /// ```
    pub fn encoder(&self) -> &E {
        &self.encoder
    }

    /// The channels.
    ///
    /// ```
    /// use soft_labels::{Channels, OneHot, SoftEncoder};
    /// let binomial = OneHot.with_channels(Channels::ordinal_binomial());
    /// assert_eq!(binomial.channels(), &Channels::ordinal_binomial());
    /// ```
    pub fn channels(&self) -> &Channels {
        &self.channels
    }
}

impl<E: Encoder> Encoder for WithChannels<E> {
    fn smoothing(&self, classes: usize, axes: usize) -> Result<Smoothing> {
        self.encoder.smoothing(classes, axes)
    }

    fn mixing(&self, classes: &Classes) -> Result<Option<Mixing>> {
        if self.encoder.mixing(classes)?.is_some() {
            return Err(Error::Conflict {
                first: "channels",
                second: "channels of channels",
            });
        }
        self.channels.mixing(classes).map(Some)
    }
}

impl<E: SoftEncoder> SoftEncoder for WithChannels<E> {}
