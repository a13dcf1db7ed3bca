//! Arrays: their shapes, their order in memory, and memory for new ones.

use std::borrow::Cow;
use std::hint::black_box;

use ndarray::{Array, ArrayRef, Dimension};
use num_traits::Zero;

use crate::{Error, Place, Result};

/// A new array of one value, or an error if it does not fit in memory.
pub(crate) fn filled<T: Clone, D: Dimension>(dim: D, value: T) -> Result<Array<T, D>> {
    let too_large = || Error::TooLarge {
        shape: dim.slice().to_vec(),
    };
    // Axes of length 0 are skipped, as in ndarray's own check.
    let len = dim
        .slice()
        .iter()
        .filter(|&&n| n > 0)
        .try_fold(1_usize, |len, &n| len.checked_mul(n));
    let len = len.filter(|&len| isize::try_from(len).is_ok()).ok_or_else(too_large)?;
    if dim.size() > 0 {
        // Tries the allocation first, because a failed allocation in ndarray aborts the process.
        check_room::<T>(len, too_large)?;
    }
    Ok(Array::from_elem(dim, value))
}

/// Zeros for an array of a shape, which are not touched yet, or an error if they do not fit in memory.
pub(crate) fn zeros<T: Zero + Clone>(len: usize, shape: &[usize]) -> Result<Vec<T>> {
    check_room::<T>(len, || Error::TooLarge { shape: shape.to_vec() })?;
    Ok(vec![T::zero(); len])
}

/// An error if so many elements do not fit in memory. The memory is asked for and given back.
pub(crate) fn check_room<T>(len: usize, too_large: impl FnOnce() -> Error) -> Result<()> {
    let mut room = Vec::<T>::new();
    let reserved = room.try_reserve_exact(len);
    // A list that nobody looks at may be left out by the compiler.
    match black_box((room, reserved)).1 {
        Ok(()) => Ok(()),
        Err(_) => Err(too_large()),
    }
}

/// An empty list with room for so many elements, or an error if they do not fit in memory. `shape` is for the error.
pub(crate) fn reserved<T>(len: usize, shape: impl FnOnce() -> Vec<usize>) -> Result<Vec<T>> {
    let mut list = Vec::new();
    match list.try_reserve_exact(len) {
        Ok(()) => Ok(list),
        Err(_) => Err(Error::TooLarge { shape: shape() }),
    }
}

/// The elements in C order, copied if they are not, or an error if the copy does not fit in memory.
pub(crate) fn in_order<T: Copy, D: Dimension>(array: &ArrayRef<T, D>) -> Result<Cow<'_, [T]>> {
    if let Some(elements) = array.as_slice() {
        return Ok(Cow::Borrowed(elements));
    }
    let mut elements = Vec::new();
    elements.try_reserve_exact(array.len()).map_err(|_| Error::TooLarge {
        shape: array.shape().to_vec(),
    })?;
    // Row by row, since an iterator over all axes takes ten times as long to step. An array's own `for_each` would follow the
    // order in memory, which is the reverse of a row with a negative stride.
    for row in array.rows() {
        elements.extend(row.iter());
    }
    Ok(Cow::Owned(elements))
}

/// Checks the shape of an array.
pub(crate) fn check_shape(what: &'static str, expected: &[usize], actual: &[usize]) -> Result<()> {
    check_shape_of(what, None, expected, actual)
}

/// Checks the shape of an array that may be one of several; `place` says which.
pub(crate) fn check_shape_of(
    what: &'static str,
    place: Option<Place>,
    expected: &[usize],
    actual: &[usize],
) -> Result<()> {
    if actual == expected {
        Ok(())
    } else {
        Err(Error::Shape {
            what,
            place,
            expected: expected.to_vec(),
            actual: actual.to_vec(),
        })
    }
}

/// Checks that a list has an entry for each axis, rater or class.
pub(crate) fn check_count(what: &'static str, per: &'static str, expected: usize, actual: usize) -> Result<()> {
    if actual == expected {
        Ok(())
    } else {
        Err(Error::Count {
            what,
            per,
            expected,
            actual,
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, Axis};

    use super::*;

    #[test]
    fn elements_are_in_c_order_whatever_the_strides() {
        let array = Array3::from_shape_fn((2, 3, 4), |(d, h, w)| 100 * d + 10 * h + w);
        for axes in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] {
            for reversed in 0..8 {
                let mut view = array.view().permuted_axes(axes);
                for axis in (0..3).filter(|axis| reversed >> axis & 1 == 1) {
                    view.invert_axis(Axis(axis));
                }
                let expected: Vec<_> = view.indexed_iter().map(|(_, &element)| element).collect();
                assert_eq!(in_order(&view).unwrap(), expected, "{axes:?} {reversed}");
            }
        }
    }
}
