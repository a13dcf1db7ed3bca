//! The root of a rising function, one value after the other.

/// What 1/T is looked for between.
pub(in crate::metrics) const RANGE: [f64; 2] = [1e-3, 1e3];

/// A step of Newton's method that is so much shorter than the number itself is the last: its square is below the rounding.
const LAST_STEP: f64 = 1e-8;

/// So near to one another are the ends of a range that is not worth halving.
const NEAR: f64 = 1e-12;

/// After so many steps towards an end that was not looked at, it is: a function may come near to 0 without end.
const PATIENCE: usize = 10;

/// Looks for the 1/T within [`RANGE`] at which a rising function is 0, or the end that is nearest to it. Who looks computes the
/// function where it is told.
#[derive(Debug, Clone)]
pub(in crate::metrics) struct Search {
    at: f64,
    low: f64,
    high: f64,
    /// Whether the function was computed at the ends.
    known: [bool; 2],
    steps: usize,
}

impl Search {
    pub(in crate::metrics) fn new() -> Self {
        let [low, high] = RANGE;
        Self {
            at: 1.0,
            low,
            high,
            known: [false; 2],
            steps: 0,
        }
    }

    /// Where the function is to be computed, and in the end what was found.
    pub(in crate::metrics) fn at(&self) -> f64 {
        self.at
    }

    /// Goes on with the function and its derivative at this place, and tells whether the search has ended.
    pub(in crate::metrics) fn step(&mut self, [value, derivative]: [f64; 2]) -> bool {
        let (at, [lowest, highest]) = (self.at, RANGE);
        if (at == lowest && value >= 0.0) || (at == highest && value <= 0.0) {
            return true;
        }
        if value < 0.0 {
            (self.low, self.known[0]) = (at, true);
        } else {
            (self.high, self.known[1]) = (at, true);
        }
        let newton = at - value / derivative;
        let fits = derivative > 0.0 && (self.low..=self.high).contains(&newton);
        self.steps += 1;
        let (end, is_known) = if value < 0.0 {
            (self.high, self.known[1])
        } else {
            (self.low, self.known[0])
        };
        if !is_known && (!fits || self.steps > PATIENCE) {
            self.at = end;
            return false;
        }
        if fits {
            self.at = newton;
            return (newton - at).abs() <= LAST_STEP * at;
        }
        // Newton's step leaves the range, or rounding leaves no derivative.
        self.at = (self.low * self.high).sqrt();
        self.high - self.low <= NEAR * self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(function: impl Fn(f64) -> [f64; 2]) -> (f64, usize) {
        let mut search = Search::new();
        for passes in 1..=200 {
            if search.step(function(search.at())) {
                return (search.at(), passes);
            }
        }
        panic!("it does not end")
    }

    #[test]
    fn roots_anywhere_and_beyond_the_ends() {
        for root_at in [0.0011_f64, 0.3, 1.0, 1.0000001, 2.5, 999.0] {
            let (found, passes) = root(|x| [x.ln() - root_at.ln(), 1.0 / x]);
            assert!((found / root_at - 1.0).abs() < 1e-11, "{root_at}: {found}");
            assert!(passes < 20, "{passes}");
            // Newton's method alone runs away here.
            let (found, _) = root(|x| {
                let far = 5.0 * (x - root_at);
                [far.atan(), 5.0 / (1.0 + far * far)]
            });
            assert!((found / root_at - 1.0).abs() < 1e-11, "{root_at}: {found}");
        }
        assert_eq!(root(|x| [x, 1.0]).0, 1e-3);
        assert_eq!(root(|_| [0.0, 0.0]).0, 1e-3);
        assert_eq!(root(|x| [-1.0 / x, 1.0 / (x * x)]).0, 1e3);
        assert_eq!(root(|_| [-1.0, 0.0]).0, 1e3);
        // Newton's steps are short, and what is left is soon below the smallest number.
        assert_eq!(root(|x| [-(-x).exp(), (-x).exp()]).0, 1e3);
        assert_eq!(root(|x| [(x - 1.0).exp(), (x - 1.0).exp()]).0, 1e-3);
        // A step, whose derivative says nothing.
        let (found, _) = root(|x| [if x < 7.0 { -1.0 } else { 1.0 }, 0.0]);
        assert!((found / 7.0 - 1.0).abs() < 1e-11);
    }
}
