//! The error function, which the standard library has not. A dependency for one number a structure is not worth it.

use std::f64::consts::FRAC_2_SQRT_PI;

/// Up to here the series is exact, and from here on the fraction is short.
const SERIES: f64 = 2.0;

/// Steps of the fraction that leave an error below 1e-16 from [`SERIES`] on.
const STEPS: u32 = 60;

/// The error function of a number that is not negative, to a few units of the last place of 1.
///
/// A series of positive terms (Abramowitz & Stegun, 7.1.6), and for large numbers the complement as a continued fraction
/// (7.1.14).
pub(super) fn erf(x: f64) -> f64 {
    let scale = FRAC_2_SQRT_PI * (-x * x).exp();
    if x >= SERIES {
        let below = |rest: f64, step: u32| f64::from(step) / 2.0 / (x + rest);
        return 1.0 - scale / 2.0 / (x + (1..=STEPS).rev().fold(0.0, below));
    }
    let (mut sum, mut term, mut odd) = (0.0, x, 1.0);
    while sum + term > sum {
        sum += term;
        odd += 2.0;
        term *= 2.0 * x * x / odd;
    }
    scale * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For each number `python -c "from mpmath import *; mp.dps = 40; print(nstr(erf(mpf(0.1)), 20))"`
    #[test]
    fn as_to_40_digits() {
        let expected = [
            (1e-300, 1.1283791670955126e-300),
            (0.001, 0.0011283787909692365),
            (0.1, 0.1124629160182849),
            (0.25, 0.27632639016823696),
            (0.5, 0.5204998778130465),
            (0.75, 0.7111556336535151),
            (1.0, 0.8427007929497149),
            (1.25, 0.9229001282564583),
            (1.5, 0.9661051464753108),
            (1.75, 0.9866716712191824),
            (1.9375, 0.9938568063952132),
            (2.0, 0.9953222650189527),
            (2.0625, 0.9964637508747902),
            (2.5, 0.999593047982555),
            (3.0, 0.9999779095030014),
            (3.5, 0.9999992569016276),
            (4.0, 0.9999999845827421),
            (5.0, 0.9999999999984626),
            (5.75, 0.9999999999999996),
            (6.0, 1.0),
            (10.0, 1.0),
        ];
        for (x, expected) in expected {
            let found: f64 = erf(x);
            assert!(
                (found - expected).abs() <= 1e-15 * f64::min(1.0, 4.0 * x),
                "erf({x}) is {found}"
            );
        }
        assert_eq!((erf(0.0), erf(f64::INFINITY)), (0.0, 1.0));
        assert!(erf(f64::NAN).is_nan());
    }

    /// The two ways meet, and what follows is not smaller.
    #[test]
    fn ascending() {
        let values: Vec<_> = (0..7000).map(|i| erf(f64::from(i) / 1000.0)).collect();
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1] + 2e-16));
    }
}
