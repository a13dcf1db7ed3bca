//! Settings by axis.

use crate::Result;
use crate::common::arrays::check_count;

/// One value for all axes, or one for each in the order of the label map's axes.
///
/// Kernel settings, voxel spacings and box sizes take anything that converts to this type: a number, an array, a slice or a
/// `Vec`.
///
/// ```
/// use soft_labels::SvlsKernel;
///
/// let by_number = SvlsKernel::builder().sigma(1.5).radius(2).build()?;
/// let by_array = SvlsKernel::builder().sigma([1.5, 1.5, 1.5]).radius([2; 3]).build()?;
/// let by_vec = SvlsKernel::builder().sigma(vec![1.5; 3]).radius(&[2, 2, 2][..]).build()?;
/// assert_eq!(by_number.weights(3)?, by_array.weights(3)?);
/// assert_eq!(by_array, by_vec);
/// assert!(by_number.weights(2).is_ok() && by_array.weights(2).is_err());
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerAxis<T>(Vec<T>);

impl<T> PerAxis<T> {
    /// The values: one, or one for each axis.
    ///
    /// ```
    /// assert_eq!(soft_labels::PerAxis::from(1.5).values(), [1.5]);
    /// ```
    pub fn values(&self) -> &[T] {
        &self.0
    }
}

impl<T> From<T> for PerAxis<T> {
    fn from(value: T) -> Self {
        Self(vec![value])
    }
}

impl<T> From<Vec<T>> for PerAxis<T> {
    fn from(values: Vec<T>) -> Self {
        Self(values)
    }
}

impl<T: Clone> From<&Vec<T>> for PerAxis<T> {
    fn from(values: &Vec<T>) -> Self {
        Self(values.clone())
    }
}

impl<T: Clone> From<&[T]> for PerAxis<T> {
    fn from(values: &[T]) -> Self {
        Self(values.to_vec())
    }
}

impl<T, const N: usize> From<[T; N]> for PerAxis<T> {
    fn from(values: [T; N]) -> Self {
        Self(values.into())
    }
}

impl<T: Clone, const N: usize> From<&[T; N]> for PerAxis<T> {
    fn from(values: &[T; N]) -> Self {
        Self(values.to_vec())
    }
}

/// One value for each axis, where one may have been given for all. As given if the number of axes is not known.
pub(crate) fn per_axis<T: Copy>(what: &'static str, values: &[T], axes: Option<usize>) -> Result<Vec<T>> {
    match (values, axes) {
        (&[value], Some(axes)) => Ok(vec![value; axes]),
        (&[_] | &[_, _] | &[_, _, _], None) => Ok(values.to_vec()),
        (_, axes) => {
            check_count(what, "axes", axes.unwrap_or(3), values.len())?;
            Ok(values.to_vec())
        }
    }
}
