//! What is counted in one case, or in several together.

use ndarray::{ArrayD, IxDyn};
use soft_labels::Classes;
use soft_labels::metrics::{CalibrationReduction, ClassReliability, Reliability, ReliabilityBin, RiskCoverage, Scope};

use super::super::args::Args;
use crate::command::Failure;

/// Bins that are regrouped and made to a curve: one for each 255th, and finer.
const FINE: usize = 5100;

/// ECE, ACE and MCE.
pub(super) const ERRORS: [&str; 3] = ["ECE", "ACE", "MCE"];

/// The bins of a prediction.
#[derive(Debug, Clone)]
pub(crate) struct CaseBins {
    top: Reliability,
    /// Of the top label, for a risk-coverage curve.
    fine: Option<Reliability>,
    classes: ClassReliability,
    /// If bins hold equally many voxels, how many there are.
    equal_mass: Option<usize>,
}

impl CaseBins {
    pub(crate) fn count(
        args: &Args,
        probabilities: &ArrayD<f64>,
        labels: &ArrayD<i64>,
        classes: &Classes,
        scope: &Scope<'_, IxDyn>,
    ) -> Result<Self, Failure> {
        let equal_mass = args.calibration.equal_mass.then_some(args.bins);
        let mut top = Reliability::new(args.bins)?;
        top.add(probabilities, labels, classes, scope.clone())?;
        let fine = args.calibration.fine().then(|| -> soft_labels::Result<_> {
            let mut fine = Reliability::new(FINE)?;
            fine.add(probabilities, labels, classes, scope.clone())?;
            Ok(fine)
        });
        let bins = if equal_mass.is_some() { FINE } else { args.bins };
        let mut of_classes = ClassReliability::new(classes.len(), bins)?;
        of_classes.add(probabilities, labels, classes, scope.clone())?;
        Ok(Self {
            top,
            fine: fine.transpose()?,
            classes: of_classes,
            equal_mass,
        })
    }

    /// The bins of several cases together, if there are any.
    pub(super) fn merged<'a>(mut cases: impl Iterator<Item = &'a Self>) -> Result<Option<Self>, Failure> {
        let Some(mut merged) = cases.next().cloned() else {
            return Ok(None);
        };
        for case in cases {
            merged.top.merge(&case.top)?;
            merged.classes.merge(&case.classes)?;
            if let (Some(fine), Some(other)) = (&mut merged.fine, &case.fine) {
                fine.merge(other)?;
            }
        }
        Ok(Some(merged))
    }

    /// The bins of the top label, of equal width.
    pub(crate) fn top(&self) -> &Reliability {
        &self.top
    }

    /// The risk-coverage curve of the top label, if it is asked for.
    pub(super) fn risk_coverage(&self) -> Option<RiskCoverage> {
        self.fine.as_ref().map(Reliability::risk_coverage)
    }

    /// The diagram of the top label.
    pub(super) fn of_top(&self) -> Vec<ReliabilityBin> {
        self.regrouped(match self.equal_mass {
            Some(_) => self.fine.as_ref().unwrap_or(&self.top),
            None => &self.top,
        })
    }

    /// The diagram of each class.
    pub(super) fn of_classes(&self) -> impl Iterator<Item = Vec<ReliabilityBin>> {
        self.classes.classes().iter().map(|class| self.regrouped(class))
    }

    fn regrouped(&self, bins: &Reliability) -> Vec<ReliabilityBin> {
        match self.equal_mass.and_then(|parts| bins.equal_mass(parts).ok()) {
            Some(regrouped) => regrouped.bins(),
            None => bins.bins(),
        }
    }

    /// ECE, ACE and MCE.
    fn errors(&self, bins: &Reliability) -> [f64; 3] {
        let regrouped = self.equal_mass.and_then(|parts| bins.equal_mass(parts).ok());
        CalibrationReduction::ALL.map(|reduction| match &regrouped {
            Some(regrouped) => regrouped.error(reduction),
            None => bins.error(reduction),
        })
    }

    /// [`ERRORS`] of each class, of their mean and of the top label, and the area under the risk-coverage curve. A class that does
    /// not occur has no number.
    pub(super) fn numbers(&self) -> Numbers {
        let occurring = |class: &Reliability| match class.correct() {
            0 => [f64::NAN; 3],
            _ => self.errors(class),
        };
        let of_classes: Vec<_> = self.classes.classes().iter().map(occurring).collect();
        let mean = [0, 1, 2].map(|error| {
            let found = of_classes
                .iter()
                .map(|errors| errors[error])
                .filter(|error| !error.is_nan());
            found.clone().sum::<f64>() / found.count() as f64
        });
        let top = match self.equal_mass {
            Some(_) => self.errors(self.fine.as_ref().unwrap_or(&self.top)),
            None => self.errors(&self.top),
        };
        let mut rows = of_classes;
        rows.extend([mean, top]);
        Numbers {
            errors: rows,
            aurc: self.risk_coverage().map(|curve| curve.aurc()),
        }
    }
}

/// The numbers of some bins.
#[derive(Debug, Clone)]
pub(super) struct Numbers {
    /// Of each class, of their mean, and of the top label.
    pub(super) errors: Vec<[f64; 3]>,
    pub(super) aurc: Option<f64>,
}

impl Numbers {
    /// One after the other.
    pub(super) fn all(&self) -> impl Iterator<Item = f64> {
        self.errors.iter().flatten().copied().chain(self.aurc)
    }
}
