//! What the tests need to know of the element types of soft labels.

use ndarray::{ArrayRef, Dimension};
use soft_labels::SoftFloat;

pub(crate) trait Real: SoftFloat + Into<f64> + PartialOrd {
    /// How far a probability may be from that of the judge, and their sum from 1.
    const TOLERANCE: f64;
    const SUM_TOLERANCE: f64;
    /// No probability.
    const NAN: Self;

    fn bits(self) -> u64;
    /// A probability that was computed in `f64`, in this type.
    fn rounded(p: f64) -> Self;
}

impl Real for f64 {
    const TOLERANCE: Self = 1e-12;
    const SUM_TOLERANCE: Self = 1e-12;
    const NAN: Self = Self::NAN;

    fn bits(self) -> u64 {
        self.to_bits()
    }

    fn rounded(p: f64) -> Self {
        p
    }
}

impl Real for f32 {
    const TOLERANCE: f64 = 3e-7;
    const SUM_TOLERANCE: f64 = 1e-6;
    const NAN: Self = Self::NAN;

    fn bits(self) -> u64 {
        self.to_bits().into()
    }

    fn rounded(p: f64) -> Self {
        p as Self
    }
}

#[cfg(feature = "half")]
macro_rules! half {
    ($float:ty, $tolerance:literal) => {
        impl Real for $float {
            const TOLERANCE: f64 = $tolerance;
            const SUM_TOLERANCE: f64 = 10.0 * $tolerance;
            const NAN: Self = Self::NAN;

            fn bits(self) -> u64 {
                self.to_bits().into()
            }

            fn rounded(p: f64) -> Self {
                Self::from_f32(p as f32)
            }
        }
    };
}
#[cfg(feature = "half")]
half!(half::f16, 1e-3);
#[cfg(feature = "half")]
half!(half::bf16, 8e-3);

/// Runs `$check::<F>(...)` for every element type.
macro_rules! for_every_real {
    ($check:ident($($argument:expr),* $(,)?)) => {
        $check::<f64>($($argument),*);
        $check::<f32>($($argument),*);
        #[cfg(feature = "half")]
        {
            $check::<half::f16>($($argument),*);
            $check::<half::bf16>($($argument),*);
        }
    };
}
pub(crate) use for_every_real;

/// The same shape and every element within the type's tolerance.
#[track_caller]
pub(crate) fn assert_close<F: Real, D: Dimension, E: Dimension>(actual: &ArrayRef<F, D>, expected: &ArrayRef<f64, E>) {
    assert_eq!(actual.shape(), expected.shape());
    for ((at, &actual), &expected) in actual.view().into_dyn().indexed_iter().zip(expected) {
        let actual: f64 = actual.into();
        let (near, float) = ((actual - expected).abs() <= F::TOLERANCE, std::any::type_name::<F>());
        assert!(near, "{actual} is not {expected} at {:?} as {float}", at.slice());
    }
}

/// The same shape and every element with the same bits: 0.0 is not -0.0.
#[track_caller]
pub(crate) fn assert_same_bits<F: Real, D: Dimension>(actual: &ArrayRef<F, D>, expected: &ArrayRef<F, D>) {
    assert_eq!(actual.shape(), expected.shape());
    for ((at, &actual), &expected) in actual.view().into_dyn().indexed_iter().zip(expected) {
        assert_eq!(
            actual.bits(),
            expected.bits(),
            "{actual:?} is not {expected:?} at {:?}",
            at.slice()
        );
    }
}
