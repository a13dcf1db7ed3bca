//! One or several label maps of the same voxels.

use ndarray::{ArrayView, Dimension};

use crate::common::arrays::{check_count, check_shape_of, in_order};
use crate::common::parallel;
use crate::common::runs::for_each_run;
use crate::error::allowed;
use crate::{Classes, Error, Label, Place, Result, SpatialDim};

/// The label maps of one or several raters, all of the same shape, each with a weight.
///
/// [`SoftEncoder::encode_raters`](crate::SoftEncoder::encode_raters) and the methods for windows take it, and so do
/// [`sparse`](crate::sparse), [`batch`](crate::batch), [`pool`](crate::pool) and [`quantize`](crate::quantize). Who averages
/// whole label maps alone can pass a slice of them to [`multirater`](crate::multirater).
///
/// ```
/// use ndarray::array;
/// use soft_labels::Raters;
///
/// let (first, second) = (array![[0_u8, 1]], array![[1_u8, 1]]);
/// let raters = Raters::weighted(&[first.view(), second.view()], &[3.0, 1.0])?;
/// assert_eq!(raters.weights(), [0.75, 0.25]);
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Raters<'a, L, D: Dimension> {
    maps: Vec<ArrayView<'a, L, D>>,
    weights: Vec<f64>,
}

impl<'a, L: Label, D: SpatialDim> Raters<'a, L, D> {
    /// One rater.
    ///
    /// # Errors
    /// [`Error::Axes`] if the label map is neither 2D nor 3D.
    ///
    /// ```
    /// # use soft_labels::Raters;
    /// assert_eq!(Raters::one(ndarray::array![[0_u8, 1]].view())?.len(), 1);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn one(labels: ArrayView<'a, L, D>) -> Result<Self> {
        check_axes(labels.ndim())?;
        Ok(Self {
            maps: vec![labels],
            weights: vec![1.0],
        })
    }

    /// Several raters, all of equal weight.
    ///
    /// # Errors
    /// [`Error::Empty`] if there are none, [`Error::Axes`], [`Error::Shape`] if they differ in shape.
    ///
    /// ```
    /// # use soft_labels::{Error, Place, Raters};
    /// let (a, b) = (ndarray::array![[0_u8, 1]], ndarray::array![[0_u8], [1]]);
    /// let error = Raters::new(&[a.view(), b.view()]).unwrap_err();
    /// assert!(matches!(&error, Error::Shape { place: Some(Place::Rater(1)), actual, .. } if actual == &[2, 1]));
    /// ```
    pub fn new(maps: &[ArrayView<'a, L, D>]) -> Result<Self> {
        let Some(first) = maps.first() else {
            return Err(Error::Empty { what: "raters" });
        };
        check_axes(first.ndim())?;
        for (rater, map) in maps.iter().enumerate() {
            check_shape_of("label map", Some(Place::Rater(rater)), first.shape(), map.shape())?;
        }
        Ok(Self {
            maps: maps.to_vec(),
            weights: vec![1.0 / maps.len() as f64; maps.len()],
        })
    }

    /// Several raters, each with a weight. The weights are divided by their sum. A weight that underflows in this division
    /// counts as 0.
    ///
    /// # Errors
    /// Those of [`Raters::new`], and [`Error::Count`] unless there is a weight for each, [`Error::Setting`] if one is negative
    /// or not finite, [`Error::AllZero`].
    ///
    /// ```
    /// # use soft_labels::{Error, Raters};
    /// let map = ndarray::array![[0_u8, 1]];
    /// assert!(matches!(Raters::weighted(&[map.view()], &[0.0]), Err(Error::AllZero { .. })));
    /// ```
    pub fn weighted(maps: &[ArrayView<'a, L, D>], weights: &[f64]) -> Result<Self> {
        let mut raters = Self::new(maps)?;
        check_count("weights", "raters", maps.len(), weights.len())?;
        for (rater, &value) in weights.iter().enumerate() {
            if !value.is_finite() || value < 0.0 {
                return Err(Error::Setting {
                    what: "weight",
                    place: Some(Place::Rater(rater)),
                    value,
                    allowed: allowed::WEIGHT,
                });
            }
        }
        let heaviest = weights.iter().copied().fold(0.0, f64::max);
        if heaviest == 0.0 {
            return Err(Error::AllZero {
                what: "weight",
                per: "raters",
            });
        }
        if weights.iter().any(|&weight| weight != heaviest) {
            // Relative to the heaviest first: the sum of two weights may be infinite.
            let sum: f64 = weights.iter().map(|weight| weight / heaviest).sum();
            raters.weights = weights.iter().map(|weight| weight / heaviest / sum).collect();
        }
        Ok(raters)
    }

    /// Number of raters.
    ///
    /// ```
    /// # let map = ndarray::array![[0_u8, 1]];
    /// assert_eq!(soft_labels::Raters::new(&[map.view(), map.view()])?.len(), 2);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    #[expect(clippy::len_without_is_empty, reason = "there is always at least one rater")]
    pub fn len(&self) -> usize {
        self.maps.len()
    }

    /// Shape of every label map: (H, W) or (D, H, W).
    ///
    /// ```
    /// # let map = ndarray::array![[0_u8, 1]];
    /// assert_eq!(soft_labels::Raters::one(map.view())?.shape(), [1, 2]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn shape(&self) -> &[usize] {
        self.maps.first().map_or(&[], ArrayView::shape)
    }

    /// The label maps.
    ///
    /// ```
    /// # let map = ndarray::array![[0_u8, 1]];
    /// assert_eq!(soft_labels::Raters::one(map.view())?.maps(), [map.view()]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn maps(&self) -> &[ArrayView<'a, L, D>] {
        &self.maps
    }

    /// The dimension of every label map.
    pub(crate) fn dim(&self) -> D {
        self.maps.first().map_or_else(D::default, ArrayView::raw_dim)
    }

    /// Checks that every label of every rater is a class or ignored.
    pub(crate) fn check(&self, classes: &Classes) -> Result<()> {
        let origin = vec![0; self.shape().len()];
        for (rater, map) in self.maps.iter().enumerate() {
            let labels = in_order(map)?;
            // Runs are found at some four labels a nanosecond.
            let unknown = parallel::map(labels.len() / 4, labels.chunks(PIECE), |labels| {
                let mut unknown = false;
                for_each_run(labels, |label, _| {
                    unknown |= classes.class_of(label).is_none() && !classes.is_ignored(label);
                });
                unknown
            });
            if unknown.contains(&true) {
                classes.check(&map.view().into_dyn(), &origin, rater, self.len())?;
            }
        }
        Ok(())
    }

    /// The raters' weights, which sum to 1.
    ///
    /// ```
    /// # let map = ndarray::array![[0_u8, 1]];
    /// assert_eq!(soft_labels::Raters::new(&[map.view(), map.view()])?.weights(), [0.5, 0.5]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }
}

/// Labels that are checked together.
const PIECE: usize = 1 << 17;

/// Checks that a label map has two or three axes.
pub(crate) fn check_axes(axes: usize) -> Result<()> {
    if axes == 2 || axes == 3 {
        Ok(())
    } else {
        Err(label_axes(axes))
    }
}

/// The error of a label map that has another number of axes.
pub(crate) fn label_axes(actual: usize) -> Error {
    Error::Axes {
        what: "a label map",
        expected: "(H, W) or (D, H, W)",
        actual,
    }
}

/// Checks that soft labels have a class axis and two or three others.
pub(crate) fn check_soft_axes(axes: usize) -> Result<()> {
    if axes == 3 || axes == 4 {
        Ok(())
    } else {
        Err(Error::Axes {
            what: "soft labels",
            expected: "(C, H, W) or (C, D, H, W)",
            actual: axes,
        })
    }
}
