//! What was read and written.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use ndarray::IxDyn;
use soft_labels::{Classes, Label, Raters};
use soft_labels_files::ElementType;

use crate::command::shown;
use crate::jobs::Job;

#[derive(Debug, Default)]
pub(crate) struct Report {
    files: String,
    out: String,
    raters: usize,
    /// Of the raters, if STAPLE found them.
    weights: Vec<f64>,
    /// How many masks of structures were read, if these were.
    structures: usize,
    shape: Vec<usize>,
    element_type: Option<ElementType>,
    /// Label and voxels of each class.
    counts: Vec<(i128, u64)>,
    ignored: u64,
    uncertain: usize,
    /// Voxels of the result.
    voxels: usize,
    result: String,
    times: Vec<(&'static str, Duration)>,
}

impl Report {
    pub(crate) fn new(job: &Job, element_type: ElementType, reading: Duration) -> Self {
        let files: Vec<_> = job.raters().map(|(_, file)| shown(file)).collect();
        Self {
            files: files.join(", "),
            out: shown(&job.out),
            element_type: Some(element_type),
            times: vec![("reading", reading)],
            ..Self::default()
        }
    }

    pub(crate) fn count<L: Label>(&mut self, raters: &Raters<'_, L, IxDyn>, classes: &Classes) {
        self.raters = raters.len();
        self.shape = raters.shape().to_vec();
        self.counts = classes.values().into_iter().map(|label| (label, 0)).collect();
        let mut count = |&label: &L| match classes.class_of(label).and_then(|class| self.counts.get_mut(class)) {
            Some((_, count)) => *count += 1,
            None => self.ignored += 1,
        };
        for map in raters.maps() {
            // NIfTI has the first axis fastest. In that order an array is read many times as fast.
            match map.as_slice_memory_order() {
                Some(labels) => labels.iter().for_each(&mut count),
                None => map.iter().for_each(&mut count),
            }
        }
    }

    /// Tells the number of structures, whose files would be a long list.
    pub(crate) fn structures(&mut self, structures: usize) {
        self.structures = structures;
        if let Some((first, _)) = self.files.split_once(", ") {
            self.files = format!("{first}, ..");
        }
    }

    /// For results whose voxels are not counted by class.
    pub(crate) fn shape(&mut self, shape: &[usize], raters: usize) {
        (self.shape, self.raters) = (shape.to_vec(), raters);
    }

    pub(crate) fn weights(&mut self, weights: &[f64]) {
        self.weights = weights.to_vec();
    }

    pub(crate) fn time(&mut self, what: &'static str, start: Instant) {
        self.times.push((what, start.elapsed()));
    }

    pub(crate) fn uncertain(&mut self, uncertain: usize, shape: &[usize]) {
        (self.uncertain, self.voxels) = (uncertain, shape.iter().product());
    }

    pub(crate) fn wrote(&mut self, result: String) {
        self.result = result;
    }

    fn percent(&self) -> f64 {
        100.0 * self.uncertain as f64 / self.voxels.max(1) as f64
    }

    pub(crate) fn print(&self) -> io::Result<()> {
        let mut text = io::stdout().lock();
        let of = if self.structures > 0 {
            format!(", {} structures", self.structures)
        } else if self.raters == 1 {
            String::new()
        } else {
            format!(", {} raters", self.raters)
        };
        let kind = self.element_type.map_or(String::new(), |kind| kind.to_string());
        writeln!(text, "read      {}: {:?} of {kind}{of}", self.files, self.shape)?;
        if !self.weights.is_empty() {
            let weights: Vec<_> = self.weights.iter().map(|weight| format!("{weight:.4}")).collect();
            writeln!(text, "weights   {} of STAPLE", weights.join(", "))?;
        }
        if !self.counts.is_empty() {
            writeln!(text, "\n  class   label      voxels")?;
        }
        for (class, (label, count)) in self.counts.iter().enumerate() {
            writeln!(text, "{class:7} {label:7} {count:11}")?;
        }
        if self.ignored > 0 {
            writeln!(text, "ignored         {:11}", self.ignored)?;
        }
        if self.voxels > 0 {
            writeln!(
                text,
                "\n{} of {} voxels ({:.1} %) {}",
                self.uncertain,
                self.voxels,
                self.percent(),
                if self.structures > 0 {
                    "are not certain"
                } else {
                    "have more than one class"
                }
            )?;
        }
        writeln!(text, "wrote     {}: {}", self.out, self.result)?;
        for (what, time) in &self.times {
            writeln!(text, "{what:9} {:9.1} ms", time.as_secs_f64() * 1e3)?;
        }
        Ok(())
    }
}

/// A row for each case, and how many there were.
pub(crate) fn print_all(jobs: &[Job], results: &[Result<Report, String>]) -> io::Result<()> {
    let mut text = io::stdout().lock();
    let width = jobs
        .iter()
        .map(|job| job.title().chars().count())
        .max()
        .unwrap_or(0)
        .max(4);
    writeln!(text, "{:width$}  raters  more than one class  result", "case")?;
    for (job, result) in jobs.iter().zip(results) {
        let title = job.title();
        match result {
            Ok(report) => writeln!(
                text,
                "{title:width$}  {:6}  {:17.1} %  {}",
                report.raters,
                report.percent(),
                report.result
            )?,
            Err(_) => writeln!(text, "{title:width$}  failed")?,
        }
    }
    let failed = results.iter().filter(|result| result.is_err()).count();
    writeln!(
        text,
        "\n{} of {} cases written, {failed} failed",
        results.len() - failed,
        results.len()
    )
}
