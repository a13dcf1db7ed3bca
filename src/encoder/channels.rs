//! What the channels of soft labels are, where they are not the classes.

mod rows;

use ndarray::{Array2, ArrayRef2};

use super::label_smoothing::check_alpha;
use crate::engine::mixing::{Mixing, check_size};
use crate::error::allowed;
use crate::input::classes::check_count;
use crate::input::label::ClassValue;
use crate::{Error, Place, Result};

/// What each label value means for each channel of the result: the matrix T of
///
/// ```text
/// p_c(v) = Σ_k q_k(v) T[k, c]
/// ```
///
/// with q the soft labels of the K classes. T has a row for each class and a column for each channel.
///
/// - Rows of zeros and ones are *memberships*: [regions](Self::regions) that hold one another, or structures that overlap
///   ([`structures`](crate::structures)), for networks that end with a sigmoid. A channel of SVLS has the bits of SVLS on the
///   binary mask of its region. The channels of a voxel need not sum to 1.
/// - Rows that sum to 1 are *distributions*, for networks that end with a softmax: [ordered classes](Self::ordinal_exponential),
///   [siblings](Self::siblings), a [strength for each class](Self::per_class), [confusion](Self::confusion), or any
///   [matrix](Self::matrix), such as one that says that a label means "one of these two".
///
/// An encoder takes channels by [`with_channels`](crate::SoftEncoder::with_channels). Ignored voxels are 0 in every channel.
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Channels, Classes, SoftEncoder, Svls};
///
/// let (labels, classes) = (array![[0_u8, 0, 1, 2]], Classes::contiguous(3)?);
/// let regions = Channels::regions([[1, 2].as_slice(), &[2]])?; // all that is not background, and label 2 alone
/// let soft: Array3<f32> = Svls::default().with_channels(regions).encode(&labels, &classes)?;
/// let mask = labels.mapv(|label| label > 0);
/// let own: Array3<f32> = Svls::default().encode(&mask, &Classes::contiguous(2)?)?;
/// assert_eq!(soft.index_axis(ndarray::Axis(0), 0), own.index_axis(ndarray::Axis(0), 1));
/// # Ok::<(), soft_labels::Error>(())
/// ```
///
/// # As JSON
///
/// With feature `serde`, also as the field `channels` of an [`Encoding`](crate::Encoding):
///
/// `structures` has the patterns of each of [`Structures`](crate::structures::Structures), some of which may be empty.
///
/// ```text
/// {"regions": [[1, 2, 4], [1, 4], [4]]}
/// {"matrix": [[1, 0], [0, 1], [0.5, 0.5]]}
/// {"ordinal": "exponential", "tau": 1.0}
/// {"ordinal": "exponential", "tau": 1.0, "power": 2.0}
/// {"ordinal": "binomial"}
/// {"siblings": [0, 1, 1, 2], "alpha": 0.2}
/// {"per_class": [0.0, 0.1, 0.2]}
/// {"confusion": [[90, 10], [5, 95]]}
/// {"structures": [[1, 3], [2, 3], []]}
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "super::channels_serde::Fields", into = "super::channels_serde::Fields")
)]
pub struct Channels {
    pub(super) form: Form,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// The labels of each region.
    Regions(Vec<Vec<i128>>),
    /// The patterns of each structure, some of which may have none.
    Structures(Vec<Vec<i128>>),
    /// A row for each class. Its rows sum to 1, or its entries are 0 or 1.
    Matrix(Array2<f64>),
    Exponential {
        tau: f64,
        power: f64,
    },
    Binomial,
    PerClass(Vec<f64>),
    Siblings {
        groups: Vec<usize>,
        alpha: f64,
    },
}

impl Channels {
    /// One channel for each region, which is a list of label values. Regions may overlap or hold one another.
    ///
    /// ```text
    /// T[k, c] = 1 if region c lists the label of class k, else 0
    /// ```
    ///
    /// # Errors
    /// [`Error::Empty`] if there is no region, or no label in one; [`Error::TooMany`] if there are more than 65535.
    ///
    /// ```
    /// use soft_labels::{Channels, Error};
    /// let brats = Channels::regions([vec![1, 2, 4], vec![1, 4], vec![4]])?;
    /// assert_eq!(Channels::regions([vec![1], vec![]]), Err(Error::Empty { what: "labels of a region" }));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn regions<V: ClassValue + Copy>(regions: impl IntoIterator<Item = impl AsRef<[V]>>) -> Result<Self> {
        let values = |region: &[V]| region.iter().map(|value| value.value()).collect();
        let regions: Vec<Vec<i128>> = regions.into_iter().map(|region| values(region.as_ref())).collect();
        check_count("channels", regions.len())?;
        if regions.iter().any(Vec::is_empty) {
            return Err(Error::Empty {
                what: "labels of a region",
            });
        }
        Ok(Self {
            form: Form::Regions(regions),
        })
    }

    /// Any matrix (classes, channels): a row says what a class means for each channel. Either every row sums to 1, within 10⁻⁶,
    /// and no entry is negative; or every entry is 0 or 1.
    ///
    /// # Errors
    /// [`Error::Empty`] without rows or columns, [`Error::TooMany`], [`Error::TooLarge`], [`Error::Setting`] for an entry that is
    /// negative or not finite, and [`Error::ChannelRow`] for a row that does not sum to 1.
    ///
    /// ```
    /// use ndarray::array;
    /// use soft_labels::{Channels, Error};
    ///
    /// // Label 2 means "0 or 1".
    /// let unsure = Channels::matrix(&array![[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])?;
    /// let wrong = Channels::matrix(&array![[1.0, 0.0], [0.5, 0.25]]);
    /// assert_eq!(wrong, Err(Error::ChannelRow { row: 1, sum: 0.75 }));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn matrix(matrix: &ArrayRef2<f64>) -> Result<Self> {
        check_entries(matrix)?;
        let is_membership = matrix.iter().all(|&entry| entry == 0.0 || entry == 1.0);
        let mut matrix = matrix.to_owned();
        for (row, mut entries) in matrix.rows_mut().into_iter().enumerate() {
            let sum = entries.sum();
            if is_membership {
                continue;
            }
            if (sum - 1.0).abs() > Mixing::SLACK {
                return Err(Error::ChannelRow { row, sum });
            }
            entries.map_inplace(|entry| *entry /= sum);
        }
        Ok(Self {
            form: Form::Matrix(matrix),
        })
    }

    /// Ordered classes, such as grades: a class gives to the others by their distance.
    ///
    /// ```text
    /// T[j, k] = exp(-|j - k|^power / τ) / Σ_l exp(-|j - l|^power / τ)
    /// ```
    ///
    /// This is the exponential regularised target of Vargas et al. 2023 (dlordinal's "exponential"), for power 1 and τ 1 that of
    /// Diaz & Marathe 2019.
    ///
    /// # Errors
    /// [`Error::Setting`] unless τ and the power are finite and greater than 0.
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::{Channels, Classes, OneHot, SoftEncoder};
    ///
    /// let grades = OneHot.with_channels(Channels::ordinal_exponential(1.0, 1.0)?);
    /// let soft: Array3<f64> = grades.encode(&array![[0_u8]], &Classes::contiguous(4)?)?;
    /// assert!((soft[[1, 0, 0]] - 0.2369).abs() < 1e-4);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn ordinal_exponential(tau: f64, power: f64) -> Result<Self> {
        for (what, value) in [("tau", tau), ("power", power)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::Setting {
                    what,
                    place: None,
                    value,
                    allowed: allowed::POSITIVE,
                });
            }
        }
        Ok(Self {
            form: Form::Exponential { tau, power },
        })
    }

    /// Ordered classes by a binomial distribution about each: row j is that of N - 1 trials with probability s, for N classes.
    ///
    /// ```text
    /// T[j, k] = C(N-1, k) s_j^k (1 - s_j)^(N-1-k),    s_j = 0.1 + 0.8 j / (N - 1)
    /// ```
    ///
    /// These are dlordinal's "binomial" targets. The own class may have less than one half. A single class keeps 1.
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::{Channels, Classes, OneHot, SoftEncoder};
    ///
    /// let stages = OneHot.with_channels(Channels::ordinal_binomial());
    /// let soft: Array3<f64> = stages.encode(&array![[2_u8]], &Classes::contiguous(5)?)?;
    /// assert!((soft[[2, 0, 0]] - 0.375).abs() < 1e-12);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn ordinal_binomial() -> Self {
        Self { form: Form::Binomial }
    }

    /// Label smoothing with an α for each class, for classes that are not equally unsure.
    ///
    /// ```text
    /// T[k, c] = [k = c] (1 - α_k) + α_k / N
    /// ```
    ///
    /// # Errors
    /// [`Error::Empty`] without classes, [`Error::TooMany`], [`Error::TooLarge`], and [`Error::Setting`] unless 0 ≤ α ≤ 1.
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::{Channels, Classes, OneHot, SoftEncoder};
    ///
    /// let unsure_of_one = OneHot.with_channels(Channels::per_class([0.0, 0.5])?);
    /// let soft: Array3<f64> = unsure_of_one.encode(&array![[0_u8, 1]], &Classes::contiguous(2)?)?;
    /// assert_eq!(soft, array![[[1.0, 0.25]], [[0.0, 0.75]]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn per_class(alphas: impl Into<Vec<f64>>) -> Result<Self> {
        let alphas = alphas.into();
        check_count("channels", alphas.len())?;
        check_size(alphas.len(), alphas.len())?;
        for (class, &alpha) in alphas.iter().enumerate() {
            check_alpha(alpha, Some(Place::Class(class)))?;
        }
        Ok(Self {
            form: Form::PerClass(alphas),
        })
    }

    /// Smoothing towards siblings: classes of the same group share α, and nobody else gets any. `groups` has a number for each
    /// class. A class that is alone in its group keeps all.
    ///
    /// ```text
    /// T[k, k] = 1 - α,   T[k, c] = α / (n - 1) for the n - 1 other classes c of the group of k
    /// ```
    ///
    /// # Errors
    /// [`Error::Empty`] without classes, [`Error::TooMany`], [`Error::TooLarge`], and [`Error::Setting`] unless 0 ≤ α ≤ 1.
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::{Channels, Classes, OneHot, SoftEncoder};
    ///
    /// // Background, left and right kidney, liver.
    /// let kidneys = OneHot.with_channels(Channels::siblings([0, 1, 1, 2], 0.25)?);
    /// let soft: Array3<f64> = kidneys.encode(&array![[1_u8, 3]], &Classes::contiguous(4)?)?;
    /// assert_eq!(soft, array![[[0.0, 0.0]], [[0.75, 0.0]], [[0.25, 0.0]], [[0.0, 1.0]]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn siblings(groups: impl Into<Vec<usize>>, alpha: f64) -> Result<Self> {
        let groups = groups.into();
        check_count("channels", groups.len())?;
        check_size(groups.len(), groups.len())?;
        check_alpha(alpha, None)?;
        Ok(Self {
            form: Form::Siblings { groups, alpha },
        })
    }

    /// Confusion between classes, from counts: entry (k, c) says how often class c was meant where k was annotated. Each row is
    /// divided by its sum.
    ///
    /// # Errors
    /// Those of [`matrix`](Self::matrix); a row without counts sums to 0.
    ///
    /// ```
    /// use ndarray::{Array3, array};
    /// use soft_labels::{Channels, Classes, OneHot, SoftEncoder};
    ///
    /// let confusion = OneHot.with_channels(Channels::confusion(&array![[3.0, 1.0], [0.0, 5.0]])?);
    /// let soft: Array3<f64> = confusion.encode(&array![[0_u8, 1]], &Classes::contiguous(2)?)?;
    /// assert_eq!(soft, array![[[0.75, 0.0]], [[0.25, 1.0]]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn confusion(counts: &ArrayRef2<f64>) -> Result<Self> {
        check_entries(counts)?;
        let mut matrix = counts.to_owned();
        for (row, mut counts) in matrix.rows_mut().into_iter().enumerate() {
            let sum = counts.sum();
            if !(sum > 0.0 && sum.is_finite()) {
                return Err(Error::ChannelRow { row, sum });
            }
            counts.map_inplace(|count| *count /= sum);
        }
        Ok(Self {
            form: Form::Matrix(matrix),
        })
    }

    /// The patterns of each structure. A structure may have none.
    pub(crate) fn of_patterns(structures: Vec<Vec<i128>>) -> Result<Self> {
        check_count("channels", structures.len())?;
        Ok(Self {
            form: Form::Structures(structures),
        })
    }
}

fn check_entries(matrix: &ArrayRef2<f64>) -> Result<()> {
    check_count("channels", matrix.nrows())?;
    check_count("channels", matrix.ncols())?;
    check_size(matrix.nrows(), matrix.ncols())?;
    for (class, row) in matrix.rows().into_iter().enumerate() {
        if let Some(&value) = row.iter().find(|&&entry| !(entry >= 0.0 && entry.is_finite())) {
            return Err(Error::Setting {
                what: "an entry of the channels",
                place: Some(Place::Class(class)),
                value,
                allowed: allowed::WEIGHT,
            });
        }
    }
    Ok(())
}
