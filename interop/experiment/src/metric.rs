//! A column of scores, for tables and curves.

/// A column of rows `R`, with its name in tables.
#[derive(Debug)]
pub(crate) struct Metric<R> {
    pub(crate) name: &'static str,
    pub(crate) of: fn(&R) -> f64,
    pub(crate) more_is_better: bool,
}

impl<R> Metric<R> {
    pub(crate) const fn more(name: &'static str, of: fn(&R) -> f64) -> Self {
        Self {
            name,
            of,
            more_is_better: true,
        }
    }

    pub(crate) const fn less(name: &'static str, of: fn(&R) -> f64) -> Self {
        Self {
            name,
            of,
            more_is_better: false,
        }
    }
}

// Deriving them would ask the same of the rows.
impl<R> Clone for Metric<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Metric<R> {}
