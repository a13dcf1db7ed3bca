//! `soft-labels fuse`: the label maps of several raters to one, or to the probability of each class.

mod report;

use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use ndarray::ArrayD;
use report::{Fused, Performance, Report};
use soft_labels::fusion::{Staple, Ties, majority_vote};
use soft_labels::metrics::top_labels_with_ties;
use soft_labels::{Classes, OneHot, multirater};
use soft_labels_files::{Format, write_labels_as, write_probabilities};

use crate::cases;
use crate::classes::ClassArgs;
use crate::command::{Failure, Outcome, printable, shown};
use crate::jobs::{self, FileArgs, Formats, Job};
use crate::memory;
use crate::raters::Volume;
use crate::spared::Spared;
use crate::tables::TablesArgs;

/// Makes one label map of several raters', or the probability of each class
#[derive(Debug, clap::Args)]
#[command(
    before_help = "\
soft-labels fuse --classes 2 --out agreed.nii.gz rater_1.nii.gz rater_2.nii.gz rater_3.nii.gz
soft-labels fuse --classes 2 --method staple --out agreed/ --raters rater_1/ rater_2/ rater_3/",
    after_help = "\
STAPLE (Warfield et al. 2004) also estimates how well each rater finds each class, which is printed as a table.
Its prior depends on the field of view: with --crop-to-disagreement it is that of the box, and elsewhere the raters agree.
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

    /// Which of several labels wins that tie, in a vote or as the most probable: lowest, highest, prefer=V or undecided=V
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

    /// STAPLE on the box around the voxels at which raters differ, with so many voxels more on each side
    #[arg(long, value_name = "MARGIN", help_heading = "Method")]
    crop_to_disagreement: Option<usize>,

    /// Also what STAPLE found in each of several cases
    #[arg(long)]
    per_case: bool,

    /// Seed of the bootstrap: 2000 draws of the cases for the 95 % interval of the mean
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    tables: TablesArgs,
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
pub(crate) struct TieRule(pub(crate) Ties<i64>);

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
    if args.crop_to_disagreement.is_some() && args.method != Method::Staple {
        return Err("--crop-to-disagreement is for STAPLE; set --method staple".into());
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
    let read = plan
        .jobs
        .iter()
        .flat_map(|job| job.raters())
        .map(|(_, file)| file.as_path());
    let spared = Spared::of(read.chain(args.classes.file()));
    args.tables.check(&report::NAMES, &spared, args.files.existing)?;
    let fuse = |job: &Job| fuse(args, &named.classes, job).map_err(|failure| job.named_failure(failure));
    let results = if plan.to_folder {
        args.files.work.each(&plan.jobs, |job: &Job| job.title(), fuse)?
    } else {
        vec![Ok(fuse(plan.jobs.first().ok_or("there is nothing to fuse")?)?)]
    };
    let failed = results.iter().filter(|result| result.is_err()).count();
    let report = Report {
        jobs: &plan.jobs,
        results: &results,
        names: &named.names,
        seed: args.seed,
    };
    let tables = report.tables(args.per_case);
    args.tables.show(&tables, || report.json(), args.files.existing)?;
    Ok(if failed == 0 {
        Outcome::Well
    } else {
        Outcome::SomeFailed
    })
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
            if let Some(margin) = args.crop_to_disagreement {
                settings = settings.crop_to_disagreement(margin);
            }
            let fused = settings.fuse(&views, classes)?;
            staple = Some(Performance::of(&fused, maps.len(), classes.len()));
            Either::Probabilities(fused.into_posterior())
        }
    };
    match fused {
        Either::Labels(labels) => write_labels_as(job.place(), &labels, element_type, &geometry)?,
        Either::Probabilities(soft) if args.output == What::Labels => {
            let labels: ArrayD<i64> = top_labels_with_ties(&soft, classes, args.ties.0)?;
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
    let name = |(rater, file): (usize, &PathBuf)| match args.files.drawn.raters.get(rater) {
        Some(folder) => shown(folder),
        // Of one name in the folders of several cases.
        None if args.files.drawn.rater_files.is_some() => printable(&cases::name_of(file).to_string_lossy()),
        None => shown(file),
    };
    let named: Vec<_> = job.raters().map(name).collect();
    if named.len() == count {
        return named;
    }
    (1..=count).map(|rater| format!("rater {rater}")).collect()
}
