//! The learning rate over a training.

/// It falls from `first` to zero along half a period of the cosine.
pub(crate) fn cosine(first: f64, step: usize, steps: usize) -> f64 {
    first * (1.0 + (std::f64::consts::PI * step as f64 / steps as f64).cos()) / 2.0
}

#[cfg(test)]
mod tests {
    use super::cosine;

    #[test]
    fn falls_from_the_first_rate_to_zero() {
        assert_eq!(cosine(0.01, 0, 8), 0.01);
        assert!((cosine(0.01, 4, 8) - 0.005).abs() < 1e-15);
        assert!(cosine(0.01, 8, 8) < 1e-15);
    }
}
