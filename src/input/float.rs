//! The output side: the element types of soft labels.

use num_traits::Zero;

/// Element type of soft labels: `f32`, `f64`, and with feature `half` `f16` and `bf16`.
///
/// Probabilities are computed in `f64` and rounded once to `f32` or `f64`; the 16-bit types are the `f32` value
/// rounded once more. The trait is sealed.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Classes, SoftEncoder, Svls};
///
/// let labels = array![[0_u8, 0, 1]];
/// let classes = Classes::contiguous(2)?;
/// let single: Array3<f32> = Svls::default().encode(&labels, &classes)?;
/// let double: Array3<f64> = Svls::default().encode(&labels, &classes)?;
/// assert_eq!(single, double.mapv(|p| p as f32));
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "soft labels cannot have elements of type `{Self}`",
    label = "not an element type of soft labels",
    note = "they are `f32` or `f64`, and with the feature `half` `f16` or `bf16`; `soft_labels::quantize` writes `u8`"
)]
pub trait SoftFloat: sealed::Round + Zero + Copy + PartialOrd + Send + Sync + std::fmt::Debug + 'static {}

impl SoftFloat for f32 {}
impl SoftFloat for f64 {}
#[cfg(feature = "half")]
impl SoftFloat for half::f16 {}
#[cfg(feature = "half")]
impl SoftFloat for half::bf16 {}

mod sealed {
    pub trait Round {
        /// `value` rounded to the nearest number of this type.
        fn round_from(value: f64) -> Self;
        /// The same number in `f64`.
        fn widen(self) -> f64;
    }

    impl Round for f64 {
        fn round_from(value: f64) -> Self {
            value
        }

        fn widen(self) -> f64 {
            self
        }
    }

    impl Round for f32 {
        #[expect(clippy::cast_possible_truncation, reason = "rounding is the purpose")]
        fn round_from(value: f64) -> Self {
            value as Self
        }

        fn widen(self) -> f64 {
            f64::from(self)
        }
    }

    #[cfg(feature = "half")]
    impl Round for half::f16 {
        fn round_from(value: f64) -> Self {
            Self::from_f32(f32::round_from(value))
        }

        fn widen(self) -> f64 {
            f64::from(self)
        }
    }

    #[cfg(feature = "half")]
    impl Round for half::bf16 {
        fn round_from(value: f64) -> Self {
            Self::from_f32(f32::round_from(value))
        }

        fn widen(self) -> f64 {
            f64::from(self)
        }
    }
}
