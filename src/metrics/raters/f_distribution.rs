//! Quantiles of the F distribution.

/// The value that an F-distributed number with these degrees of freedom, which need not be whole, stays below with this probability,
/// within 0 and 1.
///
/// ```text
/// P(F <= f) = I_x(d1 / 2, d2 / 2)      x = d1 f / (d1 f + d2)
/// ```
pub(super) fn quantile(probability: f64, [d1, d2]: [f64; 2]) -> f64 {
    // x and 1 - x from the logarithm of their ratio, so that both are exact near 0.
    let below = |log_ratio: f64| {
        let (x, rest) = (1.0 / (1.0 + (-log_ratio).exp()), 1.0 / (1.0 + log_ratio.exp()));
        incomplete_beta([x, rest], [d1 / 2.0, d2 / 2.0])
    };
    let (mut low, mut high) = (-700.0, 700.0);
    // Until the middle is one of both.
    while low < (low + high) / 2.0 && (low + high) / 2.0 < high {
        let middle = (low + high) / 2.0;
        if below(middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    d2 / d1 * high.exp()
}

/// The regularised incomplete beta function of x, which is given with 1 - x.
fn incomplete_beta([x, rest]: [f64; 2], [a, b]: [f64; 2]) -> f64 {
    if x == 0.0 || rest == 0.0 {
        return if x == 0.0 { 0.0 } else { 1.0 };
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * rest.ln()).exp();
    // The fraction converges fast on one side of the mean.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(x, [a, b]) / a
    } else {
        1.0 - front * fraction(rest, [b, a]) / b
    }
}

/// The continued fraction of the incomplete beta function, by Lentz's algorithm (Press et al., *Numerical Recipes*, 6.4).
fn fraction(x: f64, [a, b]: [f64; 2]) -> f64 {
    const STEPS: u32 = 10_000;
    let or_tiny = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut c, mut d) = (1.0, 1.0 / or_tiny(1.0 - (a + b) * x / (a + 1.0)));
    let mut value = d;
    for step in 1..STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = value;
        for term in [even, odd] {
            d = 1.0 / or_tiny(1.0 + term * d);
            c = or_tiny(1.0 + term / c);
            value *= c * d;
        }
        if (value - before).abs() <= 1e-15 * value.abs() {
            break;
        }
    }
    value
}

/// The logarithm of the gamma function of a number above 0: Stirling's series where it is exact, and from there down by the
/// recurrence.
fn ln_gamma(x: f64) -> f64 {
    let (mut at, mut below) = (x, 0.0);
    while at < 15.0 {
        below += at.ln();
        at += 1.0;
    }
    let square = at * at;
    let series = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
    ];
    let correction = series.iter().rev().fold(0.0, |sum, term| sum / square + term) / at;
    (at - 0.5) * at.ln() - at + 0.5 * std::f64::consts::TAU.ln() + correction - below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= 1e-10 * expected.abs().max(1.0)
    }

    #[test]
    fn gamma_of_known_numbers() {
        assert!(near(ln_gamma(1.0), 0.0) && near(ln_gamma(2.0), 0.0));
        assert!(near(ln_gamma(0.5), 0.5 * std::f64::consts::PI.ln()));
        assert!(near(ln_gamma(11.0), 3_628_800_f64.ln()));
        assert!(near(ln_gamma(101.0), 363.739_375_555_563_5));
    }

    /// With two degrees of freedom in the numerator there is a closed form, and with one of each F is the square of a Cauchy
    /// variable.
    #[test]
    fn quantiles_of_known_distributions() {
        for probability in [0.001, 0.025, 0.5, 0.9, 0.975, 0.999] {
            for d2 in [0.7, 1.0, 3.5, 10.0, 200.0] {
                let closed = d2 / 2.0 * ((1.0_f64 - probability).powf(-2.0 / d2) - 1.0);
                assert!(
                    near(quantile(probability, [2.0, d2]) / closed, 1.0),
                    "{probability} {d2}"
                );
                // 1 / F has the degrees of freedom the other way round.
                let inverse = 1.0 / quantile(1.0 - probability, [d2, 2.0]);
                assert!(near(inverse / closed, 1.0), "{probability} {d2}");
            }
            let cauchy = (std::f64::consts::FRAC_PI_2 * probability).tan().powi(2);
            assert!(near(quantile(probability, [1.0, 1.0]) / cauchy, 1.0), "{probability}");
        }
    }

    /// From tables of the F distribution.
    #[test]
    fn quantiles_of_tables() {
        for (probability, degrees, expected) in [
            (0.95, [5.0, 10.0], 3.3258),
            (0.975, [5.0, 15.0], 3.5764),
            (0.99, [3.0, 30.0], 4.5097),
            (0.95, [120.0, 60.0], 1.4673),
        ] {
            assert!((quantile(probability, degrees) - expected).abs() < 1e-4, "{degrees:?}");
        }
    }
}
