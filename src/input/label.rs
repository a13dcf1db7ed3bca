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
pub trait Label: sealed::Integer + Copy + PartialOrd + Send + Sync + std::fmt::Debug + 'static {}

impl<L: sealed::Integer + Copy + PartialOrd + Send + Sync + std::fmt::Debug + 'static> Label for L {}

pub(crate) mod sealed {
    pub trait Integer: Sized {
        /// The label's value.
        fn value(self) -> i128;
        /// The label with this value, if the type has one.
        fn from_value(value: i128) -> Option<Self>;
        /// The value's lowest 16 bits.
        fn low_bits(self) -> u16;
    }

    macro_rules! integer {
        ($($label:ty),*) => {$(
            impl Integer for $label {
                #[inline]
                fn value(self) -> i128 {
                    i128::from(self)
                }

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

    impl Integer for bool {
        #[inline]
        fn value(self) -> i128 {
            i128::from(self)
        }

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
