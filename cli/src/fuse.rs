//! `soft-labels fuse`: the label maps of several raters to one, or to the probability of each class.

use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use ndarray::{ArrayD, IxDyn};
use serde_json::{Value as Json, json};
use soft_labels::fusion::{Staple, StapleFusion, Ties, majority_vote};
use soft_labels::metrics::top_labels;
use soft_labels::{Classes, OneHot, multirater};
use soft_labels_files::{Format, write_labels_as, write_probabilities};

use crate::classes::{ClassArgs, NamedClasses};
use crate::command::{self, Failure, Outcome, shown};
use crate::jobs::{self, FileArgs, Formats, Job};
use crate::memory;
use crate::raters::Volume;

/// Makes one label map of several raters', or the probability of each class
#[derive(Debug, clap::Args)]
#[command(
    before_help = "\
soft-labels fuse --classes 2 --out agreed.nii.gz rater_1.nii.gz rater_2.nii.gz rater_3.nii.gz
soft-labels fuse --classes 2 --method staple --out agreed/ --raters rater_1/ rater_2/ rater_3/",
    after_help = "\
STAPLE (Warfield et al. 2004) also estimates how well each rater finds each class, which is printed as a table.
Probabilities have the classes first, (C, D, H, W) or (C, H, W); in NIfTI they are last."
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: FileArgs,

    #[command(flatten)]
    classes: ClassArgs,

    /// The label that most raters gave, the truth as STAPLE estimates it, or the share of the raters
    #[arg(long, value_enum, default_value_t = Method::Majority, help_heading = "Method")]
    method: Method,

    /// A label map, or the probability of each class (mean and STAPLE)
    #[arg(long, value_enum, default_value_t = What::Labels, help_heading = "Method")]
    output: What,

    /// Which of several labels wins a vote that ties: lowest, highest, prefer=V or undecided=V
    #[arg(long, value_name = "RULE", default_value = "lowest", help_heading = "Method")]
    ties: TieRule,

    /// STAPLE ends when no probability of a rater changes by more
    #[arg(long, value_name = "T", default_value_t = 1e-7, help_heading = "Method")]
    tolerance: f64,

    /// The most iterations of STAPLE
    #[arg(long, value_name = "N", default_value_t = 10_000, help_heading = "Method")]
    max_iterations: usize,

    /// The prior probability of each class for STAPLE [default: its share of all labels]
    #[arg(long, value_name = "P,P..", value_delimiter = ',', help_heading = "Method")]
    prior: Option<Vec<f64>>,

    /// Prints JSON instead of tables
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    Majority,
    Staple,
    Mean,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Labels,
    Probabilities,
}

#[derive(Debug, Clone, Copy)]
struct TieRule(Ties<i64>);

impl FromStr for TieRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let label = |text: &str| {
            text.parse()
                .map_err(|_| format!("{text} is no label; write a whole number"))
        };
        Ok(Self(match text.split_once('=') {
            None if text == "lowest" => Ties::Lowest,
            None if text == "highest" => Ties::Highest,
            Some(("prefer", value)) => Ties::Prefer(label(value)?),
            Some(("undecided", value)) => Ties::Undecided(label(value)?),
            _ => return Err("write lowest, highest, prefer=V or undecided=V".into()),
        }))
    }
}

const LABELS: Formats = Formats {
    written: Format::writes_labels,
    option: None,
};

const PROBABILITIES: Formats = Formats {
    written: Format::writes_probabilities,
    option: None,
};

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    if (args.method, args.output) == (Method::Majority, What::Probabilities) {
        return Err("a majority vote has no probabilities; choose --method mean or staple".into());
    }
    args.files.work.start()?;
    let named = args.classes.read()?;
    let plan = jobs::plan(
        &args.files,
        None,
        if args.output == What::Labels {
            &LABELS
        } else {
            &PROBABILITIES
        },
        Some(&named),
        args.classes.file().as_slice(),
    )?;
    let fuse = |job: &Job| fuse(args, &named.classes, job).map_err(|failure| job.named_failure(failure));
    let results = if plan.to_folder {
        args.files.work.each(&plan.jobs, Job::title, fuse)?
    } else {
        vec![Ok(fuse(plan.jobs.first().ok_or("there is nothing to fuse")?)?)]
    };
    let failed = results.iter().filter(|result| result.is_err()).count();
    command::printed(if args.json {
        print_json(&plan.jobs, &results, &named)
    } else {
        print(&plan.jobs, &results, &named)
    })?;
    Ok(if failed == 0 {
        Outcome::Well
    } else {
        Outcome::SomeFailed
    })
}

/// What is said about a case.
#[derive(Debug)]
struct Fused {
    raters: Vec<String>,
    shape: Vec<usize>,
    staple: Option<Performance>,
}

/// What STAPLE found about the raters.
#[derive(Debug)]
struct Performance {
    iterations: usize,
    converged: bool,
    /// Sensitivity and specificity by rater and class.
    of_raters: Vec<Vec<[f64; 2]>>,
}

impl Performance {
    fn of<F: soft_labels::SoftFloat>(staple: &StapleFusion<F, IxDyn>, raters: usize, classes: usize) -> Self {
        let of = |rater, class| {
            [staple.sensitivity(rater, class), staple.specificity(rater, class)].map(|p| p.unwrap_or(f64::NAN))
        };
        Self {
            iterations: staple.iterations(),
            converged: staple.converged(),
            of_raters: (0..raters)
                .map(|rater| (0..classes).map(|class| of(rater, class)).collect())
                .collect(),
        }
    }
}

fn fuse(args: &Args, classes: &Classes, job: &Job) -> Result<Fused, Failure> {
    let Volume {
        labels,
        element_type,
        geometry,
    } = job.read()?;
    let maps = labels.widen()?;
    // A label map or probabilities, what they are found from, and once more in the order of the file.
    let of_voxel = match (args.method, args.output) {
        (Method::Majority, _) => 32,
        (_, What::Labels) => 48 + 4 * classes.len(),
        (_, What::Probabilities) => 32 + 8 * classes.len(),
    };
    memory::check_voxels(maps.first().map_or(&[], |map| map.shape()), of_voxel)?;
    let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
    let mut staple = None;
    let fused: Either = match args.method {
        Method::Majority => Either::Labels(majority_vote(&views, classes, args.ties.0)?),
        Method::Mean => Either::Probabilities(multirater::average(&OneHot, &views, classes)?),
        Method::Staple => {
            let mut settings = Staple::new()
                .tolerance(args.tolerance)
                .max_iterations(args.max_iterations);
            if let Some(prior) = &args.prior {
                settings = settings.prior(prior.as_slice());
            }
            let fused = settings.fuse(&views, classes)?;
            staple = Some(Performance::of(&fused, maps.len(), classes.len()));
            Either::Probabilities(fused.into_posterior())
        }
    };
    match fused {
        Either::Labels(labels) => write_labels_as(job.place(), &labels, element_type, &geometry)?,
        Either::Probabilities(soft) if args.output == What::Labels => {
            let labels: ArrayD<i64> = top_labels(&soft, classes)?;
            write_labels_as(job.place(), &labels, element_type, &geometry)?;
        }
        Either::Probabilities(soft) => write_probabilities(job.place(), &soft, &geometry)?,
    }
    Ok(Fused {
        raters: raters(args, job, maps.len()),
        shape: maps.first().map_or(Vec::new(), |map| map.shape().to_vec()),
        staple,
    })
}

enum Either {
    Labels(ArrayD<i64>),
    Probabilities(ArrayD<f32>),
}

/// What the raters of a case are called: their files, their folders, or their numbers.
fn raters(args: &Args, job: &Job, count: usize) -> Vec<String> {
    let name = |(rater, file): (usize, &PathBuf)| match args.files.raters.get(rater) {
        Some(folder) => shown(folder),
        None => shown(file),
    };
    let named: Vec<_> = job.raters().map(name).collect();
    if named.len() == count {
        return named;
    }
    (1..=count).map(|rater| format!("rater {rater}")).collect()
}

fn print(jobs: &[Job], results: &[Result<Fused, String>], named: &NamedClasses) -> io::Result<()> {
    let mut text = io::stdout().lock();
    for (job, result) in jobs.iter().zip(results) {
        let Ok(fused) = result else {
            writeln!(text, "{}: failed", job.title())?;
            continue;
        };
        writeln!(
            text,
            "{}: {:?} of {} raters",
            shown(&job.out),
            fused.shape,
            fused.raters.len()
        )?;
        let Some(staple) = &fused.staple else { continue };
        let end = if staple.converged { "converged" } else { "not converged" };
        writeln!(text, "{} iterations, {end}", staple.iterations)?;
        let width = fused
            .raters
            .iter()
            .map(|rater| rater.chars().count())
            .max()
            .unwrap_or(0)
            .max(5);
        let wide = named
            .names
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0)
            .max(5);
        writeln!(text, "{:width$}  {:wide$}  sensitivity  specificity", "rater", "class")?;
        for (rater, of_classes) in fused.raters.iter().zip(&staple.of_raters) {
            for (class, [sensitivity, specificity]) in named.names.iter().zip(of_classes) {
                writeln!(
                    text,
                    "{rater:width$}  {class:wide$}  {sensitivity:11.4}  {specificity:11.4}"
                )?;
            }
        }
    }
    Ok(())
}

fn print_json(jobs: &[Job], results: &[Result<Fused, String>], named: &NamedClasses) -> io::Result<()> {
    let of_class = |(name, [sensitivity, specificity]): (&String, &[f64; 2])| json!({"class": name, "sensitivity": sensitivity, "specificity": specificity});
    let case = |(job, result): (&Job, &Result<Fused, String>)| match result {
        Err(error) => json!({"case": job.title(), "error": error}),
        Ok(fused) => {
            let mut object = json!({"case": job.title(), "shape": fused.shape, "raters": fused.raters});
            if let Some(staple) = &fused.staple {
                object["iterations"] = json!(staple.iterations);
                object["converged"] = json!(staple.converged);
                let of_rater =
                    |classes: &Vec<[f64; 2]>| named.names.iter().zip(classes).map(of_class).collect::<Json>();
                object["performance"] = staple.of_raters.iter().map(of_rater).collect();
            }
            object
        }
    };
    let cases: Json = jobs.iter().zip(results).map(case).collect();
    writeln!(io::stdout(), "{cases:#}")
}
