//! Applies a calibration to many predictions.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use half::f16;
use ndarray::{ArrayD, Axis, IxDyn};
use soft_labels::metrics::Calibration;
use soft_labels::{SoftFloat, quantize};
use soft_labels_files::{Axes, Element, ElementType, Format, write_probabilities};

use super::Args;
use super::outputs::{Form, Found, told};
use crate::cases;
use crate::command::{self, Failure, Outcome, of_file, shown};
use crate::jobs::is_folder;
use crate::memory;
use crate::spared::Spared;

/// A prediction, and where its calibrated probabilities go.
struct Job {
    title: String,
    input: PathBuf,
    out: PathBuf,
    format: Format,
}

pub(super) fn run(args: &Args, file: &Path) -> Result<Outcome, Failure> {
    let calibration = read(file)?;
    let to_folder = is_folder(&args.out)?;
    let jobs = jobs(args, to_folder)?;
    let inputs = jobs.iter().map(|job| job.input.as_path()).chain([file]);
    let folders = args
        .inputs
        .iter()
        .map(PathBuf::as_path)
        .filter(|path| cases::is_folder(path));
    let spared = Spared::of(inputs).with_folders(folders);
    if to_folder {
        spared.check_all(&args.out, jobs.iter().map(|job| job.out.as_path()))?;
        of_file(&args.out, fs::create_dir_all(&args.out).map_err(Failure::from))?;
    } else {
        spared.check(&args.out)?;
    }
    jobs.iter().try_for_each(|job| args.existing.place(&job.out).check())?;
    let apply = |job: &Job| apply(args, &calibration, job);
    if !to_folder {
        apply(jobs.first().ok_or("there is nothing to calibrate")?)?;
        command::printed(writeln!(io::stdout(), "wrote {}", shown(&args.out)))?;
        return Ok(Outcome::Well);
    }
    let results = args.work.each(&jobs, |job| job.title.clone(), apply)?;
    let done = results.iter().filter(|result| result.is_ok()).count();
    let line = format!("wrote {done} of {} predictions to {}", jobs.len(), shown(&args.out));
    command::printed(writeln!(io::stdout(), "{line}"))?;
    Ok(if done == jobs.len() {
        Outcome::Well
    } else {
        Outcome::SomeFailed
    })
}

/// In bytes. Numbers of as many classes as there may be take less.
const LONGEST: u64 = 1 << 24;

fn read(file: &Path) -> Result<Calibration, Failure> {
    let read = || -> Result<Calibration, Failure> {
        let mut text = String::new();
        fs::File::open(file)?.take(LONGEST).read_to_string(&mut text)?;
        serde_json::from_str(&text)
            .map_err(|error| format!("is no calibration ({error}); write one by calibrate without --apply").into())
    };
    of_file(file, read())
}

/// An error if a result cannot be written, before anything is begun.
fn jobs(args: &Args, to_folder: bool) -> Result<Vec<Job>, Failure> {
    let found = cases::outputs(&args.inputs)?;
    if !to_folder && found.len() > 1 {
        let many = format!("is a file, but there are {} predictions; name a folder", found.len());
        return of_file(&args.out, Err(many.into()));
    }
    let job = |(name, input): (std::ffi::OsString, PathBuf)| -> Result<Job, Failure> {
        let out = match args.format {
            _ if !to_folder => args.out.clone(),
            Some(format) => {
                let mut name = name.clone();
                name.push(format.ending());
                args.out.join(name)
            }
            None => args.out.join(input.file_name().unwrap_or(&name)),
        };
        match Format::of_name(&out).filter(|format| format.writes_probabilities()) {
            Some(format) => Ok(Job {
                title: command::printable(&name.to_string_lossy()),
                input,
                out,
                format,
            }),
            None => {
                let written = Format::list(Format::writes_probabilities);
                let how = if to_folder {
                    format!("its format is read, not written; set --format to {written}, without the dot")
                } else {
                    format!("its format is not written; name {written}")
                };
                of_file(&out, Err(how.into()))
            }
        }
    };
    found.into_iter().map(job).collect()
}

fn apply(args: &Args, calibration: &Calibration, job: &Job) -> Result<(), Failure> {
    let found = Found::alone(&job.input, job.format.axes(), calibration.class_count(), args.logits)?;
    // The result, as it is computed and as it is written.
    memory::check_voxels(found.values.shape(), 24)?;
    match found.element_type {
        ElementType::F64 => {
            let probabilities = calibrated::<f64>(calibration, job, &found)?;
            write(args, job, &found, &probabilities)
        }
        // NIfTI and NRRD have no floats of 16 bits.
        ElementType::F16 if job.format.axes() == Axes::Dhw => {
            let probabilities = calibrated::<f16>(calibration, job, &found)?;
            write(args, job, &found, &probabilities)
        }
        ElementType::U8 => {
            let probabilities = calibrated::<f64>(calibration, job, &found)?;
            let mut parts = ArrayD::zeros(probabilities.raw_dim());
            if found.form == Form::Classes {
                quantize::soft_into(&probabilities, &mut parts)?;
            } else {
                quantize::each_into(&probabilities, &mut parts)?;
            }
            write(args, job, &found, &parts)
        }
        _ => {
            let probabilities = calibrated::<f32>(calibration, job, &found)?;
            write(args, job, &found, &probabilities)
        }
    }
}

fn calibrated<G: SoftFloat>(calibration: &Calibration, job: &Job, found: &Found) -> Result<ArrayD<G>, Failure> {
    told(
        &job.input,
        calibration.apply::<f64, G, IxDyn>(&found.values, found.outputs),
    )
}

/// Writes what the input had: all classes, or the foreground alone.
fn write<T: Element>(args: &Args, job: &Job, found: &Found, probabilities: &ArrayD<T>) -> Result<(), Failure> {
    let place = args.existing.place(&job.out);
    let foreground = || probabilities.index_axis(Axis(0), 1);
    match found.form {
        Form::Classes => write_probabilities(place, probabilities, &found.geometry)?,
        // Other formats leave out an axis of length 1 by themselves.
        Form::Foreground if job.format.name() == "NumPy" => {
            write_probabilities(place, &foreground(), &found.geometry)?;
        }
        Form::Foreground | Form::Channel => {
            write_probabilities(place, &foreground().insert_axis(Axis(0)), &found.geometry)?;
        }
    }
    Ok(())
}
