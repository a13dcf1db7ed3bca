//! Structures that one map has and the other has not.

use serde_json::{Value, json};

/// In how many cases a structure is in which of the two maps.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Found {
    both: usize,
    pub(crate) missed: usize,
    pub(crate) invented: usize,
    neither: usize,
}

impl Found {
    pub(crate) const TITLES: [(&'static str, &'static str); 4] = [
        ("both", "in both maps"),
        ("missed", "missed"),
        ("invented", "invented"),
        ("neither", "in neither"),
    ];

    /// Of the volumes of prediction and reference in some cases.
    pub(crate) fn of(cases: impl Iterator<Item = [f64; 2]>) -> Self {
        let mut found = Self::default();
        for volumes in cases {
            let [prediction, reference] = volumes.map(|volume| volume > 0.0);
            *match (prediction, reference) {
                (true, true) => &mut found.both,
                (false, true) => &mut found.missed,
                (true, false) => &mut found.invented,
                (false, false) => &mut found.neither,
            } += 1;
        }
        found
    }

    pub(crate) fn counts(self) -> [usize; 4] {
        [self.both, self.missed, self.invented, self.neither]
    }

    pub(crate) fn json(self) -> impl Iterator<Item = (String, Value)> {
        let counts = Self::TITLES.iter().zip(self.counts());
        counts.map(|((key, _), count)| (format!("cases_{key}"), json!(count)))
    }
}
