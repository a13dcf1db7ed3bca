//! NumPy's arrays as views, whichever element type they have.

use ndarray::ArrayViewD;
use numpy::{Element, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::error::{value, wrong_type};

/// Evaluates an expression in which a name stands for the element type of a `dtype`.
macro_rules! each_type {
    ($dtype:expr, $what:literal, $name:ident in $($type:ty)+, $body:expr) => {{
        let dtype: &pyo3::Bound<'_, numpy::PyArrayDescr> = &$dtype;
        $(if numpy::PyArrayDescrMethods::is_equiv_to(dtype, &numpy::dtype::<$type>(dtype.py())) {
            type $name = $type;
            $body
        } else)+ {
            Err($crate::error::wrong_type(format!(concat!($what, ", not {}"), dtype)))
        }
    }};
}

/// For labels, the usual types first. NumPy's bools come as bytes: they may hold other bytes than 0 and 1, which no `bool` of
/// Rust may.
macro_rules! each_label {
    ($dtype:expr, $name:ident => $body:expr) => {
        $crate::arrays::each_type!(
            $dtype, "labels are of an integer type or bool",
            $name in u8 i16 i32 i64 i8 u16 u32 u64, $body
        )
    };
}

/// For soft labels.
macro_rules! each_float {
    ($dtype:expr, $name:ident => $body:expr) => {
        $crate::arrays::each_type!(
            $dtype, "soft labels are of float32, float64 or float16",
            $name in f32 f64 half::f16, $body
        )
    };
}

/// For what a network says.
macro_rules! each_probability {
    ($dtype:expr, $name:ident => $body:expr) => {
        $crate::arrays::each_type!($dtype, "probabilities are of float32 or float64", $name in f32 f64, $body)
    };
}

pub(crate) use {each_float, each_label, each_probability, each_type};

/// What NumPy lent. It has to live as long as the views.
pub(crate) fn read<'py, T: Element>(array: &Bound<'py, PyUntypedArray>) -> PyResult<PyReadonlyArrayDyn<'py, T>> {
    typed::<T>(array)?.try_readonly().map_err(value)
}

pub(crate) fn read_all<'py, T: Element>(
    arrays: &[Bound<'py, PyUntypedArray>],
) -> PyResult<Vec<PyReadonlyArrayDyn<'py, T>>> {
    arrays.iter().map(read).collect()
}

pub(crate) fn views<'a, T: Element>(arrays: &'a [PyReadonlyArrayDyn<'_, T>]) -> Vec<ArrayViewD<'a, T>> {
    arrays.iter().map(|array| array.as_array()).collect()
}

/// Casts an array to one of known elements.
pub(crate) fn typed<'a, 'py, T: Element>(
    array: &'a Bound<'py, PyUntypedArray>,
) -> PyResult<&'a Bound<'py, PyArrayDyn<T>>> {
    // A view of more axes than ndarray's dynamic dimension is made for would panic.
    if array.ndim() > 8 {
        return Err(value(format!(
            "an array has {} axes; label maps have 2 or 3",
            array.ndim()
        )));
    }
    let cast = array.cast::<PyArrayDyn<T>>();
    cast.map_err(|_| {
        wrong_type(format!(
            "the element types differ: {} and {}",
            array.dtype(),
            numpy::dtype::<T>(array.py())
        ))
    })
}

/// The first of several arrays.
pub(crate) fn first<'a, 'py>(arrays: &'a [Bound<'py, PyUntypedArray>]) -> PyResult<&'a Bound<'py, PyUntypedArray>> {
    arrays
        .first()
        .ok_or_else(|| value("there are no raters; give at least one label map"))
}
