//! Diagrams of all cases.

use super::super::args::Args;
use super::super::diagram::{self, Series};
use super::Pooled;
use crate::command::Failure;

impl Pooled {
    /// Draws the pictures that are asked for.
    pub(crate) fn draw(&self, args: &Args) -> Result<(), Failure> {
        if let Some(path) = &args.reliability {
            let series: Vec<_> = self
                .predictions()
                .map(|(name, bins)| Series {
                    name,
                    of: bins.of_top(),
                })
                .collect();
            diagram::draw(&args.existing.place(path), &series)?;
        }
        if let Some(path) = &args.calibration.reliability_classes {
            let mut panels: Vec<_> = self
                .classes()
                .iter()
                .map(|class| (class.as_str(), Vec::new()))
                .collect();
            for (name, bins) in self.predictions() {
                for ((_, series), of) in panels.iter_mut().zip(bins.of_classes()) {
                    series.push(Series { name, of });
                }
            }
            diagram::draw_each(&args.existing.place(path), &panels)?;
        }
        if let Some(path) = &args.calibration.risk_coverage {
            let curves = self.predictions().filter_map(|(name, bins)| {
                let of = bins.risk_coverage()?;
                Some(Series { name, of })
            });
            diagram::draw_risks(&args.existing.place(path), &curves.collect::<Vec<_>>())?;
        }
        Ok(())
    }
}
