//! Element types of arrays in files.

use std::fmt;

use half::f16;
use ndarray::ArrayViewD;

/// The type of an array's elements in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ElementType {
    /// `bool`: labels 0 and 1.
    Bool,
    /// `u8`: labels, or probabilities in 255ths.
    U8,
    /// `u16`
    U16,
    /// `u32`
    U32,
    /// `u64`
    U64,
    /// `i8`
    I8,
    /// `i16`
    I16,
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `half::f16`: probabilities.
    F16,
    /// `f32`: probabilities.
    F32,
    /// `f64`: probabilities.
    F64,
}

/// As Rust writes the type: `u8`.
impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

/// An element type that is written: of labels, or of probabilities, which are `f32`, `f64`, `half::f16`, or `u8` in 255ths.
///
/// The trait is sealed.
pub trait Element: sealed::Sealed + Copy + 'static {
    /// The type as a value.
    const TYPE: ElementType;
}

pub(crate) mod sealed {
    use super::{ArrayViewD, Values};

    pub trait Sealed: Sized {
        fn values(array: ArrayViewD<'_, Self>) -> Values<'_>;
    }
}

/// An array of one of the element types.
#[derive(Debug, Clone)]
pub enum Values<'a> {
    Bool(ArrayViewD<'a, bool>),
    U8(ArrayViewD<'a, u8>),
    U16(ArrayViewD<'a, u16>),
    U32(ArrayViewD<'a, u32>),
    U64(ArrayViewD<'a, u64>),
    I8(ArrayViewD<'a, i8>),
    I16(ArrayViewD<'a, i16>),
    I32(ArrayViewD<'a, i32>),
    I64(ArrayViewD<'a, i64>),
    F16(ArrayViewD<'a, f16>),
    F32(ArrayViewD<'a, f32>),
    F64(ArrayViewD<'a, f64>),
}

/// Runs the same code for whichever element type an array has, and other code for types that libraries do not know.
macro_rules! each_value {
    ($values:expr, $array:ident => $body:expr) => {
        $crate::elements::each_value!($values, $array => $body, bool => $body, half => $body, float => $body)
    };
    ($values:expr, $array:ident => $body:expr, bool => $bool:expr, half => $half:expr) => {
        $crate::elements::each_value!($values, $array => $body, bool => $bool, half => $half, float => $body)
    };
    ($values:expr, $array:ident => $body:expr, bool => $bool:expr, half => $half:expr, float => $float:expr) => {{
        use $crate::elements::Values;
        #[allow(unused_variables, reason = "for some types there is nothing to be done with the array")]
        match $values {
            Values::Bool($array) => $bool,
            Values::U8($array) => $body,
            Values::U16($array) => $body,
            Values::U32($array) => $body,
            Values::U64($array) => $body,
            Values::I8($array) => $body,
            Values::I16($array) => $body,
            Values::I32($array) => $body,
            Values::I64($array) => $body,
            Values::F16($array) => $half,
            Values::F32($array) => $float,
            Values::F64($array) => $float,
        }
    }};
}
pub(crate) use each_value;

impl Values<'_> {
    pub(crate) fn shape(&self) -> &[usize] {
        each_value!(self, array => array.shape())
    }
}

macro_rules! elements {
    ($($kind:ty, $name:ident;)*) => {$(
        impl Element for $kind {
            const TYPE: ElementType = ElementType::$name;
        }

        impl sealed::Sealed for $kind {
            fn values(array: ArrayViewD<'_, Self>) -> Values<'_> {
                Values::$name(array)
            }
        }
    )*};
}
elements! {
    bool, Bool;
    u8, U8;
    u16, U16;
    u32, U32;
    u64, U64;
    i8, I8;
    i16, I16;
    i32, I32;
    i64, I64;
    f16, F16;
    f32, F32;
    f64, F64;
}
