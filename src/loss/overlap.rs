//! The losses of a region's overlap as functions of three sums.

/// Which of the two forms of a [`Semimetric`](super::Semimetric) is taken. They are equal for hard targets.
///
/// ```text
/// A = Σ|x - t|, B = Σ(x + t), P = Σ x t
///               Dice            Jaccard
/// L1            A / B           2A / (B + A)
/// Product       A / (2P + A)    A / (P + A)
/// ```
///
/// ```
/// # use soft_labels::loss::OverlapForm;
/// assert_eq!(OverlapForm::default(), OverlapForm::L1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OverlapForm {
    /// DML₁ and JML₁ of the papers.
    #[default]
    L1,
    /// DML₂ and JML₂.
    Product,
}

/// The Dice coefficient.
///
/// ```
/// use soft_labels::loss::{Dice, DiceSemimetric, Semimetric};
/// let loss: Semimetric<'_, Dice> = DiceSemimetric::of_map();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dice {}

/// The Jaccard index.
///
/// ```
/// use soft_labels::loss::{Jaccard, JaccardSemimetric, Semimetric};
/// let loss: Semimetric<'_, Jaccard> = JaccardSemimetric::of_map();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jaccard {}

/// What a [`Semimetric`](super::Semimetric) measures: [`Dice`] or [`Jaccard`]. The trait is sealed.
///
/// ```
/// use ndarray::Array3;
/// use soft_labels::loss::{Dice, Overlap, Semimetric};
///
/// fn loss<K: Overlap>(logits: &Array3<f32>, targets: &Array3<f32>) -> f64 {
///     Semimetric::<K>::of_map().value(logits, targets).unwrap()
/// }
/// assert_eq!(loss::<Dice>(&Array3::zeros((2, 1, 1)), &Array3::from_elem((2, 1, 1), 0.5)), 0.0);
/// ```
pub trait Overlap: sealed::Overlap {}

impl<K: sealed::Overlap> Overlap for K {}

pub(super) mod sealed {
    use super::{Coefficients, OverlapForm};

    pub trait Overlap {
        fn coefficients(form: OverlapForm, smooth: f64) -> Coefficients;
    }
}

impl sealed::Overlap for Dice {
    fn coefficients(form: OverlapForm, smooth: f64) -> Coefficients {
        let [factor, both, apart, product] = match form {
            OverlapForm::L1 => [1.0, 1.0, 0.0, 0.0],
            OverlapForm::Product => [1.0, 0.0, 1.0, 2.0],
        };
        Coefficients {
            factor,
            both,
            apart,
            product,
            smooth,
        }
    }
}

impl sealed::Overlap for Jaccard {
    fn coefficients(form: OverlapForm, smooth: f64) -> Coefficients {
        let [factor, both, apart, product] = match form {
            OverlapForm::L1 => [2.0, 1.0, 1.0, 0.0],
            OverlapForm::Product => [1.0, 0.0, 1.0, 1.0],
        };
        Coefficients {
            factor,
            both,
            apart,
            product,
            smooth,
        }
    }
}

/// A = Σ|x - t|, B = Σ(x + t) and P = Σ x t of a class in a sample.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) apart: f64,
    pub(super) both: f64,
    pub(super) product: f64,
}

impl Sums {
    pub(super) fn add(&mut self, other: Self) {
        self.apart += other.apart;
        self.both += other.both;
        self.product += other.product;
    }
}

/// The derivatives of the loss of a class with respect to A, B and P.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slopes {
    pub(super) apart: f64,
    pub(super) both: f64,
    pub(super) product: f64,
}

/// `factor A / (both B + apart A + product P + smooth)`
#[derive(Debug, Clone, Copy)]
pub struct Coefficients {
    factor: f64,
    both: f64,
    apart: f64,
    product: f64,
    smooth: f64,
}

impl Coefficients {
    fn denominator(self, sums: Sums) -> f64 {
        self.both * sums.both + self.apart * sums.apart + self.product * sums.product + self.smooth
    }

    /// The loss of a class; 0 if there is nothing of it.
    pub(super) fn loss(self, sums: Sums) -> f64 {
        match self.denominator(sums) {
            0.0 => 0.0,
            denominator => self.factor * sums.apart / denominator,
        }
    }

    /// The derivatives, times a weight.
    pub(super) fn slopes(self, sums: Sums, weight: f64) -> Slopes {
        let denominator = self.denominator(sums);
        if denominator == 0.0 {
            return Slopes {
                apart: 0.0,
                both: 0.0,
                product: 0.0,
            };
        }
        let by_numerator = weight * self.factor / denominator;
        let by_denominator = -by_numerator * sums.apart / denominator;
        Slopes {
            apart: by_numerator + by_denominator * self.apart,
            both: by_denominator * self.both,
            product: by_denominator * self.product,
        }
    }
}
