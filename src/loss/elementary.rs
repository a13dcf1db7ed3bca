//! Exponential and logarithm of many numbers at once, as loops that become vector code.

use num_traits::Float;

use crate::SoftFloat;

/// Voxels of a block, which are computed together.
pub(super) const BLOCK: usize = 64;

/// One number for each voxel of a block.
pub(super) type PerVoxel<F> = [F; BLOCK];

/// Element type of logits and targets: `f32` or `f64`. The trait is sealed.
///
/// ```
/// use ndarray::array;
/// use soft_labels::loss::{LossFloat, SoftCrossEntropy};
///
/// fn loss<F: LossFloat>(logits: ndarray::Array3<F>, targets: ndarray::Array3<F>) -> f64 {
///     SoftCrossEntropy::of_map().value(&logits, &targets).unwrap()
/// }
/// let single: f64 = loss(array![[[1.0_f32]], [[2.0]]], array![[[0.0]], [[1.0]]]);
/// let double: f64 = loss(array![[[1.0_f64]], [[2.0]]], array![[[0.0]], [[1.0]]]);
/// assert!((single - double).abs() < 1e-6);
/// ```
pub trait LossFloat: SoftFloat + Float + sealed::Elementary {}

impl LossFloat for f32 {}
impl LossFloat for f64 {}

mod sealed {
    use super::PerVoxel;

    pub trait Elementary: Sized {
        /// The exponential of numbers that are 0 or less.
        fn exp_of_negative(values: &mut PerVoxel<Self>);
        /// The natural logarithm of numbers that are 1 or more.
        fn ln_of_large(values: &mut PerVoxel<Self>);
    }
}

impl sealed::Elementary for f64 {
    #[inline(always)]
    fn exp_of_negative(values: &mut PerVoxel<Self>) {
        values.iter_mut().for_each(|value| *value = value.exp());
    }

    #[inline(always)]
    fn ln_of_large(values: &mut PerVoxel<Self>) {
        values.iter_mut().for_each(|value| *value = value.ln());
    }
}

// The polynomials are those of Moshier's Cephes library (expf, logf).
impl sealed::Elementary for f32 {
    #[inline(always)]
    fn exp_of_negative(values: &mut PerVoxel<Self>) {
        /// Adding it rounds to a whole number, which is then in the lowest bits.
        const ROUND: f32 = 12_582_912.0;
        /// Below this the result is set to 0: it is subnormal, or close to that.
        const LEAST: f32 = -87.0;
        for value in values {
            // Comparisons keep NaN as it is.
            let x = if *value < LEAST { LEAST } else { *value };
            let rounded = x * std::f32::consts::LOG2_E + ROUND;
            let exponent = rounded - ROUND;
            let rest = (x - exponent * 0.693_359_4) - exponent * -2.121_944_4e-4;
            let mut p = 1.987_569_1e-4;
            for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5.0e-1] {
                p = p * rest + coefficient;
            }
            let power = Self::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23));
            let exp = (p * rest * rest + rest + 1.0) * power;
            *value = if *value < LEAST { 0.0 } else { exp };
        }
    }

    #[inline(always)]
    #[expect(clippy::cast_precision_loss, reason = "an exponent is small")]
    fn ln_of_large(values: &mut PerVoxel<Self>) {
        /// The bits of the square root of a half: mantissas are taken between it and its double.
        const LOW: i32 = 0x3f35_04f3;
        for value in values {
            let bits = value.to_bits().cast_signed();
            let exponent = bits.wrapping_sub(LOW) >> 23;
            let f = Self::from_bits(bits.wrapping_sub(exponent << 23).cast_unsigned()) - 1.0;
            let exponent = exponent as Self;
            let mut p = 7.037_683_6e-2;
            for coefficient in [
                -1.151_461e-1,
                1.167_699_9e-1,
                -1.242_014_1e-1,
                1.424_932_3e-1,
                -1.666_805_8e-1,
                2.000_071_5e-1,
                -2.499_999_4e-1,
                3.333_333e-1,
            ] {
                p = p * f + coefficient;
            }
            let square = f * f;
            let ln = f + (p * f * square + exponent * -2.121_944_4e-4 - 0.5 * square) + exponent * 0.693_359_4;
            // What is not finite stays: the bits of infinity and NaN are no mantissas.
            *value = if *value <= Self::MAX { ln } else { *value };
        }
    }
}

/// The logarithm of 1 and an exponential.
#[cfg(test)]
#[inline(always)]
pub(super) fn exp_and_ln(mut values: PerVoxel<f32>) -> PerVoxel<f32> {
    use sealed::Elementary;
    f32::exp_of_negative(&mut values);
    values.iter_mut().for_each(|value| *value += 1.0);
    f32::ln_of_large(&mut values);
    values
}

#[cfg(test)]
mod tests {
    use super::sealed::Elementary;
    use super::{BLOCK, PerVoxel};

    fn all(
        bits: std::ops::RangeInclusive<u32>,
        step: usize,
        apply: fn(&mut PerVoxel<f32>),
        exact: fn(f64) -> f64,
    ) -> f64 {
        let mut worst: f64 = 0.0;
        let inputs: Vec<f32> = bits.step_by(step).map(f32::from_bits).collect();
        for chunk in inputs.chunks_exact(BLOCK) {
            let mut values: PerVoxel<f32> = std::array::from_fn(|i| chunk[i]);
            apply(&mut values);
            for (&input, &value) in chunk.iter().zip(&values) {
                let exact = exact(f64::from(input));
                worst = worst.max((f64::from(value) - exact).abs() / exact.abs().max(1e-30));
            }
        }
        worst
    }

    #[test]
    fn exp_is_within_two_ulps() {
        // From -0 to -87: negative numbers in increasing order of their bits.
        let worst = all(
            (-0.0_f32).to_bits()..=(-87.0_f32).to_bits(),
            977,
            f32::exp_of_negative,
            f64::exp,
        );
        assert!(worst < 2.4e-7, "{worst:e}");
    }

    #[test]
    fn ln_is_within_two_ulps() {
        let worst = all(1.001_f32.to_bits()..=1e9_f32.to_bits(), 977, f32::ln_of_large, f64::ln);
        assert!(worst < 2.4e-7, "{worst:e}");
    }

    #[test]
    fn the_ends_are_exact() {
        let mut values = [f32::NEG_INFINITY; BLOCK];
        values[1] = 0.0;
        values[2] = f32::NAN;
        values[3] = -200.0;
        f32::exp_of_negative(&mut values);
        assert_eq!((values[0], values[1], values[3]), (0.0, 1.0, 0.0));
        assert!(values[2].is_nan());
        let mut values = [1.0_f32; BLOCK];
        values[1] = f32::INFINITY;
        values[2] = f32::NAN;
        f32::ln_of_large(&mut values);
        assert_eq!((values[0], values[1]), (0.0, f32::INFINITY));
        assert!(values[2].is_nan());
    }
}
