//! The input side: the element types of label maps.

/// Element type of a label map: `bool`, `u8` to `u64` or `i8` to `i64`.
///
/// `false` is label 0 and `true` label 1. The trait is sealed.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Classes, OneHot, SoftEncoder};
///
/// let classes = Classes::contiguous(2)?;
/// let from_bool: Array3<f32> = OneHot.encode(&array![[false, true]], &classes)?;
/// let from_i64: Array3<f32> = OneHot.encode(&array![[0_i64, 1]], &classes)?;
/// assert_eq!(from_bool, from_i64);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a label map cannot have elements of type `{Self}`",
    label = "not an element type of label maps",
    note = "they are `bool`, `u8` to `u64` or `i8` to `i64`; convert the map first, for example with `labels.mapv(|label| label as i64)`"
)]
pub trait Label: ClassValue + sealed::Integer + Copy + PartialOrd + Send + Sync + std::fmt::Debug + 'static {}

/// An integer that can state a class: the types of [`Label`], and `i128`, `isize` and `usize`.
///
/// [`Classes::from_values`](crate::Classes::from_values) and [`Classes::with_ignore`](crate::Classes::with_ignore) take them.
/// A value that no label map can hold never occurs. The trait is sealed.
///
/// ```
/// use soft_labels::Classes;
///
/// let count: usize = 3;
/// assert_eq!(Classes::from_values(0..count)?, Classes::contiguous(count)?);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a class cannot have a value of type `{Self}`",
    label = "not a type of values",
    note = "they are `bool`, integers of up to 64 bits, `isize`, `usize` and `i128`"
)]
pub trait ClassValue: sealed::Value {}

pub(crate) mod sealed {
    use super::{ClassValue, Label};

    pub trait Value: Sized {
        /// The number.
        fn value(self) -> i128;
    }

    macro_rules! value {
        ($($value:ty),*) => {$(
            impl ClassValue for $value {}

            impl Value for $value {
                #[inline]
                #[allow(clippy::cast_lossless, reason = "not all of them have `From`")]
                fn value(self) -> i128 {
                    self as i128
                }
            }
        )*};
    }
    value!(bool, u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, i128);

    pub trait Integer: Value {
        /// The label with this value, if the type has one.
        fn from_value(value: i128) -> Option<Self>;
        /// The value's lowest 16 bits.
        fn low_bits(self) -> u16;
    }

    macro_rules! integer {
        ($($label:ty),*) => {$(
            impl Label for $label {}

            impl Integer for $label {
                fn from_value(value: i128) -> Option<Self> {
                    Self::try_from(value).ok()
                }

                #[inline]
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_lossless,
                    reason = "the lowest bits are what is asked for, of every type"
                )]
                fn low_bits(self) -> u16 {
                    self as u16
                }
            }
        )*};
    }
    integer!(u8, u16, u32, u64, i8, i16, i32, i64);

    impl Label for bool {}

    impl Integer for bool {
        fn from_value(value: i128) -> Option<Self> {
            match value {
                0 => Some(false),
                1 => Some(true),
                _ => None,
            }
        }

        #[inline]
        fn low_bits(self) -> u16 {
            u16::from(self)
        }
    }
}
