//! Calibrations found by the likelihood of labels, one pass over the cases after the other.

use ndarray::ArrayRef;

use super::input::Case;
use super::newton::Newton;
use super::search::Search;
use super::sums::{Scale, Sums};
use super::{Calibration, CalibrationMethod, Outputs, check_outputs};
use crate::common::arrays::check_count;
use crate::input::classes;
use crate::{Classes, Error, Label, Result, SoftFloat, SpatialDim};

/// Classes that may have parameters of their own: all pairs of parameters have a number.
const MOST_CLASSES: usize = 1024;

const MOST_FOLDS: usize = 1024;

/// Passes after which a search ends wherever it is. Few need more than 10.
const MOST_PASSES: usize = 200;

/// Finds a [`Calibration`] by the likelihood of labels, on cases that the network was not trained on.
///
/// Cases need not be in memory together: each step of Newton's method is a pass over all of them, in which each is read once. With
/// [`folds`](Self::folds) the same passes also find the calibrations for cross-validation, each without the cases of one fold.
/// All cases have the same classes. Ignored voxels do not count.
///
/// A class that no case has keeps the temperature 1 and the bias 0, because its likelihood grows without end as its probability
/// falls. Temperatures are within 0.001 and 1000, and biases within -1000 and 1000. Where outputs separate the classes without a
/// mistake, the search ends when a step gains less than 1e-14 nats a voxel.
///
/// Sums are made in an order that the shapes alone decide. If they are [added](Self::add) in the order of cases, the result
/// has the same bits for any number of threads.
///
/// ```
/// use ndarray::array;
/// use soft_labels::Classes;
/// use soft_labels::metrics::{CalibrationFit, CalibrationMethod, Outputs};
///
/// let classes = Classes::contiguous(2)?;
/// // They are sure of class 1 by a logit of 4, and right three times of four: 4 / T = ln 3.
/// let logits = array![[[0.0, 0.0, 0.0, 0.0]], [[4.0, 4.0, 4.0, 4.0]]];
/// let cases = [(&logits, array![[1_u8, 1, 1, 0]]), (&logits, array![[1, 0, 1, 1]])];
///
/// let mut fit = CalibrationFit::new(CalibrationMethod::Temperature, 2, true)?.folds(2)?;
/// loop {
///     for (case, (logits, labels)) in cases.iter().enumerate() {
///         let sums = fit.sums(*logits, Outputs::Logits, labels, &classes, case)?;
///         fit.add(&sums)?;
///     }
///     if !fit.step()? {
///         break;
///     }
/// }
/// assert!((fit.calibration()?.temperatures()[0] - 4.0 / 3_f64.ln()).abs() < 1e-9);
/// assert_eq!(fit.without(0)?, fit.without(1)?); // the cases are alike
/// # Ok::<(), soft_labels::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct CalibrationFit {
    method: CalibrationMethod,
    classes: usize,
    logits: bool,
    /// Without the cases of each fold, and last of all cases.
    models: Vec<Model>,
    passes: usize,
}

/// The search for one calibration.
#[derive(Debug, Clone)]
struct Model {
    scale: Scale,
    search: Searching,
    is_found: bool,
    /// Of the cases of this pass.
    sums: Sums,
}

#[derive(Debug, Clone)]
enum Searching {
    One(Search),
    Several(Newton),
}

/// What one pass reads of a case.
#[derive(Debug, Clone)]
pub struct FitSums {
    /// Of the models that are not found yet and that the case belongs to.
    of_models: Vec<Option<Sums>>,
}

impl CalibrationFit {
    /// A search for the parameters of a method. `logits` says whether outputs are logits, or else probabilities.
    ///
    /// # Errors
    /// [`Error::Empty`] and [`Error::TooMany`] for the classes, of which 1024 may have temperatures of their own.
    ///
    /// The example of [`CalibrationFit`] uses it.
    pub fn new(method: CalibrationMethod, classes: usize, logits: bool) -> Result<Self> {
        classes::check_count("classes", classes)?;
        if method != CalibrationMethod::Temperature && classes > MOST_CLASSES {
            return Err(Error::TooMany {
                what: "classes with temperatures of their own",
                count: classes,
                max: MOST_CLASSES,
            });
        }
        Ok(Self {
            method,
            classes,
            logits,
            models: vec![Model::new(method, classes)],
            passes: 0,
        })
    }

    /// Also looks for the calibrations without the cases of each of so many folds. Case i is in fold i modulo `folds`.
    ///
    /// # Errors
    /// [`Error::Setting`] unless there are 2 or more, [`Error::TooMany`].
    ///
    /// The example of [`CalibrationFit`] uses it.
    pub fn folds(mut self, folds: usize) -> Result<Self> {
        match folds {
            0 | 1 => Err(Error::Setting {
                what: "number of folds",
                place: None,
                value: folds as f64,
                allowed: "2 or more",
            }),
            2..=MOST_FOLDS => {
                self.models = vec![Model::new(self.method, self.classes); folds + 1];
                Ok(self)
            }
            _ => Err(Error::TooMany {
                what: "folds",
                count: folds,
                max: MOST_FOLDS,
            }),
        }
    }

    fn fold_count(&self) -> usize {
        self.models.len() - 1
    }

    /// Reads a case of this pass: outputs (C, H, W) or (C, D, H, W) beside the labels (H, W) or (D, H, W). `case` is its number.
    /// Several threads may read cases at the same time.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Axes`], [`Error::UnknownLabel`], [`Error::Count`] for other classes, [`Error::OtherOutputs`],
    /// [`Error::Logit`], [`Error::Probability`], [`Error::ProbabilitySum`], [`Error::NoPrediction`], [`Error::TooLarge`].
    ///
    /// The example of [`CalibrationFit`] uses it.
    pub fn sums<F: SoftFloat, L: Label, D: SpatialDim>(
        &self,
        values: &ArrayRef<F, D::Larger>,
        outputs: Outputs,
        labels: &ArrayRef<L, D>,
        classes: &Classes,
        case: usize,
    ) -> Result<FitSums> {
        check_count("outputs", "classes", self.classes, classes.len())?;
        check_outputs(CalibrationMethod::Vector, self.logits, outputs)?;
        let fold = case.checked_rem(self.fold_count());
        let case = Case::new(values, outputs, labels, classes)?;
        let reads = |(at, model): (usize, &Model)| !model.is_found && Some(at) != fold;
        let reads: Vec<_> = self.models.iter().enumerate().map(reads).collect();
        let scales = self.models.iter().zip(&reads).filter(|(_, reads)| **reads);
        let scales: Vec<_> = scales.map(|(model, _)| &model.scale).collect();
        let mut sums = case.sums(&scales).into_iter();
        Ok(FitSums {
            of_models: reads
                .into_iter()
                .map(|reads| if reads { sums.next() } else { None })
                .collect(),
        })
    }

    /// Adds what was read of a case.
    ///
    /// # Errors
    /// [`Error::Shape`] if it was read by another search.
    ///
    /// The example of [`CalibrationFit`] uses it.
    pub fn add(&mut self, sums: &FitSums) -> Result<()> {
        let shape = |sums: &Sums| sums.curvature.len();
        let same = self
            .models
            .iter()
            .zip(&sums.of_models)
            .all(|(model, sums)| sums.as_ref().is_none_or(|sums| shape(sums) == shape(&model.sums)));
        if sums.of_models.len() != self.models.len() || !same {
            return Err(Error::Shape {
                what: "list of sums",
                place: None,
                expected: vec![self.models.len()],
                actual: vec![sums.of_models.len()],
            });
        }
        for (model, sums) in self.models.iter_mut().zip(&sums.of_models) {
            if let Some(sums) = sums {
                model.sums.merge(sums);
            }
        }
        Ok(())
    }

    /// Goes on after a pass over all cases, and tells whether another one is needed.
    ///
    /// # Errors
    /// [`Error::NoVoxels`] if no voxel counts in the cases of a calibration.
    ///
    /// The example of [`CalibrationFit`] uses it.
    pub fn step(&mut self) -> Result<bool> {
        self.passes += 1;
        let last = self.passes >= MOST_PASSES;
        for model in self.models.iter_mut().filter(|model| !model.is_found) {
            model.step(last)?;
        }
        Ok(self.models.iter().any(|model| !model.is_found))
    }

    /// The calibration of all cases, as far as it is found.
    ///
    /// # Errors
    /// None once [`step`](Self::step) has ended the search.
    ///
    /// The example of [`CalibrationFit`] uses it.
    pub fn calibration(&self) -> Result<Calibration> {
        self.of_model(self.fold_count())
    }

    /// The calibration of all cases but those that are in the same fold as this one, as far as it is found. Without folds it is
    /// that of all cases.
    ///
    /// # Errors
    /// None once [`step`](Self::step) has ended the search.
    ///
    /// The example of [`CalibrationFit`] uses it.
    pub fn without(&self, case: usize) -> Result<Calibration> {
        self.of_model(case.checked_rem(self.fold_count()).unwrap_or(0))
    }

    fn of_model(&self, at: usize) -> Result<Calibration> {
        let model = self.models.get(at).ok_or(Error::Empty { what: "cases" })?;
        let (temperatures, biases) = model.scale.temperatures();
        Calibration::new(self.method, self.logits, self.classes, temperatures, biases)
    }
}

impl Model {
    fn new(method: CalibrationMethod, classes: usize) -> Self {
        let scale = Scale::start(method, classes);
        Self {
            sums: Sums::new(&scale),
            search: match method {
                CalibrationMethod::Temperature => Searching::One(Search::new()),
                _ => Searching::Several(Newton::new(scale.clone(), classes)),
            },
            scale,
            is_found: false,
        }
    }

    fn step(&mut self, last: bool) -> Result<()> {
        let sums = std::mem::replace(&mut self.sums, Sums::new(&self.scale));
        if sums.voxels() == 0 {
            return Err(Error::NoVoxels);
        }
        match &mut self.search {
            Searching::One(search) => {
                self.is_found = search.step(sums.slopes());
                self.scale.parameters = vec![search.at()];
            }
            Searching::Several(search) => {
                self.is_found = search.step(&sums);
                self.scale = search.at().clone();
            }
        }
        self.is_found |= last;
        Ok(())
    }
}
