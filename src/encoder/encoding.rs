//! An encoder that is chosen at run time.

use std::ops::Range;

use ndarray::{ArrayRef, IxDyn};

use crate::{
    Classes, Label, LabelSmoothing, OneHot, Raters, Result, SoftEncoder, SoftFloat, SpatialDim, Svls, SvlsKernel,
    SvlsKernelBuilder,
};

/// One of the crate's encoders, as a value: what a training configuration names.
///
/// It is a [`SoftEncoder`] for every dimension. The settings of SVLS are resolved against the number of axes of the label
/// map when they are used; the errors are those of [`SvlsKernelBuilder::build`]. [`Default`] is the paper's SVLS.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Classes, Encoding, LabelSmoothing, SoftEncoder, SvlsKernel};
///
/// let (labels, classes) = (array![[0_u8, 0, 1, 1]], Classes::contiguous(2)?);
/// for encoding in [
///     Encoding::OneHot,
///     Encoding::LabelSmoothing(LabelSmoothing::new(0.1)?),
///     Encoding::Svls(SvlsKernel::builder().sigma(1.5).radius([0, 2])),
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
/// {"method": "svls", "sigma_mm": 1.0, "spacing_mm": [3.0, 1.0, 1.0]}
/// ```
///
/// Unknown fields, fields of another method, and values that no dimension allows are errors.
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
    /// [`Svls`], by the settings of its kernel.
    Svls(SvlsKernelBuilder<IxDyn>),
}

impl Default for Encoding {
    /// The paper's SVLS.
    fn default() -> Self {
        Self::Svls(SvlsKernel::builder())
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

impl From<SvlsKernelBuilder<IxDyn>> for Encoding {
    fn from(settings: SvlsKernelBuilder<IxDyn>) -> Self {
        Self::Svls(settings)
    }
}

impl<D: SpatialDim> From<Svls<D>> for Encoding {
    fn from(svls: Svls<D>) -> Self {
        Self::Svls(SvlsKernelBuilder::from(svls.kernel().clone()).with_dimension())
    }
}

/// SVLS by these settings in dimension `D`.
pub(crate) fn svls<D: SpatialDim>(settings: &SvlsKernelBuilder<IxDyn>) -> Result<Svls<D>> {
    settings.clone().with_dimension().build().map(Svls::new)
}

impl<D: SpatialDim> SoftEncoder<D> for Encoding {
    fn encode_raters_window_into<L: Label, F: SoftFloat>(
        &self,
        raters: &Raters<'_, L, D>,
        classes: &Classes,
        window: &[Range<usize>],
        out: &mut ArrayRef<F, D::Larger>,
    ) -> Result<()> {
        match self {
            Self::OneHot => OneHot.encode_raters_window_into(raters, classes, window, out),
            Self::LabelSmoothing(smoothing) => smoothing.encode_raters_window_into(raters, classes, window, out),
            Self::Svls(settings) => svls(settings)?.encode_raters_window_into(raters, classes, window, out),
        }
    }
}
