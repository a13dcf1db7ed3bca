//! Uniform label smoothing.

use super::sealed::Encoder;
use crate::engine::Smoothing;
use crate::{Error, Place, Result, SoftEncoder};

/// Uniform label smoothing (LS): every voxel gives away the same share α, wherever it is.
///
/// With N classes, equation 1 of Islam & Glocker 2021 ([`LabelSmoothing::new`]; also PyTorch, Keras and MONAI) shares α
/// among all classes, the annotated one included. The other convention in use ([`LabelSmoothing::over_others`]; for
/// example fairseq) shares it among the other classes only:
///
/// ```text
/// new(α):          p_c(v) = [label(v) = c] (1 - α) + α / N
/// over_others(α):  p_c(v) = 1 - α  if label(v) = c,  else  α / (N - 1)
/// ```
///
/// ```
/// use ndarray::{Array3, array};
/// use soft_labels::{Classes, LabelSmoothing, SoftEncoder};
///
/// let (labels, classes) = (array![[0_u8, 1]], Classes::contiguous(5)?);
/// let soft: Array3<f64> = LabelSmoothing::new(0.5)?.encode(&labels, &classes)?;
/// assert_eq!((soft[[0, 0, 0]], soft[[1, 0, 0]]), (0.6, 0.1));
/// let soft: Array3<f64> = LabelSmoothing::over_others(0.5)?.encode(&labels, &classes)?;
/// assert_eq!((soft[[0, 0, 0]], soft[[1, 0, 0]]), (0.5, 0.125));
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelSmoothing {
    alpha: f64,
    share: Share,
}

/// Who gets a part of α.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Share {
    All,
    Others,
}

impl LabelSmoothing {
    /// The paper's convention: α is shared among all classes.
    ///
    /// # Errors
    /// [`Error::Setting`] unless 0 ≤ α ≤ 1.
    ///
    /// ```
    /// # use soft_labels::{Error, LabelSmoothing};
    /// assert_eq!(LabelSmoothing::new(0.1)?.alpha(), 0.1);
    /// assert!(matches!(LabelSmoothing::new(1.5), Err(Error::Setting { what: "alpha", value: 1.5, .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn new(alpha: f64) -> Result<Self> {
        Self::sharing(alpha, Share::All)
    }

    /// The other convention: α is shared among the classes that were not annotated. A single class keeps 1.
    ///
    /// # Errors
    /// [`Error::Setting`] unless 0 ≤ α ≤ 1.
    ///
    /// ```
    /// # use ndarray::{Array3, array};
    /// # use soft_labels::{Classes, LabelSmoothing, SoftEncoder};
    /// let ls = LabelSmoothing::over_others(0.25)?;
    /// let soft: Array3<f32> = ls.encode(&array![[1_u8]], &Classes::contiguous(2)?)?;
    /// assert_eq!(soft, array![[[0.25]], [[0.75]]]);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn over_others(alpha: f64) -> Result<Self> {
        Self::sharing(alpha, Share::Others)
    }

    /// The share α that is given away.
    ///
    /// ```
    /// # use soft_labels::LabelSmoothing;
    /// assert_eq!(LabelSmoothing::over_others(0.3)?.alpha(), 0.3);
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Whether α is shared among the other classes only.
    ///
    /// ```
    /// # use soft_labels::LabelSmoothing;
    /// assert!(!LabelSmoothing::new(0.3)?.is_over_others());
    /// # Ok::<(), soft_labels::Error>(())
    /// ```
    pub fn is_over_others(&self) -> bool {
        self.share == Share::Others
    }

    fn sharing(alpha: f64, share: Share) -> Result<Self> {
        check_alpha(alpha, None)?;
        Ok(Self { alpha, share })
    }
}

/// Returns an error unless 0 ≤ α ≤ 1.
pub(super) fn check_alpha(alpha: f64, place: Option<Place>) -> Result<()> {
    if (0.0..=1.0).contains(&alpha) {
        Ok(())
    } else {
        Err(Error::Setting {
            what: "alpha",
            place,
            value: alpha,
            allowed: "within 0 and 1",
        })
    }
}

impl Encoder for LabelSmoothing {
    fn smoothing(&self, classes: usize, _axes: usize) -> Result<Smoothing> {
        let (alpha, n) = (self.alpha, classes as f64);
        let (on, off) = match self.share {
            Share::All => (1.0 - alpha + alpha / n, alpha / n),
            Share::Others if classes == 1 => (1.0, 0.0),
            Share::Others => (1.0 - alpha, alpha / (n - 1.0)),
        };
        Ok(Smoothing::pointwise(on, off))
    }
}

impl SoftEncoder for LabelSmoothing {}
