//! Finds a calibration on many cases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ndarray::ArrayD;
use soft_labels::metrics::{Calibration, CalibrationFit, CalibrationScores, FitSums};
use soft_labels_files::Palette;

use super::Args;
use super::outputs::{Found, told};
use super::report::{Report, TABLES};
use crate::cases::{self, Case};
use crate::classes::{NamedClasses, read_map};
use crate::command::{Failure, Outcome, complain, of_file};
use crate::grid::Grid;
use crate::memory;
use crate::spared::Spared;

pub(super) fn run(args: &Args) -> Result<Outcome, Failure> {
    let named = args.classes.read()?;
    let cases = cases(args)?;
    let files = cases.iter().flat_map(|case| case.raters.iter().flatten());
    let spared = Spared::of(files.map(PathBuf::as_path).chain(args.classes.file()));
    spared.check(&args.out)?;
    let place = args.existing.place(&args.out);
    place.check()?;
    args.tables.check(&TABLES, &spared, args.existing)?;
    // Before anything is read.
    CalibrationScores::new(named.classes.len(), args.bins)?;

    let study = Study {
        args,
        named: &named,
        palette: args.classes.palette()?,
    };
    let numbered: Vec<_> = cases.into_iter().enumerate().collect();
    let Some(fit) = study.fit(&numbered)? else {
        return Ok(Outcome::SomeFailed);
    };
    let Some([before, after]) = study.scores(&numbered, &fit)? else {
        return Ok(Outcome::SomeFailed);
    };
    let folds = study.folds(&numbered);
    let report = Report {
        calibration: fit.calibration()?,
        without: (0..folds).map(|fold| fit.without(fold)).collect::<Result<_, _>>()?,
        cases: numbered.len(),
        before,
        after: (folds > 0).then_some(after),
        bins: args.bins,
        names: &named.names,
    };
    report.write(&place)?;
    args.tables.show(&report.tables(), || report.json(), args.existing)?;
    Ok(Outcome::Well)
}

/// The predictions of all cases and their label maps, by name.
fn cases(args: &Args) -> Result<Vec<Case>, Failure> {
    let [predictions, labels] = args.inputs.as_slice() else {
        return Err(format!(
            "{} paths are given; give the predictions and their label maps, two files or two folders, or --apply",
            args.inputs.len()
        )
        .into());
    };
    match [predictions, labels].map(|path| cases::is_folder(path)) {
        [true, true] => Ok(cases::pair(vec![
            cases::of_outputs(predictions)?,
            cases::of_folder(labels)?,
        ])),
        [false, false] => Ok(vec![Case {
            name: cases::name_of(predictions),
            raters: vec![Some(predictions.clone()), Some(labels.clone())],
        }]),
        _ => Err("give two files or two folders: predictions and their label maps".into()),
    }
}

struct Study<'a> {
    args: &'a Args,
    named: &'a NamedClasses,
    palette: Option<Palette>,
}

/// Sums of cases that are added in the order of the cases, so that they have the same bits for any number of threads.
struct InOrder {
    fit: CalibrationFit,
    next: usize,
    waiting: BTreeMap<usize, FitSums>,
}

impl InOrder {
    fn add(&mut self, case: usize, sums: FitSums) -> Result<(), Failure> {
        self.waiting.insert(case, sums);
        while let Some(sums) = self.waiting.remove(&self.next) {
            self.fit.add(&sums)?;
            self.next += 1;
        }
        Ok(())
    }
}

impl Study<'_> {
    /// How many folds there are; none for one case.
    fn folds(&self, cases: &[(usize, Case)]) -> usize {
        match cases.len() {
            0 | 1 => 0,
            cases => cases.min(self.args.folds.into()),
        }
    }

    /// Goes through all cases until everything is found. If cases fail, they are named and nothing is found.
    fn fit(&self, cases: &[(usize, Case)]) -> Result<Option<CalibrationFit>, Failure> {
        let classes = &self.named.classes;
        let mut fit = CalibrationFit::new(self.args.method.into(), classes.len(), self.args.logits)?;
        if self.folds(cases) > 0 {
            fit = fit.folds(self.folds(cases))?;
        }
        for pass in 1.. {
            let sums = Mutex::new(InOrder {
                fit: fit.clone(),
                next: 0,
                waiting: BTreeMap::new(),
            });
            let read = |case: usize, path: &Path, found: &Found, labels: &ArrayD<i64>| {
                let of_case = told(path, fit.sums(&found.values, found.outputs, labels, classes, case))?;
                let mut sums = sums.lock().map_err(|error| error.to_string())?;
                sums.add(case, of_case)
            };
            if self.each(cases, &format!("pass {pass}"), read)?.is_none() {
                return Ok(None);
            }
            fit = sums.into_inner().map_err(|error| error.to_string())?.fit;
            if !fit.step()? {
                break;
            }
        }
        Ok(Some(fit))
    }

    /// The scores of all cases as they are, and by what was found without them.
    fn scores(&self, cases: &[(usize, Case)], fit: &CalibrationFit) -> Result<Option<[CalibrationScores; 2]>, Failure> {
        let classes = &self.named.classes;
        let none = || CalibrationScores::new(classes.len(), self.args.bins);
        let as_it_is = Calibration::temperature(1.0, classes.len())?;
        let read = |case: usize, path: &Path, found: &Found, labels: &ArrayD<i64>| {
            let score = |calibration: &Calibration| -> soft_labels::Result<CalibrationScores> {
                let mut scores = none()?;
                scores.add(calibration, &found.values, found.outputs, labels, classes)?;
                Ok(scores)
            };
            let without = fit.without(case)?;
            Ok([told(path, score(&as_it_is))?, told(path, score(&without))?])
        };
        let Some(results) = self.each(cases, "scores", read)? else {
            return Ok(None);
        };
        let mut all = [none()?, none()?];
        for of_case in results {
            for (all, scores) in all.iter_mut().zip(of_case) {
                all.merge(&scores)?;
            }
        }
        Ok(Some(all))
    }

    /// Reads all cases, some at a time, and does something with each. Nothing, if one of several fails: they were named.
    fn each<T: Send>(
        &self,
        cases: &[(usize, Case)],
        what: &str,
        read: impl Fn(usize, &Path, &Found, &ArrayD<i64>) -> Result<T, Failure> + Sync,
    ) -> Result<Option<Vec<T>>, Failure> {
        if let [(at, case)] = cases {
            return Ok(Some(vec![self.read(*at, case, &read)?]));
        }
        let title = |(_, case): &(usize, Case)| format!("{}, {what}", case.title());
        let results = self
            .args
            .work
            .each(cases, title, |(at, case)| self.read(*at, case, &read))?;
        let failed = results.iter().filter(|result| result.is_err()).count();
        if failed > 0 {
            complain(&format!(
                "{failed} of {} cases failed and nothing is written; mend them, or take them out of both folders",
                results.len()
            ));
            return Ok(None);
        }
        Ok(Some(results.into_iter().flatten().collect()))
    }

    fn read<T>(
        &self,
        at: usize,
        case: &Case,
        read: impl Fn(usize, &Path, &Found, &ArrayD<i64>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut files = case.raters.iter().map(Option::as_deref);
        let prediction = files
            .next()
            .flatten()
            .ok_or("has no prediction; add it, or remove its label map")?;
        let reference = files
            .next()
            .flatten()
            .ok_or("has no label map; add it, or remove its prediction")?;
        let classes = &self.named.classes;
        let map = read_map(reference, self.palette.as_ref())?;
        memory::check_voxels(map.labels.shape(), size_of::<i64>())?;
        let (labels, geometry) = (map.labels.into_i64(), map.geometry);
        of_file(reference, classes.valid_mask(&labels).map_err(Failure::from))?;
        let found = Found::of_labels(
            prediction,
            labels.ndim(),
            geometry.axes(),
            classes.len(),
            self.args.logits,
        )?;
        if found.shape() != labels.shape() {
            let error = format!(
                "has the voxels {:?}, but its label map {:?}; give the same voxels",
                found.shape(),
                labels.shape()
            );
            return of_file(prediction, Err(error.into()));
        }
        let grid = |path, geometry| Grid {
            path,
            geometry,
            shape: labels.shape().to_vec(),
        };
        self.args
            .grid
            .check(&[grid(prediction, found.geometry.clone()), grid(reference, geometry)])?;
        // Probabilities before and after, in the order of voxels, and the class of each voxel.
        memory::check_voxels(labels.shape(), 24 * classes.len() + 32)?;
        read(at, prediction, &found, &labels)
    }
}
