//! `soft-labels encode`: label maps from files to soft labels in files.

mod args;
#[cfg(feature = "zarr")]
#[expect(clippy::incompatible_msrv, reason = "the feature needs Rust 1.91")]
mod blocks;
mod report;
mod structures;
mod weights;

use std::fs::File;
use std::io::Read;
use std::iter;
use std::time::Instant;

pub(crate) use args::Args;
use args::Dtype;
use half::f16;
use ndarray::{ArrayD, Axis, IxDyn};
use report::Report;
use soft_labels::{Classes, Encoding, Label, Raters, SoftEncoder, SoftFloat, Window, pool, quantize, sparse};
use soft_labels_files::{Axes, Element, Format, Geometry, write_probabilities, write_sparse};

use crate::channels;
use crate::classes::NamedLabels;
use crate::command::{self, Failure, Outcome, of_file};
use crate::jobs::{self, Formats, Job};
use crate::memory;
use crate::raters::each_type;
use crate::spared::Spared;

const SOFT: Formats = Formats {
    written: Format::writes_probabilities,
    option: None,
};

const SPARSE: Formats = Formats {
    written: Format::writes_sparse,
    option: Some("--sparse"),
};

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    args.check()?;
    args.files.work.start()?;
    let encoding = match &args.config {
        Some(path) => Some(of_file(path, config(path))?),
        None if args.needs_spacing() => None,
        None => Some(args.encoding(None)?),
    };
    if args.channels.structures.is_some() && matches!(encoding, Some(Encoding::WithChannels(_))) {
        return Err("--config has channels, and --structures are channels, too; leave out one of them".into());
    }
    // Structures have patterns instead of classes, which the masks of a case tell.
    let named = match &args.channels.structures {
        Some(_) => None,
        None => Some(args.classes.read()?),
    };
    let regions = match &named {
        Some(named) if args.channels.are_regions() => channels::regions_of(named, args.channels.regions.as_ref())?,
        _ => Vec::new(),
    };
    let settings: Vec<_> = args.classes.file().into_iter().chain(args.config.as_deref()).collect();
    let formats = if args.sparse { &SPARSE } else { &SOFT };
    let structures = args.channels.structures.as_deref();
    let plan = jobs::plan(&args.files, structures, formats, named.as_ref(), &settings)?;
    let names = if regions.is_empty() {
        plan.structures
    } else {
        regions.iter().map(|(name, _)| name.clone()).collect()
    };
    let encoder = Encoder {
        args,
        classes: named.map(|named| named.classes),
        encoding: match encoding {
            Some(encoding) => Some(channels::with_regions(encoding, &regions)?),
            None => None,
        },
        regions,
    };
    let jobs = plan.jobs;
    let file = channels::names_file(&args.files.out, plan.to_folder);
    if !names.is_empty() {
        Spared::of(settings).check(&file)?;
    }
    channels::check_names(&file, &names, args.files.skip_existing)?;
    if let ([job], false) = (jobs.as_slice(), plan.to_folder) {
        let report = encoder.encode(job)?;
        channels::write_names(&file, &names)?;
        command::printed(report.print())?;
        return Ok(Outcome::Well);
    }
    let results = args
        .files
        .work
        .each(&jobs, |job: &Job| job.title(), |job| encoder.encode(job))?;
    let failed = results.iter().filter(|result| result.is_err()).count();
    if failed < jobs.len() {
        channels::write_names(&file, &names)?;
    }
    command::printed(report::print_all(&jobs, &results))?;
    Ok(if failed == 0 {
        Outcome::Well
    } else {
        Outcome::SomeFailed
    })
}

/// In bytes.
const LONGEST_CONFIG: u64 = 1 << 24;

fn config(path: &std::path::Path) -> Result<Encoding, Failure> {
    if !path.metadata()?.is_file() {
        return Err("is not a regular file".into());
    }
    let mut text = String::new();
    File::open(path)?.take(LONGEST_CONFIG).read_to_string(&mut text)?;
    // Some editors begin with a byte order mark.
    Ok(serde_json::from_str(text.trim_start_matches('\u{feff}'))?)
}

/// All that cases have in common.
struct Encoder<'a> {
    args: &'a Args,
    /// Not of structures.
    classes: Option<Classes>,
    /// The method with its channels, unless its settings follow from the voxel spacing of a case.
    encoding: Option<Encoding>,
    regions: Vec<NamedLabels>,
}

impl Encoder<'_> {
    fn encode(&self, job: &Job) -> Result<Report, Failure> {
        let Some(classes) = &self.classes else {
            return self.encode_structures(job);
        };
        #[cfg(feature = "zarr")]
        if job.format.is_folder() {
            return blocks::encode(self, classes, job);
        }
        let start = Instant::now();
        let volume = job.read()?;
        let case = Case::new(
            self,
            job,
            classes,
            self.encoding(&volume.geometry)?,
            volume.geometry,
            weights::given(self.args, job),
        )?;
        let mut report = Report::new(job, volume.element_type, start.elapsed());
        each_type!(volume.labels, maps => case.run(&maps, &mut report))
            .map_err(|failure| job.named_failure(failure))?;
        Ok(report)
    }

    /// Overlapping structures, whose masks are read one after the other.
    fn encode_structures(&self, job: &Job) -> Result<Report, Failure> {
        if job.format.is_folder() {
            return of_file(
                &job.out,
                Err("is a Zarr array, to which no structures are written; name another format".into()),
            );
        }
        let start = Instant::now();
        let (structures, geometry, element_type) = structures::read(job)?;
        let encoding = self.encoding(&geometry)?.with_channels(structures.channels()).into();
        let mut report = Report::new(job, element_type, start.elapsed());
        report.structures(structures.len());
        let case = Case::new(self, job, structures.classes(), encoding, geometry, None)?;
        case.run(&[structures.into_patterns()], &mut report)?;
        Ok(report)
    }

    fn encoding(&self, geometry: &Geometry) -> Result<Encoding, Failure> {
        match &self.encoding {
            Some(encoding) => Ok(encoding.clone()),
            None => channels::with_regions(self.args.encoding(geometry.spacing_mm())?, &self.regions),
        }
    }
}

/// One case, without its label maps.
struct Case<'a> {
    encoder: &'a Encoder<'a>,
    job: &'a Job,
    classes: Classes,
    encoding: Encoding,
    /// The length of the first axis.
    channels: usize,
    geometry: Geometry,
    weights: Option<Vec<f64>>,
}

impl<'a> Case<'a> {
    fn new(
        encoder: &'a Encoder<'a>,
        job: &'a Job,
        classes: &Classes,
        encoding: Encoding,
        geometry: Geometry,
        weights: Option<Vec<f64>>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            encoder,
            job,
            channels: encoding.channel_count(classes)?,
            classes: classes.clone(),
            encoding,
            geometry,
            weights,
        })
    }

    fn run<L: Label>(&self, maps: &[ArrayD<L>], report: &mut Report) -> Result<(), Failure> {
        let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
        let args = self.encoder.args;
        let raters = weights::raters(args, self.weights.as_deref(), &views, &self.classes, report)?;
        if self.encoder.classes.is_some() {
            report.count(&raters, &self.classes);
        } else {
            report.shape(raters.shape(), 1);
        }
        // To count uncertain voxels.
        memory::check_voxels(raters.shape(), 1)?;
        if self.encoder.args.sparse {
            return self.sparse(&raters, report);
        }
        match self.encoder.args.dtype {
            Dtype::F64 => self.write_soft(&self.soft::<_, f64>(&raters, report)?, &raters, report),
            Dtype::F32 => self.write_soft(&self.soft::<_, f32>(&raters, report)?, &raters, report),
            Dtype::F16 => self.write_soft(&self.halves(&raters, report)?, &raters, report),
            Dtype::U8 => self.write_soft(&self.bytes(&raters, report)?, &raters, report),
        }
    }

    fn sparse<L: Label>(&self, raters: &Raters<'_, L, IxDyn>, report: &mut Report) -> Result<(), Failure> {
        let start = Instant::now();
        let soft = sparse::encode_raters(&self.encoding, raters, &self.classes)?;
        report.time("smoothing", start);
        let start = Instant::now();
        write_sparse(self.job.place(), &soft)?;
        report.time("writing", start);
        report.uncertain(soft.uncertain_len(), soft.shape());
        report.wrote(format!("{:?}, sparse", soft.shape()));
        Ok(())
    }

    /// The soft labels of the window, classes first, in memory as the file will have them.
    fn soft<L: Label, F: SoftFloat>(
        &self,
        raters: &Raters<'_, L, IxDyn>,
        report: &mut Report,
    ) -> Result<ArrayD<F>, Failure> {
        let start = Instant::now();
        let window = self.window(raters)?;
        let classes = &self.classes;
        let mut soft;
        if let Some(scale) = self.encoder.args.scale.as_deref() {
            soft = self.allocate(F::zero(), &window.at_scale(scale)?.shape())?;
            pool::encode_window_into(&self.encoding, raters, classes, window.ranges(), scale, &mut soft)?;
        } else {
            soft = self.allocate(F::zero(), &window.shape())?;
            self.encoding
                .encode_raters_window_into(raters, classes, window.ranges(), &mut soft)?;
        }
        report.time("smoothing", start);
        Ok(soft)
    }

    /// The soft labels of the window in 16 bits.
    fn halves<L: Label>(&self, raters: &Raters<'_, L, IxDyn>, report: &mut Report) -> Result<ArrayD<f16>, Failure> {
        let soft = self.soft::<_, f32>(raters, report)?;
        let mut out = self.allocate(f16::ZERO, &soft.shape()[1..])?;
        // As the library rounds, without another copy of its engine in this program.
        out.zip_mut_with(&soft, |out, &p| *out = f16::from_f32(p));
        Ok(out)
    }

    /// The soft labels of the window in 255ths.
    fn bytes<L: Label>(&self, raters: &Raters<'_, L, IxDyn>, report: &mut Report) -> Result<ArrayD<u8>, Failure> {
        let start = Instant::now();
        let window = self.window(raters)?;
        let classes = &self.classes;
        let mut out;
        if let Some(scale) = self.encoder.args.scale.as_deref() {
            let soft: ArrayD<f64> = pool::encode_window(&self.encoding, raters, classes, window.ranges(), scale)?;
            out = self.allocate(0, &soft.shape()[1..])?;
            if self.encoding.is_distribution(classes)? {
                quantize::soft_into(&soft, &mut out)?;
            } else {
                quantize::each_into(&soft, &mut out)?;
            }
        } else {
            out = self.allocate(0, &window.shape())?;
            quantize::encode_into(&self.encoding, raters, classes, window.ranges(), &mut out)?;
        }
        report.time("smoothing", start);
        Ok(out)
    }

    fn write_soft<L: Label, T: Element + Into<f64>>(
        &self,
        soft: &ArrayD<T>,
        raters: &Raters<'_, L, IxDyn>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let args = self.encoder.args;
        let start = Instant::now();
        let origin = self.window(raters)?.start();
        let scale = args.scale.as_deref().unwrap_or(&[1]);
        let mut geometry = self.geometry.clone();
        if let Some(spacing) = &args.spacing_mm {
            geometry = geometry.with_spacing_mm(spacing);
        }
        write_probabilities(self.job.place(), soft, &geometry.window(&origin, scale))?;
        report.time("writing", start);
        let one = if args.dtype == Dtype::U8 { 255.0 } else { 1.0 };
        report.uncertain(nontrivial(soft, one), &soft.shape()[1..]);
        let order = match self.job.format.axes() {
            Axes::Xyz => "last in the file",
            _ => "first",
        };
        let what = what(&self.encoding);
        report.wrote(format!("{:?}, {what} {order}", soft.shape()));
        Ok(())
    }

    fn window<L: Label>(&self, raters: &Raters<'_, L, IxDyn>) -> Result<Window, Failure> {
        Ok(window(self.encoder.args, raters.shape())?)
    }

    /// An array for the soft labels of so many voxels on each axis, in memory as the file will have it.
    fn allocate<T: Copy>(&self, zero: T, voxels: &[usize]) -> Result<ArrayD<T>, Failure> {
        let mut axes: Vec<_> = iter::once(self.channels).chain(voxels.iter().copied()).collect();
        let reversed = self.job.format.axes() == Axes::Xyz;
        if reversed {
            axes[1..].reverse();
        }
        let len = axes.iter().try_fold(1_usize, |len, &axis| len.checked_mul(axis));
        let mut values = Vec::new();
        match len.map(|len| (len, values.try_reserve_exact(len))) {
            Some((len, Ok(()))) => values.resize(len, zero),
            _ => return Err(format!("{axes:?} values do not fit in memory; make a --window of them").into()),
        }
        // What the encoder works with beside it.
        memory::check(0)?;
        let mut soft = ArrayD::from_shape_vec(axes, values)?;
        if reversed {
            let order: Vec<_> = iter::once(0).chain((1..soft.ndim()).rev()).collect();
            soft = soft.permuted_axes(order);
        }
        Ok(soft)
    }
}

/// What the first axis is called.
fn what(encoding: &Encoding) -> &'static str {
    match encoding {
        Encoding::WithChannels(_) => "channels",
        _ => "classes",
    }
}

/// What is encoded of a label map of this shape.
fn window(args: &Args, shape: &[usize]) -> soft_labels::Result<Window> {
    match &args.window {
        Some(ranges) => Window::new(shape, &ranges.0),
        None => Ok(Window::whole(shape)),
    }
}

/// How many voxels have no class that is certain, ignored ones aside.
fn nontrivial<T: Copy + Into<f64>>(soft: &ArrayD<T>, one: f64) -> usize {
    let mut uncertain = ArrayD::from_elem(&soft.shape()[1..], false);
    for class in soft.axis_iter(Axis(0)) {
        let between = |value: T| {
            let value: f64 = value.into();
            value != 0.0 && value != one
        };
        ndarray::Zip::from(&mut uncertain)
            .and(&class)
            .for_each(|uncertain, &value| *uncertain |= between(value));
    }
    uncertain.iter().filter(|&&uncertain| uncertain).count()
}
